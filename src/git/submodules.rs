//! Submodules of a worktree: repositories of their own, which go when the worktree goes.
//!
//! Invariant: looks only. git itself refuses to remove any worktree with a submodule, also one
//! that was never filled, so the hard question is asked here.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::command::git;
use super::private;

/// Returns where the worktree has submodules, relative to it; most are empty folders.
pub fn submodules(worktree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let repo = gix::discover(worktree)?;
    let index = repo.index_or_empty().context("cannot read the index")?;
    let is_link = |entry: &&gix::index::Entry| entry.mode == gix::index::entry::Mode::COMMIT;
    let path = |entry: &gix::index::Entry| {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(entry.path(&index)))
    };
    Ok(index.entries().iter().filter(is_link).map(path).collect())
}

/// Returns why a submodule holds something that is nowhere else.
pub fn unsaved(submodule: &Path) -> anyhow::Result<Option<&'static str>> {
    if !submodule.join(".git").exists() {
        let is_empty = submodule.read_dir().map_or(true, |mut found| found.next().is_none());
        return Ok((!is_empty).then_some("files"));
    }
    let status = ["status", "--porcelain", "--ignored", "--ignore-submodules=none"];
    if !git(submodule).args(status).bytes()?.is_empty() {
        return Ok(Some("files that are not committed"));
    }
    let own = ["rev-list", "--max-count=1", "HEAD", "--all", "--reflog", "--not", "--remotes"];
    match git(submodule).args(own).bytes()?.is_empty() {
        true => Ok(None),
        false => Ok(Some("commits that no remote branch has")),
    }
}

/// Returns true where the worktree's private git directory holds repositories of submodules
/// whose folders are not in the worktree any more.
pub fn has_hidden(worktree: &Path) -> anyhow::Result<bool> {
    let Some(own) = private::directory(worktree) else { return Ok(false) };
    let any_filled =
        submodules(worktree)?.iter().any(|path| worktree.join(path).join(".git").exists());
    Ok(own.join("modules").is_dir() && !any_filled)
}
