//! What a person decides about a run's tasks: plans are approved, tasks run again, agents get
//! permissions.
//!
//! Invariant: a decision is one event in the journal, checked before it is written.

pub(crate) mod approve;
pub(crate) mod leftovers;
pub(crate) mod permission;
pub(crate) mod retry;
