//! `git merge` itself, in a checkout that no other process sees.
//!
//! Invariant: the checkout has a HEAD and an index of its own and shares objects and configuration
//! with the repository, but git does not list it as a worktree. It is used by one process at a
//! time, and emptied before and after each use. No hook runs.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::TreeMerge;
use crate::domain::oid::Oid;
use crate::git::Git;
use crate::git::command::{self, GitCommand};
use crate::system::lock::LockFile;

/// Which files of a commit a private checkout shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Population {
    /// `.gitattributes` files alone; for git the others are deleted, which no merge minds.
    Attributes,
    All,
}

/// A checkout below the common git directory.
struct PrivateCheckout<'a> {
    git: &'a Git,
    folder: PathBuf,
    _lock: LockFile,
}

impl Git {
    /// Merges `theirs` into `ours` as `git merge` does in a checkout of `ours`.
    pub(super) fn merge_in_checkout(
        &self,
        ours: &Oid,
        theirs: &Oid,
        population: Population,
    ) -> anyhow::Result<TreeMerge> {
        let lock = LockFile::open(self.locks().join(".merge"))?;
        lock.hold()?;
        let folder = self.common_dir().join("orchestrate-merge");
        let checkout = PrivateCheckout { git: self, folder, _lock: lock };
        checkout.fill(ours, population).context("cannot check out what is merged into")?;
        checkout.merge(theirs)
    }
}

impl PrivateCheckout<'_> {
    fn directory(&self) -> PathBuf {
        self.folder.join("git")
    }

    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    fn command(&self) -> GitCommand {
        // A person's hooks are for that person's merges; a file that is only merged need not be
        // downloaded; and no resolution may be recorded, or reused, that nobody has seen.
        let options = [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "rerere.enabled=false",
            "merge.autoStash=false",
        ];
        let command = command::git(&self.tree())
            .env("GIT_DIR", self.directory())
            .env("GIT_WORK_TREE", self.tree())
            .env("GIT_LFS_SKIP_SMUDGE", "1");
        options.into_iter().fold(command, |command, option| command.args(["-c", option]))
    }

    /// Makes the checkout show these files of a commit.
    fn fill(&self, commit: &Oid, population: Population) -> anyhow::Result<()> {
        remove(&self.folder)?;
        std::fs::create_dir_all(self.directory())?;
        std::fs::create_dir_all(self.tree())?;
        // A folder with these two files is the private directory of a worktree to git.
        let common = self.git.common_dir();
        std::fs::write(self.directory().join("HEAD"), format!("{commit}\n"))?;
        std::fs::write(
            self.directory().join("commondir"),
            [common.as_os_str().as_encoded_bytes(), b"\n"].concat(),
        )?;
        // Where git looks for the repositories of submodules.
        let modules = common.join("modules");
        if modules.is_dir() {
            std::os::unix::fs::symlink(modules, self.directory().join("modules"))?;
        }
        match population {
            Population::All => {
                let reset = ["reset", "--hard", "--quiet", "--no-recurse-submodules"];
                self.command().args(reset).bytes()?;
            }
            Population::Attributes => {
                self.command().args(["read-tree", commit.as_str()]).bytes()?;
                let paths = self.git.attribute_paths(commit)?.join("\0");
                let write = ["checkout-index", "--force", "-z", "--stdin"];
                self.command().args(write).input(paths).bytes()?;
            }
        }
        Ok(())
    }

    fn merge(&self, theirs: &Oid) -> anyhow::Result<TreeMerge> {
        let merge = ["merge", "--no-commit", "--no-ff", "--no-progress", theirs.as_str()];
        let output = self.command().args(merge).output()?;
        if output.status.success() {
            let tree = self.command().arg("write-tree").text()?;
            let tree = Oid::from_hex(tree.trim()).context("git printed no tree id")?;
            return Ok(TreeMerge::Clean(tree));
        }
        // From the index, not from the output of the merge, whose words depend on the strategy.
        let unmerged = ["diff", "--name-only", "--diff-filter=U", "--no-renames", "-z"];
        let files = self.command().args(unmerged).text().unwrap_or_default();
        let files: Vec<String> =
            files.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect();
        Ok(match (output.status.code(), files.is_empty()) {
            (Some(1 | 2), false) => TreeMerge::Conflict(files),
            _ => TreeMerge::Impossible(super::message(&output)),
        })
    }
}

impl Drop for PrivateCheckout<'_> {
    fn drop(&mut self) {
        // The next use empties it, if this fails.
        let _ = remove(&self.folder);
    }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
