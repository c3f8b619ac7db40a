//! Which agent programs have reached a usage limit, and when they may be used again.
//!
//! Invariant: pure, and derived from the attempts alone. A limit is the program's, not the task's:
//! while one attempt waits for its end, another with the same program would only reach it too.
//! An attempt that began later and was not limited proves that it is over.

use crate::domain::agent::Agent;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::chosen;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, Ending, Record, Stage};

/// A program that must not be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rest {
    /// Milliseconds since 1970; `None` where nobody said when its limit ends.
    pub until: Option<i64>,
}

/// The programs that must not be used now, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rests(Vec<(String, Rest)>);

/// A pause that nothing has proved to be over.
struct Open<'a> {
    agent: &'a str,
    until: Option<i64>,
}

impl Rests {
    /// Looks through a run; `now` in milliseconds since 1970.
    pub(crate) fn of(snapshot: &Snapshot, now: i64) -> Rests {
        let open: Vec<Open<'_>> =
            snapshot.tasks().filter_map(|(_, record)| open(snapshot, record)).collect();
        let mut agents: Vec<&str> = open.iter().map(|pause| pause.agent).collect();
        agents.sort_unstable();
        agents.dedup();
        let rest = |agent: &str| {
            let of_agent = || open.iter().filter(|pause| pause.agent == agent);
            // What one of them was told holds for those that were told nothing.
            let until = of_agent().filter_map(|pause| pause.until).max();
            let is_over = until.is_some_and(|until| until <= now);
            (!is_over).then(|| (agent.to_owned(), Rest { until }))
        };
        Rests(agents.into_iter().filter_map(rest).collect())
    }

    /// Returns what keeps a program from being used; a task without one is never kept.
    pub(crate) fn of_agent(&self, agent: Option<&str>) -> Option<Rest> {
        let (_, rest) = self.0.iter().find(|(name, _)| Some(name.as_str()) == agent)?;
        Some(*rest)
    }
}

fn open<'a>(snapshot: &Snapshot, record: &'a Record) -> Option<Open<'a>> {
    let pause = record.state.pause()?;
    let last = record.last_attempt()?;
    let agent = last.agent.as_deref()?;
    let is_proof = |other: &Attempt| {
        other.agent.as_deref() == Some(agent)
            && other.started > last.ended.unwrap_or(last.started)
            && matches!(other.ending, Some(Ending::Exited(_)))
    };
    let is_over = snapshot.tasks().any(|(_, record)| record.attempts.iter().any(is_proof));
    (!is_over).then_some(Open { agent, until: pause.until })
}

/// Returns the paused tasks that wait for the same program as this one, itself among them.
pub(crate) fn same_pause(snapshot: &Snapshot, id: &TaskId) -> Vec<TaskId> {
    let agent = |record: &Record| record.last_attempt().and_then(|last| last.agent.clone());
    let own = snapshot.find(id).and_then(|(_, record)| agent(record));
    let is_same = |(task, record): &(&Task, &Record)| {
        record.state.pause().is_some() && (task.id == *id || agent(record) == own)
    };
    snapshot.tasks().filter(is_same).map(|(task, _)| task.id.clone()).collect()
}

/// Returns the name of the program that does what is next of a task; `None` where that is a shell
/// command of the plan.
pub(crate) fn agent_of(task: &Task, record: &Record, default: Option<&str>) -> Option<String> {
    let is_command =
        task.run.is_some() && record.pending().is_none_or(|(stage, _)| stage == Stage::Implement);
    chosen(task, record, default).filter(|_| !is_command).map(|text| Agent::from_text(text).name())
}
