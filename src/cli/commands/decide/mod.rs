//! Commands with which the user decides: approve, retry, allow, trust.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub(crate) mod allow;
pub(crate) mod approve;
pub(crate) mod retry;
pub(crate) mod trust;
