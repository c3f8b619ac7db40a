//! The worktree of an attempt: made or reused, checked, and released.
//!
//! Invariant: a branch or worktree that exists before the first attempt belongs to somebody else;
//! everything that would be lost here is backed up first.

use std::path::Path;

use anyhow::bail;

use super::Attempt;
use crate::domain::oid::Oid;
use crate::git::command;
use crate::git::database::refs::Swap;
use crate::git::status;
use crate::git::worktree::create::WorktreeHead;
use crate::git::worktree::ownership;
use crate::git::worktree::submodules;
use crate::git::worktree::{LOCK, is_whole, is_worktree, same_path};
use crate::run::brief::spec::{LaunchMode, TaskSpec};
use crate::run::setup;

impl Attempt {
    /// Makes the branch and the worktree, or reuses those of an earlier attempt.
    pub(super) fn prepare(&self, base: &Oid) -> anyhow::Result<()> {
        let (path, branch) = (&self.spec.place.worktree, self.spec.place.branch.as_str());
        self.prepare_branch(base)?;
        if !self.spec.is_alone() && !is_whole(path) {
            self.discard_incomplete(path)?;
        }
        // Before the branch is checked out: without a worktree it moves by one ref update.
        self.start_from_candidate()?;
        // Detached first, so that nothing of the task that ran here before is left, then on its branch.
        if self.spec.is_alone() {
            let made = self.git.show_commit(&self.spec.task.run, path, base)?;
            setup::append_log(&self.folder.setup_log(), made.remarks)?;
            command::git(path).args(["checkout", "--quiet", branch, "--"]).bytes()?;
        } else if !is_whole(path) {
            let owner = format!("{}/{}", self.spec.task.run, self.spec.task.id);
            let made = self.git.add_worktree(path, WorktreeHead::Branch(branch), &owner)?;
            setup::append_log(&self.folder.setup_log(), made.remarks)?;
        } else if ownership::is_handed_over(path) {
            command::git(path).args(["checkout", "--quiet", branch, "--"]).bytes()?;
            ownership::settle_in(path)?;
        }
        self.check_place()?;
        if self.spec.task.stage.begins() {
            self.catch_up(base)?;
        }
        self.begin_ticket()?;
        // From now on `git worktree remove` and `git orchestrate clean` keep it. The shared
        // checkout is guarded by its own lock.
        if self.spec.is_alone() {
            Ok(())
        } else {
            self.git.lock_worktree(path, &self.lock_reason())
        }
    }

    /// Removes a worktree of an earlier attempt that has no index, after a backup: a crash came
    /// while its files were checked out, or the agent broke it.
    fn discard_incomplete(&self, path: &Path) -> anyhow::Result<()> {
        let is_own = || {
            status::head(path).is_ok_and(|(name, _)| name.as_ref() == Some(&self.spec.place.branch))
        };
        if !self.has_begun || !is_worktree(path) || !is_own() {
            return Ok(());
        }
        if let Some(nested) = status::nested(path)?.first() {
            bail!(
                "the worktree has lost its index, and contains another repository: {}",
                nested.display()
            );
        }
        if submodules::has_hidden(path)? {
            bail!("the worktree has lost its index, and contains repositories of submodules");
        }
        let snapshot = self.git.snapshot_worktree(path, "files of an incomplete worktree")?;
        self.back_up(&snapshot.commit)?;
        if let Some(first) = snapshot.left_out.first() {
            bail!(
                "the worktree has lost its index, and contains ignored files that a backup would not \
                 include: {first}"
            );
        }
        self.git.discard_worktree(path)
    }

    fn lock_reason(&self) -> String {
        let TaskSpec { run, id, attempt, .. } = &self.spec.task;
        let who = if self.spec.launch.mode == LaunchMode::ByHand {
            "by hand".to_owned()
        } else {
            format!("pid {}", std::process::id())
        };
        format!("{LOCK}{run}/{id} attempt {attempt} ({who})")
    }

