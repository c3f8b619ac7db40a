//! The end of an implementer's work, judged by git.
//!
//! Invariant: work that the agent did not commit is committed for it; its report alone finishes
//! nothing.

use std::fs::File;
use std::path::Path;

use anyhow::Context;

use super::Attempt;
use crate::domain::error::one_line;
use crate::domain::oid::Oid;
use crate::domain::policy::ownership::leftovers::DoubtfulFile;
use crate::domain::policy::pipeline::Next;
use crate::domain::policy::verdicts::{self, WorkFacts};
use crate::domain::report::{self, Output, Report, Status, Usage};
use crate::domain::task::{AttemptEnd, Block, Ending, Event, Outcome, Pause, Record};
use crate::domain::text::{Given, is_statement};
use crate::git::command;
use crate::git::commit;
use crate::git::status::Dirt;
use crate::run::brief::conversation;
use crate::run::folder::RunFolder;
use crate::run::merge::for_others::for_others;
use crate::system::clock;

/// At most this many bytes at the end of a log are searched for the agent's report (1 MiB).
const TAIL: u64 = 1 << 20;

/// At most this many bytes of an agent's final message are kept for the reviewers; of an output that
/// may hold more than the agent's own words, only its end.
const MAX_ACCOUNT: usize = 4 << 10;
const MAX_OUTPUT: usize = 2 << 10;

impl Attempt {
    /// Judges the agent's work, and commits what the agent did not commit.
    pub(super) fn conclude_work(
        &self,
        ending: Ending,
        report: Option<Report>,
    ) -> anyhow::Result<Event> {
        let record = self.journal.record(&self.spec.task.id)?;
        let (facts, dirt) = self.work_facts(ending, report, &record)?;
        let trouble = verdicts::trouble(&facts, self.spec.launch.timeout);
        // The report alone proves nothing, nor does its absence: git shows whether there is work.
        let own = self.own_work(&facts, &dirt, &record, trouble.is_none())?;
        let tip = own.tip.clone();
        let outcome = match trouble {
            Some(outcome) if !own.was_committed && !dirt.is_clean() => with_uncommitted(outcome),
            Some(outcome) => outcome,
            None => self.hold(self.outcome_of_work(&facts, &record, &tip)?, &own, &record),
        };
        let unrelated = self.unrelated_changes(&record, &tip)?;
        let (outcome, tip, remark) = match outcome {
            Outcome::Ready(commit) => {
                let ticket = self.set_done(&commit)?;
                (Outcome::Ready(ticket.tip.clone()), ticket.tip, ticket.remark)
            }
            other => (other, tip, None),
        };
        let ending = ending_of(ending, &outcome);
        let finished = AttemptEnd::new(self.spec.task.attempt, ending, outcome, clock::now_ms());
        Ok(Event::Finished(AttemptEnd {
            commit: Some(tip),
            committed_for_agent: own.was_committed,
            concerns: verdicts::concerns(&facts)
                .into_iter()
                .chain(unrelated)
                .chain(own.concerns)
                .collect(),
            account: self.account(&facts),
            report: facts.report,
            usage: facts.output.usage.map(|total| self.own_usage(total, &record)),
            remarks: own.remarks.into_iter().chain(remark).collect(),
            ..finished
        }))
    }

    /// Returns the facts of the attempt: the report, the output, and the state of the worktree.
    fn work_facts(
        &self,
        ending: Ending,
        report: Option<Report>,
        record: &Record,
    ) -> anyhow::Result<(WorkFacts, Dirt)> {
        let escaped = self.check_place().err().map(|error| one_line(&error));
        // In a broken worktree `git status` would describe the repository around it.
        let dirt = match escaped {
            None => self.git.work_in(&self.spec.place.worktree)?,
            Some(_) => Dirt::default(),
        };
        let format = self.spec.launch.format;
        let mut output = report::read(format, &self.tail());
        let last = report::last_word(&output.answer, &self.given());
        output.report = last.as_ref().map(|last| last.report.clone());
        let after = last.map(|last| last.after).unwrap_or_default();
        // A reported result is explicit; the last line of the output only replaces a missing one.
        let reported =
            report.or_else(|| record.last_attempt().and_then(|attempt| attempt.report.clone()));
        let is_own = reported.is_some() || format.is_structured();
        let facts = WorkFacts {
            ending,
            is_command: self.spec.launch.is_command,
            report: reported.or(output.report.clone()).map(|report| with_question(report, &output)),
            after,
            is_own,
            pause: self.pause(&output),
            output,
            halted: self.folder.stop().exists(),
            escaped,
            unmerged: dirt.unmerged.clone(),
            nested: self.nested(&dirt)?,
        };
        Ok((facts, dirt))
    }

