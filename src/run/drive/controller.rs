//! The controller of a run: one process at a time, which others can find and end.
//!
//! Invariant: only the kernel's lock says whether a controller runs. The lock's file says which
//! process that is, and is believed only while the process that it names holds the lock.

use std::time::{Duration, Instant};

use crate::domain::error::failure;
use crate::domain::steps::{Look, Remedy, Step};
use crate::domain::task::Worker;
use crate::run::folder::RunFolder;
use crate::system::clock;
use crate::system::lock::LockFile;
use crate::system::process;

/// How long to try a lock that another process may hold only to ask about it, and how long to wait
/// for a controller to write its name.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often to try.
const GLANCE: Duration = Duration::from_millis(10);
/// Stands for a controller that did not write its name.
const UNKNOWN: &str = "an unknown process";

/// The process that drives a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Controller {
    /// For people: `pid 71 since 2026-01-01 00:00:00`.
    pub text: String,
    /// `None` if it is not written down, as in the first moment.
    pub worker: Option<Worker>,
    /// When it became the controller, in milliseconds since 1970; `None` if that is not known.
    pub since: Option<i64>,
}

impl Controller {
    fn new(text: String, worker: Worker) -> Controller {
        let since = text.rsplit_once(" since ").and_then(|(_, since)| milliseconds(since));
        Controller { text, worker: Some(worker), since }
    }

    /// Returns this process, in the place of the controller that it is.
    pub(crate) fn myself() -> Controller {
        let me = process::myself();
        Controller::new(format!("pid {} since {}", me.pid, clock::time_of_day()), me)
    }

    fn unknown() -> Controller {
        Controller { text: UNKNOWN.into(), worker: None, since: None }
    }
}

fn milliseconds(time_of_day: &str) -> Option<i64> {
    let at: jiff::civil::DateTime = time_of_day.parse().ok()?;
    let at = at.to_zoned(clock::now().time_zone().clone()).ok()?;
    Some(at.timestamp().as_millisecond())
}

/// Makes this process the controller of a run until the lock is dropped; fails if there is one.
pub(crate) fn take(folder: &RunFolder, run: &str) -> anyhow::Result<LockFile> {
    let lock = folder.controller_lock()?;
    let me = Controller::myself();
    let content = format!("{}\n{}\n", me.text, serde_json::to_string(&me.worker)?);
    let began = Instant::now();
    while !lock.try_hold(&content)? {
        if began.elapsed() > PATIENCE {
            let holder = holder(&lock).map_or(UNKNOWN.into(), |(text, _)| text);
            return Err(failure(
                format!("run '{run}' is already running ({holder})"),
                Remedy::from(Step::Status(Look::Watch).to("Watch it"))
                    .or(Step::stop_run().to("Or stop it")),
            ));
        }
        std::thread::sleep(GLANCE);
    }
    Ok(lock)
}

/// Returns the controller of a run; `None` if no process drives it.
pub(crate) fn current(folder: &RunFolder) -> anyhow::Result<Option<Controller>> {
    let lock = folder.controller_lock()?;
    let began = Instant::now();
    while !lock.is_free()? {
        if let Some((text, worker)) = holder(&lock) {
            return Ok(Some(Controller::new(text, worker)));
        }
        if began.elapsed() > PATIENCE {
            return Ok(Some(Controller::unknown()));
        }
        std::thread::sleep(GLANCE);
    }
    Ok(None)
}

/// Returns the process named in the lock file if it really holds the lock: an earlier controller,
/// or anybody, may have written the file.
fn holder(lock: &LockFile) -> Option<(String, Worker)> {
    let (text, worker) = parse(&lock.holder());
    let worker = worker.filter(process::is_alive)?;
    let is_holder = match lock.holder_pid() {
        Some(pid) => pid == worker.pid,
        None => process::is_ours(&worker),
    };
    is_holder.then_some((text, worker))
}

fn parse(content: &str) -> (String, Option<Worker>) {
    let (text, worker) = content.split_once('\n').unwrap_or((content, ""));
    (text.to_owned(), serde_json::from_str(worker).ok())
}
