//! Programs that talk to other machines: they may hang, and what they say is apart from errors.
//!
//! Invariant: none outlives its limit or the caller's stop; nothing can be asked of a terminal,
//! for none is given.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::time::Duration;

use super::{Job, Program, StopSwitch, Streams, worker};
use crate::domain::task::{Ending, Worker};

/// A program to talk with.
#[derive(Debug)]
pub struct Call {
    /// Program and arguments.
    pub argv: Vec<String>,
    pub directory: PathBuf,
    pub environment: Vec<(String, OsString)>,
}

/// What a program said, and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub ending: Ending,
    pub out: String,
    pub err: String,
}

impl Reply {
    pub(crate) fn is_good(&self) -> bool {
        self.ending == Ending::Exited(0)
    }
}

/// Runs a program to its end, at most `limit`; `started` is told who it is.
///
/// Fails where it cannot be started.
pub(crate) fn talk(
    call: Call,
    limit: Duration,
    stop: &StopSwitch,
    started: impl FnOnce(&Worker),
) -> std::io::Result<Reply> {
    let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let streams = Streams::Apart { output: out.try_clone()?, errors: err.try_clone()? };
    let job = Job::start(Program::new(call.argv, call.directory, call.environment, streams))?;
    if let Some(worker) = worker(job.pid()) {
        started(&worker);
    }
    stop.watch(Some(job.stopper()));
    let ending = job.wait(Some(limit));
    stop.watch(None);
    Ok(Reply { ending, out: text_of(&mut out)?, err: text_of(&mut err)? })
}

/// Returns all that was written to a file, from its beginning.
pub(super) fn text_of(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
