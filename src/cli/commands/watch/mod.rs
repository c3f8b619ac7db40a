//! Commands that look at a run and change nothing.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub(crate) mod compare;
pub(crate) mod log;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod wait;
