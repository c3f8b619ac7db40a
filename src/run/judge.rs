//! What the end of an attempt means: facts in, outcome out.
//!
//! Invariant: pure. An agent's word can stop a task, but only git can finish one.

use crate::oid::Oid;
use crate::report::{Output, Report, Status};
use crate::task::{Block, Ending, Outcome, Reason};

/// What is said of a task that a person stopped.
pub(super) const HALTED: &str = "it was stopped; its worktree is as it was left";

/// What is known when an agent's process is gone and before its leftovers are committed.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) ending: Ending,
    /// A `run` command, whose exit code is its word; an agent's means little.
    pub(super) is_command: bool,
    pub(super) report: Option<Report>,
    pub(super) output: Output,
    /// A person wanted this attempt to end, and the task to wait.
    pub(super) halted: bool,
    /// What is wrong with the worktree, in a sentence.
    pub(super) escaped: Option<String>,
    pub(super) unmerged: Vec<String>,
    /// Repositories of their own inside the worktree: a commit would hold a link to nowhere.
    pub(super) nested: Vec<String>,
}

/// Returns what stops the task, whatever its branch holds.
pub(super) fn trouble(facts: &Facts, limit_seconds: u64) -> Option<Outcome> {
    let block = |reason, text: String| Some(Outcome::Blocked(Block::new(reason, text)));
    let said = facts.report.as_ref();
    let status = said.map(|report| report.status);
    let message = said.map(|report| report.message.as_str()).filter(|text| !text.is_empty());
    let message = message.unwrap_or("it gave no reason");
    if let Some(text) = &facts.escaped {
        return block(Reason::Escaped, text.clone());
    }
    match (facts.ending, status) {
        (Ending::TimedOut, _) => {
            block(Reason::Timeout, format!("it ran longer than {limit_seconds} s and was ended"))
        }
        (Ending::Stopped | Ending::Killed(_), _) if facts.halted => {
            block(Reason::Stopped, HALTED.into())
        }
        (Ending::Stopped | Ending::Lost, _) => Some(Outcome::Again),
        (Ending::NotLaunched, _) => block(Reason::Agent, "it could not be launched".into()),
        (_, Some(Status::Blocked)) => {
            block(Reason::Agent, format!("it says it is blocked: {message}"))
        }
        (_, Some(Status::NeedsContext)) => {
            block(Reason::NeedsContext, format!("it asks: {message}"))
        }
        (ending, status) => failure(facts, ending, status),
    }
}

fn failure(facts: &Facts, ending: Ending, status: Option<Status>) -> Option<Outcome> {
    let block = |text: String| Some(Outcome::Blocked(Block::new(Reason::Agent, text)));
    if let Some(error) = &facts.output.error {
        return block(format!("its program failed: {error}"));
    }
    let says_done = matches!(status, Some(Status::Done | Status::DoneWithConcerns));
    let is_done = match ending {
        Ending::Exited(0) => true,
        Ending::ByHand => says_done,
        _ => says_done && !facts.is_command,
    };
    if !is_done {
        return block(match ending {
            Ending::Exited(127) => "its command was not found (exit 127)".into(),
            other => format!("its command ended with {other}"),
        });
    }
    let left = [
        (&facts.unmerged, "it left a merge unfinished"),
        (&facts.nested, "it left another repository inside its worktree"),
    ];
    let (files, text) = left.into_iter().find(|(files, _)| !files.is_empty())?;
    Some(Outcome::Blocked(Block { files: files.clone(), ..Block::new(Reason::Agent, text) }))
}

/// Returns the outcome when nothing stopped the task: its commit, if there is one.
pub(super) fn result(facts: &Facts, tip: Oid, has_commits: bool) -> Outcome {
    if has_commits {
        return Outcome::Ready(tip);
    }
    match facts.output.denied.as_slice() {
        [] => Outcome::Blocked(Block::new(
            Reason::NoChanges,
            "it ended, and its branch holds no commit of its own",
        )),
        denied => Outcome::Blocked(Block::new(
            Reason::Permission,
            format!("it was refused what it needed: {}", denied.join(", ")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(ending: Ending) -> Facts {
        let output = Output::default();
        Facts {
            ending,
            is_command: false,
            report: None,
            output,
            halted: false,
            escaped: None,
            unmerged: vec![],
            nested: vec![],
        }
    }

    fn reason(facts: &Facts) -> Option<Reason> {
        match trouble(facts, 60)? {
            Outcome::Blocked(block) => Some(block.reason),
            Outcome::Ready(_) | Outcome::Again => None,
        }
    }

    fn said(status: Status) -> Option<Report> {
        Some(Report { status, message: String::new() })
    }

    #[test]
    fn an_exit_code_is_a_commands_word_and_not_an_agents() {
        let mut facts = facts(Ending::Exited(1));
        assert_eq!(reason(&facts), Some(Reason::Agent));
        facts.report = said(Status::Done);
        assert_eq!(reason(&facts), None);
        facts.is_command = true;
        assert_eq!(reason(&facts), Some(Reason::Agent));
    }

    #[test]
    fn done_without_a_commit_is_not_done() {
        let tip = Oid::from_hex(&"a".repeat(40)).expect("an id");
        let mut facts = facts(Ending::Exited(0));
        facts.report = said(Status::Done);
        assert_eq!(trouble(&facts, 60), None);
        let Outcome::Blocked(block) = result(&facts, tip.clone(), false) else { panic!("done") };
        assert_eq!(block.reason, Reason::NoChanges);
        facts.output.denied = vec!["Write".into()];
        let Outcome::Blocked(block) = result(&facts, tip.clone(), false) else { panic!("done") };
        assert_eq!(block.reason, Reason::Permission);
        assert_eq!(result(&facts, tip.clone(), true), Outcome::Ready(tip));
    }

    #[test]
    fn words_that_stop() {
        let mut facts = facts(Ending::Exited(0));
        facts.report = said(Status::NeedsContext);
        assert_eq!(reason(&facts), Some(Reason::NeedsContext));
        facts.report = said(Status::Blocked);
        assert_eq!(reason(&facts), Some(Reason::Agent));
        facts.ending = Ending::TimedOut;
        assert_eq!(reason(&facts), Some(Reason::Timeout));
        facts.escaped = Some("HEAD moved".into());
        assert_eq!(reason(&facts), Some(Reason::Escaped));
    }

    #[test]
    fn what_was_stopped_or_lost_begins_again() {
        assert_eq!(trouble(&facts(Ending::Stopped), 60), Some(Outcome::Again));
        assert_eq!(trouble(&facts(Ending::Lost), 60), Some(Outcome::Again));
        let halted = Facts { halted: true, ..facts(Ending::Stopped) };
        assert_eq!(reason(&halted), Some(Reason::Stopped));
    }
}
