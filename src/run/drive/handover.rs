//! A task begins in the worktree of a merged task that it depends on, instead of in a new one.
//!
//! Invariant: only a worktree that could be removed is handed over. Each step can be done again
//! after a crash: the owner is written last, and until then the worktree is the earlier task's.

use std::path::Path;

use crate::domain::plan::TaskId;
use crate::domain::policy::handover::Handover;
use crate::domain::snapshot::Snapshot;
use crate::git::worktree::ownership;
use crate::run::paths::worktree_path;
use crate::run::{Drive, cleanup, setup};

/// Moves the first worktree that is free to where the task works; returns whether there was one.
pub(super) fn hand_over(
    drive: &Drive,
    snapshot: &Snapshot,
    handover: &Handover,
) -> anyhow::Result<bool> {
    let place = worktree_path(&drive.git, &drive.settings, &handover.to);
    for from in &handover.from {
        if hand_over_one(drive, snapshot, from, &handover.to, &place)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn hand_over_one(
    drive: &Drive,
    snapshot: &Snapshot,
    from: &TaskId,
    to: &TaskId,
    place: &Path,
) -> anyhow::Result<bool> {
    let git = &drive.git;
    let owner = |id: &TaskId| format!("{}/{id}", snapshot.run.name);
    // After a crash it may have been moved already.
    if ownership::owner_of(place).as_ref() != Some(&owner(from)) {
        if place.symlink_metadata().is_ok() {
            return Ok(false);
        }
        let Some(free) = cleanup::free_worktree(drive, snapshot, from)? else { return Ok(false) };
        git.move_worktree(&free, place)?;
    }
    let Some(tip) = git.find_branch(&snapshot.run.integration)? else { return Ok(false) };
    git.empty_worktree(place, &tip)?;
    setup::renew(place)?;
    ownership::hand_over(place, &owner(to))?;
    Ok(true)
}
