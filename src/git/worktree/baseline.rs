//! The baseline of a worktree: what `setup`, a hook, a filter or a copied file changed in it before
//! anybody worked there.
//!
//! Invariant: a baseline is a commit in a ref of the worktree alone, whose parent is the commit that
//! was checked out; git removes it with the worktree. A path of it that still has the same content
//! is nobody's work.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::ownership;
use crate::domain::oid::Oid;
use crate::git::Git;
use crate::git::command::git;
use crate::git::status::{self, Dirt};

/// Holds the baseline.
const BASELINE: &str = "refs/worktree/orchestrate/baseline";
/// Holds the content before `setup`, while it runs.
const BEFORE: &str = "refs/worktree/orchestrate/before";

impl Git {
    /// Returns the tree of everything in a worktree that git does not ignore. The worktree and its
    /// index stay as they are.
    pub fn worktree_tree(&self, worktree: &Path) -> anyhow::Result<Oid> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let index = folder.path().join("index");
        let at = || git(worktree).env("GIT_INDEX_FILE", &index);
        // A copy of the worktree's index: with a new one, files outside of a sparse checkout would
        // count as deleted.
        let own = ownership::directory(worktree).map(|folder| folder.join("index"));
        match own.filter(|own| own.exists()) {
            Some(own) => std::fs::copy(own, &index).map(drop)?,
            None => at().args(["read-tree", "HEAD"]).bytes().map(drop)?,
        }
        // git cannot add a repository that has no commit.
        let empty = status::nested_untracked(worktree)?.into_iter().filter(|nested| {
            git(&worktree.join(nested))
                .args(["rev-parse", "-q", "--verify", "HEAD"])
                .bytes()
                .is_err()
        });
        let without = empty.map(|path| format!(":(top,exclude,literal){}", path.display()));
        let add = ["-c", "advice.addEmbeddedRepo=false", "add", "--all", "--sparse", "--", "."];
        at().args(add).args(without).bytes()?;
        let tree = at().args(["write-tree"]).text()?;
        Oid::from_hex(tree.trim()).context("git printed no tree id")
    }

    /// Returns a tree like `base`, but with these paths as they are in `source`.
    pub fn tree_with(&self, base: &Oid, source: &Oid, paths: &[String]) -> anyhow::Result<Oid> {
        if paths.is_empty() {
            return Ok(base.clone());
        }
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let index = folder.path().join("index");
        let at = || self.command().env("GIT_INDEX_FILE", &index);
        at().args(["read-tree", base.as_str()]).bytes()?;
        let listed = self.command().args(["ls-tree", "-r", "-z", "--full-tree", source.as_str()]);
        let listed = listed.bytes()?;
        let wanted: HashSet<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
        let nothing = "0".repeat(base.as_str().len());
        // First gone, then there: a file may have become a folder.
        let mut lines: Vec<u8> = Vec::new();
        for path in paths {
            lines.extend(format!("0 {nothing}\t{path}\0").into_bytes());
        }
        for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let tab = entry.iter().position(|byte| *byte == b'\t').context("no path in a tree")?;
            if wanted.contains(&entry[tab + 1..]) {
                lines.extend(entry);
                lines.push(0);
            }
        }
        at().args(["update-index", "-z", "--index-info"]).input(lines).bytes()?;
        let tree = at().args(["write-tree"]).text()?;
        Oid::from_hex(tree.trim()).context("git printed no tree id")
    }

    /// Remembers the content of a worktree before `setup` changes it; returns its tree.
    ///
    /// After a crash meanwhile it is what was remembered then. A worktree in which nobody has worked
    /// yet has the content of its commit: whatever else is in it came from a hook or a copy.
    pub fn remember_before(&self, worktree: &Path, is_new: bool) -> anyhow::Result<Oid> {
        if let Some(before) = worktree_ref(worktree, BEFORE)? {
            return self.tree_of(&before);
        }
        let (_, head) = status::head(worktree)?;
        if is_new {
            return self.tree_of(&head);
        }
        let tree = self.worktree_tree(worktree)?;
        let commit = self.write_commit(&tree, &[head], "Before setup\n")?;
        set_worktree_ref(worktree, BEFORE, Some(&commit))?;
        Ok(tree)
    }

    /// Records what changed since `before` as the worktree's baseline, beside what an earlier
    /// baseline holds.
    pub fn record_baseline(&self, worktree: &Path, before: &Oid) -> anyhow::Result<()> {
        if status::uncommitted(worktree)?.is_empty() {
            set_worktree_ref(worktree, BASELINE, None)?;
            return set_worktree_ref(worktree, BEFORE, None);
        }
        let (_, head) = status::head(worktree)?;
        let after = self.worktree_tree(worktree)?;
        let mut paths = self.files_between(before.as_str(), &after)?;
        paths.extend(self.untouched(worktree)?);
        let own = self.tree_of(&head)?;
        let tree = self.tree_with(&own, &after, &paths)?;
        let commit = self.write_commit(&tree, &[head], "Baseline: what setup changed\n")?;
        set_worktree_ref(worktree, BASELINE, Some(&commit).filter(|_| tree != own))?;
        set_worktree_ref(worktree, BEFORE, None)
    }

    /// Returns the baseline of a worktree; `None` if nothing was changed before the work.
    pub fn baseline(&self, worktree: &Path) -> anyhow::Result<Option<Oid>> {
        // Without its objects there is nothing to compare with.
        let found = worktree_ref(worktree, BASELINE)?;
        Ok(found.filter(|commit| self.is_stored(commit)))
    }

    /// Returns the paths that a baseline changed.
    pub fn paths_of_baseline(&self, baseline: &Oid) -> anyhow::Result<Vec<String>> {
        self.files_between(&format!("{baseline}^1"), baseline)
    }

    /// Returns the paths of the baseline that nobody has changed since.
    pub fn untouched(&self, worktree: &Path) -> anyhow::Result<Vec<String>> {
        let Some(baseline) = self.baseline(worktree)? else { return Ok(Vec::new()) };
        let now = self.worktree_tree(worktree)?;
        let changed: HashSet<String> =
            self.files_between(baseline.as_str(), &now)?.into_iter().collect();
        let paths = self.paths_of_baseline(&baseline)?;
        Ok(paths.into_iter().filter(|path| !changed.contains(path)).collect())
    }

    /// Returns what is not committed in a worktree, without the paths of its baseline that nobody
    /// has changed.
    pub(crate) fn work_in(&self, worktree: &Path) -> anyhow::Result<Dirt> {
        if self.baseline(worktree)?.is_none() {
            return status::dirt(worktree);
        }
        let untouched: HashSet<String> = self.untouched(worktree)?.into_iter().collect();
        let mut dirt = status::dirt_by_file(worktree)?;
        let is_work = |path: &String| !untouched.contains(path.trim_end_matches('/'));
        dirt.changed.retain(is_work);
        dirt.untracked.retain(is_work);
        Ok(dirt)
    }

    /// Takes the untouched paths of the baseline out of a worktree: it shows its commit again.
    pub fn put_baseline_away(&self, worktree: &Path) -> anyhow::Result<()> {
        let paths = self.untouched(worktree)?;
        if paths.is_empty() {
            return Ok(());
        }
        self.reset_paths(worktree, &paths)?;
        set_worktree_ref(worktree, BASELINE, None)
    }

    /// Sets paths of a worktree to what its commit holds; the caller must have backed them up.
    pub fn reset_paths(&self, worktree: &Path, paths: &[String]) -> anyhow::Result<()> {
        unstage(worktree, paths)?;
        let known: HashSet<String> = tracked(worktree)?;
        let (back, gone): (Vec<_>, Vec<_>) =
            paths.iter().cloned().partition(|path| known.contains(path));
        let checkout = ["checkout-index", "--force", "-z", "--stdin"];
        git(worktree).args(checkout).input(nul(&back)).bytes()?;
        gone.iter().try_for_each(|path| remove(worktree, path))
    }

    /// Writes the baseline into a worktree again, after somebody set it to `commit`; paths that
    /// the work changed stay as they are.
    pub fn write_baseline(&self, worktree: &Path, commit: &Oid) -> anyhow::Result<()> {
        let Some(baseline) = self.baseline(worktree)? else { return Ok(()) };
        let worked: HashSet<String> =
            self.files_between(&format!("{baseline}^1"), commit)?.into_iter().collect();
        let mut paths = self.paths_of_baseline(&baseline)?;
        paths.retain(|path| !worked.contains(path));
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let index = folder.path().join("index");
        let at = || git(worktree).env("GIT_INDEX_FILE", &index);
        at().args(["read-tree", baseline.as_str()]).bytes()?;
        let listed = at().args(["ls-files", "-z"]).text()?;
        let known: HashSet<&str> = listed.split_terminator('\0').collect();
        let (there, gone): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|path| known.contains(path.as_str()));
        let checkout = ["checkout-index", "--force", "-z", "--stdin"];
        at().args(checkout).input(nul(&there)).bytes()?;
        gone.iter().try_for_each(|path| remove(worktree, path))
    }

    /// Moves the branch that a worktree shows forward, with its files; a baseline that is in the
    /// way is taken out.
    pub fn advance(&self, worktree: &Path, branch: &str, commit: &Oid) -> anyhow::Result<()> {
        match self.fast_forward(worktree, branch, commit) {
            Err(_) if self.baseline(worktree)?.is_some() => {
                self.put_baseline_away(worktree)?;
                self.fast_forward(worktree, branch, commit)
            }
            moved => moved,
        }
    }
}

