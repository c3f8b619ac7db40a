//! A person wants the work of a task merged as its branch holds it now.
//!
//! Invariant: what is queued is committed: nothing in the worktree could be left behind.

use std::path::Path;

use super::super::Drive;
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::pipeline;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Ending, Part, Remedy, StartFrom, StartOption, Step, git, git_in};
use crate::domain::task::{Event, Record, State};
use crate::git::worktree::is_worktree;
use crate::journal::Journal;
use crate::system::clock;

/// The work that is to be merged.
pub(crate) struct Offer {
    pub branch: String,
    pub commit: Oid,
    /// The step of the pipeline that the work has not passed.
    pub skipped: Option<String>,
}

/// Returns what a person offers to merge; `None` if the task is merged, or is in the queue.
///
/// Fails if an agent works on the task, if its worktree holds changes that are not committed, and
/// if it has no branch.
pub(crate) fn prepare(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<Option<Offer>> {
    let (_, record) = snapshot.task(id)?;
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
    let commit = commit.ok_or_else(|| no_branch(snapshot, id, record, &branch))?;
    Ok(Some(Offer { branch, commit, skipped: pipeline::skipped(record) }))
}

/// Puts the work into the queue of merges.
pub(crate) fn queue(journal: &Journal, id: &TaskId, offer: Offer) -> anyhow::Result<()> {
    journal.append(id, &Event::Offered { commit: offer.commit, at: clock::now_ms() })
}

fn no_branch(snapshot: &Snapshot, id: &TaskId, record: &Record, branch: &str) -> anyhow::Error {
    let remedy = if record.attempts.is_empty() {
        let only = vec![StartOption::Only(id.to_string())];
        Remedy::from(Step::Start { from: StartFrom::Run, options: only }.to("Run it"))
    } else {
        let merged = &snapshot.run.integration;
        let again = Step::retry(id).and(Step::start()).to("Run it again");
        let make = Step::from(git("branch").word(branch).word(merged)).and(Step::merge(id));
        Remedy::from(again).or(make.to(format!("Or take it as done, if {merged} has its work")))
    };
    failure(format!("task '{id}' has no branch '{branch}'"), remedy)
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
