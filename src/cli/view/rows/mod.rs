//! From a snapshot and facts to rows: everything that any face shows of a task, once.
//!
//! Invariant: pure, and the only place that decides why a task stands where it stands. The table,
//! the JSON, the live view, `show`, `wait` and completions print rows, so that they cannot differ.

pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod show;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod waited;

use super::{advice, hand_out, moment};
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::Choice;
use crate::domain::policy::limits::UsageLimits;
use crate::domain::policy::pipeline;
use crate::domain::snapshot::{Snapshot, Wait};
use crate::domain::steps::{Remedy, Step};
use crate::domain::task::{Block, Ending, Reason, Record, Stage, State, TaskStatus};
use crate::domain::text::{counted, printable, span};
use crate::run::facts::Facts;

/// An agent that printed nothing for this long is shown as silent.
const SILENT_SECONDS: i64 = 5 * 60;

/// What is shown of one task.
pub(crate) struct Row<'a> {
    pub index: usize,
    pub task: &'a Task,
    pub record: &'a Record,
    pub status: TaskStatus,
    /// The most pressing reason first; empty if nothing is to be said.
    pub why: Vec<Why<'a>>,
    /// What a person should know of the work, oldest first.
    pub concerns: Vec<&'a str>,
    /// What to type next, the likeliest first.
    pub next: Remedy,
    /// Milliseconds spent in attempts.
    pub spent: i64,
}

/// Why a task stands where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why<'a> {
    /// These tasks must be merged first.
    Dependency { ids: Vec<TaskId> },
    /// An active task writes the same file.
    File { held_by: TaskId, path: String },
    /// One of the two must run alone.
    Alone { held_by: TaskId },
    /// The program of its agent reached a usage limit, in this task (then with its message) or in
    /// another one. `until`: milliseconds since 1970; `None` if the program named no end.
    UsageLimit { agent: Option<String>, until: Option<i64>, message: Option<&'a str> },
    /// No worktree can be made.
    NoRoom { text: &'a str },
    /// Its last attempt ended before it was judged; the next one continues.
    Interrupted { ending: Ending },
    /// Somebody outside works on it, in this stage.
    ByHand { stage: Stage },
    /// It is called running, but its supervisor is gone.
    Lost,
    /// Its agent has printed nothing for this long.
    Silent { seconds: i64 },
    /// This stage starts as soon as there is a place for it.
    Next { stage: Stage, because: String },
    /// The integration branch cannot be moved now.
    Merge { text: &'a str },
    /// The plan marks it as done.
    Marked,
    /// It needs a person.
    Block(&'a Block),
}

/// A kind of [`Why`], as in the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Dependency,
    File,
    Alone,
    UsageLimit,
    NoRoom,
    Interrupted,
    ByHand,
    Lost,
    Silent,
    Next,
    Merge,
    Marked,
    Block(Reason),
}

impl Kind {
    /// Returns the name, as in the JSON; that of a block is its reason.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Dependency => "dependency",
            Kind::File => "file",
            Kind::Alone => "alone",
            Kind::UsageLimit => "usage-limit",
            Kind::NoRoom => "no-room",
            Kind::Interrupted => "interrupted",
            Kind::ByHand => "by-hand",
            Kind::Lost => "lost",
            Kind::Silent => "silent",
            Kind::Next => "next",
            Kind::Merge => "merge",
            Kind::Marked => "marked",
            Kind::Block(reason) => reason.name(),
        }
    }
}

