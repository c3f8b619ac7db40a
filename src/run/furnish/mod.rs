//! What a new worktree is given before anybody works in it: the files that
//! `.worktreeinclude` names, and what the `setup` command makes.
//!
//! Invariant: once for each worktree. Each part is written down when it is done, so what a crash
//! or a signal ended is done again; `cleanup` knows by the record what is not a person's.

pub(crate) mod copies;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::domain::oid::Oid;
use crate::domain::shell::shell;
use crate::domain::task::Ending;
use crate::git::Git;
use crate::git::status;
use crate::git::worktree::ownership;
use crate::run::folder::{read_json, write_json};
use crate::system::crash;
use crate::system::process::{self, Job, Program, StopSwitch, Streams};
use copies::copy_included;

/// The record's name in the worktree's private git directory.
const RECORD: &str = "git-orchestrate-furnished";

/// Of so many files it is remembered that `setup` made them; more are kept as if a person had.
const MAX_MADE: usize = 50_000;

/// What a worktree was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Furnished {
    /// The `setup` command that ran.
    #[serde(default)]
    pub(crate) setup: Option<String>,
    /// Copied files and the ids of their contents.
    #[serde(default)]
    pub(crate) copied: BTreeMap<String, Oid>,
    /// Ignored files that `setup` made, and the stamps they had when it ended.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// What was there before `setup`, while it runs and where a crash came meanwhile.
    #[serde(default, rename = "found", skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
    /// The commit that the branch was at before a `setup` that moved it, and the one after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<(Oid, Oid)>,
}

/// What a worktree held before a `setup`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Before {
    /// All ignored files.
    files: Vec<String>,
    /// Those that an earlier `setup` made, and nobody has changed.
    made: Vec<String>,
    /// The copies that nobody has changed.
    copied: Vec<String>,
}

/// Returns what a worktree was given.
pub(crate) fn furnished(place: &Path) -> anyhow::Result<Furnished> {
    let Some(private) = ownership::directory(place) else { return Ok(Furnished::default()) };
    Ok(read_json(&private.join(RECORD))?.unwrap_or_default())
}

/// Returns true where a worktree was given all that a new one is, with this `setup`.
pub(crate) fn is_done(place: &Path, setup: Option<&str>) -> anyhow::Result<bool> {
    let Some(private) = ownership::directory(place) else { return Ok(false) };
    let given: Option<Furnished> = read_json(&private.join(RECORD))?;
    Ok(given.is_some_and(|given| setup.is_none() || given.setup.as_deref() == setup))
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Ready,
    /// `setup` failed, in this way.
    Failed(Ending),
    Stopped,
}

/// A worktree, and all that is needed to furnish it.
pub(crate) struct Furnishing<'a> {
    pub(crate) git: &'a Git,
    pub(crate) place: &'a Path,
    pub(crate) setup: Option<&'a str>,
    pub(crate) environment: Vec<(String, std::ffi::OsString)>,
    /// Seconds.
    pub(crate) timeout: u64,
    /// Where the output of `setup` goes, after what is there.
    pub(crate) log: PathBuf,
    /// Where the process of `setup` is named, for whoever must end it.
    pub(crate) worker: PathBuf,
    pub(crate) stop: &'a StopSwitch,
}

