//! Lists, locks and removes worktrees; [`create`] creates them.
//!
//! Invariant: a worktree that was not named by its path is never touched. Whether a removal is safe
//! is left to `git worktree remove`, which refuses a worktree that is not clean.

pub(crate) mod backup;
pub(crate) mod baseline;
pub(crate) mod create;
pub(crate) mod include;
pub(crate) mod ownership;
pub(crate) mod size;
pub(crate) mod stat;
pub(crate) mod submodules;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Git;
use super::command::git;
use super::status;
use crate::domain::oid::Oid;
use crate::system::disk;
use crate::system::lock::LockFile;
use create::{NewWorktree, WorktreeHead};
use ownership::owner_of;
use submodules::submodules;

/// The beginning of the reason of every lock that this program takes.
pub(crate) const LOCK: &str = "git-orchestrate: ";

/// What a process does with git's list of worktrees while it holds the lock.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Read,
    Write,
}

/// A worktree in the output of `git worktree list`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedWorktree {
    pub path: PathBuf,
    /// Short name; `None` when detached.
    pub branch: Option<String>,
    /// The reason of the lock, empty if none was given; `None` if the worktree is not locked.
    pub locked: Option<String>,
}

impl Git {
    /// Takes the lock on git's list of worktrees, until the returned file is dropped.
    ///
    /// Many git commands read all of `.git/worktrees`, and fail on an entry that is half written.
    pub(super) fn registry(&self, access: Access) -> anyhow::Result<LockFile> {
        let lock = LockFile::open(self.locks().join(".worktrees"))?;
        match access {
            Access::Read => lock.share()?,
            Access::Write => lock.hold()?,
        }
        Ok(lock)
    }

    /// Removes git's record of a worktree at this path if the folder is gone.
    pub(super) fn forget_missing(&self, path: &Path) -> anyhow::Result<()> {
        let known = self.worktrees()?.into_iter().find(|listed| same_path(&listed.path, path));
        match known {
            Some(_) if !path.join(".git").exists() => self.discard_worktree(path),
            _ => Ok(()),
        }
    }

    /// Returns all worktrees, the main one first.
    pub fn worktrees(&self) -> anyhow::Result<Vec<ListedWorktree>> {
        let _registry = self.registry(Access::Read)?;
        let bytes = self.command().args(["worktree", "list", "--porcelain", "-z"]).bytes()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let blocks = text.split("\0\0").filter(|block| !block.is_empty());
        let mut listed: Vec<ListedWorktree> = blocks.map(parse_listed).collect();
        if let (Some(main), Some(first)) = (&self.main_worktree, listed.first_mut()) {
            first.path.clone_from(main);
        }
        Ok(listed)
    }

    /// Returns the worktree in which a branch is checked out.
    pub fn worktree_of(&self, branch: &str) -> anyhow::Result<Option<ListedWorktree>> {
        let shows = |listed: &ListedWorktree| listed.branch.as_deref() == Some(branch);
        let is_it = |listed: &ListedWorktree| shows(listed) && listed.path.is_dir();
        Ok(self.worktrees()?.into_iter().find(is_it))
    }

    /// Returns the file that shows that a branch is being rebased; `git worktree list` prints no
    /// branch for such a worktree.
    pub fn rebase_of(&self, branch: &str) -> anyhow::Result<Option<PathBuf>> {
        let mut folders = vec![self.common_dir.clone()];
        if let Ok(linked) = self.common_dir.join("worktrees").read_dir() {
            folders.extend(linked.flatten().map(|entry| entry.path()));
        }
        let full = format!("refs/heads/{branch}");
        let states = ["rebase-merge", "rebase-apply"];
        let of = |folder: &PathBuf| states.map(|state| folder.join(state).join("head-name"));
        let is_it = |file: &PathBuf| {
            std::fs::read_to_string(file).is_ok_and(|text| text.trim_end() == full)
        };
        Ok(folders.iter().flat_map(of).find(is_it))
    }

    /// Locks a worktree against `git worktree prune`, `move` and `remove`, with a reason that
    /// begins with [`LOCK`]. An existing lock stays as it is.
    pub fn lock_worktree(&self, path: &Path, reason: &str) -> anyhow::Result<()> {
        if self.lock_of(path)?.is_some() {
            return Ok(());
        }
        let _registry = self.registry(Access::Write)?;
        let asked = ["worktree", "lock", "--reason", reason];
        self.command().args(asked).arg(path).bytes().map(drop)
    }

