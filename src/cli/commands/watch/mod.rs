//! Commands that look at a run and change nothing.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub mod compare;
pub mod log;
pub mod show;
pub mod status;
pub mod wait;
