//! Commands at the end of a run: finish it, and clean up.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub(crate) mod clean;
pub(crate) mod finish;
