//! Merges without a checkout: git decides, and the only result is a candidate commit.
//!
//! Invariant: no branch and no worktree changes here, except in [`Git::fast_forward`], which moves
//! a checked-out branch as `git merge --ff-only` does.

pub(crate) mod contained;
mod markers;

use std::path::Path;

use anyhow::{Context, bail};

use super::Git;
use super::command::git;
use super::worktree::Access;
use crate::domain::oid::Oid;

/// The result of merging one commit into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeMerge {
    /// The tree of the merge.
    Clean(Oid),
    /// The paths in conflict.
    Conflict(Vec<String>),
    /// git cannot try, for this reason: no common history, for example.
    Impossible(String),
}

impl Git {
    /// Merges `theirs` into `ours` in the object database alone.
    ///
    /// The git program does it, not gix: git honours merge drivers, and gix has been seen to report
    /// another verdict with several merge bases, and to take minutes.
    pub fn try_merge(&self, ours: &Oid, theirs: &Oid) -> anyhow::Result<TreeMerge> {
        let asked = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        let output = self.command().args(asked).args([ours.as_str(), theirs.as_str()]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut fields = text.split('\0').filter(|field| !field.is_empty());
        let tree = fields.next().and_then(Oid::from_hex);
        match (output.status.code(), tree) {
            (Some(0), Some(tree)) => Ok(TreeMerge::Clean(tree)),
            (Some(1), Some(_)) => Ok(TreeMerge::Conflict(fields.map(str::to_owned).collect())),
            _ => {
                let why = String::from_utf8_lossy(&output.stderr);
                Ok(TreeMerge::Impossible(why.trim().trim_start_matches("fatal: ").to_owned()))
            }
        }
    }

    /// Returns the best common ancestor of two commits.
    pub fn merge_base(&self, one: &Oid, other: &Oid) -> anyhow::Result<Option<Oid>> {
        let output = self.command().args(["merge-base", one.as_str(), other.as_str()]).output()?;
        // Exit code 1 means that there is no common ancestor.
        if output.status.code().is_none_or(|code| code > 1) {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(Oid::from_hex(String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// Returns the values of a trailer in the first-parent commits of a range that touch these
    /// paths, newest first.
    pub fn trailers(
        &self,
        from: &Oid,
        to: &Oid,
        key: &str,
        paths: &[String],
    ) -> anyhow::Result<Vec<String>> {
        let format = format!("--format=%(trailers:key={key},valueonly,separator=%x2c)");
        let range = format!("{from}..{to}");
        let log = ["log", "--first-parent", "-m", &format, &range, "--"];
        let text = self.command().env("GIT_LITERAL_PATHSPECS", "1").args(log).args(paths).text()?;
        Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// Returns the first-parent commit after `from` up to `to` that merged `commit`.
    pub fn merge_of(&self, commit: &Oid, from: &Oid, to: &Oid) -> anyhow::Result<Option<Oid>> {
        let range = format!("{from}..{to}");
        let asked = ["rev-list", "--first-parent", "--min-parents=2", "--parents", &range];
        let text = self.command().args(asked).text()?;
        let merged = |line: &&str| line.split(' ').skip(2).any(|parent| parent == commit.as_str());
        Ok(text.lines().find(merged).and_then(|line| Oid::from_hex(line.split(' ').next()?)))
    }

    /// Moves the branch that is checked out in a worktree forward to a commit, with its files.
    ///
    /// git refuses, and changes nothing, if a file that would change has uncommitted changes.
    pub fn fast_forward(&self, worktree: &Path, branch: &str, commit: &Oid) -> anyhow::Result<()> {
        // `branch.<name>.mergeOptions` could turn the call into something else (`--squash`). By
        // default git overwrites ignored files in a merge, but they are the user's files too.
        let _registry = self.registry(Access::Read)?;
        let options = format!("branch.{branch}.mergeOptions=");
        let asked = ["merge", "--ff-only", "--no-overwrite-ignore", "--quiet", commit.as_str()];
        let moved = git(worktree).args(["-c", &options]).args(asked).bytes().map(drop);
        moved.with_context(|| format!("cannot update the checkout at '{}'", worktree.display()))
    }
}
