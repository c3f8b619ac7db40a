//! Accepts files that an agent left and that needed a person's word.
//!
//! Invariant: what was accepted is committed before the journal names the commit, so that nothing is
//! accepted that is not there; a task goes on where it would have gone on.

use std::path::Path;

use anyhow::Context;

use crate::domain::error::failure;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Step, git_in};
use crate::domain::task::{Block, Event, Reason, Record};
use crate::git::commit::commit_all;
use crate::git::status;
use crate::git::worktree::is_worktree;
use crate::journal::Journal;
use crate::run::Drive;
use crate::system::clock;

/// Returns the block of a task that waits for a word on files.
pub(crate) fn waits(record: &Record) -> Option<&Block> {
    record.state.block().filter(|block| block.reason == Reason::Leftovers)
}

/// Takes the files as part of the task's work; returns them.
pub(crate) fn accept(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
    id: &TaskId,
    answer: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    // Two persons at once would commit twice.
    let lock = drive.folder.report_lock(id)?;
    lock.hold()?;
    let record = journal.record(id)?;
    let block = waits(&record).ok_or_else(|| {
        failure(format!("task '{id}' does not wait for a word on files any more"), Step::show(id))
    })?;
    let branch = record.branch.as_deref().context("a task has a branch when it is blocked")?;
    let (task, _) = snapshot.task(id)?;
    if let Some(place) = record.worktree.as_deref().map(Path::new).filter(|it| is_worktree(it)) {
        let is_own = status::head(place)?.0.as_deref() == Some(branch);
        let left = drive.git.work_in(place)?;
        if is_own && !left.unmerged.is_empty() {
            return Err(failure(
                format!("'{}' holds a merge that is not finished", place.display()),
                git_in(place.display(), "status").to("Finish it first"),
            ));
        }
        if is_own && !left.is_clean() {
            let except = drive.git.untouched(place)?;
            let message = format!("{}\n\nTask: {id}\n", task.title);
            drive.git.patiently(|| commit_all(place, &message, &except))?;
        }
    }
    let commit = drive.git.find_branch(branch)?;
    let commit = commit.with_context(|| format!("the branch '{branch}' is gone"))?;
    let answer = answer.map(str::to_owned);
    journal.append(id, &Event::Accepted { commit, answer, at: clock::now_ms() })?;
    Ok(block.files.clone())
}
