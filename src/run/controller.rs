//! Who drives a run: one process at a time, whom others can see, and end.
//!
//! Invariant: the kernel's lock says whether somebody drives; what stands in its file only says
//! who. Nothing is read from a file whose lock is free.

use super::folder::RunFolder;
use crate::clock;
use crate::error::failure;
use crate::lock::LockFile;
use crate::process;
use crate::task::Worker;

/// The process that drives a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// For people: `pid 71 since 2026-01-01 00:00:00`.
    pub told: String,
    /// `None` where it was not written down, as in the first moment.
    pub worker: Option<Worker>,
}

/// Becomes the one that drives a run, until the lock is dropped; fails with who does.
pub fn take(folder: &RunFolder, run: &str) -> anyhow::Result<LockFile> {
    let lock = folder.controller_lock()?;
    let me = process::myself();
    let told = format!("pid {} since {}", me.pid, clock::time_of_day());
    if lock.try_hold(&format!("{told}\n{}\n", serde_json::to_string(&me)?))? {
        return Ok(lock);
    }
    let (who, _) = parse(&lock.holder());
    Err(failure(
        format!("run '{run}' is driven already, by {who}"),
        format!(
            "look on: git orchestrate status --watch --run {run}\n\
             or end it: git orchestrate stop --run {run}"
        ),
    ))
}

/// Returns who drives a run now.
pub fn current(folder: &RunFolder) -> anyhow::Result<Option<Driver>> {
    let lock = folder.controller_lock()?;
    let (told, worker) = parse(&lock.holder());
    Ok((!lock.is_free()?).then_some(Driver { told, worker }))
}

fn parse(text: &str) -> (String, Option<Worker>) {
    let (told, worker) = text.split_once('\n').unwrap_or((text, ""));
    (told.to_owned(), serde_json::from_str(worker).ok())
}
