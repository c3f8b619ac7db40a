//! The machine: processes, locks, disks, the clock, and the crash points of tests.
//!
//! Invariant: the only layer that starts programs other than git, and the only one that reads the
//! clock. It uses `domain` alone.

pub(crate) mod clock;
pub(crate) mod crash;
pub(crate) mod disk;
pub(crate) mod lock;
pub(crate) mod private;
pub(crate) mod process;
