//! Commit messages of the journal: a subject for people, trailers for facts.
//!
//! Invariant: derived from the events alone. Nothing is ever read back from a message.

use std::fmt::Write;

use crate::plan::{Plan, TaskId};
use crate::snapshot::Run;
use crate::task::{Block, Event, Outcome, State};

/// An event with the states around it.
pub(super) struct Step<'a> {
    pub(super) id: &'a TaskId,
    pub(super) event: &'a Event,
    pub(super) before: &'a State,
    pub(super) after: &'a State,
}

pub(super) fn created(run: &Run, plan: &Plan) -> String {
    let (name, count, branch) = (&run.name, plan.tasks.len(), &run.base_branch);
    format!(
        "{name}: begin with {count} tasks from {branch}\n\nRun: {name}\nBase: {}\nIntegration: {}\n",
        run.base, run.integration
    )
}

impl Step<'_> {
    pub(super) fn message(&self) -> String {
        let mut text = self.subject() + "\n\n";
        self.trailers(&mut text);
        text
    }

    fn subject(&self) -> String {
        let (id, before, after) = (self.id, self.before, self.after);
        match self.event {
            Event::Reported { report } => format!("{id}: reported {}", report.status),
            Event::Started { .. }
            | Event::Finished { .. }
            | Event::Refused(_)
            | Event::Merged { .. }
            | Event::Retried { .. }
            | Event::Offered { .. } => format!("{id}: {before} -> {after}"),
        }
    }

    fn trailers(&self, text: &mut String) {
        let mut put = |key: &str, value: &dyn std::fmt::Display| {
            let value = value.to_string().replace('\n', "\n ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key}: {value}");
        };
        put("Task", self.id);
        match self.event {
            Event::Started { attempt, stage, base, branch, worktree, worker, at: _ } => {
                put("Attempt", attempt);
                put("Stage", &stage.name());
                put("Base", base);
                put("Branch", branch);
                put("Worktree", worktree);
                match worker {
                    Some(worker) => put("Worker", &worker.pid),
                    None => put("Worker", &"by hand"),
                }
            }
            Event::Reported { report } => {
                put("Report", &report.status);
                if !report.message.is_empty() {
                    put("Message", &report.message);
                }
            }
            Event::Finished {
                attempt,
                ending,
                commit,
                committed_for_agent,
                report,
                outcome,
                at: _,
            } => {
                put("Attempt", attempt);
                put("Ending", ending);
                commit.iter().for_each(|commit| put("Commit", commit));
                if *committed_for_agent {
                    put("Committed-For-Agent", &"yes");
                }
                report.iter().for_each(|report| put("Report", &report.status));
                if let Outcome::Blocked(block) = outcome {
                    put_block(&mut put, block);
                }
            }
            Event::Refused(block) => put_block(&mut put, block),
            Event::Merged { merge } => merge.iter().for_each(|merge| put("Merge", merge)),
            Event::Retried { note } => note.iter().for_each(|note| put("Note", note)),
            Event::Offered { commit, at: _ } => put("Commit", commit),
        }
    }
}

fn put_block(put: &mut dyn FnMut(&str, &dyn std::fmt::Display), block: &Block) {
    put("Reason", &block.reason);
    put("Text", &block.text);
    block.files.iter().for_each(|file| put("File", file));
    block.against.iter().for_each(|commit| put("Against", commit));
}
