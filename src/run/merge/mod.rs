//! From a finished task to a published merge.
//!
//! Invariant: a candidate is made without a checkout, tested in the run's own detached
//! worktree, and published by compare-and-swap only when it passed; so every first-parent
//! commit of the integration branch has passed the tests. On any other outcome the branch
//! is as it was. One merge at a time holds the checkout's lock.

pub(crate) mod note;
pub(crate) mod offer;
pub(crate) mod proof;
pub(crate) mod propose;
pub(crate) mod publish;
mod repair;

use anyhow::Context;

use super::Drive;
use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::policy::repair::Rejection;
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::steps::{Part, Scope, Step};
use crate::domain::task::{Block, Event, Reason, Record, State};
use crate::git::merge::TreeMerge;
use crate::journal::Journal;
use crate::system::process::StopSwitch;
use note::{Checks, note};
use proof::{Tested, Trial};
use publish::{Published, publish};

/// The trailer of a merge commit that names the task.
const TASK_TRAILER: &str = "Orchestrate-Task";
/// How often a merge starts over because the branch moved under it.
const MAX_RACES: u32 = 100;

/// How a merge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MergeResult {
    /// It is in the journal: merged, or blocked.
    Settled,
    /// Nothing happened, because of this; the task stays in the queue.
    Waits(String),
    /// The run is being stopped.
    Stopped,
}

/// Who wants a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requester {
    /// The loop: what fails may go back to an agent.
    Controller,
    /// A person, who is told what fails.
    Person,
}

/// Merges one task whose commit waits in the queue.
pub(crate) fn integrate(
    drive: &Drive,
    run: &Run,
    task: &Task,
    test: &StopSwitch,
    by: Requester,
) -> anyhow::Result<MergeResult> {
    let lock = drive.folder.checkout_lock()?;
    lock.hold()?;
    proof::end_left(drive, &run.name)?;
    let journal = Journal::new(&drive.git, &run.name);
    let merge = Merge { drive, run, task, journal, test, by };
    for _ in 0..MAX_RACES {
        let record = merge.journal.record(&task.id)?;
        let State::Merging { commit, .. } = record.state.clone() else {
            return Ok(MergeResult::Settled);
        };
        if let Some(end) = drive.git.patiently(|| merge.try_once(&record, &commit))? {
            return Ok(end);
        }
    }
    Ok(MergeResult::Waits(format!("{} keeps moving", run.integration)))
}

struct Merge<'a> {
    drive: &'a Drive,
    run: &'a Run,
    task: &'a Task,
    journal: Journal,
    test: &'a StopSwitch,
    by: Requester,
}

impl Merge<'_> {
    /// Returns `None` where something moved meanwhile and all must be done again.
    fn try_once(&self, record: &Record, commit: &Oid) -> anyhow::Result<Option<MergeResult>> {
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
                let why = self.conflict(record, &tip, commit, files)?;
                return self.refuse(record, Rejection { commit, candidate: None, why }).map(Some);
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
        let runs = match self.trial().of(&candidate)? {
            Tested::Passed { runs } => runs,
            Tested::Disturbed => return Ok(None),
            Tested::Failed { text, command } => {
                let (against, command) = (Some(tip), Some(command));
                let why = Block { against, command, ..Block::new(Reason::Tests, text) };
                let candidate = Some(&candidate);
                return self.refuse(record, Rejection { commit, candidate, why }).map(Some);
            }
            Tested::NoPlace(text) => {
                let against = Some(tip);
                let block = Block { against, ..Block::new(Reason::Worktree, text) };
                return self.settle(Event::Refused(block)).map(Some);
            }
            Tested::Stopped => return Ok(Some(MergeResult::Stopped)),
        };
        let why = format!("merge {}", self.task.id);
        match publish(git, &self.run.integration, &tip, &candidate, &why)? {
            Published::Done => {}
            Published::Moved => return Ok(None),
            Published::Waits(why) => return Ok(Some(MergeResult::Waits(why))),
        }
        let end = self.settle(Event::Merged { merge: Some(candidate.clone()) })?;
        self.write_note(&candidate, record, Checks::Passed { runs });
        Ok(Some(end))
    }

    fn trial(&self) -> Trial<'_> {
        let id = &self.task.id;
        Trial {
            drive: self.drive,
            run: self.run,
            commands: self.drive.tests(self.task),
            task: Some(id),
            log: self.drive.folder.test_log(id),
            setup_log: self.drive.folder.checkout_log(id),
            see_setup: format!("`{}`", Scope::default().line(&Step::log_of(id, Part::Setup))),
            stop: self.test,
        }
    }

    fn settle(&self, event: Event) -> anyhow::Result<MergeResult> {
        self.journal.append(&self.task.id, &event)?;
        Ok(MergeResult::Settled)
    }

    /// An agent fixes it, or a person has to: the person who merges by hand is there already.
    fn refuse(&self, record: &Record, rejection: Rejection<'_>) -> anyhow::Result<MergeResult> {
        let event = match self.by {
            Requester::Person => Event::Refused(rejection.why),
            Requester::Controller => {
                repair::after_rejection(self.drive, self.run, self.task, record, rejection)?
            }
        };
        self.settle(event)
    }

    fn conflict(
        &self,
        record: &Record,
        tip: &Oid,
        commit: &Oid,
        files: Vec<String>,
    ) -> anyhow::Result<Block> {
        let git = &self.drive.git;
        let own = record.branch.as_deref().map(|branch| git.find_branch(branch)).transpose()?;
        let is_own = match own.flatten() {
            Some(own) => git.is_ancestor(commit, &own)?,
            None => true,
        };
        let brought = (!is_own).then(|| commit.clone());
        let base = git.merge_base(tip, commit)?.unwrap_or_else(|| self.run.base.clone());
        let mut with = git.trailers(&base, tip, TASK_TRAILER, &files)?;
        with.sort();
        with.dedup();
        let others = match with.as_slice() {
            [] => format!("what {} holds", self.run.integration),
            names => names.join(", "),
        };
        let where_from = brought.as_ref().map(|at| format!(" of {}, from the remote,", at.short()));
        let where_from = where_from.unwrap_or_default();
        let text = format!("{}{where_from} differs from {others}", files.join(", "));
        let against = Some(tip.clone());
        Ok(Block { files, against, with, brought, ..Block::new(Reason::Conflict, text) })
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
pub(crate) fn complete_notes(drive: &Drive, snapshot: &Snapshot) -> anyhow::Result<()> {
    // A merge that runs beside this one is published before its note is written; only its own
    // process knows how its tests went.
    let lock = drive.folder.checkout_lock()?;
    if !lock.try_hold("")? {
        return Ok(());
    }
    let commits_with_notes = drive.git.commits_with_notes()?;
    for (task, record) in snapshot.tasks() {
        let Some(merge) = record.state.merge() else { continue };
        if !commits_with_notes.contains(merge) {
            let text = note(drive, &snapshot.run, task, record, Checks::Forgotten);
            drive.git.write_note(merge, &text)?;
        }
    }
    Ok(())
}