    /// Returns the repositories inside the worktree that the setup did not make.
    fn nested(&self, dirt: &Dirt) -> anyhow::Result<Vec<String>> {
        let mut nested = dirt.nested(&self.spec.place.worktree);
        if !nested.is_empty() {
            let untouched = self.git.untouched(&self.spec.place.worktree)?;
            nested.retain(|path| !untouched.iter().any(|it| it == path.trim_end_matches('/')));
        }
        Ok(nested)
    }

    /// Returns true if there is something to commit for the agent, and it may be committed.
    ///
    /// Work of an agent that failed stays uncommitted in its own worktree, where the next attempt
    /// or a person finds it. The checkout that tasks share must be clean for the next task.
    pub(super) fn may_commit(&self, facts: &WorkFacts, dirt: &Dirt, is_good: bool) -> bool {
        let is_whole =
            facts.escaped.is_none() && facts.unmerged.is_empty() && facts.nested.is_empty();
        !dirt.is_clean() && is_whole && (is_good || self.spec.is_alone())
    }

    /// Returns the outcome of work without trouble: a review, a merge, or a missing fix.
    fn outcome_of_work(
        &self,
        facts: &WorkFacts,
        record: &Record,
        tip: &Oid,
    ) -> anyhow::Result<Outcome> {
        let result = verdicts::result(facts, tip.clone(), self.has_work(record, tip)?);
        Ok(match self.missing_fix(record, tip)? {
            Some(block) => Outcome::Blocked(block),
            None => self.review_first(facts, record, result),
        })
    }

    /// Returns the usage of this attempt, given the running total of its conversation.
    pub(super) fn own_usage(&self, total: Usage, record: &Record) -> Usage {
        let run = RunFolder::new(&self.git, &self.spec.task.run);
        conversation::own_usage(total, &run, &self.spec, record)
    }

    /// Replaces a result that could be merged by the stage that it needs first, if any.
    fn review_first(&self, facts: &WorkFacts, record: &Record, result: Outcome) -> Outcome {
        let Outcome::Ready(commit) = result else { return result };
        let is_doubtful = verdicts::is_doubtful(facts);
        match self.spec.pipeline().after_work(record, self.spec.task.stage, is_doubtful) {
            Next::Stage(stage) => Outcome::Next { stage, commit },
            Next::Merge | Next::Limit { .. } => Outcome::Ready(commit),
        }
    }

    /// Commits the agent's uncommitted work, without files that need a person's word; returns true
    /// if there was anything to commit.
    ///
    /// A `git gc` at the same time can prune objects that no ref reaches yet, and so take parts of
    /// the new commit. Then the branch is set back and the commit made again: the files are still
    /// in the worktree, so nothing is lost.
    pub(super) fn commit_leftovers(&self, ask: &[DoubtfulFile]) -> anyhow::Result<bool> {
        let (place, message) = (&self.spec.place.worktree, self.message());
        let mut except = self.git.untouched(place)?;
        // The checkout that tasks share must be clean for the next task; on the branch they wait
        // as well.
        if !self.spec.is_alone() {
            except.extend(ask.iter().map(|file| file.path.clone()));
        }
        loop {
            let mark = self.git.outlast_gc();
            let before = self.tip()?;
            self.git.patiently(|| commit::commit_all(place, &message, &except))?;
            let commit = self.tip()?;
            if !self.git.gc_since(&mark) || self.git.is_stored(&commit) {
                return Ok(commit != before);
            }
            self.git.swap_ref(&self.branch_ref(), Some(&commit), &before, "commit again")?;
            // The index still names the objects that are gone: `git add` would trust its stat data
            // and not write them again.
            command::git(place).args(["read-tree", "HEAD"]).bytes()?;
        }
    }

