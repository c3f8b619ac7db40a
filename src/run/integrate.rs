//! From a finished task to a published merge.
//!
//! Invariant: a candidate is made without a checkout, tested in the run's own detached
//! worktree, and published by compare-and-swap only when it passed; so every first-parent
//! commit of the integration branch has passed the tests. On any other outcome the branch
//! is as it was. One merge at a time holds the checkout's lock.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::Drive;
use super::folder::{read_json, write_json};
use super::furnish::{self, Ended, Furnishing};
use super::note::{Checks, note};
use crate::agent::shell;
use crate::crash;
use crate::git::Git;
use crate::git::command::LOCAL_VARIABLES;
use crate::git::merge::TreeMerge;
use crate::git::refs::Swap;
use crate::git::status;
use crate::oid::Oid;
use crate::plan::Task;
use crate::process::{self, Job, Program, StopSwitch, Streams};
use crate::snapshot::{Run, Snapshot};
use crate::store::Journal;
use crate::task::{Block, Ending, Event, Reason, Record, State, Worker};

/// The trailer of a merge commit that names the task.
const TASK_TRAILER: &str = "Orchestrate-Task";
/// How often a candidate is tested before the task is blocked: a flaky test gets a second chance.
const TESTS: u32 = 2;
/// How often a merge starts over because the branch moved under it.
const MAX_RACES: u32 = 100;

/// How a merge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrated {
    /// It is in the journal: merged, or blocked.
    Settled,
    /// Nothing happened, because of this; the task stays in the queue.
    Waits(String),
    /// The run is being stopped.
    Stopped,
}

enum Published {
    Done,
    /// Somebody else moved the branch first.
    Moved,
    Waits(String),
}

enum Tested {
    Passed {
        runs: u32,
    },
    Failed(String),
    /// The checkout could not be set up.
    NoPlace(String),
    Stopped,
}

/// Returns why nothing can be merged now: the branch is checked out with uncommitted changes.
pub fn why_checkout_waits(git: &Git, run: &Run) -> anyhow::Result<Option<String>> {
    if let Some(operation) = git.rebase_of(&run.integration)? {
        let why = format!("{} is being rebased ({})", run.integration, operation.display());
        return Ok(Some(format!("{why}: finish that first")));
    }
    let Some(elsewhere) = git.worktree_of(&run.integration)? else { return Ok(None) };
    let dirt = status::dirt(&elsewhere.path)?;
    let is_clean = dirt.changed.is_empty() && dirt.unmerged.is_empty();
    let (branch, place) = (&run.integration, elsewhere.path.display());
    Ok((!is_clean).then(|| {
        format!("{branch} is checked out at {place} with uncommitted changes: commit or stash them")
    }))
}

/// Merges one task whose commit waits in the queue.
pub fn integrate(
    drive: &Drive,
    run: &Run,
    task: &Task,
    test: &StopSwitch,
) -> anyhow::Result<Integrated> {
    let lock = drive.folder.checkout_lock()?;
    lock.hold()?;
    end_left_test(drive, &run.name)?;
    let journal = Journal::new(&drive.git, &run.name);
    let merge = Merge { drive, run, task, journal, test };
    for _ in 0..MAX_RACES {
        let record = merge.journal.record(&task.id)?;
        let State::Merging { commit, .. } = record.state.clone() else {
            return Ok(Integrated::Settled);
        };
        if let Some(end) = drive.git.patiently(|| merge.try_once(&record, &commit))? {
            return Ok(end);
        }
    }
    Ok(Integrated::Waits(format!("{} keeps moving", run.integration)))
}

/// Ends a test that nobody waits for any more; returns whether there was one. While somebody
/// merges, its test is its own.
pub fn end_orphaned_test(drive: &Drive, run: &str) -> anyhow::Result<bool> {
    if !drive.folder.tester().exists() {
        return Ok(false);
    }
    let lock = drive.folder.checkout_lock()?;
    match lock.try_hold("")? {
        true => end_left_test(drive, run),
        false => Ok(false),
    }
}

