//! Commands for programs: the supervisor of an attempt, an agent's report, the skill file.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub mod exec;
pub mod report;
pub mod skill;
