//! Lets tasks run again, with advice or with another model or agent.
//!
//! Invariant: an attempt that would only repeat the last one is refused, unless it is forced.

use crate::domain::agent::Agent;
use crate::domain::agent::model::is_name;
use crate::domain::error::{failure, usage};
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::limits::same_pause;
use crate::domain::policy::retry;
use crate::domain::prompt;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Change, Step};
use crate::domain::task::{Block, Event, Reason, State};
use crate::journal::Journal;
use crate::run::Drive;
use crate::run::brief::inputs::may_end_differently;
use crate::run::merge::offer;
use crate::system::process::find_program;

/// What the next attempt gets that the last one had not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retry {
    pub message: Option<String>,
    pub model: Option<String>,
    pub agent: Option<String>,
    /// Run it again even if nothing has changed.
    pub force: bool,
}

/// What a retry changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Retried {
    /// The blocked task runs again.
    Again,
    /// These paused tasks resume.
    Resumed(Vec<TaskId>),
    /// The task is tested and merged again, because its tests may pass now.
    Merges,
    /// The task runs anyway, with what was added.
    Saved,
}

impl Retry {
    /// Returns true if it changes what the agent is told, or which agent is told.
    fn adds(&self) -> bool {
        self.has_words() || self.model.is_some() || self.agent.is_some()
    }

    fn has_words(&self) -> bool {
        self.message.as_ref().is_some_and(|text| !text.trim().is_empty())
    }

    /// Lets a task run again.
    pub(crate) fn perform(
        self,
        drive: &Drive,
        journal: &Journal,
        snapshot: &Snapshot,
        id: &TaskId,
    ) -> anyhow::Result<Retried> {
        let (task, record) = snapshot.task(id)?;
        match &record.state {
            State::Paused { .. } => {
                self.check(task)?;
                self.resume(journal, snapshot, id)
            }
            State::Waiting | State::Pending { .. } if self.adds() => {
                self.check(task)?;
                journal.append(id, &self.event())?;
                Ok(Retried::Saved)
            }
            State::Blocked(_)
                if !self.adds() && retry::awaits_tests(record, &drive.tests(task)) =>
            {
                let offer = offer::prepare(drive, snapshot, id)?;
                offer.map(|offer| offer::queue(journal, id, offer)).transpose()?;
                Ok(Retried::Merges)
            }
            State::Blocked(block) => {
                self.check(task)?;
                let event = self.clone().event();
                if !self.force && !may_end_differently(drive, snapshot, id, &event)? {
                    return Err(nothing_changed(id, block, self.has_words()));
                }
                let note = advice(drive, snapshot, id, block);
                journal.append(id, &self.event_with(Some(note)))?;
                Ok(Retried::Again)
            }
            State::Waiting
            | State::Running { .. }
            | State::Pending { .. }
            | State::Merging { .. }
            | State::Done { .. } => {
                let remedy = match &record.state {
                    State::Pending { .. } => Step::start().to("Run it"),
                    _ => Step::show(id).to("See how it stands"),
                };
                Err(failure(
                    format!("task '{id}' is not blocked: {}", snapshot.stands(id)?),
                    remedy,
                ))
            }
        }
    }

    fn event(self) -> Event {
        self.event_with(None)
    }

    /// Returns the event, with how the last attempt ended.
    fn event_with(self, note: Option<String>) -> Event {
        let text = self.message.map(|text| text.trim().to_owned());
        let answer = text.filter(|text| !text.is_empty());
        Event::Retried { note, answer, model: self.model, agent: self.agent }
    }

    /// Resumes every task that waits for the same program, because the limit is the program's; a
    /// change of the agent is for the one task alone.
    fn resume(
        self,
        journal: &Journal,
        snapshot: &Snapshot,
        id: &TaskId,
    ) -> anyhow::Result<Retried> {
        let ids = match self.agent {
            Some(_) => vec![id.clone()],
            None => same_pause(snapshot, id),
        };
        for other in &ids {
            let own = if other == id { self.clone() } else { Retry::default() };
            journal.append(other, &own.event())?;
        }
        Ok(Retried::Resumed(ids))
    }

    /// Fails if the model or the agent is not a name, or if the program is not installed.
    fn check(&self, task: &Task) -> anyhow::Result<()> {
        if let Some(model) = self.model.as_ref().filter(|model| !is_name(model)) {
            return Err(usage(
                format!("invalid model name {model:?}"),
                "write cheap, standard, capable, or a model's name",
            ));
        }
        if self.agent.as_ref().is_some_and(|agent| agent.trim().is_empty()) {
            return Err(usage(
                "the name of the agent is empty",
                "name one: --agent claude, or a command",
            ));
        }
        let is_reviewed = task.reviews.as_ref().is_some_and(|reviews| !reviews.is_empty());
        if task.run.is_some() && !is_reviewed && (self.model.is_some() || self.agent.is_some()) {
            return Err(usage(
                format!("task '{}' runs a shell command, so it has no agent and no model", task.id),
                "leave out --model and --agent",
            ));
        }
        let program = self.agent.as_deref().and_then(|agent| Agent::from_text(agent).program());
        match program.filter(|program| find_program(program).is_none()) {
            None => Ok(()),
            Some(missing) => Err(failure(
                format!("the agent '{missing}' is not on the PATH"),
                "install it, or name another one: --agent COMMAND",
            )),
        }
    }
}

/// Puts the work back into the queue of merges whose tests may pass now; returns the tasks.
///
/// Work that cannot be merged as it is stays blocked.
pub(crate) fn test_again(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
) -> anyhow::Result<Vec<TaskId>> {
    let mut queued = Vec::new();
    for (task, record) in snapshot.tasks() {
        if !retry::awaits_tests(record, &drive.tests(task)) {
            continue;
        }
        if let Ok(Some(offer)) = offer::prepare(drive, snapshot, &task.id) {
            offer::queue(journal, &task.id, offer)?;
            queued.push(task.id.clone());
        }
    }
    Ok(queued)
}

/// Returns what the next attempt is told about how the last one ended.
fn advice(drive: &Drive, snapshot: &Snapshot, id: &TaskId, block: &Block) -> String {
    let mut advice = prompt::after(block, &snapshot.run.integration);
    if block.reason == Reason::Tests {
        let output = std::fs::read(drive.folder.test_log(id)).unwrap_or_default();
        advice += &prompt::end_of_output(&String::from_utf8_lossy(&output));
    }
    advice
}

fn nothing_changed(id: &TaskId, block: &Block, has_words: bool) -> anyhow::Error {
    let retry = |change| Step::retry_with(id, change);
    let what = if has_words {
        format!("your message changes nothing in the next prompt of '{id}'")
    } else {
        format!("nothing has changed since '{id}' was blocked ({})", block.reason)
    };
    failure(
        format!("{what}; it would probably fail the same way"),
        [
            retry(Change::Text).to("Tell it more"),
            retry(Change::Model("capable")).to("Or use a better model"),
            retry(Change::Agent).to("Or use another agent"),
            retry(Change::Force).to("Or run it again as it was"),
        ],
    )
}
