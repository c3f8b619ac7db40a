//! Commit messages of the journal: a subject for people, trailers for facts.
//!
//! Invariant: made from the events alone. Nothing is ever read back from a message.

use std::fmt::Write;

use crate::domain::agent::Agent;
use crate::domain::plan::{Plan, TaskId};
use crate::domain::review::Verdict;
use crate::domain::snapshot::Run;
use crate::domain::task::{Block, Event, Outcome, PullRequest, State};

/// An event, with the task's state before and after it.
pub(super) struct Transition<'a> {
    pub(super) id: &'a TaskId,
    pub(super) event: &'a Event,
    pub(super) before: &'a State,
    pub(super) after: &'a State,
}

pub(super) fn created(run: &Run, plan: &Plan) -> String {
    let (name, count, branch) = (&run.name, plan.tasks.len(), &run.base_branch);
    format!(
        "{name}: start with {count} tasks from {branch}\n\nRun: {name}\nBase: {}\nIntegration: {}\n",
        run.base, run.integration
    )
}

impl Transition<'_> {
    pub(super) fn message(&self) -> String {
        let mut text = self.subject() + "\n\n";
        self.trailers(&mut text);
        text
    }

    fn subject(&self) -> String {
        let (id, before, after) = (self.id, self.before, self.after);
        match self.event {
            Event::Reported { report } => format!("{id}: reported {}", report.status),
            Event::Judged { verdict } => format!("{id}: verdict {}", verdict.word()),
            Event::PullRequest(PullRequest::Opened { .. }) => format!("{id}: pull request opened"),
            Event::PullRequest(PullRequest::Unopened(unopened)) => {
                format!("{id}: no pull request ({})", unopened.why)
            }
            Event::Started(_)
            | Event::Finished(_)
            | Event::Refused(_)
            | Event::SentBack(_)
            | Event::Merged { .. }
            | Event::Approved { .. }
            | Event::Retried { .. }
            | Event::Accepted { .. }
            | Event::Offered { .. } => format!("{id}: {before} -> {after}"),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each case")]
    fn trailers(&self, text: &mut String) {
        let mut put = |key: &str, value: &dyn std::fmt::Display| {
            let value = value.to_string().replace('\n', "\n ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key}: {value}");
        };
        put("Task", self.id);
        match self.event {
            Event::Started(started) => {
                put("Attempt", &started.attempt);
                put("Stage", &started.stage.name());
                put("Base", &started.base);
                started.tip.iter().for_each(|tip| put("Tip", tip));
                put("Branch", &started.branch);
                put("Worktree", &started.worktree);
                match &started.worker {
                    Some(worker) => put("Worker", &worker.pid),
                    None => put("Worker", &"by hand"),
                }
            }
            Event::Judged { verdict } => put_verdict(&mut put, verdict),
            Event::Reported { report } => {
                put("Report", &report.status);
                if !report.message.is_empty() {
                    put("Message", &report.message);
                }
            }
            Event::Finished(finished) => {
                put("Attempt", &finished.attempt);
                put("Ending", &finished.ending);
                finished.commit.iter().for_each(|commit| put("Commit", commit));
                if finished.committed_for_agent {
                    put("Committed-For-Agent", &"yes");
                }
                if finished.undone {
                    put("Undone", &"yes");
                }
                finished.remarks.iter().for_each(|remark| put("Remark", remark));
                finished.concerns.iter().for_each(|concern| put("Concern", concern));
                finished.report.iter().for_each(|report| put("Report", &report.status));
                finished.verdict.iter().for_each(|verdict| put_verdict(&mut put, verdict));
                match &finished.outcome {
                    Outcome::Blocked(block) => put_block(&mut put, block),
                    Outcome::Later(pause) => {
                        put("Text", &pause.text);
                        let at = pause.until.map(jiff::Timestamp::from_millisecond);
                        at.iter().flatten().for_each(|at| put("Until", at));
                    }
                    Outcome::Ready(_)
                    | Outcome::Next { .. }
                    | Outcome::Approved
                    | Outcome::Again => {}
                }
            }
            Event::Refused(block) => put_block(&mut put, block),
            Event::SentBack(back) => {
                put("Commit", &back.commit);
                put_block(&mut put, &back.why);
            }
            Event::Merged { merge, remarks } => {
                merge.iter().for_each(|merge| put("Merge", merge));
                remarks.iter().for_each(|remark| put("Remark", remark));
            }
            Event::Approved { answer } => answer.iter().for_each(|it| put("Answer", it)),
            Event::Retried { note, answer, model, agent } => {
                note.iter().for_each(|note| put("Note", note));
                answer.iter().for_each(|answer| put("Answer", answer));
                model.iter().for_each(|model| put("Model", model));
                // Only the program's name: the rest of the command line may contain a secret.
                agent.iter().for_each(|agent| put("Agent", &Agent::from_text(agent).name()));
            }
            Event::Accepted { commit, answer, at: _ } => {
                put("Commit", commit);
                answer.iter().for_each(|answer| put("Answer", answer));
            }
            Event::Offered { commit, at: _, skipped } => {
                put("Commit", commit);
                skipped.iter().for_each(|text| put("Skipped", text));
            }
            Event::PullRequest(PullRequest::Opened { url }) => put("Url", url),
            Event::PullRequest(PullRequest::Unopened(unopened)) => put("Text", &unopened.text),
        }
    }
}

fn put_verdict(put: &mut dyn FnMut(&str, &dyn std::fmt::Display), verdict: &Verdict) {
    put("Verdict", &verdict.word());
    verdict.findings.iter().for_each(|finding| put("Finding", finding));
}

fn put_block(put: &mut dyn FnMut(&str, &dyn std::fmt::Display), block: &Block) {
    put("Reason", &block.reason);
    put("Text", &block.text);
    block.files.iter().for_each(|file| put("File", file));
    block.against.iter().for_each(|commit| put("Against", commit));
}
