//! Sets up a new worktree before anybody works in it: copies the files that `.worktreeinclude`
//! names, and runs the `setup` command.
//!
//! Invariant: once for each worktree. Each part is recorded when it is done, so that a part which a
//! crash or a signal interrupted is repeated. By the record `cleanup` tells files of `setup` from
//! files of the user.

pub(crate) mod copies;

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::domain::oid::Oid;
use crate::domain::steps::shell::shell;
use crate::domain::task::Ending;
use crate::git::Git;
use crate::git::status;
use crate::git::worktree::ownership;
use crate::run::folder::{read_json, write_json};
use crate::system::crash;
use crate::system::private;
use crate::system::process::{self, Job, Program, StopSwitch, Streams};
use copies::copy_included;

/// The record's name in the worktree's own git directory, where neither `git status` nor an agent
/// sees it, and which is removed with the worktree.
const RECORD: &str = "git-orchestrate-setup";

/// At most this many files are recorded as made by `setup`; the rest are treated as the user's.
const MAX_MADE: usize = 50_000;

/// How a worktree was set up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SetupRecord {
    /// The `setup` command that ran.
    #[serde(default)]
    pub(crate) setup: Option<String>,
    /// Copied files and the object ids of their contents.
    #[serde(default)]
    pub(crate) copied: BTreeMap<String, Oid>,
    /// Ignored files that `setup` made, and the stamps they had when it ended.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// The content before `setup`; set while `setup` runs, and after a crash meanwhile.
    #[serde(default, rename = "found", skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
    /// Another task takes the worktree over: files are copied again, and `setup` runs again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stale: bool,
    /// The commits of the branch before and after a `setup` that moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<(Oid, Oid)>,
}

/// The ignored files of a worktree before `setup`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Before {
    /// All ignored files.
    files: Vec<String>,
    /// Files that an earlier `setup` made and that have not changed since.
    made: Vec<String>,
    /// Copied files that have not changed since.
    copied: Vec<String>,
}

/// Returns the record of a worktree; empty if there is none.
pub(crate) fn read_record(place: &Path) -> anyhow::Result<SetupRecord> {
    let Some(private) = ownership::directory(place) else { return Ok(SetupRecord::default()) };
    Ok(read_json(&private.join(RECORD))?.unwrap_or_default())
}

/// Prepares a worktree for another task: removes the copied files, and forgets that `setup` ran.
pub(crate) fn renew(place: &Path) -> anyhow::Result<()> {
    let Some(private) = ownership::directory(place) else { return Ok(()) };
    let file = private.join(RECORD);
    let Some(record) = read_json::<SetupRecord>(&file)?.filter(|record| !record.stale) else {
        return Ok(());
    };
    for path in record.copied.keys() {
        match std::fs::remove_file(place.join(path)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let files = record.files;
    write_json(&file, &SetupRecord { files, stale: true, ..SetupRecord::default() })?;
    Ok(())
}

/// Returns true if setting up the worktree was begun.
pub(crate) fn is_begun(place: &Path) -> bool {
    read_record(place).is_ok_and(|record| !record.stale)
        && ownership::directory(place).is_some_and(|private| private.join(RECORD).exists())
}

/// Returns true if the worktree is set up with this `setup` command.
pub(crate) fn is_done(place: &Path, setup: Option<&str>) -> anyhow::Result<bool> {
    let Some(private) = ownership::directory(place) else { return Ok(false) };
    let record: Option<SetupRecord> = read_json(&private.join(RECORD))?;
    let is_it = |record: SetupRecord| {
        !record.stale && (setup.is_none() || record.setup.as_deref() == setup)
    };
    Ok(record.is_some_and(is_it))
}

/// How setting up a worktree ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetupOutcome {
    Ready,
    /// The `setup` command failed.
    Failed(Ending),
    Stopped,
}

/// A worktree to set up, and everything that is needed for it.
pub(crate) struct Setup<'a> {
    pub(crate) git: &'a Git,
    pub(crate) place: &'a Path,
    pub(crate) setup: Option<&'a str>,
    pub(crate) environment: Vec<(String, std::ffi::OsString)>,
    /// Seconds.
    pub(crate) timeout: u64,
    /// The log to which the output of `setup` is appended.
    pub(crate) log: PathBuf,
    /// The file that names the process of `setup`, so that another process can end it.
    pub(crate) worker: PathBuf,
    pub(crate) stop: &'a StopSwitch,
}

