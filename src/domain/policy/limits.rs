//! Which agent programs have reached a usage limit, and when they may be used again.
//!
//! Invariant: pure, and derived from the attempts alone. A limit belongs to a program, not to a
//! task: while one attempt waits for its end, another with the same program would only reach it
//! too. An attempt that began later and was not limited proves that the limit is over.

use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, Ending, Record};

/// The limit that a program has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsageLimit {
    /// Milliseconds since 1970; `None` if the program did not say when it ends.
    pub until: Option<i64>,
}

/// The limits in force, by the names of the programs.
#[derive(Debug, Clone, Default)]
pub(crate) struct UsageLimits(Vec<(String, UsageLimit)>);

/// A paused task whose limit may still hold.
struct OpenPause<'a> {
    program: &'a str,
    until: Option<i64>,
}

impl UsageLimits {
    /// Returns the limits in force; `now` in milliseconds since 1970.
    pub(crate) fn of(snapshot: &Snapshot, now: i64) -> UsageLimits {
        let open: Vec<OpenPause<'_>> =
            snapshot.tasks().filter_map(|(_, record)| open_pause(snapshot, record)).collect();
        let mut programs: Vec<&str> = open.iter().map(|pause| pause.program).collect();
        programs.sort_unstable();
        programs.dedup();
        let limit = |program: &str| {
            let of_program = || open.iter().filter(|pause| pause.program == program);
            // One attempt may know the end of the limit that another one met without it.
            let until = of_program().filter_map(|pause| pause.until).max();
            let is_over = until.is_some_and(|until| until <= now);
            (!is_over).then(|| (program.to_owned(), UsageLimit { until }))
        };
        UsageLimits(programs.into_iter().filter_map(limit).collect())
    }

    /// Returns true if every program may be used.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the limit of a program; a shell command of the plan has none.
    pub(crate) fn of_program(&self, program: Option<&str>) -> Option<UsageLimit> {
        let (_, limit) = self.0.iter().find(|(name, _)| Some(name.as_str()) == program)?;
        Some(*limit)
    }
}

fn open_pause<'a>(snapshot: &Snapshot, record: &'a Record) -> Option<OpenPause<'a>> {
    let pause = record.state.pause()?;
    let last = record.last_attempt()?;
    let program = last.agent.as_deref()?;
    let is_proof = |other: &Attempt| {
        other.agent.as_deref() == Some(program)
            && other.started > last.ended.unwrap_or(last.started)
            // Whatever the code: a program that ran to its end was let in.
            && matches!(other.ending, Some(Ending::Exited(_)))
    };
    let is_over = snapshot.tasks().any(|(_, record)| record.attempts.iter().any(is_proof));
    (!is_over).then_some(OpenPause { program, until: pause.until })
}

/// Returns the paused tasks that wait for the same program as this one, itself among them.
pub(crate) fn same_pause(snapshot: &Snapshot, id: &TaskId) -> Vec<TaskId> {
    let program = |record: &Record| record.last_attempt().and_then(|last| last.agent.clone());
    let own = snapshot.find(id).and_then(|(_, record)| program(record));
    let is_same = |(task, record): &(&Task, &Record)| {
        record.state.pause().is_some() && (task.id == *id || program(record) == own)
    };
    snapshot.tasks().filter(is_same).map(|(task, _)| task.id.clone()).collect()
}
