//! What was changed in a worktree before the agent began: it is not the agent's work.
//!
//! Invariant: the baseline is taken once the worktree is set up and before anything is launched.
//! What of it an agent committed unchanged is taken off the branch again, in a commit that says so;
//! the files in the worktree stay.

use anyhow::Context;

use super::Attempt;
use crate::domain::oid::Oid;
use crate::git::database::refs::Swap;
use crate::git::worktree::baseline::unstage;
use crate::run::setup::{self, SetupOutcome};
use crate::system::crash;

/// The subject of a commit that takes off what `setup` changed.
const SUBJECT: &str = "Leave out what the setup changed";

impl Attempt {
    /// Sets up the worktree, and takes its baseline.
    pub(super) fn set_up(&self) -> anyhow::Result<SetupOutcome> {
        let place = &self.spec.place.worktree;
        // The shared checkout was just set to the base, and everything else removed.
        let is_new = self.spec.is_alone() || !setup::is_begun(place);
        let is_done = || setup::is_done(place, self.spec.place.setup.as_deref());
        if !is_new && is_done()? {
            return self.set_up_worktree();
        }
        let before = self.git.patiently(|| self.git.remember_before(place, is_new))?;
        let outcome = self.set_up_worktree()?;
        // If `setup` removed `.git`, git would look at the worktree around this one.
        if self.check_place().is_ok() {
            self.git.patiently(|| self.git.record_baseline(place, &before))?;
        }
        Ok(outcome)
    }

    /// Takes off the branch what an agent committed although it is as `setup` left it; returns the
    /// new tip, and a remark.
    pub(super) fn leave_out_baseline(&self, tip: Oid) -> anyhow::Result<(Oid, Option<String>)> {
        let place = &self.spec.place.worktree;
        let Some(baseline) = self.git.baseline(place)? else { return Ok((tip, None)) };
        let Some(base) = self.fork_point(&tip)? else { return Ok((tip, None)) };
        let changed = self.git.files_between(base.as_str(), &tip)?;
        let differ = self.git.files_between(baseline.as_str(), &tip)?;
        let mut paths = self.git.paths_of_baseline(&baseline)?;
        paths.retain(|path| {
            changed.contains(path) && !differ.contains(path) && !self.spec.task.declares(path)
        });
        if paths.is_empty() {
            return Ok((tip, None));
        }
        let message = format!("{SUBJECT}\n\nTask: {}\n", self.spec.task.id);
        let undo = || {
            let (from, to) = (self.git.tree_of(&tip)?, self.git.tree_of(&base)?);
            let tree = self.git.tree_with(&from, &to, &paths)?;
            self.git.write_commit(&tree, std::slice::from_ref(&tip), &message)
        };
        let commit = self.git.patiently(undo)?;
        crash::point();
        match self.git.swap_ref(&self.branch_ref(), Some(&tip), &commit, "leave out setup")? {
            Swap::Done => {}
            Swap::Moved => anyhow::bail!("the branch moved while its work was judged"),
            Swap::Locked => return Err(self.git.stale_lock(&self.branch_ref())),
        }
        // The branch moved under the index, and the files stay as `setup` made them.
        unstage(place, &paths)?;
        let named = crate::domain::policy::verdicts::named(&paths);
        Ok((commit, Some(format!("left out, as the setup had changed it: {named}"))))
    }

    /// Returns the commit at which the task's branch leaves the integration branch.
    pub(super) fn fork_point(&self, tip: &Oid) -> anyhow::Result<Option<Oid>> {
        let integration = self.git.find_branch(&self.spec.place.integration)?;
        self.git.merge_base(&integration.context("the integration branch is gone")?, tip)
    }

    /// Returns true if nothing but what the setup had changed was committed, and was left out.
    pub(super) fn is_only_baseline(&self, tip: &Oid) -> anyhow::Result<bool> {
        let Some(base) = self.fork_point(tip)? else { return Ok(false) };
        if self.git.tree_of(&base)? != self.git.tree_of(tip)? {
            return Ok(false);
        }
        let commits = self.git.log(&base, tip.as_str())?;
        Ok(commits.iter().any(|(_, subject)| subject == SUBJECT))
    }

    /// Fails if the worktree holds work that is not committed.
    pub(super) fn check_all_is_committed(&self) -> anyhow::Result<()> {
        if self.git.work_in(&self.spec.place.worktree)?.is_clean() {
            return Ok(());
        }
        anyhow::bail!("the worktree has uncommitted changes, which no reviewer would see")
    }
}