    /// Returns the reason why a worktree is locked; `None` if it is not.
    pub fn lock_of(&self, path: &Path) -> anyhow::Result<Option<String>> {
        let is_it = |listed: &ListedWorktree| same_path(&listed.path, path);
        Ok(self.worktrees()?.into_iter().find(is_it).and_then(|listed| listed.locked))
    }

    /// Removes this program's lock; any other lock stays.
    pub fn unlock_worktree(&self, path: &Path) -> anyhow::Result<()> {
        if !self.lock_of(path)?.is_some_and(|reason| reason.starts_with(LOCK)) {
            return Ok(());
        }
        let _registry = self.registry(Access::Write)?;
        let output = self.command().args(["worktree", "unlock"]).arg(path).output()?;
        let message = String::from_utf8_lossy(&output.stderr);
        // Another process may have unlocked it since.
        if output.status.success() || message.contains("is not locked") {
            Ok(())
        } else {
            bail!("{}", message.trim().trim_start_matches("fatal: "))
        }
    }

    /// Removes a clean worktree that is not locked; git refuses any other.
    ///
    /// The caller must have checked the contents of its submodules: git refuses every worktree with
    /// a submodule, so those are removed with `--force`.
    pub fn remove_worktree(&self, path: &Path) -> anyhow::Result<()> {
        refuse_foreign(path)?;
        let _registry = self.registry(Access::Write)?;
        let has_submodule = path.is_dir() && !submodules(path)?.is_empty();
        let force = has_submodule && status::dirt(path)?.is_clean();
        let command = self.command().args(["worktree", "remove"]);
        command.args(force.then_some("--force")).arg(path).bytes().map(drop)
    }

    /// Removes a worktree whatever it contains; the caller must have backed it up. Only the second
    /// `--force` makes git remove a locked one.
    pub fn discard_worktree(&self, path: &Path) -> anyhow::Result<()> {
        refuse_foreign(path)?;
        let _registry = self.registry(Access::Write)?;
        let asked = ["worktree", "remove", "--force", "--force"];
        self.command().args(asked).arg(path).bytes().map(drop)
    }

    /// Checks out a commit in the run's own detached worktree, exactly; ignored files stay, as
    /// caches.
    ///
    /// Uncommitted changes of a task that was stopped in it are backed up first. A broken worktree
    /// is created anew.
    pub fn show_commit(&self, run: &str, path: &Path, commit: &Oid) -> anyhow::Result<NewWorktree> {
        if is_worktree(path) {
            if owner_of(path).as_deref() != Some(run) {
                bail!("'{}' is in the way: it is not the checkout of run '{run}'", path.display());
            }
            if let Some(reason) = self.in_the_way(path)? {
                bail!("{reason}");
            }
            self.save_checkout(run, path, false)?;
        }
        // A switch that fails leaves a broken checkout, which is created anew below.
        if is_whole(path) && switch(path, commit).is_ok() {
            ownership::remember_shown(path, commit)?;
            return Ok(NewWorktree::default());
        }
        if is_worktree(path) {
            let lost = backup::left_out(path)?;
            if let Some(first) = lost.first() {
                bail!("'{}' is broken, and no backup would include its '{first}'", path.display());
            }
            if self.lock_of(path)?.is_some_and(|reason| !reason.starts_with(LOCK)) {
                bail!("'{}' is broken, and its lock is not this program's", path.display());
            }
            let held = self.snapshot_worktree(path, "contents of a broken checkout")?;
            self.back_up(run, "@checkout", &held.commit)?;
            self.discard_worktree(path)?;
        }
        let made = self.add_worktree(path, WorktreeHead::Commit(commit), run)?;
        ownership::remember_shown(path, commit)?;
        Ok(made)
    }

    /// Moves a worktree; nothing may be at the new place.
    pub(crate) fn move_worktree(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        let _registry = self.registry(Access::Write)?;
        self.command().args(["worktree", "move"]).args([from, to]).bytes().map(drop)
    }

    /// Makes a worktree show a commit on no branch, without what is not committed or ignored.
    pub(crate) fn empty_worktree(&self, path: &Path, commit: &Oid) -> anyhow::Result<()> {
        switch(path, commit)
    }

    /// Returns why the run's own detached worktree cannot show another commit: a git repository
    /// inside it would be removed, and no backup could include it.
    pub fn in_the_way(&self, path: &Path) -> anyhow::Result<Option<String>> {
        if !is_worktree(path) {
            return Ok(None);
        }
        let first = status::nested_untracked(path)?.into_iter().next();
        Ok(first.map(|nested| {
            let nested = path.join(nested);
            format!("'{}' is a git repository of its own: move it elsewhere", nested.display())
        }))
    }

