//! Runs programs that talk to other machines. They may hang, and their output and errors are
//! separate.
//!
//! Invariant: a call does not outlive its time limit or the caller's stop. It gets no terminal, so
//! it cannot ask questions.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::time::Duration;

use super::{Job, Program, StopSwitch, Streams, worker};
use crate::domain::task::{Ending, Worker};

/// A program to run.
#[derive(Debug)]
pub struct Call {
    /// Program and arguments.
    pub argv: Vec<String>,
    pub directory: PathBuf,
    pub environment: Vec<(String, OsString)>,
}

/// The output of a program, and how it ended.
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

/// Runs a program until it ends, at most for `limit`; `started` gets its process.
///
/// Fails if the program cannot be started.
pub(crate) fn run(
    call: Call,
    limit: Duration,
    stop: &StopSwitch,
    started: impl FnOnce(&Worker),
) -> std::io::Result<Reply> {
    // Into files, not pipes: a background process that keeps a pipe open would delay the end.
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

/// Returns everything in a file as text, from the beginning.
pub(super) fn text_of(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
