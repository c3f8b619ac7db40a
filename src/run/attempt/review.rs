//! A review: the diffs that the reviewer reads, and what its verdict means.
//!
//! Invariant: a verdict is for exactly the commit that the reviewer read. What a reviewer changed
//! is backed up and undone, and then its verdict does not count.

use anyhow::{Context, bail};

use super::Attempt;
use super::work::ending_of;
use crate::domain::oid::Oid;
use crate::domain::policy::pipeline;
use crate::domain::policy::verdicts::{self, ReviewFacts, named};
use crate::domain::report;
use crate::domain::review::{self, Answer, Review, Verdict};
use crate::domain::task::{AttemptEnd, Ending, Event, Outcome, Record, Stage};
use crate::git::command;
use crate::git::database::refs::Swap;
use crate::git::status;
use crate::system::clock;
use crate::system::crash;
use crate::system::private;

/// At most this many commits are listed in front of a diff.
const MAX_COMMITS: usize = 200;

impl Attempt {
    /// Writes the diffs that the prompt names: of the whole work, and of the work since the commit
    /// that an earlier review read.
    pub(super) fn write_diffs(&self) -> anyhow::Result<()> {
        if self.spec.task.stage.review().is_none() {
            return Ok(());
        }
        let read = self.tip()?;
        self.check_all_is_committed()?;
        let base = self.diff_base(&read)?;
        private::write(&self.folder.diff(), self.range(&base, &read)?)?;
        if let Some(before) = &self.spec.review.read_before {
            private::write(&self.folder.fix_diff(), self.range(before, &read)?)?;
        }
        Ok(())
    }

    /// Returns what happened between two commits: both of them, the commits between, the changes.
    fn range(&self, base: &Oid, head: &Oid) -> anyhow::Result<Vec<u8>> {
        let commits = self.git.subjects(base, head, MAX_COMMITS)?;
        let commits: String = commits.iter().map(|line| format!("  {line}\n")).collect();
        let mut text = format!("base {base}\nhead {head}\ncommits:\n{commits}\n").into_bytes();
        text.extend(self.git.diff(base, head)?);
        Ok(text)
    }

    /// Returns the base of the diff: the merge base with the integration branch, or the base of the
    /// run if the whole branch is reviewed.
    fn diff_base(&self, read: &Oid) -> anyhow::Result<Oid> {
        if let Some(base) = &self.spec.review.run_base {
            return Ok(base.clone());
        }
        let integration = self.git.find_branch(&self.spec.place.integration)?;
        let integration = integration.context("the integration branch is gone")?;
        self.git
            .merge_base(&integration, read)?
            .context("the task's branch and the integration branch share no history")
    }

    /// Judges the verdict of a reviewer, and restores the worktree.
    pub(super) fn conclude_review(
        &self,
        kind: Review,
        ending: Ending,
        verdict: Option<Verdict>,
    ) -> anyhow::Result<Event> {
        let record = self.journal.record(&self.spec.task.id)?;
        let own = record.last_attempt().context("a task runs without an attempt")?;
        let read = own.tip.clone().context("the journal has no commit for the reviewer")?;
        let changed = self.restore(&read)?;
        let output = report::read(self.spec.launch.format, &self.tail());
        let silent_before = pipeline::silent(&record, self.spec.task.stage);
        let (verdict, unclear) = match verdict.or_else(|| own.verdict.clone()) {
            Some(verdict) => (Some(verdict), None),
            None => decided(self.answer(ending, &output.answer), silent_before),
        };
        let facts = ReviewFacts {
            ending,
            halted: self.folder.stop().exists(),
            pause: self.pause(&output),
            output,
            // A reviewer that changed files may have judged its own changes.
            verdict: verdict.filter(|_| changed.is_none()),
            changed,
            silent_before,
        };
        let next = |verdict: &Verdict| self.spec.pipeline().after_review(&record, kind, verdict);
        let outcome = verdicts::review(&facts, read.clone(), next, self.spec.launch.timeout);
        let (outcome, remark) = self.tick_ticket(outcome, kind, facts.verdict.as_ref(), &record)?;
        let commit = match &outcome {
            Outcome::Ready(commit) => commit.clone(),
            _ => read,
        };
        let ending = ending_of(ending, &outcome);
        let finished = AttemptEnd::new(self.spec.task.attempt, ending, outcome, clock::now_ms());
        let undone = facts.changed.is_some();
        let unclear = unclear.map(|why| format!("{}{why}", pipeline::UNCLEAR));
        let remarks = facts.changed.as_deref().and_then(changed_text).into_iter().chain(remark);
        let remarks = remarks.chain(unclear).collect();
        let (commit, usage) = (Some(commit), facts.output.usage);
        let verdict = facts.verdict;
        Ok(Event::Finished(AttemptEnd { commit, undone, verdict, usage, remarks, ..finished }))
    }

