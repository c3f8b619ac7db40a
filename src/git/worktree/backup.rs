//! Backups: content that would be lost becomes a commit that a ref keeps reachable.
//!
//! Invariant: a backup is written before anything is removed or reset; a backup ref never moves.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::ownership;
use crate::domain::oid::Oid;
use crate::git::Git;
use crate::git::command::git;
use crate::git::database::refs::Swap;
use crate::git::status;

/// Largest ignored file that a backup includes, in bytes: an `.env` or a small database, but not
/// build output.
const MAX_IGNORED: u64 = 10 << 20;
/// At most this many bytes, and this many files, of one ignored folder are in a backup: data, but
/// not build output.
const MAX_TOGETHER: u64 = 50 << 20;
const MAX_BELOW: usize = 2000;

impl Git {
    /// Keeps a commit reachable under `refs/orchestrate/backup/<run>/<what>/<n>`.
    ///
    /// Returns the ref's name; an existing ref that holds the commit is used again.
    pub fn back_up(&self, run: &str, what: &str, commit: &Oid) -> anyhow::Result<String> {
        let prefix = format!("refs/orchestrate/backup/{run}/{what}/");
        // Each failed try means that another process took the number.
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

    /// Writes a commit of everything in a worktree: changes, untracked files, and small ignored
    /// files. The worktree and its index stay as they are.
    pub fn snapshot_worktree(
        &self,
        worktree: &Path,
        message: &str,
    ) -> anyhow::Result<WorktreeBackup> {
        let (_, head) = status::head(worktree)?;
        let IgnoredFiles { kept, left_out } = sort_ignored(worktree)?;
        let flagged = status::flagged(worktree)?;
        // The commit that is checked out is as good as a backup of nothing else.
        if status::dirt(worktree)?.is_clean() && kept.is_empty() && flagged.is_empty() {
            return Ok(WorktreeBackup { commit: head, left_out });
        }
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let index = folder.path().join("index");
        let at = || git(worktree).env("GIT_INDEX_FILE", &index);
        // A copy of the worktree's index, not a new one: with a new one, files outside of a sparse
        // checkout would count as deleted.
        let own = ownership::directory(worktree).map(|folder| folder.join("index"));
        match own.filter(|own| own.exists()) {
            Some(own) => std::fs::copy(own, &index).map(drop)?,
            None => at().args(["read-tree", "HEAD"]).bytes().map(drop)?,
        }
        if !flagged.is_empty() {
            // git would skip these files, since the flags say that they are unchanged.
            let names = lines(&flagged);
            for flag in ["--no-assume-unchanged", "--no-skip-worktree"] {
                let reset = ["update-index", flag, "-z", "--stdin"];
                at().args(reset).input(names.clone()).bytes()?;
            }
        }
        // Without `--sparse`, git refuses to add files outside of the sparse checkout.
        at().args(["add", "--all", "--sparse"]).bytes()?;
        if !kept.is_empty() {
            // A file may be named `*` or `:(top)`.
            let literal = at().env("GIT_LITERAL_PATHSPECS", "1");
            let add = ["add", "--force", "--sparse", "--pathspec-from-file=-"];
            literal.args(add).arg("--pathspec-file-nul").input(lines(&kept)).bytes()?;
        }
        let tree = at().args(["write-tree"]).text()?;
        let tree = Oid::from_hex(tree.trim()).context("git printed no tree id")?;
        let commit = self.write_commit(&tree, &[head], &format!("Backup: {message}\n"))?;
        Ok(WorktreeBackup { commit, left_out })
    }
}

/// The ignored files of a worktree, by whether a backup includes them.
struct IgnoredFiles {
    kept: Vec<PathBuf>,
    left_out: Vec<String>,
}

/// Returns the paths that no backup of a worktree includes: large ignored files, and folders with
/// much content or with a repository.
pub(crate) fn left_out(worktree: &Path) -> anyhow::Result<Vec<String>> {
    Ok(sort_ignored(worktree)?.left_out)
}

/// Sorts the ignored files by whether a backup includes them.
fn sort_ignored(worktree: &Path) -> anyhow::Result<IgnoredFiles> {
    let mut sorted = IgnoredFiles { kept: Vec::new(), left_out: Vec::new() };
    for path in status::ignored(worktree)? {
        let is_folder = worktree.join(&path).symlink_metadata().is_ok_and(|found| found.is_dir());
        let below =
            if is_folder { status::files_below(worktree, &path)? } else { vec![path.clone()] };
        let sizes: Vec<Option<u64>> = below.iter().map(|file| size(&worktree.join(file))).collect();
        let is_repository = is_folder
            && below.iter().any(|file| file.components().any(|part| part.as_os_str() == ".git"));
        let small: u64 = sizes.iter().flatten().filter(|size| **size <= MAX_IGNORED).sum();
        if is_repository || below.len() > MAX_BELOW || small > MAX_TOGETHER {
            sorted.left_out.push(path.display().to_string());
            continue;
        }
        for (file, size) in below.into_iter().zip(sizes) {
            if size.is_some_and(|size| size <= MAX_IGNORED) {
                sorted.kept.push(file);
            } else {
                sorted.left_out.push(file.display().to_string());
            }
        }
    }
    Ok(sorted)
}

/// Returns the size of a file or link; `None` for a pipe or a device, which git cannot store.
fn size(path: &Path) -> Option<u64> {
    let found = path.symlink_metadata().ok()?;
    (found.is_file() || found.is_symlink()).then_some(found.len())
}

/// Returns paths as git reads them from standard input, each with a NUL at its end.
fn lines(paths: &[PathBuf]) -> Vec<u8> {
    paths.iter().flat_map(|path| [path.as_os_str().as_bytes(), b"\0"].concat()).collect()
}

/// The content of a worktree as a commit.
#[derive(Debug, Clone)]
pub struct WorktreeBackup {
    pub commit: Oid,
    /// Large ignored files and folders that the commit does not include.
    pub left_out: Vec<String>,
}
