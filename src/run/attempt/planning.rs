//! The end of planning: the blueprint that a planning agent wrote, and nothing else.
//!
//! Invariant: a planner writes no code. What it changed in the worktree is backed up and undone;
//! its blueprint counts anyway.

use anyhow::Context;

use super::Attempt;
use super::review::changed_text;
use super::work::ending_of;
use crate::domain::blueprint::Blueprint;
use crate::domain::policy::pipeline;
use crate::domain::policy::verdicts::{self, PlanFacts};
use crate::domain::report::{self, Report};
use crate::domain::task::{AttemptEnd, Block, Ending, Event, Outcome, Reason};
use crate::system::clock;

/// At most this many bytes of a blueprint's file are read (1 MiB).
const MAX_BLUEPRINT: u64 = 1 << 20;

impl Attempt {
    /// Judges the report and the blueprint of a planning agent.
    pub(super) fn conclude_plan(
        &self,
        ending: Ending,
        report: Option<Report>,
    ) -> anyhow::Result<Event> {
        let record = self.journal.record(&self.spec.task.id)?;
        let own = record.last_attempt().context("a task runs without an attempt")?;
        let began = own.tip.clone().context("the journal has no start commit for the planner")?;
        let changed = self.restore(&began)?;
        let mut output = report::read(self.spec.launch.format, &self.tail());
        let last = report::last_word(&output.answer, &self.given());
        output.report = last.map(|last| last.report);
        let report = report.or_else(|| own.report.clone()).or(output.report.clone());
        let message = report.as_ref().map(|report| report.message.as_str()).unwrap_or_default();
        let facts = PlanFacts {
            ending,
            halted: self.folder.stop().exists(),
            pause: self.pause(&output),
            error: output.error.clone(),
            blueprint: self.blueprint(&[message, &output.answer]),
            report: report.clone(),
            tried_before: pipeline::unplanned(&record),
            approves: self.spec.task.approves,
        };
        let outcome = verdicts::plan(&facts, self.spec.launch.timeout);
        let ending = ending_of(ending, &outcome);
        let lacks = facts.blueprint.as_ref().err().map(|missing| verdicts::lacks(missing));
        let text = facts.blueprint.as_ref().ok().map(Blueprint::text);
        let changed_text = changed.as_deref().and_then(changed_text);
        let mut remarks: Vec<String> = lacks.into_iter().chain(changed_text).collect();
        // Only a complete blueprint goes to the ticket; an incomplete one is asked for again.
        let commit = match (&text, &outcome) {
            (
                Some(text),
                Outcome::Approved | Outcome::Blocked(Block { reason: Reason::Approval, .. }),
            ) => {
                let ticket = self.write_blueprint(&began, text)?;
                remarks.extend(ticket.remark);
                ticket.tip
            }
            _ => began,
        };
        let finished = AttemptEnd::new(self.spec.task.attempt, ending, outcome, clock::now_ms());
        Ok(Event::Finished(AttemptEnd {
            commit: Some(commit),
            undone: changed.is_some(),
            report,
            usage: output.usage.map(|total| self.own_usage(total, &record)),
            blueprint: text,
            remarks,
            ..finished
        }))
    }

    /// Reads the blueprint from the file that the prompt names, or else from the agent's messages:
    /// many agents print a plan although they were asked to write it.
    ///
    /// The error names the sections that the most complete text lacks.
    fn blueprint(&self, messages: &[&str]) -> Result<Blueprint, Vec<&'static str>> {
        let file = self.folder.blueprint();
        // Not only for memory: a named pipe in its place would be read for ever.
        let is_small =
            file.metadata().is_ok_and(|found| found.is_file() && found.len() <= MAX_BLUEPRINT);
        let written = is_small.then(|| std::fs::read_to_string(&file).unwrap_or_default());
        let texts = written.as_deref().into_iter().chain(messages.iter().copied());
        type Read = Result<Blueprint, Vec<&'static str>>;
        let better = |best: Read, read: Read| match (best, read) {
            (Ok(blueprint), _) | (Err(_), Ok(blueprint)) => Ok(blueprint),
            (Err(one), Err(other)) => Err(if other.len() < one.len() { other } else { one }),
        };
        texts.map(Blueprint::read).fold(Blueprint::read(""), better)
    }
}
