//! The owner and the number of a worktree, in small files of its private git directory.
//!
//! Invariant: git removes these files together with the worktree, so they never describe another
//! one.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Access, same_path};
use crate::domain::oid::Oid;
use crate::git::Git;

/// Holds the worktree's owner: a run, or `run/task`.
const OWNER: &str = "git-orchestrate";
/// Holds the worktree's number.
const SLOT: &str = "git-orchestrate-slot";

/// Exists in a worktree that was handed over, until it shows its new task's branch.
const HANDED: &str = "git-orchestrate-handed";

/// Exists while the worktree is being created.
const BEGUN: &str = "git-orchestrate-begun";

/// Holds the commit that the run's own detached worktree was last set to.
const SHOWN: &str = "git-orchestrate-shown";

/// Marks a newly registered worktree with its owner, as unfinished, and gives it a number; the
/// caller holds the lock on the list of worktrees.
pub(crate) fn mark(repo: &gix::Repository, owner: &str) -> anyhow::Result<()> {
    std::fs::write(repo.git_dir().join(BEGUN), "")?;
    std::fs::write(repo.git_dir().join(OWNER), owner)?;
    take_slot(repo.common_dir(), repo.git_dir()).map(drop)
}

/// Marks a worktree as finished.
pub(crate) fn finish(repo: &gix::Repository) -> anyhow::Result<()> {
    Ok(std::fs::remove_file(repo.git_dir().join(BEGUN))?)
}

/// Returns true if all files of a worktree were checked out once and its hook has run.
///
/// After a crash between the two there is an index already, so the index alone proves nothing.
pub(crate) fn is_finished(path: &Path) -> bool {
    let own = directory(path);
    own.is_some_and(|own| own.join("index").exists() && !own.join(BEGUN).exists())
}

/// Returns the owner of a worktree, a run or `run/task`; `None` if this program did not create it.
pub(crate) fn owner_of(path: &Path) -> Option<String> {
    std::fs::read_to_string(directory(path)?.join(OWNER)).ok()
}

/// Gives a worktree another owner.
pub(crate) fn hand_over(path: &Path, owner: &str) -> anyhow::Result<()> {
    let own = directory(path).context("it is not a worktree")?;
    std::fs::write(own.join(HANDED), "")?;
    Ok(std::fs::write(own.join(OWNER), owner)?)
}

/// Returns true if a worktree was handed over and does not show its new task's branch yet.
pub(crate) fn is_handed_over(path: &Path) -> bool {
    directory(path).is_some_and(|own| own.join(HANDED).exists())
}

/// Records that a worktree shows its new task's branch.
pub(crate) fn settle_in(path: &Path) -> anyhow::Result<()> {
    let own = directory(path).context("it is not a worktree")?;
    Ok(std::fs::remove_file(own.join(HANDED))?)
}

/// Records the commit that a worktree was set to.
pub(crate) fn remember_shown(path: &Path, commit: &Oid) -> anyhow::Result<()> {
    let own = directory(path).context("it is not a worktree")?;
    Ok(std::fs::write(own.join(SHOWN), commit.as_str())?)
}

/// Returns the commit that a worktree was last set to.
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
    /// Returns the owner of a worktree, even if its folder is gone.
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

    /// Returns the number of a worktree, from 1 on: no other worktree of the repository has it, and
    /// it stays the same as long as the worktree exists.
    pub fn slot(&self, path: &Path) -> anyhow::Result<u32> {
        let folder = directory(path).context("it is not a worktree")?;
        if let Some(slot) = read_slot(&folder) {
            return Ok(slot);
        }
        let _registry = self.registry(Access::Write)?;
        take_slot(self.common_dir(), &folder)
    }
}

/// Returns the number of a worktree, if it has one.
pub(crate) fn slot_of(path: &Path) -> Option<u32> {
    let is_there = path.join(".git").exists();
    is_there.then(|| read_slot(&directory(path)?)).flatten()
}

/// Gives a worktree the lowest unused number.
fn take_slot(common_dir: &Path, folder: &Path) -> anyhow::Result<u32> {
    let all = common_dir.join("worktrees").read_dir().context("cannot list the worktrees")?;
    let taken: Vec<u32> = all.flatten().filter_map(|entry| read_slot(&entry.path())).collect();
    // The lowest one, since `setup` derives ports from it: they should not grow without end.
    let slot = (1..).find(|slot| !taken.contains(slot)).context("all numbers are in use")?;
    std::fs::write(folder.join(SLOT), slot.to_string())?;
    Ok(slot)
}

fn read_slot(folder: &Path) -> Option<u32> {
    std::fs::read_to_string(folder.join(SLOT)).ok()?.trim().parse().ok()
}
