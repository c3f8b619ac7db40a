//! Hooks that run in the main checkout, but not in its worktrees.

use std::path::Path;

use super::{Finding, Repository};
use crate::domain::steps::git;

/// git resolves a relative `core.hooksPath` from the top of the worktree, where only committed files
/// exist. So an uncommitted folder of hooks, such as `.husky/_`, is missing in a new worktree.
pub(super) fn check(repo: &Repository<'_>) -> Option<Finding> {
    let top = repo.top_level()?;
    let set = repo.git.config_path("core.hooksPath")?;
    let folder = top.join(&set);
    if Path::new(&set).is_absolute() || !folder.is_dir() || repo.git.tracks(top, &set) {
        return None;
    }
    let text = format!(
        "core.hooksPath is '{set}', which is relative and not committed: no hook runs in worktrees"
    );
    let remedy = git("config core.hooksPath").word(folder.display());
    Some(Finding::warning("hooks", text, remedy))
}
