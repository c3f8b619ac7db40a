//! The words and the rules: everything that can be decided without looking at the outside.
//!
//! Invariant: pure. No file, clock, process, environment or git handle is named here, and no other
//! layer; what is asked of the world arrives as a value.

pub(crate) mod agent;
pub(crate) mod allow;
pub(crate) mod blueprint;
pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod oid;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod prompt;
pub(crate) mod report;
pub(crate) mod review;
pub(crate) mod shell;
pub(crate) mod snapshot;
pub(crate) mod task;
pub(crate) mod text;
