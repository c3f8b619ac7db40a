//! Commands with which a person decides: approve, retry, allow, trust.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub mod allow;
pub mod approve;
pub mod retry;
pub mod trust;
