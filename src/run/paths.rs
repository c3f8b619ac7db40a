//! Where the worktrees of a run are.
//!
//! Invariant: a function of the settings alone; whether anything is there is for others to ask.

use std::path::PathBuf;

use crate::domain::config::Settings;
use crate::domain::plan::TaskId;
use crate::git::Git;

/// Returns where a task's worktree belongs.
pub(crate) fn worktree_path(git: &Git, settings: &Settings, id: &TaskId) -> PathBuf {
    let folder = settings.branch_of(id).replace('/', "-");
    git.home().join(&settings.worktrees).join(folder)
}

/// Returns where a run's integration checkout belongs.
pub(crate) fn checkout_path(git: &Git, settings: &Settings, run: &str) -> PathBuf {
    git.home().join(&settings.worktrees).join(format!("integration-{run}"))
}
