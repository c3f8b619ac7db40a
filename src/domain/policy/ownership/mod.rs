//! What of a change is the agent's own work, and what of it needs somebody's word.
//!
//! Invariant: pure. Facts about paths come in, findings go out; nothing is committed, undone or
//! published here.

pub(crate) mod markers;
