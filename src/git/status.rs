//! How git sees the files of a worktree: changed, untracked, ignored, tracked; and the HEAD.
//!
//! Invariant: git decides; asking refreshes, stages and writes nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Git;
use super::command::git;
use super::database::objects::oid;
use crate::domain::oid::Oid;

/// The paths that differ from the commit that is checked out, relative to the top level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Dirt {
    /// Staged or changed files.
    pub changed: Vec<String>,
    /// Files in conflict.
    pub unmerged: Vec<String>,
    pub untracked: Vec<String>,
    /// Ignored files and folders.
    pub ignored: Vec<String>,
}

impl Dirt {
    /// Returns the untracked folders that are repositories of their own, at any depth.
    pub(crate) fn nested(&self, worktree: &Path) -> Vec<String> {
        if self.untracked.is_empty() {
            return Vec::new();
        }
        let is_repository = |path: &&String| worktree.join(path).join(".git").exists();
        match nested_untracked(worktree) {
            Ok(found) => found.iter().map(|path| path.display().to_string()).collect(),
            Err(_) => self.untracked.iter().filter(is_repository).cloned().collect(),
        }
    }

    /// Returns true if everything except ignored files is committed.
    pub(crate) fn is_clean(&self) -> bool {
        self.changed.is_empty() && self.unmerged.is_empty() && self.untracked.is_empty()
    }
}

/// Returns all paths that are neither committed nor ignored; cheaper than [`dirt`].
pub(crate) fn uncommitted(worktree: &Path) -> anyhow::Result<Vec<String>> {
    let Dirt { changed, unmerged, untracked, ignored: _ } = asked(worktree, &[])?;
    Ok([changed, unmerged, untracked].concat())
}

/// Returns everything in a worktree that is not committed.
pub(crate) fn dirt(worktree: &Path) -> anyhow::Result<Dirt> {
    asked(worktree, &["--ignored"])
}

/// Returns the same as [`dirt`], but names untracked files one by one instead of their folders.
pub(crate) fn dirt_by_file(worktree: &Path) -> anyhow::Result<Dirt> {
    asked(worktree, &["--ignored", "--untracked-files=all"])
}

