//! Submodules of a worktree: repositories of their own, which are removed with the worktree.
//!
//! Invariant: only reads. git refuses to remove any worktree with a submodule, even an empty one,
//! so whether a removal would lose something is found out here.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::ownership;
use crate::git::command::git;

/// Returns the paths of the worktree's submodules, relative to it; most are empty folders.
pub(crate) fn submodules(worktree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let repo = gix::discover(worktree)?;
    let index = repo.index_or_empty().context("cannot read the index")?;
    let is_link = |entry: &&gix::index::Entry| entry.mode == gix::index::entry::Mode::COMMIT;
    let path = |entry: &gix::index::Entry| {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(entry.path(&index)))
    };
    Ok(index.entries().iter().filter(is_link).map(path).collect())
}

/// Returns what a submodule contains that is nowhere else; `None` if nothing would be lost.
pub(crate) fn unsaved(submodule: &Path) -> anyhow::Result<Option<&'static str>> {
    if !submodule.join(".git").exists() {
        let is_empty = submodule.read_dir().map_or(true, |mut found| found.next().is_none());
        return Ok((!is_empty).then_some("files"));
    }
    let status = ["status", "--porcelain", "--ignored", "--ignore-submodules=none"];
    if !git(submodule).args(status).bytes()?.is_empty() {
        return Ok(Some("files that are not committed"));
    }
    let own = ["rev-list", "--max-count=1", "HEAD", "--all", "--reflog", "--not", "--remotes"];
    if git(submodule).args(own).bytes()?.is_empty() {
        Ok(None)
    } else {
        Ok(Some("commits that no remote branch has"))
    }
}

/// Returns true if the worktree's private git directory contains the repository of a submodule that
/// is not checked out any more, for example after `git submodule deinit`.
pub(crate) fn has_hidden(worktree: &Path) -> anyhow::Result<bool> {
    let Some(own) = ownership::directory(worktree) else { return Ok(false) };
    let mut shown = Vec::new();
    add_filled(worktree, &mut shown)?;
    let mut folders = vec![own.join("modules")];
    while let Some(folder) = folders.pop() {
        let is_repository = folder.join("HEAD").exists() && folder.join("objects").exists();
        if is_repository && !shown.contains(&folder.canonicalize()?) {
            return Ok(true);
        }
        // A submodule's name may contain slashes, and it may have submodules of its own.
        let next = if is_repository { folder.join("modules") } else { folder };
        if next.is_dir() {
            for entry in next.read_dir()? {
                let entry = entry?;
                folders.extend(entry.file_type()?.is_dir().then(|| entry.path()));
            }
        }
    }
    Ok(false)
}

/// Adds the git directories of all submodules that are checked out, nested ones too.
fn add_filled(worktree: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for path in submodules(worktree)? {
        let place = worktree.join(path);
        if place.join(".git").exists() {
            let own = ownership::directory(&place).context("a submodule has no git directory")?;
            found.push(own.canonicalize()?);
            add_filled(&place, found)?;
        }
    }
    Ok(())
}
