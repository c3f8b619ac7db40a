//! Room for another run of the same name.
//!
//! Invariant: only looks; the branch that is in the way holds work, so a person renames it.

use crate::domain::shell::quoted;
use crate::domain::snapshot::Run;
use crate::git::Git;

/// Returns the command that renames the integration branch of a run that is over, so that another
/// run can have its name; `None` if no branch that the run made is in the way.
pub(crate) fn rename_branch(git: &Git, run: &Run) -> anyhow::Result<Option<String>> {
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
    Ok(Some(format!("git branch -m {} {}", quoted(branch), quoted(&other))))
}
