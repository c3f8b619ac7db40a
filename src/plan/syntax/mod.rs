//! Small readers that the formats share: front matter, YAML, "did you mean".
//!
//! Invariant: they know no format and report nothing; the caller turns a fault into a diagnostic
//! with its line.

pub(crate) mod front_matter;
pub(crate) mod yaml;
