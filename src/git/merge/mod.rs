//! Merges without a checkout: git decides, and the only result is a candidate commit.
//!
//! Invariant: no branch and no worktree changes here, except in [`Git::fast_forward`], which moves
//! a checked-out branch as `git merge --ff-only` does.

pub(crate) mod commit;
pub(crate) mod contained;
mod markers;
mod method;
mod private_checkout;
mod sides;

use std::path::Path;
use std::process::Output;

use anyhow::{Context, bail};

use super::Git;
use super::command::{GitCommand, git};
use super::worktree::Access;
use crate::domain::oid::Oid;
use method::Method;
use private_checkout::Population;

/// The exit code by which git says that it does not know an option.
const USAGE: i32 = 129;

/// The result of merging one commit into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeMerge {
    /// The tree of the merge.
    Clean(Oid),
    /// The paths in conflict.
    Conflict(Vec<String>),
    /// git does not merge them, because they have no common history.
    Unrelated,
    /// git cannot try, for this reason.
    Impossible(String),
}

impl Git {
    /// Merges `theirs` into `ours`, with the result that `git merge` has in a checkout of `ours`.
    ///
    /// The git program does it, not gix: git honours merge drivers, and gix has been seen to report
    /// another verdict with several merge bases, and to take minutes.
    pub fn try_merge(&self, ours: &Oid, theirs: &Oid) -> anyhow::Result<TreeMerge> {
        let merged = match self.merge_method(ours)? {
            Method::Checkout(population) => self.merge_in_checkout(ours, theirs, population)?,
            Method::Tree(options) => self.merge_trees(ours, theirs, &options)?,
        };
        Ok(match merged {
            TreeMerge::Impossible(_)
                if self.merge_base(ours, theirs).is_ok_and(|b| b.is_none()) =>
            {
                TreeMerge::Unrelated
            }
            merged => merged,
        })
    }

    fn merge_trees(
        &self,
        ours: &Oid,
        theirs: &Oid,
        options: &[String],
    ) -> anyhow::Result<TreeMerge> {
        // Without a source of attributes git takes them from no checkout or from the wrong one.
        let source = format!("--attr-source={ours}");
        let merge = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        let ask = |command: GitCommand| {
            command.args(merge).args(options).args([ours.as_str(), theirs.as_str()]).output()
        };
        let mut output = ask(self.merging().arg(source))?;
        // Git before 2.41 does not know the option.
        if output.status.code() == Some(USAGE) {
            if !self.attribute_paths(ours)?.is_empty() {
                return self.merge_in_checkout(ours, theirs, Population::Attributes);
            }
            output = ask(self.merging())?;
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut fields = text.split('\0').filter(|field| !field.is_empty());
        let tree = fields.next().and_then(Oid::from_hex);
        Ok(match (output.status.code(), tree) {
            (Some(0), Some(tree)) => TreeMerge::Clean(tree),
            (Some(1), Some(_)) => TreeMerge::Conflict(fields.map(str::to_owned).collect()),
            _ => TreeMerge::Impossible(message(&output)),
        })
    }

    /// Returns a git command that finds the submodules of the main worktree, if there is one: git
    /// takes the newer commit of a submodule only if it can look into that.
    fn merging(&self) -> GitCommand {
        let home = self.home();
        if home.join(".git") == self.common_dir() {
            git(&home).env("GIT_DIR", self.common_dir()).env("GIT_WORK_TREE", &home)
        } else {
            self.command()
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
        // A file may be named `*` or `:(top)`.
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

/// Returns git's own words about a merge that it could not try.
fn message(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.trim().lines().map(|line| {
        ["fatal: ", "error: "].iter().fold(line, |line, word| line.trim_start_matches(word))
    });
    lines.collect::<Vec<_>>().join("; ")
}
