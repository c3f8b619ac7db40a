//! Who drives a run: one process at a time, whom others can see, and end.
//!
//! Invariant: the kernel's lock says whether somebody drives; what stands in its file only says
//! who, and is believed of a living process that holds it. Nothing is read from a file whose lock
//! is free.

use std::time::{Duration, Instant};

use crate::domain::error::failure;
use crate::domain::steps::{Look, Remedy, Step};
use crate::domain::task::Worker;
use crate::run::folder::RunFolder;
use crate::system::clock;
use crate::system::lock::LockFile;
use crate::system::process;

/// How long a lock is tried that somebody only asks about, and a name is waited for that is not
/// written down yet.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often it is tried.
const GLANCE: Duration = Duration::from_millis(10);
/// Who drives a run, where that cannot be told.
const UNKNOWN: &str = "a process that is not known";

/// The process that drives a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Driver {
    /// For people: `pid 71 since 2026-01-01 00:00:00`.
    pub told: String,
    /// `None` where it was not written down, as in the first moment.
    pub worker: Option<Worker>,
}

/// Becomes the one that drives a run, until the lock is dropped; fails with who does.
pub(crate) fn take(folder: &RunFolder, run: &str) -> anyhow::Result<LockFile> {
    let lock = folder.controller_lock()?;
    let me = process::myself();
    let told = format!("pid {} since {}", me.pid, clock::time_of_day());
    let text = format!("{told}\n{}\n", serde_json::to_string(&me)?);
    let began = Instant::now();
    while !lock.try_hold(&text)? {
        if began.elapsed() > PATIENCE {
            let who = named(&lock).map_or(UNKNOWN.into(), |(told, _)| told);
            return Err(failure(
                format!("run '{run}' is driven already, by {who}"),
                Remedy::from(Step::Status(Look::Watch).to("Watch it"))
                    .or(Step::stop_run().to("Or stop it")),
            ));
        }
        std::thread::sleep(GLANCE);
    }
    Ok(lock)
}

/// Returns who drives a run now.
pub(crate) fn current(folder: &RunFolder) -> anyhow::Result<Option<Driver>> {
    let lock = folder.controller_lock()?;
    let began = Instant::now();
    while !lock.is_free()? {
        if let Some((told, worker)) = named(&lock) {
            return Ok(Some(Driver { told, worker: Some(worker) }));
        }
        if began.elapsed() > PATIENCE {
            return Ok(Some(Driver { told: UNKNOWN.into(), worker: None }));
        }
        std::thread::sleep(GLANCE);
    }
    Ok(None)
}

/// Returns whom the file of a lock names that is held, where that is who holds it: it may have
/// been written by one before, or by anybody.
fn named(lock: &LockFile) -> Option<(String, Worker)> {
    let (told, worker) = parse(&lock.holder());
    let worker = worker.filter(process::is_alive)?;
    let is_holder = match lock.holder_pid() {
        Some(pid) => pid == worker.pid,
        None => process::is_ours(&worker),
    };
    is_holder.then_some((told, worker))
}

fn parse(text: &str) -> (String, Option<Worker>) {
    let (told, worker) = text.split_once('\n').unwrap_or((text, ""));
    (told.to_owned(), serde_json::from_str(worker).ok())
}