    fn message(&self) -> String {
        for_others(&format!("{}\n\nTask: {}\n", self.spec.task.title, self.spec.task.id))
    }

    /// Returns true if the branch has a commit of its own that changes more than the ticket.
    fn has_work(&self, record: &Record, tip: &Oid) -> anyhow::Result<bool> {
        // Somebody may have set the integration branch back to before the base of this attempt.
        let base = record.last_attempt().map(|attempt| &attempt.base);
        if base.is_some_and(|base| self.git.is_ancestor(tip, base).unwrap_or(false)) {
            return Ok(false);
        }
        let integration = self.git.find_branch(&self.spec.place.integration)?;
        let integration = integration.context("the integration branch is gone")?;
        Ok(!self.git.is_ancestor(tip, &integration)?
            && !self.has_only_ticket(tip)?
            && !self.is_only_baseline(tip)?)
    }

    /// Returns how long the task must wait if its program reached a usage limit.
    pub(super) fn pause(&self, output: &Output) -> Option<Pause> {
        let limit = output.limit.as_ref()?;
        Some(Pause { until: limit.until(&clock::now()), text: limit.text.clone() })
    }

    /// Returns what the agent was given to read.
    pub(super) fn given(&self) -> Given {
        let folder = &self.folder;
        let files = [
            folder.prompt(),
            folder.resume_prompt(),
            folder.task(),
            folder.report(),
            folder.diff(),
            folder.fix_diff(),
        ];
        let texts: Vec<String> = files.iter().filter_map(|file| read_lossy(file)).collect();
        Given::of(texts.iter().map(String::as_str))
    }

    /// Returns the agent's final message without its status, which is the report. A reviewer who
    /// prints it must not seem to have said what stands in it.
    fn account(&self, facts: &WorkFacts) -> String {
        if facts.is_command {
            return String::new();
        }
        let said = facts.output.answer.lines().filter(|line| !is_statement(line));
        let answer = said.collect::<Vec<_>>().join("\n");
        let answer = answer.trim();
        let limit = if self.spec.launch.format.is_structured() { MAX_ACCOUNT } else { MAX_OUTPUT };
        let mut start = answer.len().saturating_sub(limit);
        // A limit in bytes may fall into the middle of a character.
        while !answer.is_char_boundary(start) {
            start += 1;
        }
        let end = &answer[start..];
        let rest =
            if start == 0 { end } else { end.split_once('\n').map_or(end, |(_, rest)| rest) };
        rest.trim_end().to_owned()
    }

    pub(super) fn tail(&self) -> String {
        read_tail(&self.folder.log()).unwrap_or_default()
    }
}

/// Returns the report with the question that the agent asked in its final message, if the report
/// itself has none.
fn with_question(report: Report, output: &Output) -> Report {
    let asks = matches!(report.status, Status::NeedsContext | Status::Blocked);
    if asks && report.message.trim().is_empty() {
        Report { message: report::last_question(&output.answer), ..report }
    } else {
        report
    }
}

/// Says in a block that the worktree holds uncommitted work.
fn with_uncommitted(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Blocked(block) => {
            let text = format!("{} (its worktree has uncommitted changes)", block.text);
            Outcome::Blocked(Block { text, ..block })
        }
        other => other,
    }
}

/// Returns how the attempt ended: a usage limit counts more than how the process exited.
pub(super) fn ending_of(ending: Ending, outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Later(_) => Ending::Limited,
        Outcome::Ready(_)
        | Outcome::Next { .. }
        | Outcome::Blocked(_)
        | Outcome::Approved
        | Outcome::Again => ending,
    }
}

fn read_lossy(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn read_tail(path: &Path) -> std::io::Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // A log may have gigabytes, and the report stands at its end.
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
