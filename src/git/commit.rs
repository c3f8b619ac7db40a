//! Commits the changes that an agent left in a worktree.
//!
//! Invariant: all of them or none, and the user's hooks are not run.

use std::path::Path;

use anyhow::Context;

use super::command::git;
use super::worktree::baseline::unstage;

/// Commits everything that is not ignored, without the user's hooks, which could refuse it.
///
/// These paths stay as they are, uncommitted; if nothing else is left, there is no commit.
pub(crate) fn commit_all(worktree: &Path, message: &str, except: &[String]) -> anyhow::Result<()> {
    // Without `--sparse`, git refuses to add files outside of the sparse checkout.
    let add = ["add", "--all", "--sparse"];
    git(worktree).args(add).bytes().context("cannot stage what was left")?;
    unstage(worktree, except)?;
    let staged = ["diff", "--cached", "--quiet", "--no-ext-diff"];
    if git(worktree).args(staged).output()?.status.success() {
        return Ok(());
    }
    // A key for signing may ask for a passphrase, and nobody is there to type it.
    let options =
        ["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--no-gpg-sign", "-F", "-"];
    git(worktree).args(options).input(message).bytes().context("cannot commit what was left")?;
    Ok(())
}
