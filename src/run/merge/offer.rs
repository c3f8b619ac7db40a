//! A person wants the work of a task merged as its branch holds it now.
//!
//! Invariant: what is queued is committed: nothing in the worktree could be left behind.

use std::path::Path;

use super::super::Drive;
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::pipeline;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{
    Change, Ending, Hint, Part, Remedy, StartFrom, StartOption, Step, git, git_in,
};
use crate::domain::task::{Event, Reason, Record, State};
use crate::git::worktree::is_worktree;
use crate::journal::Journal;
use crate::system::clock;

/// The work that is to be merged.
pub(crate) struct Offer {
    pub branch: String,
    pub commit: Oid,
    /// What the work has not passed: a step of the pipeline, and what a review found.
    pub skipped: Option<String>,
}

/// Returns what a person offers to merge; `None` if the task is merged, or is in the queue.
///
/// Fails if an agent works on the task, if its worktree holds changes that are not committed, if it
/// has no branch, and if the branch has no work.
pub(crate) fn prepare(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<Option<Offer>> {
    let (task, record) = snapshot.task(id)?;
    match &record.state {
        State::Merging { .. } | State::Done { .. } => return Ok(None),
        State::Running { worker: None, .. } => {
            return Err(failure(
                format!("task '{id}' is worked on by hand, and how that ended is not reported yet"),
                Step::report(id, Ending::Done).to("Report it first"),
            ));
        }
        State::Running { worker: Some(_), .. } => {
            return Err(failure(
                format!("an agent is at work on task '{id}'"),
                Step::log_of(id, Part::Follow).to("Watch it"),
            ));
        }
        State::Waiting | State::Pending { .. } | State::Paused { .. } | State::Blocked(_) => {}
    }
    check_committed(drive, record)?;
    let branch = record.branch.clone().unwrap_or_else(|| drive.settings.branch_of(id));
    let commit = drive.git.find_branch(&branch)?;
    let Some(commit) = commit else { return Err(no_branch(drive, snapshot, id, &branch)?) };
    if needs_work(task, record) && drive.git.is_ancestor(&commit, base(snapshot, record))? {
        return Err(no_work(snapshot, id, record, &branch));
    }
    Ok(Some(Offer { branch, commit, skipped: pipeline::skipped(record) }))
}

/// Puts the work into the queue of merges.
pub(crate) fn queue(journal: &Journal, id: &TaskId, offer: Offer) -> anyhow::Result<()> {
    let Offer { commit, skipped, .. } = offer;
    let skipped = skipped.map(|why| format!("merged as it is: {why}"));
    journal.append(id, &Event::Offered { commit, at: clock::now_ms(), skipped })
}

/// Returns false if a task may be done although its branch has no commit of its own: its agent says
/// that nothing had to change, its reviewers have read that, or it is a review itself.
fn needs_work(task: &Task, record: &Record) -> bool {
    let is_read = || record.last_attempt().is_some_and(|last| last.stage.review().is_some());
    let block = record.state.block();
    !task.final_review && !is_read() && block.is_none_or(|it| it.reason != Reason::NoChanges)
}

/// Returns the commit that the task's work begins on.
fn base<'a>(snapshot: &'a Snapshot, record: &'a Record) -> &'a Oid {
    record.last_attempt().map_or(&snapshot.run.base, |last| &last.base)
}

/// A merge of nothing would count as done, and tasks that need the work would begin without it.
fn no_work(snapshot: &Snapshot, id: &TaskId, record: &Record, branch: &str) -> anyhow::Error {
    let state = match record.state.block() {
        Some(block) => format!("it is blocked ({}): {}", block.reason, block.text),
        None => format!("it is {}", record.state),
    };
    let remedy = if record.state.is_blocked() {
        Remedy::from(Step::log(id)).or(again(id).to("Say what to do differently, and run it again"))
    } else {
        Remedy::from(run_it(id))
    };
    let place = record.worktree.as_deref().filter(|place| **place != snapshot.run.checkout);
    let commit = place.map(|place| {
        let empty = git_in(place, "commit --allow-empty -m").blank("TEXT");
        let merge = Step::from(empty).and(Step::merge(id));
        merge.to("Or take it as done, if nothing has to change: record that in a commit")
    });
    let remedy = commit.into_iter().fold(remedy, Remedy::or);
    failure(format!("branch '{branch}' of task '{id}' has no commit to merge: {state}"), remedy)
}

fn again(id: &TaskId) -> Step {
    Step::retry_with(id, Change::Text).and(Step::start())
}

fn run_it(id: &TaskId) -> Hint {
    let only = vec![StartOption::Only(id.to_string())];
    Step::Start { from: StartFrom::Run, options: only }.to("Run it")
}

fn no_branch(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    branch: &str,
) -> anyhow::Result<anyhow::Error> {
    let (_, record) = snapshot.task(id)?;
    let remedy = if record.attempts.is_empty() {
        Remedy::from(run_it(id))
    } else {
        let merged = &snapshot.run.integration;
        let again = Step::retry(id).and(Step::start()).to("Run it again");
        let remedy = Remedy::from(again);
        // A branch at the base of the task has no work to take as done.
        let tip = drive.git.find_branch(merged)?;
        let is_new = tip.map(|tip| drive.git.is_ancestor(&tip, base(snapshot, record)));
        if is_new.transpose()? == Some(false) {
            let make = Step::from(git("branch").word(branch).word(merged)).and(Step::merge(id));
            remedy.or(make.to(format!("Or take it as done, if {merged} has its work")))
        } else {
            remedy
        }
    };
    Ok(failure(format!("task '{id}' has no branch '{branch}'"), remedy))
}

fn check_committed(drive: &Drive, record: &Record) -> anyhow::Result<()> {
    let Some(place) = record.worktree.as_deref().map(Path::new) else { return Ok(()) };
    let is_clean = !is_worktree(place) || drive.git.work_in(place)?.is_clean();
    if is_clean {
        return Ok(());
    }
    Err(failure(
        format!("'{}' holds work that is not committed", place.display()),
        git_in(place.display(), "status").to("Finish that work and commit it, then merge again"),
    ))
}
