//! Commands about the installation: checks, man pages, completion.
//!
//! Invariant: each file resolves its arguments, calls one lower function, and prints.

pub mod complete;
pub mod doctor;
pub mod install_man;