impl Furnishing<'_> {
    /// Copies and sets up, unless it was done before; another `setup` than before runs too.
    pub(crate) fn run(&self) -> anyhow::Result<Ended> {
        let private = ownership::directory(self.place).context("it is no worktree")?;
        let record = private.join(RECORD);
        let mut given = match read_json::<Furnished>(&record)? {
            Some(given) => given,
            None => {
                let given = self.copy(&private)?;
                crash::point();
                write_json(&record, &given)?;
                given
            }
        };
        let Some(setup) = self.setup.filter(|setup| given.setup.as_deref() != Some(setup)) else {
            return Ok(Ended::Ready);
        };
        let (branch, head) = status::head(self.place)?;
        refuse_moved(setup, given.moved.as_ref().filter(|(_, to)| *to == head))?;
        // What a person put there since an earlier try ended is not made by this one.
        let before = match given.before.take() {
            Some(before) => before,
            None => self.look(&given)?,
        };
        given.before = Some(before.clone());
        write_json(&record, &given)?;
        let ending = self.set_up(setup)?;
        given.before = None;
        if ending != Ending::Exited(0) {
            // What a try made that failed is made again, too.
            self.remember(&mut given, before)?;
            write_json(&record, &given)?;
            return Ok(match ending {
                Ending::Stopped => Ended::Stopped,
                ending => Ended::Failed(ending),
            });
        }
        let now = status::head(self.place)?.1;
        given.moved = (branch.is_some() && now != head).then_some((head, now));
        if given.moved.is_some() {
            write_json(&record, &given)?;
        }
        refuse_moved(setup, given.moved.as_ref())?;
        self.remember(&mut given, before)?;
        given.setup = Some(setup.to_owned());
        crash::point();
        write_json(&record, &given)?;
        Ok(Ended::Ready)
    }

    /// Looks at what is there before `setup` runs.
    fn look(&self, given: &Furnished) -> anyhow::Result<Before> {
        let files = status::ignored_files(self.place)?;
        let files = files.iter().filter_map(|path| path.to_str()).map(str::to_owned).collect();
        Ok(Before { files, made: self.still_made(given), copied: self.still_copied(given) })
    }

    /// Remembers as made what is new, and what was so before and had not been changed since.
    fn remember(&self, given: &mut Furnished, before: Before) -> anyhow::Result<()> {
        let old: HashSet<&String> = before.files.iter().collect();
        let after = status::ignored_files(self.place)?;
        let after = after.iter().filter_map(|path| path.to_str()).map(str::to_owned);
        let new: Vec<String> = after.filter(|path| !old.contains(path)).take(MAX_MADE).collect();
        let made = before.made.into_iter().chain(new).filter_map(|path| {
            let stamp = stamp(&self.place.join(&path))?;
            Some((path, stamp))
        });
        given.files.extend(made);
        // `setup` may have written a port into a file that was copied.
        let copied = before.copied.into_iter().filter_map(|path| {
            let id = self.git.file_id(&self.place.join(&path)).ok()?;
            Some((path, id))
        });
        given.copied.extend(copied);
        Ok(())
    }

    /// Returns the files of an earlier `setup` that nobody has changed.
    fn still_made(&self, given: &Furnished) -> Vec<String> {
        let is_same = |path: &str, made: &String| {
            stamp(&self.place.join(path)).is_some_and(|stamp| stamp == *made)
        };
        let same = given.files.iter().filter(|(path, made)| is_same(path, made));
        same.map(|(path, _)| path.clone()).collect()
    }

    /// Returns the copies that nobody has changed.
    fn still_copied(&self, given: &Furnished) -> Vec<String> {
        let is_same = |path: &str, copied: &Oid| {
            self.git.file_id(&self.place.join(path)).is_ok_and(|id| id == *copied)
        };
        let same = given.copied.iter().filter(|(path, copied)| is_same(path, copied));
        same.map(|(path, _)| path.clone()).collect()
    }

    fn copy(&self, private: &Path) -> anyhow::Result<Furnished> {
        let copies = copy_included(self.git, self.place, private)?;
        let copied = copies.copied.iter().map(|path| format!("copied: {}", path.display()));
        remark(&self.log, copied.chain(copies.remarks.iter().cloned()))?;
        let entry = |path: &PathBuf| {
            let id = self.git.file_id(&self.place.join(path)).ok()?;
            Some((path.to_str()?.to_owned(), id))
        };
        let copied = copies.copied.iter().filter_map(entry).collect();
        Ok(Furnished { copied, ..Furnished::default() })
    }

    fn set_up(&self, setup: &str) -> anyhow::Result<Ending> {
        remark(&self.log, [format!("$ {setup}")])?;
        if self.stop.is_stopped() {
            return Ok(Ending::Stopped);
        }
        let output = File::options().create(true).append(true).open(&self.log)?;
        let streams = Streams::Files { input: None, output };
        let environment = self.environment.clone();
        let job = Job::start(Program::new(shell(setup), self.place, environment, streams));
        let job = job.with_context(|| format!("cannot run '{setup}'"))?;
        self.stop.watch(Some(job.stopper()));
        if let Some(worker) = process::worker(job.pid()) {
            write_json(&self.worker, &worker)?;
        }
        let ending = job.wait(Some(Duration::from_secs(self.timeout)));
        self.stop.watch(None);
        let _ = std::fs::remove_file(&self.worker);
        Ok(ending)
    }
}

/// Returns what changes whenever somebody writes a file or puts another in its place.
pub(crate) fn stamp(path: &Path) -> Option<String> {
    let found = path.symlink_metadata().ok().filter(|found| !found.is_dir())?;
    let written = (found.mtime(), found.mtime_nsec());
    let changed = (found.ctime(), found.ctime_nsec());
    Some(format!("{} {} {written:?} {changed:?}", found.ino(), found.len()))
}

/// Adds lines to a log.
pub(crate) fn remark(log: &Path, lines: impl IntoIterator<Item = String>) -> anyhow::Result<()> {
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    if text.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(log.parent().context("a log needs a folder")?)?;
    let mut file = File::options().create(true).append(true).open(log)?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write '{}'", log.display()))
}

/// What `setup` commits would count as the work of the task.
fn refuse_moved(setup: &str, moved: Option<&(Oid, Oid)>) -> anyhow::Result<()> {
    let Some((from, to)) = moved else { return Ok(()) };
    bail!(
        "the setup command '{setup}' moved the branch from {from} to {to}, which only the task may \
         do; set it back in the worktree with 'git reset --keep {from}'"
    )
}

/// Says that `setup` failed, and where its output is.
pub(crate) fn failure_text(setup: &str, ending: Ending, log: &str) -> String {
    format!("the setup command '{setup}' failed ({ending}); its output: {log}")
}