/// Takes paths out of what is to be committed next; the files stay as they are.
pub(crate) fn unstage(worktree: &Path, paths: &[String]) -> anyhow::Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let reset = ["reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul"];
    let literal = git(worktree).env("GIT_LITERAL_PATHSPECS", "1");
    literal.args(reset).input(nul(paths)).bytes().map(drop)
}

fn tracked(worktree: &Path) -> anyhow::Result<HashSet<String>> {
    let listed = git(worktree).args(["ls-files", "-z"]).text()?;
    Ok(listed.split_terminator('\0').map(str::to_owned).collect())
}

/// Removes a file, and the folders that it leaves empty.
fn remove(worktree: &Path, path: &str) -> anyhow::Result<()> {
    let file = worktree.join(path);
    match file.symlink_metadata() {
        // A repository of its own stays: it holds more than the baseline knows.
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => std::fs::remove_file(&file)?,
        Err(_) => {}
    }
    let mut folder: Option<PathBuf> = file.parent().map(Path::to_owned);
    while let Some(empty) = folder.filter(|it| it != worktree && it.starts_with(worktree)) {
        if std::fs::remove_dir(&empty).is_err() {
            break;
        }
        folder = empty.parent().map(Path::to_owned);
    }
    Ok(())
}

/// Returns paths as git reads them from standard input, each with a NUL at its end.
fn nul(paths: &[String]) -> Vec<u8> {
    paths.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect()
}

fn worktree_ref(worktree: &Path, name: &str) -> anyhow::Result<Option<Oid>> {
    // The file, not the git program: this is asked for each attempt and each row of `clean`.
    let Some(own) = ownership::directory(worktree) else { return Ok(None) };
    let text = std::fs::read_to_string(own.join(name)).unwrap_or_default();
    Ok(Oid::from_hex(text.trim()))
}

fn set_worktree_ref(worktree: &Path, name: &str, to: Option<&Oid>) -> anyhow::Result<()> {
    match to {
        // With a reflog, since `git gc` does not look at refs of other worktrees but at reflogs.
        Some(to) => {
            let set = ["update-ref", "--create-reflog", name, to.as_str()];
            git(worktree).args(set).bytes().map(drop)
        }
        None if worktree_ref(worktree, name)?.is_none() => Ok(()),
        None => git(worktree).args(["update-ref", "-d", name]).bytes().map(drop),
    }
}
