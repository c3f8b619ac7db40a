//! Which conflicts are shown to others as pull requests.
//!
//! Invariant: pure, and decided from the snapshot and one setting.

use crate::domain::config::OnConflict;
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Block, Obstacle, Reason, Record};

/// Returns the tasks whose conflict should have a pull request, and has none yet.
pub(crate) fn wanted(snapshot: &Snapshot, on_conflict: OnConflict) -> Vec<TaskId> {
    match on_conflict {
        OnConflict::Pr | OnConflict::Agent => with_conflict(snapshot, |block| block.url.is_none()),
        OnConflict::Keep => Vec::new(),
    }
}

/// Returns the tasks whose conflict has a pull request, or whose branch may be on the remote.
pub(crate) fn pushed(snapshot: &Snapshot) -> Vec<TaskId> {
    with_conflict(snapshot, |block| match &block.unopened {
        Some(unopened) => unopened.why != Obstacle::NoRemote,
        None => block.url.is_some(),
    })
}

fn with_conflict(snapshot: &Snapshot, holds: impl Fn(&Block) -> bool) -> Vec<TaskId> {
    let has_it = |(_, record): &(&Task, &Record)| conflict(record).is_some_and(&holds);
    snapshot.tasks().filter(has_it).map(|(task, _)| task.id.clone()).collect()
}

/// Returns the block of a task whose own branch conflicts.
pub(crate) fn conflict(record: &Record) -> Option<&Block> {
    let is_own = |block: &&Block| {
        block.reason == Reason::Conflict && block.against.is_some() && block.brought.is_none()
    };
    record.state.block().filter(is_own)
}
