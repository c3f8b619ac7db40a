//! The machine: processes, locks, disks, the clock, and the crash points of tests.
//!
//! Invariant: the only layer that starts programs other than git, and the only one that asks for
//! the time. It uses `domain` alone.

pub mod clock;
pub mod crash;
pub mod disk;
pub mod lock;
pub mod process;