    /// Reads the answer of a reviewer.
    ///
    /// What a program printed before it failed may be a text that its agent only showed, so a PASS
    /// among it does not count.
    fn answer(&self, ending: Ending, answer: &str) -> Answer {
        let has_failed = matches!(ending, Ending::Exited(code) if code != 0)
            && !self.spec.launch.format.is_structured();
        match review::read(answer, &self.given()) {
            Answer::Verdict(verdict) if verdict.pass && has_failed => Answer::Silent,
            answer => answer,
        }
    }

    /// Ticks the criteria that reviews confirmed, once the last review has passed: what is merged
    /// is the reviewed commit and those ticks.
    fn tick_ticket(
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
        let ticket = self.tick(&read, &met)?;
        Ok((Outcome::Ready(ticket.tip), ticket.remark))
    }

    /// Restores the worktree that a reviewer or planner changed, after a backup.
    ///
    /// Returns the changed files, which are none if only a branch moved; `None` if nothing changed.
    pub(super) fn restore(&self, read: &Oid) -> anyhow::Result<Option<Vec<String>>> {
        let place = &self.spec.place.worktree;
        let (branch, head) = status::head(place)?;
        let dirt = self.git.work_in(place)?;
        let tip = self.tip()?;
        let is_own = branch.as_ref() == Some(&self.spec.place.branch);
        if is_own && head == *read && tip == *read && dirt.is_clean() {
            return Ok(None);
        }
        if !dirt.nested(place).is_empty() {
            bail!("the {} created a git repository inside the worktree", self.reader());
        }
        let what = format!("changes made by a {}", self.reader());
        let snapshot = self.git.snapshot_worktree(place, &what)?;
        self.back_up(&snapshot.commit)?;
        // The snapshot has HEAD's history; the branch may have moved while HEAD was elsewhere.
        self.back_up(&tip)?;
        let mut files = self.git.files_between(read.as_str(), &snapshot.commit)?;
        files.extend(self.git.files_between(read.as_str(), &tip)?);
        files.sort();
        files.dedup();
        crash::point();
        // Detached first: the branch can then be moved by compare-and-swap, without the files under
        // HEAD changing a second time.
        let there = ["checkout", "--quiet", "--force", "--detach", read.as_str(), "--"];
        command::git(place).args(there).bytes()?;
        // Ignored files stay: they are the caches and the output of `setup`.
        command::git(place).args(["clean", "-ffd", "--quiet"]).bytes()?;
        if tip != *read {
            let why = format!("undo a {}'s changes", self.reader());
            match self.git.swap_ref(&self.branch_ref(), Some(&tip), read, &why)? {
                Swap::Done => {}
                Swap::Moved => bail!("the branch moved while it was set back"),
                Swap::Locked => return Err(self.git.stale_lock(&self.branch_ref())),
            }
        }
        let back = ["checkout", "--quiet", &self.spec.place.branch, "--"];
        command::git(place).args(back).bytes()?;
        self.git.write_baseline(place, read)?;
        Ok(Some(files))
    }

    /// Returns what an agent of this stage is called: it only reads.
    fn reader(&self) -> &'static str {
        if self.spec.task.stage == Stage::Plan { "planner" } else { "reviewer" }
    }
}

/// Returns a remark on the files that a reviewer or planner changed; `None` if there are none.
pub(super) fn changed_text(files: &[String]) -> Option<String> {
    (!files.is_empty()).then(|| format!("changed files: {}", named(files)))
}

/// Returns the verdict that counts, and why an answer did not count as one.
///
/// A reviewer whose answer contradicts itself is asked once more, and then the work has failed: it
/// must not pass because nobody could tell.
fn decided(answer: Answer, silent_before: usize) -> (Option<Verdict>, Option<String>) {
    match answer {
        Answer::Verdict(verdict) => (Some(verdict), None),
        Answer::Undecided { why, .. } if silent_before == 0 => (None, Some(why)),
        Answer::Undecided { failed, .. } => (Some(failed), None),
        Answer::Silent => (None, None),
    }
}
