//! Whether another try of a blocked task may end differently.
//!
//! Invariant: pure, and of what the record holds and what has changed since. An agent that gets
//! the same prompt in the same place would most likely say, do or leave undone the same again.

use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::task::{Ending, Reason, Record, Stage};

/// What has changed since the last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// The task's own branch moved.
    pub own_branch: bool,
    /// The integration branch moved, and the task did not fit it before.
    pub integration: bool,
    /// The next attempt gets another prompt.
    pub prompt: bool,
    /// The next attempt gets another command line, another model or other limits.
    pub launch: bool,
}

impl Changes {
    fn any(self) -> bool {
        self.own_branch || self.integration || self.prompt || self.launch
    }
}

/// Returns true if another try of a blocked task may end differently.
pub(crate) fn may_end_differently(task: &Task, record: &Record, changes: Changes) -> bool {
    let Some(last) = record.last_attempt() else { return true };
    // A command reads no prompt; its result depends on what lies around it.
    let is_command = task.run.is_some() && last.stage == Stage::Implement;
    is_command || record.may_be_repeated() || changes.any()
}

/// Returns the integration commit that a blocked task did not fit.
pub(crate) fn misfit(record: &Record) -> Option<&Oid> {
    let block = record.state.block()?;
    let is_misfit = matches!(block.reason, Reason::Conflict | Reason::Tests);
    block.against.as_ref().filter(|_| is_misfit)
}

/// Returns true if a blocked task waits for other tests, not for other work: its tests could not be
/// run, or are other commands now.
pub(crate) fn awaits_tests(record: &Record, commands: &[&str]) -> bool {
    let Some(block) = record.state.block() else { return false };
    let is_other = || block.command.as_deref().is_some_and(|it| !commands.contains(&it));
    match block.reason {
        Reason::TestCommand => true,
        Reason::Tests => is_other(),
        Reason::Conflict
        | Reason::Timeout
        | Reason::NeedsContext
        | Reason::Agent
        | Reason::Permission
        | Reason::NoChanges
        | Reason::Escaped
        | Reason::Worktree
        | Reason::Stopped
        | Reason::ReviewLimit
        | Reason::Approval
        | Reason::Leftovers => false,
    }
}

impl Record {
    /// Returns true if the cause of the block lies outside of the work: a person stopped the task,
    /// its worktree could not be made, its tests could not be run, or its process vanished, was killed or was never launched.
    pub(crate) fn may_be_repeated(&self) -> bool {
        let Some(block) = self.state.block() else { return false };
        let ending = self.last_attempt().and_then(|attempt| attempt.ending);
        match block.reason {
            Reason::Stopped | Reason::Worktree | Reason::TestCommand => true,
            Reason::Agent => {
                matches!(ending, Some(Ending::Lost | Ending::Killed(_) | Ending::NotLaunched))
            }
            Reason::Conflict
            | Reason::Tests
            | Reason::Timeout
            | Reason::NeedsContext
            | Reason::Permission
            | Reason::NoChanges
            | Reason::Escaped
            | Reason::ReviewLimit
            | Reason::Leftovers
            | Reason::Approval => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::task::{AttemptEnd, AttemptStart, Block, Event, Outcome, State};

    fn task(more: &str) -> Task {
        let text = format!("[[task]]\nid = 'a'\ntitle = 'A'\ndepends_on = []\n{more}\n");
        let source = crate::plan::Source { name: "plan.toml", bytes: text.as_bytes() };
        crate::plan::parse(&source).expect("a plan").plan.tasks.remove(0)
    }

    fn blocked(reason: Reason) -> Record {
        let base = Oid::from_hex(&"0f".repeat(20)).expect("an id");
        let started = AttemptStart {
            attempt: 1,
            stage: Stage::Implement,
            base,
            tip: None,
            branch: "b".into(),
            worktree: "/w".into(),
            worker: None,
            agent: None,
            model: None,
            at: 1,
        };
        let outcome = Outcome::Blocked(Block::new(reason, "no"));
        let finished = Event::Finished(AttemptEnd::new(1, Ending::Exited(0), outcome, 2));
        let record = Record::default().apply(&Event::Started(started)).expect("starts");
        record.apply(&finished).expect("ends")
    }

    #[test]
    fn the_same_again_ends_the_same_unless_something_changed() {
        let asks = task("prompt = 'Do it.'");
        let same = Changes::default();
        let stuck = blocked(Reason::NeedsContext);
        assert!(!may_end_differently(&asks, &stuck, same));
        let prompt = Changes { prompt: true, ..same };
        assert!(may_end_differently(&asks, &stuck, prompt));
        assert!(may_end_differently(&asks, &blocked(Reason::Stopped), same));
        assert!(may_end_differently(&task("run = 'make'"), &stuck, same));
        assert!(may_end_differently(&asks, &Record::default(), same));
    }

    #[test]
    fn other_tests_need_no_other_work() {
        let failed = |reason, command: Option<&str>| {
            let command = command.map(str::to_owned);
            let block = Block { command, ..Block::new(reason, "no") };
            Record { state: State::Blocked(block), ..Record::default() }
        };
        assert!(awaits_tests(&failed(Reason::TestCommand, Some("make")), &["make"]));
        assert!(awaits_tests(&failed(Reason::Tests, Some("make")), &["true"]));
        assert!(awaits_tests(&failed(Reason::Tests, Some("make")), &[]));
        assert!(!awaits_tests(&failed(Reason::Tests, Some("make")), &["true", "make"]));
        assert!(!awaits_tests(&failed(Reason::Tests, None), &["make"]));
        assert!(!awaits_tests(&failed(Reason::Agent, None), &["make"]));
        assert!(!awaits_tests(&Record::default(), &["make"]));
    }
}
