//! Frees the name of a finished run for another run.
//!
//! Invariant: changes nothing. The branch in the way contains work, so the user decides to rename
//! it.

use crate::domain::snapshot::Run;
use crate::domain::steps::{self, Step};
use crate::git::Git;

/// Returns the command that renames the integration branch of a finished run, so that another run
/// can have its name; `None` if the run created no branch, or its branch is gone.
pub(crate) fn rename_branch(git: &Git, run: &Run) -> anyhow::Result<Option<Step>> {
    let branch = &run.integration;
    if !run.owns_integration() || git.find_branch(branch)?.is_none() {
        return Ok(None);
    }
    let mut other = format!("{branch}-old");
    for number in 2.. {
        if git.find_branch(&other)?.is_none() {
            break;
        }
        other = format!("{branch}-old-{number}");
    }
    Ok(Some(steps::git("branch -m").word(branch).word(other).into()))
}
