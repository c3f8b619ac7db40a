//! Backups: what would be lost is made a commit and kept reachable by a ref.
//!
//! Invariant: written before anything is removed or reset; a backup ref is never moved.

use std::path::Path;

use anyhow::{Context, bail};

use super::Git;
use super::command::git;
use super::refs::Swap;
use super::status;
use crate::oid::Oid;

/// Largest ignored file that is kept in a backup, in bytes: an `.env` or a small database,
/// and no build output.
const MAX_IGNORED: u64 = 10 << 20;

impl Git {
    /// Keeps a commit reachable under `refs/orchestrate/backup/<run>/<what>/<n>`.
    ///
    /// Returns the ref's name; one that already holds the commit is used again.
    pub fn back_up(&self, run: &str, what: &str, commit: &Oid) -> anyhow::Result<String> {
        let prefix = format!("refs/orchestrate/backup/{run}/{what}/");
        // Each failed try means that somebody else took a number.
        for _ in 0..100 {
            let taken = self.list_refs(&prefix)?;
            if let Some((name, _)) = taken.iter().find(|(_, held)| held == commit) {
                return Ok(name.clone());
            }
            let number = |name: &str| name.rsplit('/').next().and_then(|n| n.parse::<u32>().ok());
            let next = taken.iter().filter_map(|(name, _)| number(name)).max().unwrap_or(0) + 1;
            let name = format!("{prefix}{next}");
            if self.swap_ref(&name, None, commit, "backup")? == Swap::Done {
                return Ok(name);
            }
        }
        bail!("cannot write a backup ref below '{prefix}'")
    }

    /// Returns a commit of all that a worktree holds: changes, untracked files, and ignored
    /// files that are small. The worktree and its index stay as they are.
    pub fn snapshot_worktree(&self, worktree: &Path, message: &str) -> anyhow::Result<Held> {
        let (_, head) = status::head(worktree)?;
        let ignored = status::ignored(worktree)?;
        if status::dirt(worktree)?.is_clean() && ignored.is_empty() {
            return Ok(Held { commit: head, left_out: Vec::new() });
        }
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let index = folder.path().join("index");
        let at = || git(worktree).env("GIT_INDEX_FILE", &index);
        at().args(["read-tree", "HEAD"]).bytes()?;
        at().args(["add", "--all", "--sparse"]).bytes()?;
        let small = |path: &String| {
            let metadata = worktree.join(path).symlink_metadata();
            metadata.is_ok_and(|file| !file.is_dir() && file.len() <= MAX_IGNORED)
        };
        let (kept, left_out): (Vec<String>, Vec<String>) = ignored.into_iter().partition(small);
        if !kept.is_empty() {
            let literal = at().env("GIT_LITERAL_PATHSPECS", "1");
            literal.args(["add", "--force", "--sparse", "--"]).args(kept).bytes()?;
        }
        let tree = at().args(["write-tree"]).text()?;
        let tree = Oid::from_hex(tree.trim()).context("git told no tree id")?;
        let commit = self.write_commit(&tree, &[head], &format!("Backup: {message}\n"))?;
        Ok(Held { commit, left_out })
    }
}

/// What a worktree held, as a commit.
#[derive(Debug, Clone)]
pub struct Held {
    pub commit: Oid,
    /// Ignored folders and large ignored files, which are not in it.
    pub left_out: Vec<String>,
}