impl Setup<'_> {
    /// Copies files and runs `setup`, unless that was done before. A changed `setup` command runs
    /// again.
    pub(crate) fn run(&self) -> anyhow::Result<SetupOutcome> {
        let private = ownership::directory(self.place).context("it is not a worktree")?;
        let file = private.join(RECORD);
        let mut record = match read_json::<SetupRecord>(&file)? {
            Some(record) if !record.stale => record,
            earlier => {
                let files = earlier.map(|record| record.files).unwrap_or_default();
                let record = SetupRecord { files, ..self.copy(&private)? };
                // Before `setup`, which may change the copies: later nothing would tell them from the user's files.
                crash::point();
                write_json(&file, &record)?;
                record
            }
        };
        let Some(setup) = self.setup.filter(|setup| record.setup.as_deref() != Some(setup)) else {
            return Ok(SetupOutcome::Ready);
        };
        let (branch, head) = status::head(self.place)?;
        refuse_moved(setup, record.moved.as_ref().filter(|(_, to)| *to == head))?;
        // A record that still has `before` is of a try that a crash interrupted: what that try made
        // must not be taken for files of the user.
        let before = match record.before.take() {
            Some(before) => before,
            None => self.list_before(&record)?,
        };
        record.before = Some(before.clone());
        write_json(&file, &record)?;
        let ending = self.set_up(setup)?;
        record.before = None;
        if ending != Ending::Exited(0) {
            // Files of a failed try are recorded too: otherwise they would look like the user's,
            // and `clean` would keep the worktree for ever.
            self.record_files(&mut record, before)?;
            write_json(&file, &record)?;
            return Ok(match ending {
                Ending::Stopped => SetupOutcome::Stopped,
                ending => SetupOutcome::Failed(ending),
            });
        }
        // Without a branch HEAD is the commit under test, and belongs to no task.
        let now = status::head(self.place)?.1;
        record.moved = (branch.is_some() && now != head).then_some((head, now));
        // Recorded before the error, so that a retry fails the same way until the branch is set
        // back.
        if record.moved.is_some() {
            write_json(&file, &record)?;
        }
        refuse_moved(setup, record.moved.as_ref())?;
        self.record_files(&mut record, before)?;
        record.setup = Some(setup.to_owned());
        crash::point();
        write_json(&file, &record)?;
        Ok(SetupOutcome::Ready)
    }

    /// Returns the ignored files before `setup` runs.
    fn list_before(&self, record: &SetupRecord) -> anyhow::Result<Before> {
        let files = status::ignored_files(self.place)?;
        let files = files.iter().filter_map(|path| path.to_str()).map(str::to_owned).collect();
        let (made, copied) = (self.unchanged_files(record), self.unchanged_copies(record));
        Ok(Before { files, made, copied })
    }

    /// Records as made by `setup` the new files, and files of an earlier `setup` that had not
    /// changed.
    fn record_files(&self, record: &mut SetupRecord, before: Before) -> anyhow::Result<()> {
        let old: HashSet<&String> = before.files.iter().collect();
        let after = status::ignored_files(self.place)?;
        let after = after.iter().filter_map(|path| path.to_str()).map(str::to_owned);
        let new: Vec<String> = after.filter(|path| !old.contains(path)).take(MAX_MADE).collect();
        let made = before.made.into_iter().chain(new).filter_map(|path| {
            let stamp = stamp(&self.place.join(&path))?;
            Some((path, stamp))
        });
        record.files.extend(made);
        // `setup` may have changed a copied file, for example to write a port into `.env`.
        let copied = before.copied.into_iter().filter_map(|path| {
            let id = self.git.file_id(&self.place.join(&path)).ok()?;
            Some((path, id))
        });
        record.copied.extend(copied);
        Ok(())
    }

    /// Returns the files of an earlier `setup` that have not changed.
    fn unchanged_files(&self, record: &SetupRecord) -> Vec<String> {
        let is_same = |path: &str, made: &String| {
            stamp(&self.place.join(path)).is_some_and(|stamp| stamp == *made)
        };
        let same = record.files.iter().filter(|(path, made)| is_same(path, made));
        same.map(|(path, _)| path.clone()).collect()
    }

    /// Returns the copied files that have not changed.
    fn unchanged_copies(&self, record: &SetupRecord) -> Vec<String> {
        let is_same = |path: &str, copied: &Oid| {
            self.git.file_id(&self.place.join(path)).is_ok_and(|id| id == *copied)
        };
        let same = record.copied.iter().filter(|(path, copied)| is_same(path, copied));
        same.map(|(path, _)| path.clone()).collect()
    }

    fn copy(&self, private: &Path) -> anyhow::Result<SetupRecord> {
        let copies = copy_included(self.git, self.place, private)?;
        let copied = copies.copied.iter().map(|path| format!("copied: {}", path.display()));
        append_log(&self.log, copied.chain(copies.remarks.iter().cloned()))?;
        let entry = |path: &PathBuf| {
            let id = self.git.file_id(&self.place.join(path)).ok()?;
            Some((path.to_str()?.to_owned(), id))
        };
        let copied = copies.copied.iter().filter_map(entry).collect();
        Ok(SetupRecord { copied, ..SetupRecord::default() })
    }

    fn set_up(&self, setup: &str) -> anyhow::Result<Ending> {
        append_log(&self.log, [format!("$ {setup}")])?;
        if self.stop.is_stopped() {
            return Ok(Ending::Stopped);
        }
        let output = private::append(&self.log)?;
        let streams = Streams::Files { input: None, output };
        let environment = self.environment.clone();
        // Not a family: a server that `setup` starts in a group of its own stays for the agent.
        let job = Job::start(Program::new(shell(setup), self.place, environment, streams));
        let job = job.with_context(|| format!("cannot run '{setup}'"))?;
        self.stop.watch(Some(job.stopper()));
        if let Some(worker) = process::worker(job.pid()) {
            write_json(&self.worker, &worker)?;
        }
        let ending = job.wait(Some(Duration::from_secs(self.timeout)));
        self.stop.watch(None);
        // The next controller would take a new process with this id for the one of `setup`.
        let _ = std::fs::remove_file(&self.worker);
        Ok(ending)
    }
}