fn asked(worktree: &Path, more: &[&str]) -> anyhow::Result<Dirt> {
    let asked = ["status", "--porcelain=v1", "-z", "--untracked-files=normal"];
    let bytes = git(worktree).args(asked).args(more).bytes()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut dirt = Dirt::default();
    let mut records = text.split('\0');
    while let Some(record) = records.next() {
        let Some((code, path)) = record.split_at_checked(3) else { continue };
        if code.starts_with(['R', 'C']) {
            // The old name follows as a record of its own.
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

/// Returns the ignored files one by one, and the folders that are ignored as a whole, as folders.
pub(crate) fn ignored(worktree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let asked = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching"];
    let bytes = git(worktree).args(asked).bytes()?;
    let records = bytes.split(|byte| *byte == 0);
    Ok(records.filter_map(|record| record.strip_prefix(b"!! ")).map(path_of).collect())
}

/// Returns the ignored files and links one by one, including those in folders that are ignored as a
/// whole.
pub(crate) fn ignored_files(worktree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in ignored(worktree)? {
        if worktree.join(&path).symlink_metadata().is_ok_and(|found| found.is_dir()) {
            files.extend(files_below(worktree, &path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Returns the existing files that the user told git to treat as unchanged (`--assume-unchanged`,
/// `--skip-worktree`); `git status` never shows changes in them.
pub(crate) fn flagged(worktree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let bytes = git(worktree).args(["ls-files", "-v", "-z"]).bytes()?;
    let is_flagged =
        |record: &&[u8]| record.first().is_some_and(|c| *c == b'S' || c.is_ascii_lowercase());
    let records = bytes.split(|byte| *byte == 0).filter(is_flagged);
    let paths = records.filter_map(|record| record.get(2..)).map(path_of);
    Ok(paths
        .filter(|path| worktree.join(path).symlink_metadata().is_ok_and(|f| !f.is_dir()))
        .collect())
}

/// Returns the folders of a worktree that are repositories of their own and not submodules,
/// including ignored ones.
pub(crate) fn nested(worktree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    others(worktree, None)
}

/// Returns the same as [`nested`], without ignored folders.
pub(crate) fn nested_untracked(worktree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    others(worktree, Some("--exclude-standard"))
}

/// Returns the folders in the list of untracked files: git prints a folder with its `/` only if it
/// is a repository, and lists the files of any other folder.
fn others(worktree: &Path, option: Option<&str>) -> anyhow::Result<Vec<PathBuf>> {
    let bytes = git(worktree).args(["ls-files", "-z", "--others"]).args(option).bytes()?;
    let records = bytes.split(|byte| *byte == 0);
    Ok(records.filter(|record| record.ends_with(b"/")).map(path_of).collect())
}

/// Returns a path from git's bytes, since a file name need not be UTF-8.
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Returns all files and links below a folder of a worktree, relative to the worktree. Links are
/// not followed.
pub(crate) fn files_below(worktree: &Path, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let full = worktree.join(&next);
        let entries = full.read_dir().with_context(|| format!("cannot read '{}'", full.display()));
        for entry in entries? {
            let entry = entry?;
            let path = next.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

/// Returns the top level of the worktree that a directory really belongs to.
pub(crate) fn top_level(directory: &Path) -> anyhow::Result<PathBuf> {
    let repo = gix::discover(directory)?;
    let top = repo.workdir().context("it is not in a worktree")?;
    Ok(top.canonicalize()?)
}

/// Returns the branch (short name; `None` when detached) and the commit of a worktree.
pub(crate) fn head(worktree: &Path) -> anyhow::Result<(Option<String>, Oid)> {
    let repo = gix::discover(worktree)?;
    let commit = oid(repo.head_id().context("its HEAD is not a commit")?);
    let branch = repo.head_name()?.map(|name| name.shorten().to_string());
    Ok((branch, commit))
}

impl Git {
    /// Returns true if a path, relative to a worktree, is ignored there.
    pub fn ignores(&self, worktree: &Path, path: &str) -> anyhow::Result<bool> {
        // It also fails for a path that is not ignored, so its code is the answer.
        let output = git(worktree).args(["check-ignore", "-q", "--", path]).output()?;
        Ok(output.status.success())
    }

    /// Returns those of some paths that the rules of a worktree ignore, tracked or not.
    pub fn ignored_among(
        &self,
        worktree: &Path,
        paths: &[&str],
    ) -> anyhow::Result<std::collections::HashSet<String>> {
        if paths.is_empty() {
            return Ok(std::collections::HashSet::new());
        }
        let asked: Vec<u8> =
            paths.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect();
        let shape = ["check-ignore", "--no-index", "-z", "--stdin"];
        // Exit code 1 means that none is ignored.
        let output = git(worktree).args(shape).input(asked).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.split_terminator('\0').map(str::to_owned).collect())
    }

    /// Returns true if git tracks a file, or something below a folder.
    pub fn tracks(&self, worktree: &Path, path: &str) -> bool {
        let listed =
            git(worktree).env("GIT_LITERAL_PATHSPECS", "1").args(["ls-files", "-z", "--", path]);
        listed.bytes().is_ok_and(|listed| !listed.is_empty())
    }

    /// Returns true if a tracked file that matches one of the patterns contains a text.
    pub fn tracks_text(&self, worktree: &Path, text: &str, patterns: &[&str]) -> bool {
        let asked = ["grep", "--quiet", "--fixed-strings", "-e", text, "--"];
        git(worktree)
            .args(asked)
            .args(patterns)
            .output()
            .is_ok_and(|output| output.status.success())
    }
}
