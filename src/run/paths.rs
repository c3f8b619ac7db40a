//! The paths of a run's worktrees.
//!
//! Invariant: computed from the settings alone; whether anything exists there is not asked.

use std::path::PathBuf;

use crate::domain::config::Settings;
use crate::domain::plan::TaskId;
use crate::git::Git;

/// Returns the path of a task's worktree, absolute.
pub(crate) fn worktree_path(git: &Git, settings: &Settings, id: &TaskId) -> PathBuf {
    // Named after the branch, and flat, so that no worktree lies inside another.
    let folder = settings.branch_of(id).replace('/', "-");
    git.home().join(&settings.worktrees).join(folder)
}

/// Returns the path of a run's integration checkout, absolute.
pub(crate) fn checkout_path(git: &Git, settings: &Settings, run: &str) -> PathBuf {
    git.home().join(&settings.worktrees).join(format!("integration-{run}"))
}