/// Returns a stamp that changes whenever a file is written or replaced.
///
/// Size and time of writing alone could be restored by tools such as `cp -p`; the inode and its
/// change time cannot.
pub(crate) fn stamp(path: &Path) -> Option<String> {
    let found = path.symlink_metadata().ok().filter(|found| !found.is_dir())?;
    let written = (found.mtime(), found.mtime_nsec());
    let changed = (found.ctime(), found.ctime_nsec());
    Some(format!("{} {} {written:?} {changed:?}", found.ino(), found.len()))
}

/// Appends lines to a log.
pub(crate) fn append_log(
    log: &Path,
    lines: impl IntoIterator<Item = String>,
) -> anyhow::Result<()> {
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    if text.is_empty() {
        return Ok(());
    }
    private::make_folder(log.parent().context("a log needs a folder")?)?;
    let mut file = private::append(log)?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write '{}'", log.display()))
}

/// Fails if `setup` moved the branch: its commits would count as the work of the task.
fn refuse_moved(setup: &str, moved: Option<&(Oid, Oid)>) -> anyhow::Result<()> {
    let Some((from, to)) = moved else { return Ok(()) };
    bail!(
        "the setup command '{setup}' moved the branch from {from} to {to}, but only the task may \
         commit; to set it back, run in the worktree: git reset --keep {from}"
    )
}

/// Returns the text of a failed `setup`, with the command that shows its output.
pub(crate) fn failure_text(setup: &str, ending: Ending, log: &str) -> String {
    format!("the setup command '{setup}' failed ({ending}); to see its output: {log}")
}
