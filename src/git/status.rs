//! What stands in a worktree that is not in a commit.
//!
//! Invariant: git decides; nothing is refreshed, staged or written by asking.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Git;
use super::command::git;
use super::tree::oid;
use crate::oid::Oid;

/// The paths that differ from the commit that is checked out, relative to the top level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dirt {
    /// Staged or changed files.
    pub changed: Vec<String>,
    /// Files in conflict.
    pub unmerged: Vec<String>,
    pub untracked: Vec<String>,
    /// Ignored files and folders.
    pub ignored: Vec<String>,
}

impl Dirt {
    /// Returns true where everything but ignored files is committed.
    /// Returns the untracked folders that are repositories of their own.
    pub fn nested(&self, worktree: &Path) -> Vec<String> {
        let is_repository = |path: &&String| worktree.join(path).join(".git").exists();
        self.untracked.iter().filter(is_repository).cloned().collect()
    }

    pub fn is_clean(&self) -> bool {
        self.changed.is_empty() && self.unmerged.is_empty() && self.untracked.is_empty()
    }
}

/// Asks git what is not committed in a worktree.
pub fn dirt(worktree: &Path) -> anyhow::Result<Dirt> {
    let asked = ["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignored"];
    let bytes = git(worktree).args(asked).bytes()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut dirt = Dirt::default();
    let mut records = text.split('\0');
    while let Some(record) = records.next() {
        let Some((code, path)) = record.split_at_checked(3) else { continue };
        if code.starts_with(['R', 'C']) {
            // The name it had before follows as a record of its own.
            records.next();
        }
        let list = match code.trim_end() {
            "??" => &mut dirt.untracked,
            "!!" => &mut dirt.ignored,
            "DD" | "AU" | "UD" | "UA" | "DU" | "AA" | "UU" => &mut dirt.unmerged,
            _ => &mut dirt.changed,
        };
        list.push(path.to_owned());
    }
    Ok(dirt)
}

/// Returns the ignored files one by one, and the folders that are ignored as a whole.
pub fn ignored(worktree: &Path) -> anyhow::Result<Vec<String>> {
    let asked = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching"];
    let bytes = git(worktree).args(asked).bytes()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text
        .split('\0')
        .filter_map(|record| record.strip_prefix("!! "))
        .map(str::to_owned)
        .collect())
}

/// Returns the top level of the worktree that a directory really belongs to.
pub fn top_level(directory: &Path) -> anyhow::Result<PathBuf> {
    let repo = gix::discover(directory)?;
    let top = repo.workdir().context("it is in no worktree")?;
    Ok(top.canonicalize()?)
}

/// Returns the branch (short name; `None` when detached) and the commit of a worktree.
pub fn head(worktree: &Path) -> anyhow::Result<(Option<String>, Oid)> {
    let repo = gix::discover(worktree)?;
    let commit = oid(repo.head_id().context("its HEAD names no commit")?);
    let branch = repo.head_name()?.map(|name| name.shorten().to_string());
    Ok((branch, commit))
}

/// Commits everything that is not ignored, without the user's hooks, which could refuse it.
pub fn commit_all(worktree: &Path, message: &str) -> anyhow::Result<()> {
    git(worktree)
        .args(["add", "--all", "--sparse"])
        .bytes()
        .context("cannot stage what was left")?;
    let options =
        ["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--no-gpg-sign", "-F", "-"];
    git(worktree).args(options).input(message).bytes().context("cannot commit what was left")?;
    Ok(())
}

impl Git {
    /// Returns `git log` of a range, newest first, as `(commit, subject)`.
    pub fn log(&self, from: &Oid, to: &str) -> anyhow::Result<Vec<(Oid, String)>> {
        let range = format!("{from}..{to}");
        let text = self.command().args(["log", "--format=%H %s", &range, "--"]).text()?;
        let line = |line: &str| {
            let (id, subject) = line.split_once(' ').unwrap_or((line, ""));
            Some((Oid::from_hex(id)?, subject.to_owned()))
        };
        Ok(text.lines().filter_map(line).collect())
    }

    /// Returns `git diff --stat` between two commits, as git prints it for a person.
    pub fn diff_stat(&self, from: &Oid, to: &Oid) -> anyhow::Result<String> {
        let range = format!("{from}...{to}");
        self.command().args(["diff", "--stat=90", &range, "--"]).text()
    }
}