    /// Creates the branch; one that exists before the first attempt belongs to somebody else.
    fn prepare_branch(&self, base: &Oid) -> anyhow::Result<()> {
        if self.has_begun && self.git.find_ref(&self.branch_ref())?.is_some() {
            return Ok(());
        }
        // Compare-and-swap: a check and a creation would race with the user's `git branch`.
        match self.git.create_ref(&self.branch_ref(), base, "begin task")? {
            Swap::Done => Ok(()),
            Swap::Moved => {
                bail!(
                    "the branch '{}' exists, but this run did not create it",
                    self.spec.place.branch
                )
            }
            Swap::Locked => Err(self.git.stale_lock(&self.branch_ref())),
        }
    }

    /// Fails unless the worktree is its own top level and on the task's branch.
    ///
    /// git looks for a repository upwards: in a folder without `.git` every command would act on
    /// the worktree around it, which is usually the user's checkout.
    pub(super) fn check_place(&self) -> anyhow::Result<()> {
        let top = status::top_level(&self.spec.place.worktree)?;
        if !same_path(&top, &self.spec.place.worktree) {
            let (want, got) = (self.spec.place.worktree.display(), top.display());
            bail!("'{want}' is not a worktree of its own: git commands in it act on '{got}'");
        }
        match status::head(&self.spec.place.worktree)?.0 {
            Some(branch) if branch == self.spec.place.branch => Ok(()),
            Some(other) => {
                bail!("the worktree is on branch '{other}', not on '{}'", self.spec.place.branch)
            }
            None => bail!("the worktree's HEAD is detached, not on '{}'", self.spec.place.branch),
        }
    }

    /// Moves a branch without work of its own forward to the base, which may have moved since an
    /// earlier attempt.
    fn catch_up(&self, base: &Oid) -> anyhow::Result<()> {
        let tip = self.tip()?;
        let is_behind = tip != *base && self.git.is_ancestor(&tip, base)?;
        // Uncommitted work of an earlier attempt was made on the old base, and stays there.
        if !self.git.work_in(&self.spec.place.worktree)?.is_clean() {
            return Ok(());
        }
        if is_behind {
            self.git.advance(&self.spec.place.worktree, &self.spec.place.branch, base)
        } else {
            self.catch_up_ticket(&tip, base)
        }
    }

    /// Moves the branch to the merge candidate that failed the tests: the merge has to be fixed,
    /// not the task's work alone.
    fn start_from_candidate(&self) -> anyhow::Result<()> {
        let Some(candidate) = self.spec.candidate() else { return Ok(()) };
        let tip = self.tip()?;
        if self.git.is_ancestor(candidate, &tip)? {
            return Ok(());
        }
        // A ref that moves under a checkout would make its files look like a revert.
        if let Some(place) = self.git.worktree_of(&self.spec.place.branch)? {
            return self.git.advance(&place.path, &self.spec.place.branch, candidate);
        }
        if !self.git.is_ancestor(&tip, candidate)? {
            bail!("the branch has commits that the failed merge does not contain: {}", tip.short());
        }
        match self.git.swap_ref(&self.branch_ref(), Some(&tip), candidate, "fix merge")? {
            Swap::Done => Ok(()),
            Swap::Moved => bail!("the branch moved while it was set to the failed merge"),
            Swap::Locked => Err(self.git.stale_lock(&self.branch_ref())),
        }
    }

    /// Unlocks the worktree; detaches the shared checkout, after a backup of uncommitted work.
    pub(super) fn release(&self) -> anyhow::Result<()> {
        let place = &self.spec.place.worktree;
        if !is_worktree(place) {
            return Ok(());
        }
        if !self.spec.is_alone() {
            return self.git.unlock_worktree(place);
        }
        if !self.git.work_in(place)?.is_clean() {
            let snapshot = self.git.snapshot_worktree(place, "uncommitted work of the task")?;
            self.back_up(&snapshot.commit)?;
        }
        let (branch, head) = status::head(place)?;
        // The agent has detached HEAD and committed there; no branch has these commits.
        if branch.is_none() && !self.git.is_ancestor(&head, &self.tip()?)? {
            self.back_up(&head)?;
        }
        // git lets a branch be checked out in one worktree only: an attached HEAD here would keep
        // the task's branch from being removed, and from being checked out anywhere else.
        command::git(place).args(["checkout", "--quiet", "--force", "--detach"]).bytes().map(drop)
    }

    pub(super) fn back_up(&self, commit: &Oid) -> anyhow::Result<String> {
        self.git.back_up(&self.spec.task.run, self.spec.task.id.as_str(), commit)
    }
}
