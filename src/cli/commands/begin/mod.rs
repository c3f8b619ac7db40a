//! Commands before a run: check a plan, try the demo.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub(crate) mod demo;
pub(crate) mod plan;
