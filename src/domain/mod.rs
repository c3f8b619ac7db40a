//! The vocabulary and the rules: everything that can be decided without looking at the outside.
//!
//! Invariant: pure. The code here uses no file, clock, process, environment or git handle, and no
//! other layer; facts about the world arrive as values.

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
pub(crate) mod snapshot;
pub(crate) mod steps;
pub(crate) mod task;
pub(crate) mod text;
