//! A review: what the reviewer is given to read, and what its verdict means.
//!
//! Invariant: a verdict is for exactly the commit that was read. What a reviewer changes is
//! backed up and undone, and then its verdict does not count.

use anyhow::{Context, bail};

use super::Attempt;
use super::work::ending_of;
use crate::domain::oid::Oid;
use crate::domain::policy::pipeline;
use crate::domain::policy::verdicts::{self, Heard, named};
use crate::domain::report;
use crate::domain::review::{self, Review, Verdict};
use crate::domain::task::{Ending, Event, Finished, Outcome, Record};
use crate::git::command;
use crate::git::database::refs::Swap;
use crate::git::status;
use crate::system::clock;
use crate::system::crash;

impl Attempt {
    /// Writes the diffs that the prompt names: of all the work, and of what came after the commit
    /// that was read before.
    pub(super) fn write_diffs(&self) -> anyhow::Result<()> {
        if self.spec.stage.review().is_none() {
            return Ok(());
        }
        let read = self.tip()?;
        if !status::dirt(&self.spec.worktree)?.is_clean() {
            bail!("it holds work that is not committed, which no reviewer would see");
        }
        let base = self.reads_from(&read)?;
        std::fs::write(self.folder.diff(), self.git.diff(&base, &read)?)?;
        if let Some(before) = &self.spec.read_before {
            std::fs::write(self.folder.fix_diff(), self.git.diff(before, &read)?)?;
        }
        Ok(())
    }

    /// Returns where the diff begins that is read: where the task's work left the integration
    /// branch, or where the run began.
    fn reads_from(&self, read: &Oid) -> anyhow::Result<Oid> {
        if let Some(base) = &self.spec.run_base {
            return Ok(base.clone());
        }
        let integration = self.git.find_branch(&self.spec.integration)?;
        let integration = integration.context("the integration branch is gone")?;
        self.git.merge_base(&integration, read)?.context("no common history")
    }

    /// Judges what a reviewer said and left.
    pub(super) fn conclude_review(
        &self,
        kind: Review,
        ending: Ending,
        said: Option<Verdict>,
    ) -> anyhow::Result<Event> {
        let record = self.journal.record(&self.spec.task)?;
        let own = record.last_attempt().context("a task runs without an attempt")?;
        let read = own.tip.clone().context("it is not known what was read")?;
        let changed = self.undo(&read)?;
        let output = report::read(self.spec.format, &self.tail());
        let verdict = said.or_else(|| own.verdict.clone()).or_else(|| review::read(&output.answer));
        let heard = Heard {
            ending,
            halted: self.folder.stop().exists(),
            pause: self.pause(&output),
            output,
            verdict: verdict.filter(|_| changed.is_none()),
            changed,
            silent_before: pipeline::silent(&record, self.spec.stage),
        };
        let next = |verdict: &Verdict| self.spec.pipeline().after_review(&record, kind, verdict);
        let outcome = verdicts::review(&heard, read.clone(), next, self.spec.timeout);
        let (outcome, remark) = self.ticked(outcome, kind, heard.verdict.as_ref(), &record)?;
        let commit = match &outcome {
            Outcome::Ready(commit) => commit.clone(),
            _ => read,
        };
        let ending = ending_of(ending, &outcome);
        let finished = Finished::new(self.spec.attempt, ending, outcome, clock::now_ms());
        let undone = heard.changed.is_some();
        let remarks = heard.changed.as_deref().and_then(changed_text).into_iter().chain(remark);
        let remarks = remarks.collect();
        let (commit, usage) = (Some(commit), heard.output.usage);
        let verdict = heard.verdict;
        Ok(Event::Finished(Finished { commit, undone, verdict, usage, remarks, ..finished }))
    }

    /// Ticks in the ticket what reviews have confirmed, when the last of them has passed: what is
    /// merged is the commit that was read, and those ticks.
    fn ticked(
        &self,
        outcome: Outcome,
        kind: Review,
        verdict: Option<&Verdict>,
        record: &Record,
    ) -> anyhow::Result<(Outcome, Option<String>)> {
        let Outcome::Ready(read) = outcome else { return Ok((outcome, None)) };
        let met = match (kind, verdict) {
            (Review::Spec | Review::Combined, Some(verdict)) => verdict.met.clone(),
            _ => pipeline::confirmed(record),
        };
        let written = self.tick(&read, &met)?;
        Ok((Outcome::Ready(written.tip), written.remark))
    }

    /// Puts back what was changed by who only reads, after a backup; returns the files, which may be
    /// none where only a branch moved, and `None` where there was nothing.
    pub(super) fn undo(&self, read: &Oid) -> anyhow::Result<Option<Vec<String>>> {
        let place = &self.spec.worktree;
        let (branch, head) = status::head(place)?;
        let dirt = status::dirt(place)?;
        let tip = self.tip()?;
        let is_own = branch.as_ref() == Some(&self.spec.branch);
        if is_own && head == *read && tip == *read && dirt.is_clean() {
            return Ok(None);
        }
        if !dirt.nested(place).is_empty() {
            bail!("who only reads made another repository inside the worktree");
        }
        let held = self.git.snapshot_worktree(place, "what was changed by who only reads")?;
        self.back_up(&held.commit)?;
        self.back_up(&tip)?;
        let mut files = self.git.files_between(read.as_str(), &held.commit)?;
        files.extend(self.git.files_between(read.as_str(), &tip)?);
        files.sort();
        files.dedup();
        crash::point();
        let there = ["checkout", "--quiet", "--force", "--detach", read.as_str(), "--"];
        command::git(place).args(there).bytes()?;
        command::git(place).args(["clean", "-ffd", "--quiet"]).bytes()?;
        if tip != *read {
            match self.git.swap_ref(&self.branch_ref(), Some(&tip), read, "undo who only reads")? {
                Swap::Done => {}
                Swap::Moved => bail!("its branch moves while it is put back"),
                Swap::Locked => return Err(self.git.stale_lock(&self.branch_ref())),
            }
        }
        let back = ["checkout", "--quiet", &self.spec.branch, "--"];
        command::git(place).args(back).bytes()?;
        Ok(Some(files))
    }
}

/// Says which files who only reads has changed.
pub(super) fn changed_text(files: &[String]) -> Option<String> {
    (!files.is_empty()).then(|| format!("it changed {}", named(files)))
}
