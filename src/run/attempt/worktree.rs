//! The worktree of an attempt: made or taken up, checked, and given back.
//!
//! Invariant: a branch or worktree that exists before the first attempt is somebody else's; what
//! would be lost here is backed up first.

use std::path::Path;

use anyhow::bail;

use super::Attempt;
use crate::domain::oid::Oid;
use crate::git::command;
use crate::git::database::refs::Swap;
use crate::git::status;
use crate::git::worktree::create::WorktreeHead;
use crate::git::worktree::submodules;
use crate::git::worktree::{LOCK, is_whole, is_worktree, same_path};
use crate::run::brief::Spec;
use crate::run::furnish;

impl Attempt {
    /// Makes the branch and the worktree, or takes up those of an earlier attempt.
    pub(super) fn prepare(&self, base: &Oid) -> anyhow::Result<()> {
        let (path, branch) = (&self.spec.worktree, self.spec.branch.as_str());
        self.prepare_branch(base)?;
        if !self.spec.alone && !is_whole(path) {
            self.discard_torn(path)?;
        }
        self.take_up_candidate()?;
        if self.spec.alone {
            let made = self.git.show_commit(&self.spec.run, path, base)?;
            furnish::remark(&self.folder.setup_log(), made.remarks)?;
            command::git(path).args(["checkout", "--quiet", branch, "--"]).bytes()?;
        } else if !is_whole(path) {
            let owner = format!("{}/{}", self.spec.run, self.spec.task);
            let made = self.git.add_worktree(path, WorktreeHead::Branch(branch), &owner)?;
            furnish::remark(&self.folder.setup_log(), made.remarks)?;
        }
        self.check_place()?;
        if self.spec.stage.begins() {
            self.catch_up(base)?;
        }
        if self.spec.alone { Ok(()) } else { self.git.lock_worktree(path, &self.lock_reason()) }
    }

    /// Takes away a worktree of an earlier attempt that has no index: a crash came while its
    /// files were checked out, or the agent broke it. What it holds is backed up.
    fn discard_torn(&self, path: &Path) -> anyhow::Result<()> {
        let is_own =
            || status::head(path).is_ok_and(|(name, _)| name.as_ref() == Some(&self.spec.branch));
        if !self.begun || !is_worktree(path) || !is_own() {
            return Ok(());
        }
        if let Some(nested) = status::nested(path)?.first() {
            bail!(
                "its worktree has no index any more, and holds a repository: {}",
                nested.display()
            );
        }
        if submodules::has_hidden(path)? {
            bail!("its worktree has no index any more, and holds repositories of submodules");
        }
        let held = self.git.snapshot_worktree(path, "what a torn worktree held")?;
        self.back_up(&held.commit)?;
        if let Some(first) = held.left_out.first() {
            bail!("its worktree has no index any more, and holds what no backup takes: {first}");
        }
        self.git.discard_worktree(path)
    }

    fn lock_reason(&self) -> String {
        let Spec { run, task, attempt, .. } = &self.spec;
        let who = if self.spec.by_hand {
            "by hand".to_owned()
        } else {
            format!("pid {}", std::process::id())
        };
        format!("{LOCK}{run}/{task} attempt {attempt} ({who})")
    }

    /// A branch that exists before the first attempt is somebody else's.
    fn prepare_branch(&self, base: &Oid) -> anyhow::Result<()> {
        if self.begun && self.git.find_ref(&self.branch_ref())?.is_some() {
            return Ok(());
        }
        match self.git.create_ref(&self.branch_ref(), base, "begin task")? {
            Swap::Done => Ok(()),
            Swap::Moved => bail!("the branch '{}' exists and is not this run's", self.spec.branch),
            Swap::Locked => Err(self.git.stale_lock(&self.branch_ref())),
        }
    }

    /// The worktree is its own top level, on its own branch.
    pub(super) fn check_place(&self) -> anyhow::Result<()> {
        let top = status::top_level(&self.spec.worktree)?;
        if !same_path(&top, &self.spec.worktree) {
            let (want, got) = (self.spec.worktree.display(), top.display());
            bail!("'{want}' is not a worktree of its own: git takes it for '{got}'");
        }
        match status::head(&self.spec.worktree)?.0 {
            Some(branch) if branch == self.spec.branch => Ok(()),
            Some(other) => bail!("it is on branch '{other}', not on '{}'", self.spec.branch),
            None => bail!("its HEAD is on no branch, not on '{}'", self.spec.branch),
        }
    }

    /// A branch without work of its own begins from where the others are now.
    fn catch_up(&self, base: &Oid) -> anyhow::Result<()> {
        let tip = self.tip()?;
        let is_behind = tip != *base && self.git.is_ancestor(&tip, base)?;
        if !is_behind && status::dirt(&self.spec.worktree)?.is_clean() {
            return self.catch_up_ticket(&tip, base);
        }
        if is_behind && status::dirt(&self.spec.worktree)?.is_clean() {
            self.git.fast_forward(&self.spec.worktree, &self.spec.branch, base)
        } else {
            Ok(())
        }
    }

    /// What failed the tests is the merge of the task's work, not the work alone: its branch goes
    /// on from there.
    fn take_up_candidate(&self) -> anyhow::Result<()> {
        let Some(candidate) = self.spec.candidate() else { return Ok(()) };
        let tip = self.tip()?;
        if self.git.is_ancestor(candidate, &tip)? {
            return Ok(());
        }
        if let Some(place) = self.git.worktree_of(&self.spec.branch)? {
            return self.git.fast_forward(&place.path, &self.spec.branch, candidate);
        }
        if !self.git.is_ancestor(&tip, candidate)? {
            bail!("its branch holds more than what failed the tests: {}", tip.short());
        }
        match self.git.swap_ref(&self.branch_ref(), Some(&tip), candidate, "mend its merge")? {
            Swap::Done => Ok(()),
            Swap::Moved => bail!("its branch moves while its merge is taken up"),
            Swap::Locked => Err(self.git.stale_lock(&self.branch_ref())),
        }
    }

    /// Unlocks the worktree; gives the shared checkout back on no branch, with what could not be
    /// committed in a backup.
    pub(super) fn leave(&self) -> anyhow::Result<()> {
        let place = &self.spec.worktree;
        if !is_worktree(place) {
            return Ok(());
        }
        if !self.spec.alone {
            return self.git.unlock_worktree(place);
        }
        if !status::dirt(place)?.is_clean() {
            let held = self.git.snapshot_worktree(place, "what the task left uncommitted")?;
            self.back_up(&held.commit)?;
        }
        let (branch, head) = status::head(place)?;
        if branch.is_none() && !self.git.is_ancestor(&head, &self.tip()?)? {
            self.back_up(&head)?;
        }
        command::git(place).args(["checkout", "--quiet", "--force", "--detach"]).bytes().map(drop)
    }

    pub(super) fn back_up(&self, commit: &Oid) -> anyhow::Result<String> {
        self.git.back_up(&self.spec.run, self.spec.task.as_str(), commit)
    }
}
