//! Merges a finished task: makes a candidate, tests it, publishes it.
//!
//! Invariant: a candidate is made without a checkout, tested in the run's own detached worktree,
//! and published by compare-and-swap only if it passed. So every first-parent commit of the
//! integration branch has passed the tests; on any other outcome the branch does not move. One
//! merge at a time holds the checkout's lock.

mod culprit;
pub(crate) mod explain;
pub(crate) mod for_others;
pub(crate) mod note;
pub(crate) mod offer;
pub(crate) mod proof;
pub(crate) mod propose;
pub(crate) mod publish;
mod repair;

use super::folder::end_leftover;
use super::{Drive, TASK_TRAILER};
use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::policy::repair::Rejection;
use crate::domain::policy::verdicts::named;
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::steps::{Part, Scope, Step};
use crate::domain::task::conflict::{HiddenConflict, PathConflict};
use crate::domain::task::{Block, Event, Reason, Record, State};
use crate::git::merge::TreeMerge;
use crate::git::merge::commit::MergeCommit;
use crate::journal::Journal;
use crate::journal::settings::require_of_git;
use crate::system::lock::LockFile;
use crate::system::process::StopSwitch;
use culprit::{Culprit, Failure, culprit};
use explain::Explained;
use for_others::for_others;
use note::{Checks, note};
use proof::{CandidateTest, TestResult};
use publish::{Published, publish};

/// A merge starts over at most this many times because somebody else moved the branch.
const MAX_RACES: u32 = 100;

/// How a merge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MergeEnd {
    /// The journal says how: merged, blocked, or back to an agent.
    Settled,
    /// Nothing happened, for this reason; the task stays in the queue.
    Waits(String),
    /// The run is being stopped.
    Stopped,
}

/// Who asked for a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requester {
    /// The controller: a candidate that fails may go back to an agent.
    Controller,
    /// A person, who decides what to do about a candidate that fails.
    Person,
}

/// Merges one task that waits in the queue.
pub(crate) fn integrate(
    drive: &Drive,
    run: &Run,
    task: &Task,
    test: &StopSwitch,
    by: Requester,
) -> anyhow::Result<MergeEnd> {
    let _lock = lock_checkout(drive, run)?;
    let journal = Journal::new(&drive.git, &run.name);
    let merge = Merge { drive, run, task, journal, test, by };
    for _ in 0..MAX_RACES {
        let tip = match explain::explain(drive, &run.name, test)? {
            Explained::Ready { tip, .. } => tip,
            Explained::Waits(why) => return Ok(MergeEnd::Waits(why)),
            Explained::Stopped => return Ok(MergeEnd::Stopped),
        };
        let record = merge.journal.record(&task.id)?;
        let State::Merging { commit, .. } = record.state.clone() else {
            return Ok(MergeEnd::Settled);
        };
        if let Some(end) = drive.git.patiently(|| merge.try_once(&record, &commit, &tip))? {
            return Ok(end);
        }
    }
    Ok(MergeEnd::Waits(format!("the branch {} keeps moving", run.integration)))
}

/// Explains commits of others on the integration branch, so that the run may build on it.
pub(crate) fn explain_branch(
    drive: &Drive,
    run: &Run,
    test: &StopSwitch,
) -> anyhow::Result<Explained> {
    let _lock = lock_checkout(drive, run)?;
    explain::explain(drive, &run.name, test)
}