/// Ends a test that a controller left running when it was killed; returns whether there was one.
fn end_left_test(drive: &Drive, run: &str) -> anyhow::Result<bool> {
    let file = drive.folder.tester();
    let Some(worker) = read_json::<Worker>(&file).unwrap_or_default() else { return Ok(false) };
    let was_there = !process::is_group_gone(&worker, run);
    process::end_group_of(&worker, run);
    std::fs::remove_file(&file)?;
    Ok(was_there)
}

struct Merge<'a> {
    drive: &'a Drive,
    run: &'a Run,
    task: &'a Task,
    journal: Journal,
    test: &'a StopSwitch,
}

impl Merge<'_> {
    /// Returns `None` where something moved meanwhile and all must be done again.
    fn try_once(&self, record: &Record, commit: &Oid) -> anyhow::Result<Option<Integrated>> {
        let git = &self.drive.git;
        let tip = git.find_branch(&self.run.integration)?;
        let tip = tip.with_context(|| format!("the branch '{}' is gone", self.run.integration))?;
        if !git.is_stored(commit) {
            let text = format!("its commit {} is gone from the repository", commit.short());
            return self.settle(Event::Refused(Block::new(Reason::Agent, text))).map(Some);
        }
        if git.is_ancestor(commit, &tip)? {
            let merge = git.merge_of(commit, &self.run.base, &tip)?;
            let end = self.settle(Event::Merged { merge: merge.clone() })?;
            if let Some(merge) = &merge {
                self.write_note(merge, record, Checks::Elsewhere);
            }
            return Ok(Some(end));
        }
        let mark = git.outlast_gc();
        let tree = match git.try_merge(&tip, commit)? {
            TreeMerge::Clean(tree) => tree,
            TreeMerge::Conflict(files) => {
                let block = self.conflict(&tip, commit, files)?;
                return self.settle(Event::Refused(block)).map(Some);
            }
            TreeMerge::Impossible(why) => {
                let block = Block::new(Reason::Conflict, format!("git cannot merge it: {why}"));
                return self.settle(Event::Refused(block)).map(Some);
            }
        };
        let candidate =
            git.write_commit(&tree, &[tip.clone(), commit.clone()], &self.message(record))?;
        if git.gc_since(&mark) && !git.is_stored(&candidate) {
            return Ok(None);
        }
        let runs = match self.check(&candidate)? {
            Tested::Passed { runs } if self.was_tested(&candidate, runs)? => runs,
            Tested::Passed { .. } => return Ok(None),
            Tested::Failed(text) => {
                let against = Some(tip);
                let block = Block { against, ..Block::new(Reason::Tests, text) };
                return self.settle(Event::Refused(block)).map(Some);
            }
            Tested::NoPlace(text) => {
                let against = Some(tip);
                let block = Block { against, ..Block::new(Reason::Worktree, text) };
                return self.settle(Event::Refused(block)).map(Some);
            }
            Tested::Stopped => return Ok(Some(Integrated::Stopped)),
        };
        match self.publish(&tip, &candidate)? {
            Published::Done => {}
            Published::Moved => return Ok(None),
            Published::Waits(why) => return Ok(Some(Integrated::Waits(why))),
        }
        let end = self.settle(Event::Merged { merge: Some(candidate.clone()) })?;
        self.write_note(&candidate, record, Checks::Passed { runs });
        Ok(Some(end))
    }

    fn integration_ref(&self) -> String {
        format!("refs/heads/{}", self.run.integration)
    }

    fn settle(&self, event: Event) -> anyhow::Result<Integrated> {
        self.journal.append(&self.task.id, &event)?;
        Ok(Integrated::Settled)
    }

    /// Returns true where the checkout still shows what the tests were meant to see.
    fn was_tested(&self, candidate: &Oid, runs: u32) -> anyhow::Result<bool> {
        Ok(runs == 0 || status::head(Path::new(&self.run.checkout))?.1 == *candidate)
    }

    /// Moves the branch, and the checkout it is in.
    fn publish(&self, tip: &Oid, candidate: &Oid) -> anyhow::Result<Published> {
        let git = &self.drive.git;
        if let Some(why) = why_checkout_waits(git, self.run)? {
            return Ok(Published::Waits(why));
        }
        let Some(elsewhere) = git.worktree_of(&self.run.integration)? else {
            let why = format!("merge {}", self.task.id);
            return Ok(
                match git.swap_ref(&self.integration_ref(), Some(tip), candidate, &why)? {
                    Swap::Done => Published::Done,
                    Swap::Moved => Published::Moved,
                    Swap::Locked => return Err(git.stale_lock(&self.integration_ref())),
                },
            );
        };
        let branch = &self.run.integration;
        let is_at = |commit: &Oid| {
            Ok::<bool, anyhow::Error>(
                git.find_branch(&self.run.integration)?.as_ref() == Some(commit),
            )
        };
        if !is_at(tip)? || status::head(&elsewhere.path)?.0.as_ref() != Some(branch) {
            return Ok(Published::Moved);
        }
        let moved = git.fast_forward(&elsewhere.path, branch, candidate);
        // git's word is not enough: only the branch tells.
        if is_at(candidate)? {
            return Ok(Published::Done);
        }
        if !is_at(tip)? {
            return Ok(Published::Moved);
        }
        let cause =
            moved.err().map_or("it says nothing".into(), |error| error.root_cause().to_string());
        let (place, cause) = (elsewhere.path.display(), cause.replace('\n', " "));
        Ok(Published::Waits(format!(
            "{branch} is checked out at {place}, and git does not update it: {cause}"
        )))
    }

    fn conflict(&self, tip: &Oid, commit: &Oid, files: Vec<String>) -> anyhow::Result<Block> {
        let git = &self.drive.git;
        let base = git.merge_base(tip, commit)?.unwrap_or_else(|| self.run.base.clone());
        let mut with = git.trailers(&base, tip, TASK_TRAILER, &files)?;
        with.sort();
        with.dedup();
        let others = match with.as_slice() {
            [] => format!("what {} holds", self.run.integration),
            names => names.join(", "),
        };
        let text = format!("{} differs from {others}", files.join(", "));
        Ok(Block { files, against: Some(tip.clone()), with, ..Block::new(Reason::Conflict, text) })
    }

    fn check(&self, candidate: &Oid) -> anyhow::Result<Tested> {
        let commands = self.drive.tests(self.task);
        if commands.is_empty() {
            return Ok(Tested::Passed { runs: 0 });
        }
        let mut text = String::new();
        for run in 1..=TESTS {
            if let Some(ended) = self.show(candidate)? {
                return Ok(ended);
            }
            match self.run_all(&commands, run > 1)? {
                Some(Tested::Failed(failed)) => text = failed,
                Some(other) => return Ok(other),
                None => return Ok(Tested::Passed { runs: run }),
            }
        }
        Ok(Tested::Failed(text))
    }

    /// Makes the checkout show the candidate; `None` where the tests may run in it.
    fn show(&self, candidate: &Oid) -> anyhow::Result<Option<Tested>> {
        let (git, place) = (&self.drive.git, Path::new(&self.run.checkout));
        let log = self.drive.folder.checkout_log(&self.task.id);
        if let Some(reason) = git.in_the_way(place)? {
            return Ok(Some(Tested::NoPlace(format!("where its merge is tested, {reason}"))));
        }
        let made = git.show_commit(&self.run.name, place, candidate)?;
        furnish::remark(&log, made.remarks)?;
        let setup = self.drive.settings.setup.as_deref();
        let ended = Furnishing {
            git,
            place,
            setup,
            environment: self.environment()?,
            timeout: self.drive.settings.setup_limit(),
            log,
            worker: self.drive.folder.tester(),
            stop: self.test,
        };
        Ok(match ended.run()? {
            Ended::Ready => None,
            Ended::Stopped => Some(Tested::Stopped),
            Ended::Failed(ending) => {
                let log = format!("git orchestrate log {} --setup", self.task.id);
                let text = furnish::failure_text(setup.unwrap_or_default(), ending, &log);
                Some(Tested::NoPlace(format!("where its merge is tested, {text}")))
            }
        })
    }

    fn environment(&self) -> anyhow::Result<Vec<(String, OsString)>> {
        let variable = |name: &str, value: &str| (format!("ORCHESTRATE_{name}"), value.into());
        let slot = self.drive.git.slot(Path::new(&self.run.checkout))?;
        Ok(vec![
            variable("RUN", &self.run.name),
            variable("TASK", self.task.id.as_str()),
            variable("STAGE", "test"),
            variable("SLOT", &slot.to_string()),
        ])
    }

    /// Runs the tests; `None` where all of them pass.
    fn run_all(&self, commands: &[&str], again: bool) -> anyhow::Result<Option<Tested>> {
        for command in commands {
            if self.test.is_stopped() {
                return Ok(Some(Tested::Stopped));
            }
            match self.run_one(command, again)? {
                Ending::Exited(0) => {}
                Ending::Stopped => return Ok(Some(Tested::Stopped)),
                ending => {
                    let text =
                        format!("the tests failed {TESTS} times, last '{command}' ({ending})");
                    return Ok(Some(Tested::Failed(text)));
                }
            }
        }
        Ok(None)
    }

    fn run_one(&self, line: &str, again: bool) -> anyhow::Result<Ending> {
        let log = self.drive.folder.test_log(&self.task.id);
        std::fs::create_dir_all(log.parent().context("a log needs a folder")?)?;
        let log =
            File::options().create(true).append(again).write(true).truncate(!again).open(log)?;
        let job = Job::start(Program {
            argv: shell(line),
            directory: self.run.checkout.clone().into(),
            environment: self.environment()?,
            unset: [LOCAL_VARIABLES, crash::VARIABLES].concat(),
            streams: Streams::Files { input: None, output: log },
        });
        let job = job.with_context(|| format!("cannot run '{line}'"))?;
        if let Some(worker) = process::worker(job.pid()) {
            write_json(&self.drive.folder.tester(), &worker)?;
        }
        self.test.watch(Some(job.stopper()));
        let ending = job.wait(Some(Duration::from_secs(self.drive.settings.test_limit())));
        self.test.watch(None);
        let _ = std::fs::remove_file(self.drive.folder.tester());
        Ok(ending)
    }

    fn message(&self, record: &Record) -> String {
        let Task { id, title, .. } = self.task;
        let report = record.last_work().and_then(|attempt| attempt.report.as_ref());
        let said = report.map(|r| r.message.trim()).filter(|text| !text.is_empty());
        let said = said.map(|text| format!("{text}\n\n")).unwrap_or_default();
        format!(
            "Merge task {id}: {title}\n\n{said}Orchestrate-Run: {}\n{TASK_TRAILER}: {id}\n",
            self.run.name
        )
    }

    /// The merge is published and in the journal: a note that cannot be written is no reason to
    /// call it failed, and [`complete_notes`] writes it at the next start.
    fn write_note(&self, merge: &Oid, record: &Record, checks: Checks) {
        let text = note(self.drive, self.run, self.task, record, checks);
        let _ = self.drive.git.write_note(merge, &text);
    }
}

/// Writes the notes that a crash kept from being written.
pub fn complete_notes(drive: &Drive, snapshot: &Snapshot) -> anyhow::Result<()> {
    let noted = drive.git.noted()?;
    for (task, record) in snapshot.tasks() {
        let Some(merge) = record.state.merge() else { continue };
        if !noted.contains(merge) {
            let text = note(drive, &snapshot.run, task, record, Checks::Forgotten);
            drive.git.write_note(merge, &text)?;
        }
    }
    Ok(())
}
