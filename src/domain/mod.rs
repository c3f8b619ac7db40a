//! The words and the rules: everything that can be decided without looking at the outside.
//!
//! Invariant: pure. No file, clock, process, environment or git handle is named here, and no other
//! layer; what is asked of the world arrives as a value.

pub mod agent;
pub mod allow;
pub mod blueprint;
pub mod config;
pub mod error;
pub mod oid;
pub mod plan;
pub mod policy;
pub mod prompt;
pub mod report;
pub mod review;
pub mod shell;
pub mod snapshot;
pub mod task;
pub mod text;
