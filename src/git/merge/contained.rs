//! Whether the content of a branch is in another one, though its commits are not: it was
//! rebased, or squashed into one commit.
//!
//! Invariant: git compares, and the content must be there now, byte by byte: a twin of a commit
//! may differ in its spaces, or may have been reverted since. A branch that changes nothing is in
//! nothing by these rules, so that "no work" is never taken for "merged".

use super::TreeMerge;
use crate::domain::oid::Oid;
use crate::git::Git;

impl Git {
    /// Returns true where everything that a commit's history changed since it left `into` is
    /// there, so that merging it would change nothing.
    pub fn is_content_in(&self, commit: &Oid, into: &Oid) -> anyhow::Result<bool> {
        let Some(base) = self.merge_base(commit, into)? else { return Ok(false) };
        let content = self.tree_of(commit)?;
        if content == self.tree_of(&base)? {
            return Ok(false);
        }
        Ok(self.try_merge(into, commit)? == TreeMerge::Clean(self.tree_of(into)?))
    }
}