impl Why<'_> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Why::Dependency { .. } => Kind::Dependency,
            Why::File { .. } => Kind::File,
            Why::Alone { .. } => Kind::Alone,
            Why::UsageLimit { .. } => Kind::UsageLimit,
            Why::NoRoom { .. } => Kind::NoRoom,
            Why::Interrupted { .. } => Kind::Interrupted,
            Why::ByHand { .. } => Kind::ByHand,
            Why::Lost => Kind::Lost,
            Why::Silent { .. } => Kind::Silent,
            Why::Next { .. } => Kind::Next,
            Why::Merge { .. } => Kind::Merge,
            Why::Marked => Kind::Marked,
            Why::Block(block) => Kind::Block(block.reason),
        }
    }

    /// Returns one line for people: the same in every face.
    pub(crate) fn words(&self, facts: &Facts) -> String {
        let text = match self {
            Why::Dependency { ids } => format!("waits for {}", names(ids)),
            Why::File { held_by, path } => format!("waits for {held_by}, which writes {path} too"),
            Why::Alone { held_by } => format!("waits for {held_by}: one of the two must run alone"),
            Why::UsageLimit { agent, until, message } => {
                let of = agent.as_ref().map(|agent| format!(" of {agent}")).unwrap_or_default();
                let until = until.map_or("end unknown".into(), |until| {
                    format!("until {}", moment(until, facts))
                });
                let message = message.map(|text| format!(": {text}")).unwrap_or_default();
                format!("waits for the usage limit{of}, {until}{message}")
            }
            Why::NoRoom { text } => format!("waits for disk space: {text}"),
            Why::Interrupted { ending } => {
                format!("its last attempt was {ending}; the next one continues in its worktree")
            }
            Why::ByHand { stage } if stage.review().is_some() => {
                format!("{} by hand; waits for a verdict", stage_words(*stage))
            }
            Why::ByHand { .. } => "worked on by hand; waits for a report".into(),
            Why::Lost => "its supervisor is gone, so nobody works on it".into(),
            Why::Silent { seconds } => format!("silent for {}", span(seconds * 1000)),
            Why::Next { stage, because } if because.is_empty() => {
                format!("{} next", stage_words(*stage))
            }
            Why::Next { stage, because } => format!("{because}, {} next", stage_words(*stage)),
            Why::Merge { text } => format!("waits: {text}"),
            Why::Marked => "the plan marks it as done, so it does not run".into(),
            Why::Block(block) => block.text.clone(),
        };
        printable(&text)
    }
}

impl Row<'_> {
    /// Returns a word or two for the column STATUS: the stage says more than "running", and the
    /// reason more than "blocked".
    pub(crate) fn label(&self) -> String {
        label(self.record, self.status)
    }

    /// Returns all reasons in one line.
    pub(crate) fn words(&self, facts: &Facts) -> String {
        self.why.iter().map(|why| why.words(facts)).collect::<Vec<_>>().join("; ")
    }
}

/// The rows of a run.
pub(crate) struct Rows<'a> {
    snapshot: &'a Snapshot,
    facts: &'a Facts,
    /// Looked up once, since each look reads all tasks.
    limits: UsageLimits,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, facts: &'a Facts) -> Rows<'a> {
        Rows { snapshot, facts, limits: UsageLimits::of(snapshot, facts.now) }
    }

    /// Returns the rows of all tasks in plan order, or of one.
    pub(crate) fn rows(&self, only: Option<usize>) -> Vec<Row<'a>> {
        match only {
            Some(index) => vec![self.row(index)],
            None => (0..self.snapshot.len()).map(|index| self.row(index)).collect(),
        }
    }

    pub(crate) fn row(&self, index: usize) -> Row<'a> {
        let (task, record) = self.snapshot.at(index);
        Row {
            index,
            task,
            record,
            status: self.snapshot.status(index),
            why: self.why(index),
            concerns: pipeline::concerns(record),
            next: self.next(index),
            spent: record.spent(self.facts.now),
        }
    }

    fn why(&self, index: usize) -> Vec<Why<'a>> {
        let (task, record) = self.snapshot.at(index);
        match &record.state {
            State::Waiting => {
                // A limit or a full disk matters only if no other task holds this one up.
                let why = self.held(index);
                let why = why.or_else(|| self.usage_limit(index)).or_else(|| self.no_room(index));
                why.into_iter().chain(interrupted(record)).collect()
            }
            State::Running { worker: None, stage } => vec![Why::ByHand { stage: *stage }],
            State::Running { worker: Some(_), .. } if self.facts.is_lost(&task.id) => {
                vec![Why::Lost]
            }
            State::Running { worker: Some(_), .. } => self.silent(&task.id).into_iter().collect(),
            State::Pending { stage, .. } => {
                let last = record.last_attempt().map(|attempt| attempt.stage);
                let next = interrupted(record).filter(|_| last == Some(*stage));
                let next = next.unwrap_or_else(|| Why::Next {
                    stage: *stage,
                    because: why_next(record, *stage),
                });
                self.usage_limit(index).into_iter().chain([next]).collect()
            }
            State::Merging { .. } => {
                self.facts.merges_wait.iter().map(|text| Why::Merge { text }).collect()
            }
            State::Paused { pause, .. } => {
                let agent = record.last_attempt().and_then(|last| last.agent.clone());
                vec![Why::UsageLimit { agent, until: pause.until, message: Some(&pause.text) }]
            }
            State::Blocked(block) => vec![Why::Block(block)],
            State::Done { .. } if task.done && record.attempts.is_empty() => vec![Why::Marked],
            State::Done { .. } => Vec::new(),
        }
    }

    /// Returns the other tasks that keep a waiting one from starting.
    fn held(&self, index: usize) -> Option<Why<'a>> {
        let waits = self.snapshot.waits(index);
        let missing = waits.iter().filter_map(|wait| match wait {
            Wait::Dependency(id) => Some(id.clone()),
            Wait::Files(..) | Wait::Alone(_) => None,
        });
        match waits.first()? {
            Wait::Dependency(_) => Some(Why::Dependency { ids: missing.collect() }),
            Wait::Files(id, path) => Some(Why::File { held_by: id.clone(), path: path.clone() }),
            Wait::Alone(id) => Some(Why::Alone { held_by: id.clone() }),
        }
    }

    /// Returns the usage limit that the task's program has reached in another task.
    fn usage_limit(&self, index: usize) -> Option<Why<'a>> {
        let (task, record) = self.snapshot.at(index);
        // What waits for other tasks would not start without the limit either.
        let may_start =
            self.snapshot.is_ready(index) || matches!(record.state, State::Pending { .. });
        let choice = Choice::of(task, record, &self.facts.defaults);
        let agent = choice.program().filter(|_| may_start)?;
        let limit = self.limits.of_program(Some(&agent))?;
        Some(Why::UsageLimit { agent: Some(agent), until: limit.until, message: None })
    }

    fn no_room(&self, index: usize) -> Option<Why<'a>> {
        let (_, record) = self.snapshot.at(index);
        // A task that runs alone, or whose worktree exists, needs no room for another one.
        let needs_worktree = !self.snapshot.is_alone(index) && record.worktree.is_none();
        let text = self.facts.no_room.as_deref();
        let text = text.filter(|_| needs_worktree && self.snapshot.is_ready(index))?;
        Some(Why::NoRoom { text })
    }

    fn silent(&self, id: &TaskId) -> Option<Why<'a>> {
        let seconds = *self.facts.silent.get(id)?;
        (seconds >= SILENT_SECONDS).then_some(Why::Silent { seconds })
    }

    fn next(&self, index: usize) -> Remedy {
        let ((task, record), facts) = (self.snapshot.at(index), self.facts);
        let (run, id) = (&self.snapshot.run, task.id.as_str());
        match &record.state {
            State::Paused { pause, .. } => advice::of_pause(id, pause, facts),
            State::Blocked(block) => advice::next(run, id, record, block, facts),
            State::Running { worker: None, .. } => hand_out::next(task, record),
            State::Running { .. } if facts.is_lost(&task.id) => {
                Step::start().to("Continue it").into()
            }
            State::Waiting
            | State::Running { .. }
            | State::Pending { .. }
            | State::Merging { .. }
            | State::Done { .. } => Remedy::default(),
        }
    }
}

