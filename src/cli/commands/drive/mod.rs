//! Commands that move a run: start it, stop it, merge what is finished.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub(crate) mod merge;
pub(crate) mod start;
pub(crate) mod stop;