/// Takes the lock of the run's checkout, and ends a test that a killed process left in it.
fn lock_checkout(drive: &Drive, run: &Run) -> anyhow::Result<LockFile> {
    let lock = drive.folder.checkout_lock()?;
    lock.hold()?;
    end_leftover(&drive.folder.tester(), &run.name)?;
    Ok(lock)
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
    /// Returns `None` if something moved in the meantime, so that the merge must start over.
    fn try_once(
        &self,
        record: &Record,
        commit: &Oid,
        tip: &Oid,
    ) -> anyhow::Result<Option<MergeEnd>> {
        let git = &self.drive.git;
        if !git.is_stored(commit) {
            let text =
                format!("the commit {} of the task is gone from the repository", commit.short());
            return self.settle(Event::Refused(Block::new(Reason::Agent, text))).map(Some);
        }
        // A crash came between publishing and the journal, or a person merged it.
        if git.is_ancestor(commit, tip)? {
            let merge = git.merge_of(commit, &self.run.base, tip)?;
            let end = self.settle(Event::Merged { merge: merge.clone(), remarks: Vec::new() })?;
            if let Some(merge) = &merge {
                self.write_note(merge, record, Checks::Elsewhere);
            }
            return Ok(Some(end));
        }
        // A `git gc` may prune the new objects before a ref reaches them.
        let mark = git.outlast_gc();
        let tree = match git.try_merge(tip, commit)? {
            TreeMerge::Clean(tree) => tree,
            TreeMerge::Conflict(files) => {
                let why = self.conflict(record, tip, commit, files)?;
                return self.refuse(record, Rejection { commit, candidate: None, why }).map(Some);
            }
            TreeMerge::Unrelated => return self.settle(self.unrelated()).map(Some),
            TreeMerge::Impossible(why) => {
                let block = Block::new(Reason::Conflict, format!("git cannot merge it: {why}"));
                return self.settle(Event::Refused(block)).map(Some);
            }
        };
        let parents = [tip.clone(), commit.clone()];
        let MergeCommit { commit: candidate, unsigned } =
            git.write_merge(&tree, &parents, &self.message(record))?;
        if git.gc_since(&mark) && !git.is_stored(&candidate) {
            return Ok(None);
        }
        if let Some(why) = self.left_markers(tip, &candidate)? {
            return self.refuse(record, Rejection { commit, candidate: None, why }).map(Some);
        }
        let runs = match self.trial().of(&candidate)? {
            TestResult::Passed { runs } => runs,
            TestResult::Disturbed => return Ok(None),
            TestResult::Failed { text, command, ending } => {
                let failed = Failure { text, command, ending };
                return self.failed_tests(record, tip, (commit, &candidate), failed).map(Some);
            }
            TestResult::NoPlace(text) => {
                let against = Some(tip.clone());
                let block = Block { against, ..Block::new(Reason::Worktree, text) };
                return self.settle(Event::Refused(block)).map(Some);
            }
            TestResult::Stopped => return Ok(Some(MergeEnd::Stopped)),
        };
        // Published before the journal says so: a crash in between is found by `is_ancestor` above, while
        // an event without its merge would let tasks begin on work that is not there.
        match self.publish(tip, &candidate)? {
            Published::Done => {}
            Published::Moved => return Ok(None),
            Published::Waits(why) => return Ok(Some(MergeEnd::Waits(why))),
        }
        self.published(record, candidate, unsigned, runs).map(Some)
    }

    /// Records a merge whose tests passed in the last of so many rounds.
    fn published(
        &self,
        record: &Record,
        merge: Oid,
        unsigned: Option<String>,
        runs: u32,
    ) -> anyhow::Result<MergeEnd> {
        let again = (runs > 1).then(|| proof::PASSED_AGAIN.to_owned());
        let remarks: Vec<String> = unsigned.into_iter().chain(again).collect();
        let record = Record { merge_remarks: remarks.clone(), ..record.clone() };
        let end = self.settle(Event::Merged { merge: Some(merge.clone()), remarks })?;
        self.write_note(&merge, &record, Checks::Passed { runs });
        Ok(end)
    }

    fn publish(&self, tip: &Oid, candidate: &Oid) -> anyhow::Result<Published> {
        self.check_settings()?;
        let why = format!("merge {}", self.task.id);
        publish(&self.drive.git, &self.run.integration, tip, candidate, &why)
    }

    /// Fails if settings have changed: the tests ran what the agent wrote, and hooks are next. A
    /// person may have accepted them since the loop last looked, so the journal is asked.
    fn check_settings(&self) -> anyhow::Result<()> {
        require_of_git(&self.drive.git, &self.journal.run()?)
    }

    fn trial(&self) -> CandidateTest<'_> {
        let id = &self.task.id;
        CandidateTest {
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

    /// An agent fixes its work, but not a test command that is broken.
    fn failed_tests(
        &self,
        record: &Record,
        tip: &Oid,
        (commit, candidate): (&Oid, &Oid),
        failed: Failure,
    ) -> anyhow::Result<MergeEnd> {
        let (reason, text) = match culprit(self.trial(), &failed, tip, &self.run.base)? {
            Culprit::Stopped => return Ok(MergeEnd::Stopped),
            Culprit::Work => (Reason::Tests, failed.text),
            Culprit::Command(text) => (Reason::TestCommand, text),
        };
        let (against, command) = (Some(tip.clone()), Some(failed.command));
        let why = Block { against, command, ..Block::new(reason, text) };
        self.refuse(record, Rejection { commit, candidate: Some(candidate), why })
    }

    fn settle(&self, event: Event) -> anyhow::Result<MergeEnd> {
        self.journal.append(&self.task.id, &event)?;
        Ok(MergeEnd::Settled)
    }

    /// An agent fixes it, or a person has to: the person who merges by hand is there already.
    fn refuse(&self, record: &Record, rejection: Rejection<'_>) -> anyhow::Result<MergeEnd> {
        let event = match self.by {
            Requester::Person => Event::Refused(rejection.why),
            Requester::Controller => {
                repair::after_rejection(self.drive, self.run, self.task, record, rejection)?
            }
        };
        self.settle(event)
    }

    /// Returns why a candidate is not even tested: it would add conflict markers to files.
    fn left_markers(&self, tip: &Oid, candidate: &Oid) -> anyhow::Result<Option<Block>> {
        let found = self.drive.git.added_conflicts(tip, candidate)?;
        if found.is_empty() {
            return Ok(None);
        }
        let places: Vec<String> =
            found.iter().map(|(path, line)| format!("{path}:{line}")).collect();
        let text = format!("it would add conflict markers, at {}", named(&places));
        let files = found.into_iter().map(|(path, _)| path).collect();
        let against = Some(tip.clone());
        Ok(Some(Block { files, against, ..Block::new(Reason::Conflict, text) }))
    }

    fn unrelated(&self) -> Event {
        let text = format!("its branch has no common history with {}", self.run.integration);
        let hidden = HiddenConflict { unrelated: true, ..HiddenConflict::default() };
        let hidden = Some(Box::new(hidden));
        Event::Refused(Block { hidden, ..Block::new(Reason::Conflict, text) })
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
        // Several merges may have changed the same file.
        with.sort();
        with.dedup();
        let others = match with.as_slice() {
            [] => self.run.integration.clone(),
            names => names.join(", "),
        };
        let of_remote = brought.as_ref().map(|at| format!(" of {}, from the remote,", at.short()));
        let verb = if files.len() == 1 { "conflicts" } else { "conflict" };
        let (of_remote, files_text) = (of_remote.unwrap_or_default(), files.join(", "));
        let sides = git.sides_at(tip, commit, &files)?;
        let into = self.run.integration.as_str();
        let kinds = sides.iter().filter_map(|side| side.words(into, "the task"));
        let kinds: String = kinds.map(|kind| format!("; {kind}")).collect();
        let text = format!("{files_text}{of_remote} {verb} with {others}{kinds}");
        let modules = sides.into_iter().filter(PathConflict::is_module).map(|side| side.path);
        let hidden = HiddenConflict { modules: modules.collect(), unrelated: false };
        let hidden = (!hidden.modules.is_empty()).then(|| Box::new(hidden));
        let against = Some(tip.clone());
        Ok(Block { files, hidden, against, with, brought, ..Block::new(Reason::Conflict, text) })
    }

    fn message(&self, record: &Record) -> String {
        let Task { id, title, .. } = self.task;
        let report = record.last_work().and_then(|attempt| attempt.report.as_ref());
        let report = report.map(|r| r.message.trim()).filter(|text| !text.is_empty());
        let report = report.map(|text| format!("{text}\n\n")).unwrap_or_default();
        for_others(&format!(
            "Merge task {id}: {title}\n\n{report}Orchestrate-Run: {}\n{TASK_TRAILER}: {id}\n",
            self.run.name
        ))
    }

    /// Writes the note of a merge. The merge is published and in the journal, so an error here must
    /// not fail it; [`complete_notes`] writes the note at the next start.
    fn write_note(&self, merge: &Oid, record: &Record, checks: Checks) {
        let text = note(self.drive, self.run, self.task, record, checks);
        let _ = self.drive.git.write_note(merge, &text);
    }
}

/// Writes the notes that are missing because a process was killed after it had published.
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
