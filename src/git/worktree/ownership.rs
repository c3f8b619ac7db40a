//! What is remembered of a worktree, in small files of its private git directory.
//!
//! Invariant: git removes them together with the worktree, so they never speak of another one.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Access, same_path};
use crate::domain::oid::Oid;
use crate::git::Git;

/// Says whose the worktree is.
const OWNER: &str = "git-orchestrate";
/// Holds the worktree's number.
const SLOT: &str = "git-orchestrate-slot";

/// Is there while the worktree is being made.
const BEGUN: &str = "git-orchestrate-begun";

/// Holds the commit that our own detached worktree was last made to show.
const SHOWN: &str = "git-orchestrate-shown";

/// Says whose a worktree is that was registered just now, that it is not finished, and gives it a
/// number; the caller holds the registry.
pub(crate) fn mark(repo: &gix::Repository, owner: &str) -> anyhow::Result<()> {
    std::fs::write(repo.git_dir().join(BEGUN), "")?;
    std::fs::write(repo.git_dir().join(OWNER), owner)?;
    take_slot(repo.common_dir(), repo.git_dir()).map(drop)
}

/// Says that a worktree is finished.
pub(crate) fn finish(repo: &gix::Repository) -> anyhow::Result<()> {
    Ok(std::fs::remove_file(repo.git_dir().join(BEGUN))?)
}

/// Returns true where the files of a worktree were all checked out once: git then has an index.
pub(crate) fn is_finished(path: &Path) -> bool {
    let own = directory(path);
    own.is_some_and(|own| own.join("index").exists() && !own.join(BEGUN).exists())
}

/// Returns what a worktree of ours was made for: a run, or `run/task`; `None` for any other.
pub(crate) fn owner_of(path: &Path) -> Option<String> {
    std::fs::read_to_string(directory(path)?.join(OWNER)).ok()
}

/// Remembers which commit a worktree was made to show.
pub(crate) fn remember_shown(path: &Path, commit: &Oid) -> anyhow::Result<()> {
    let own = directory(path).context("it is no worktree")?;
    Ok(std::fs::write(own.join(SHOWN), commit.as_str())?)
}

/// Returns the commit that a worktree was last made to show.
pub(crate) fn shown(path: &Path) -> Option<Oid> {
    Oid::from_hex(std::fs::read_to_string(directory(path)?.join(SHOWN)).ok()?.trim())
}

/// Returns the private git directory of a worktree.
pub(crate) fn directory(path: &Path) -> Option<PathBuf> {
    let link = std::fs::read_to_string(path.join(".git")).unwrap_or_default();
    match link.strip_prefix("gitdir: ") {
        Some(directory) => Some(path.join(directory.trim_end_matches('\n'))),
        None => gix::discover(path).ok().map(|repo| repo.git_dir().to_owned()),
    }
}

impl Git {
    /// Returns what a worktree was made for, also one whose folder is gone.
    pub fn owner_of(&self, path: &Path) -> Option<String> {
        owner_of(path).or_else(|| {
            let link = path.join(".git");
            let registered = self.common_dir().join("worktrees").read_dir().ok()?.flatten();
            let points_here = |folder: &PathBuf| {
                let text = std::fs::read_to_string(folder.join("gitdir")).unwrap_or_default();
                same_path(Path::new(text.trim_end_matches('\n')), &link)
            };
            let folder = registered.map(|entry| entry.path()).find(points_here)?;
            std::fs::read_to_string(folder.join(OWNER)).ok()
        })
    }

    /// Returns the number of a worktree of ours, from 1 on: no other worktree of the repository
    /// has it, and it stays as long as the worktree does.
    pub fn slot(&self, path: &Path) -> anyhow::Result<u32> {
        let folder = directory(path).context("it is no worktree")?;
        if let Some(slot) = read_slot(&folder) {
            return Ok(slot);
        }
        let _registry = self.registry(Access::Change)?;
        take_slot(self.common_dir(), &folder)
    }
}

/// Returns the number that a worktree has, if it has one.
pub(crate) fn slot_of(path: &Path) -> Option<u32> {
    let is_there = path.join(".git").exists();
    is_there.then(|| read_slot(&directory(path)?)).flatten()
}

/// Writes down the lowest number that no worktree has.
fn take_slot(common_dir: &Path, folder: &Path) -> anyhow::Result<u32> {
    let all = common_dir.join("worktrees").read_dir().context("cannot list the worktrees")?;
    let taken: Vec<u32> = all.flatten().filter_map(|entry| read_slot(&entry.path())).collect();
    let slot = (1..).find(|slot| !taken.contains(slot)).context("no number is left")?;
    std::fs::write(folder.join(SLOT), slot.to_string())?;
    Ok(slot)
}

fn read_slot(folder: &Path) -> Option<u32> {
    std::fs::read_to_string(folder.join(SLOT)).ok()?.trim().parse().ok()
}
