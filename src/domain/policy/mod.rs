//! What to do next: pure functions from a snapshot to decisions.
//!
//! Invariant: a decision is made in one place. [`schedule`] says what happens now, [`pipeline`]
//! what a task goes through, [`choice`] who does it with which model, [`access`] who may do what,
//! [`limits`] when a program may be used again, [`verdicts`] what the end of an attempt means,
//! [`integration`] whose commits may be built on. Nothing here performs anything.

pub(crate) mod access;
pub(crate) mod choice;
pub(crate) mod handover;
pub(crate) mod integration;
pub(crate) mod limits;
pub(crate) mod ownership;
pub(crate) mod pipeline;
pub(crate) mod proposal;
pub(crate) mod repair;
pub(crate) mod retry;
pub(crate) mod schedule;
pub(crate) mod verdicts;
pub(crate) mod wait;
