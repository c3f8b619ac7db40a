//! The end of planning: the plan that an agent made, and that nothing else came of it.
//!
//! Invariant: who plans writes no code. What it changes in the worktree is backed up and undone;
//! its plan counts all the same.

use anyhow::Context;

use super::Attempt;
use super::review::changed_text;
use super::work::ending_of;
use crate::domain::blueprint::Blueprint;
use crate::domain::policy::pipeline;
use crate::domain::policy::verdicts::{self, Planned};
use crate::domain::report::{self, Report};
use crate::domain::task::{Block, Ending, Event, Finished, Outcome, Reason};
use crate::run::brief::conversation;
use crate::run::folder::RunFolder;
use crate::system::clock;

/// Larger files are no plan (1 MiB).
const MAX_PLAN: u64 = 1 << 20;

impl Attempt {
    /// Judges what a planning agent said and left.
    pub(super) fn conclude_plan(
        &self,
        ending: Ending,
        said: Option<Report>,
    ) -> anyhow::Result<Event> {
        let record = self.journal.record(&self.spec.task)?;
        let own = record.last_attempt().context("a task runs without an attempt")?;
        let began = own.tip.clone().context("it is not known what it began on")?;
        let changed = self.undo(&began)?;
        let output = report::read(self.spec.format, &self.tail());
        let report = said.or_else(|| own.report.clone()).or(output.report.clone());
        let message = report.as_ref().map(|report| report.message.as_str()).unwrap_or_default();
        let facts = Planned {
            ending,
            halted: self.folder.stop().exists(),
            pause: self.pause(&output),
            error: output.error.clone(),
            blueprint: self.blueprint(&[message, &output.answer]),
            report: report.clone(),
            tried_before: pipeline::unplanned(&record),
            approves: self.spec.approves,
        };
        let outcome = verdicts::plan(&facts, self.spec.timeout);
        let ending = ending_of(ending, &outcome);
        let lacks = facts.blueprint.as_ref().err().map(|missing| verdicts::lacks(missing));
        let text = facts.blueprint.as_ref().ok().map(Blueprint::text);
        let changed_text = changed.as_deref().and_then(changed_text);
        let mut remarks: Vec<String> = lacks.into_iter().chain(changed_text).collect();
        let commit = match (&text, &outcome) {
            (
                Some(text),
                Outcome::Approved | Outcome::Blocked(Block { reason: Reason::Approval, .. }),
            ) => {
                let written = self.write_plan(&began, text)?;
                remarks.extend(written.remark);
                written.tip
            }
            _ => began,
        };
        let run = RunFolder::new(&self.git, &self.spec.run);
        let own = |total| conversation::own_usage(total, &run, &self.spec, &record);
        let finished = Finished::new(self.spec.attempt, ending, outcome, clock::now_ms());
        Ok(Event::Finished(Finished {
            commit: Some(commit),
            undone: changed.is_some(),
            report,
            usage: output.usage.map(own),
            blueprint: text,
            remarks,
            ..finished
        }))
    }

    /// Reads the plan from the file that the prompt names, or else from the agent's words; the
    /// error names what the best of them lacks.
    fn blueprint(&self, words: &[&str]) -> Result<Blueprint, Vec<&'static str>> {
        let file = self.folder.plan();
        let is_small =
            file.metadata().is_ok_and(|found| found.is_file() && found.len() <= MAX_PLAN);
        let written = is_small.then(|| std::fs::read_to_string(&file).unwrap_or_default());
        let texts = written.as_deref().into_iter().chain(words.iter().copied());
        type Read = Result<Blueprint, Vec<&'static str>>;
        let better = |best: Read, read: Read| match (best, read) {
            (Ok(plan), _) | (Err(_), Ok(plan)) => Ok(plan),
            (Err(one), Err(other)) => Err(if other.len() < one.len() { other } else { one }),
        };
        texts.map(Blueprint::read).fold(Blueprint::read(""), better)
    }
}
