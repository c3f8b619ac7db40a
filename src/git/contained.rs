//! Whether the content of a branch is in another one, though its commits are not: it was
//! rebased, or squashed into one commit.
//!
//! Invariant: git compares. A branch that changes nothing is in nothing by these rules, so that
//! "no work" is never taken for "merged".

use super::Git;
use super::merge::TreeMerge;
use crate::oid::Oid;

impl Git {
    /// Returns true where everything that a commit's history changed since it left `into` is
    /// there.
    pub fn is_content_in(&self, commit: &Oid, into: &Oid) -> anyhow::Result<bool> {
        let Some(base) = self.merge_base(commit, into)? else { return Ok(false) };
        let content = self.tree_of(commit)?;
        if content == self.tree_of(&base)? {
            return Ok(false);
        }
        if self.try_merge(into, commit)? == TreeMerge::Clean(self.tree_of(into)?) {
            return Ok(true);
        }
        // What came after may have changed the same lines: then the changes themselves are found.
        let squashed = self.write_commit(&content, &[base], "All in one\n")?;
        Ok(self.are_picked(commit, into)? || self.are_picked(&squashed, into)?)
    }

    /// Returns true where every commit that `into` lacks has a twin there with the same change.
    fn are_picked(&self, commit: &Oid, into: &Oid) -> anyhow::Result<bool> {
        let range = format!("{into}..{commit}");
        let merges = self.command().args(["rev-list", "--count", "--merges", &range]).text()?;
        let told = self.command().args(["cherry", into.as_str(), commit.as_str()]).text()?;
        let has_twin = |line: &str| line.starts_with('-');
        Ok(merges.trim() == "0" && !told.is_empty() && told.lines().all(has_twin))
    }
}
