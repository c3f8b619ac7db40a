//! Commands for programs: the supervisor of an attempt, an agent's report, the skill file.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub(crate) mod exec;
pub(crate) mod report;
pub(crate) mod skill;
