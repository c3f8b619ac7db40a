//! Finds out whether the content of a branch is in another branch although its commits are not,
//! because it was rebased or squashed.
//!
//! Invariant: git merges the two, and the content must be there now, byte by byte. Patch ids are
//! not enough: they ignore whitespace, and the commit may have been reverted since. A branch that
//! changes nothing is never contained, so "no work" is never taken for "merged".

use super::TreeMerge;
use crate::domain::oid::Oid;
use crate::git::Git;

impl Git {
    /// Returns true if everything that a commit's history changed since it left `into` is in
    /// `into`, so that a merge would change nothing.
    pub fn is_content_in(&self, commit: &Oid, into: &Oid) -> anyhow::Result<bool> {
        let Some(base) = self.merge_base(commit, into)? else { return Ok(false) };
        let content = self.tree_of(commit)?;
        if content == self.tree_of(&base)? {
            return Ok(false);
        }
        Ok(self.try_merge(into, commit)? == TreeMerge::Clean(self.tree_of(into)?))
    }
}
