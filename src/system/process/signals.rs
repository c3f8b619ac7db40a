//! Ctrl-C and SIGTERM, for a process that must stop its job before it exits.
//!
//! Invariant: once listening, a signal stops the running job, not this process; a second signal
//! kills that job.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::system::process::StopSwitch;

/// A listener for SIGINT and SIGTERM.
pub(crate) struct Signals {
    pub stop: StopSwitch,
    last: Arc<AtomicI32>,
}

impl Signals {
    /// Handles the signals from now on.
    pub(crate) fn listen() -> anyhow::Result<Signals> {
        // Not SIGHUP: it ends this process as usual, and the supervisors, which left the terminal's
        // session, continue without it.
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
        let listening = Signals { stop: StopSwitch::default(), last: Arc::default() };
        let (stop, last) = (listening.stop.clone(), listening.last.clone());
        std::thread::spawn(move || {
            signals.forever().for_each(|signal| {
                last.store(signal, Ordering::Relaxed);
                stop.stop();
            });
        });
        Ok(listening)
    }

    /// Returns the last signal; `None` if there was none.
    pub(crate) fn last(&self) -> Option<i32> {
        Some(self.last.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }
}
