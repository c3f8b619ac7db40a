//! Commands about the installation: checks, man pages, completion.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub(crate) mod complete;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod help;
pub(crate) mod install_man;