    /// Backs up uncommitted changes in the run's own detached worktree, and commits on no branch;
    /// returns the refs that were written. Untracked files that tests left while no branch was
    /// checked out are backed up only if `all` is set.
    pub fn save_checkout(&self, run: &str, path: &Path, all: bool) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        if !is_whole(path) {
            return Ok(names);
        }
        let dirt = status::dirt(path)?;
        let (branch, head) = status::head(path)?;
        let is_changed = !dirt.changed.is_empty() || !dirt.unmerged.is_empty();
        let has_content = !dirt.is_clean() || !dirt.ignored.is_empty();
        let is_ours = || ownership::shown(path).as_ref() == Some(&head);
        // If a person committed here, the untracked files are likely that person's too.
        let is_visited = branch.is_none() && !is_ours() && !self.is_in_a_ref(&head)?;
        let takes_all = (all || is_visited) && has_content;
        if is_changed || (branch.is_some() && !dirt.is_clean()) || takes_all {
            let held = self.snapshot_worktree(path, "contents of the checkout")?;
            names.push(self.back_up(run, "@checkout", &held.commit)?);
        }
        if is_visited {
            names.push(self.back_up(run, "@checkout", &head)?);
        }
        Ok(names)
    }

    /// Returns true if any ref has a commit in its history.
    fn is_in_a_ref(&self, commit: &Oid) -> anyhow::Result<bool> {
        // A commit that a ref reaches needs no backup.
        let asked = ["for-each-ref", "--count=1", "--contains", commit.as_str()];
        Ok(!self.command().args(asked).bytes()?.is_empty())
    }

    /// Adds the folder of worktrees to `.git/info/exclude`, so that git does not see the worktrees
    /// as untracked files of the main worktree. A folder outside of it needs no line.
    pub fn exclude(&self, folder: &str) -> anyhow::Result<()> {
        let Some(inside) = self.inside_home(folder) else { return Ok(()) };
        let line = format!("/{inside}/");
        let file = self.common_dir().join("info/exclude");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // Each start comes by here, and the file is the user's.
        if text.lines().any(|have| have == line) {
            return Ok(());
        }
        std::fs::create_dir_all(self.common_dir().join("info"))?;
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let mut out = std::fs::OpenOptions::new().append(true).create(true).open(&file)?;
        std::io::Write::write_all(&mut out, format!("{gap}{line}\n").as_bytes())
            .with_context(|| format!("cannot write '{}'", file.display()))
    }
}

/// Returns true if the path is the top level of a worktree, and not just a folder in one.
pub(crate) fn is_worktree(path: &Path) -> bool {
    path.join(".git").exists() && status::top_level(path).is_ok_and(|top| same_path(&top, path))
}

/// Returns true if both paths are the same place after links are resolved.
pub(crate) fn same_path(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|a| other.canonicalize().is_ok_and(|b| a == b))
}

/// Returns true if the creation of a worktree was completed.
pub(crate) fn is_whole(path: &Path) -> bool {
    is_worktree(path) && ownership::is_finished(path)
}

/// Fails if the worktree is a link, or if something is mounted in it: git would follow both, and
/// remove what it finds there.
fn refuse_foreign(path: &Path) -> anyhow::Result<()> {
    if path.is_symlink() {
        bail!("'{}' is a link", path.display());
    }
    match disk::mount_below(path)? {
        Some(mount) => bail!("something is mounted at '{}'", mount.display()),
        None => Ok(()),
    }
}

/// Checks a commit out in a detached worktree, and removes untracked files.
fn switch(path: &Path, commit: &Oid) -> anyhow::Result<()> {
    let hooks_off = ["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"];
    let checkout = ["checkout", "--quiet", "--force", "--detach", commit.as_str(), "--"];
    git(path).args(hooks_off).args(checkout).bytes()?;
    // Twice `-f`, because git leaves repositories alone otherwise. Without `-x`: ignored files are the
    // caches of the tests.
    git(path).args(["clean", "-ffd", "--quiet"]).bytes().map(drop)
}

fn parse_listed(block: &str) -> ListedWorktree {
    let mut listed = ListedWorktree::default();
    for line in block.split('\0') {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "worktree" => listed.path = PathBuf::from(value),
            "branch" => listed.branch = value.strip_prefix("refs/heads/").map(str::to_owned),
            "locked" => listed.locked = Some(value.to_owned()),
            _ => {}
        }
    }
    listed
}
