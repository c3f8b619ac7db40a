//! Estimates the disk space of a worktree's files.
//!
//! Invariant: the estimate uses sizes that are known without reading a file; nothing is fetched.

use crate::domain::oid::Oid;
use crate::git::Git;

/// The least space that file systems allocate for a file, in bytes.
const BLOCK: u64 = 4096;

impl Git {
    /// Returns about how many bytes a worktree takes: by the index of the main worktree, else by
    /// the files of a commit. `git ls-tree -l` would fetch the missing blobs of a partial clone.
    pub fn checkout_size(&self, commit: &Oid) -> u64 {
        let by_index = self.size_by_index().unwrap_or_default();
        if by_index > 0 || self.is_partial() {
            return by_index;
        }
        let asked = ["ls-tree", "-r", "-l", "-z", commit.as_str()];
        let Ok(text) = self.command().args(asked).text() else { return 0 };
        let size = |line: &str| line.split_whitespace().nth(3)?.parse().ok();
        text.split('\0').filter_map(size).map(on_disk).sum()
    }

    fn size_by_index(&self) -> anyhow::Result<u64> {
        let index = self.repo.index_or_empty()?;
        let is_here = |entry: &&gix::index::Entry| {
            !entry.flags.contains(gix::index::entry::Flags::SKIP_WORKTREE)
        };
        let size = |entry: &gix::index::Entry| on_disk(u64::from(entry.stat.size));
        Ok(index.entries().iter().filter(is_here).map(size).sum())
    }
}

fn on_disk(length: u64) -> u64 {
    length.max(1).next_multiple_of(BLOCK)
}
