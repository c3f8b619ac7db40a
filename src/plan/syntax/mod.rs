//! Small readers that the formats share: front matter, YAML, single values, "did you mean".
//!
//! Invariant: they know no format and report nothing; whoever calls them turns a fault into a
//! finding with its line.

pub(crate) mod front_matter;
pub(crate) mod near;
pub(crate) mod yaml;