/// Returns the label of a task's status, without a look at the world.
pub(crate) fn label(record: &Record, status: TaskStatus) -> String {
    match &record.state {
        State::Blocked(block) => format!("{status}: {}", block.reason),
        State::Running { worker: None, stage: Stage::Implement } => "by hand".to_owned(),
        State::Running { worker: None, stage } => format!("{} by hand", stage.name()),
        State::Running { stage, .. } | State::Pending { stage, .. }
            if *stage != Stage::Implement =>
        {
            stage.name().to_owned()
        }
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Merging { .. }
        | State::Paused { .. }
        | State::Done { .. } => status.to_string(),
    }
}

/// Returns the name of a stage as it stands in a sentence.
fn stage_words(stage: Stage) -> String {
    stage.name().replace('-', " ")
}

fn names(ids: &[TaskId]) -> String {
    ids.iter().map(TaskId::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns the end of an attempt that was cut short, so that the next one continues its work.
fn interrupted(record: &Record) -> Option<Why<'static>> {
    let ending = record.last_attempt()?.ending?;
    matches!(ending, Ending::Stopped | Ending::Lost).then_some(Why::Interrupted { ending })
}

/// Returns what leads to a stage: how the one before ended, or what is wrong with the merge.
fn why_next(record: &Record, stage: Stage) -> String {
    if let Some(block) = record.sent_back.as_ref().filter(|_| stage.is_mending()) {
        return block.text.clone();
    }
    let Some(attempt) = record.last_attempt() else { return String::new() };
    let name = stage_words(attempt.stage);
    let took = span(attempt.ended.unwrap_or(attempt.started) - attempt.started);
    match (&attempt.verdict, attempt.undone) {
        _ if pipeline::settles(record, stage) => {
            format!("{name} ended in {took} with a concern, which is settled first")
        }
        (_, true) => format!("{name} changed files, which was undone"),
        (Some(verdict), _) => {
            let outcome = if verdict.pass { "passed" } else { "failed" };
            let found = match verdict.findings.len() {
                0 => String::new(),
                count => format!(" with {}", counted(count, "finding")),
            };
            format!("{name} {outcome} in {took}{found}")
        }
        (None, _) => format!("{name} ended in {took}"),
    }
}
