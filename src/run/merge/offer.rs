//! A person wants the work of a task merged as its branch holds it now.
//!
//! Invariant: what is queued is committed: nothing in the worktree could be left behind.

use std::path::Path;

use super::super::Drive;
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::pipeline;
use crate::domain::shell::quoted;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Event, Record, State};
use crate::git::status;
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
        State::Running { .. } => {
            return Err(failure(
                format!("an agent is at work on task '{id}'"),
                format!("git orchestrate log {id} -f   # look on"),
            ));
        }
        State::Waiting | State::Pending { .. } | State::Paused { .. } | State::Blocked(_) => {}
    }
    check_committed(record)?;
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
        format!("git orchestrate start --only {id}   # runs it")
    } else {
        let merged = &snapshot.run.integration;
        format!(
            "git orchestrate retry {id} && git orchestrate start   # runs it again\n\
             git branch {branch} {merged} && git orchestrate merge {id}   # if its work is in there already"
        )
    };
    failure(format!("task '{id}' has no branch '{branch}'"), remedy)
}

fn check_committed(record: &Record) -> anyhow::Result<()> {
    let Some(place) = record.worktree.as_deref().map(Path::new) else { return Ok(()) };
    let is_clean = !is_worktree(place) || status::dirt(place)?.is_clean();
    if is_clean {
        return Ok(());
    }
    Err(failure(
        format!("'{}' holds work that is not committed", place.display()),
        format!(
            "cd {} && git status   # finish, commit, then merge again",
            quoted(&place.display().to_string())
        ),
    ))
}
