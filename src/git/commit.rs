//! Committing what an agent left in a worktree.
//!
//! Invariant: all of it or nothing, and no hook of the user's has a say.

use std::path::Path;

use anyhow::Context;

use super::command::git;

/// Commits everything that is not ignored, without the user's hooks, which could refuse it.
pub(crate) fn commit_all(worktree: &Path, message: &str) -> anyhow::Result<()> {
    // Also what lies outside of a sparse checkout, which git would rather leave.
    let add = ["add", "--all", "--sparse"];
    git(worktree).args(add).bytes().context("cannot stage what was left")?;
    let options =
        ["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--no-gpg-sign", "-F", "-"];
    git(worktree).args(options).input(message).bytes().context("cannot commit what was left")?;
    Ok(())
}
