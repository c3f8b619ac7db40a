//! Tasks that the caller does by hand, or with agents of their own: `start --manual`, `report`, `stop`.
//!
//! Invariant: a task that is handed out has its branch, worktree and prompt, and nothing is launched
//! for it. No process of ours has to run while somebody works on it.

use std::path::Path;

use anyhow::Context;

use super::{Loop, Message};
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::Step;
use crate::domain::task::{AttemptEnd, Block, Ending, Event, Outcome, Reason, Record, State};
use crate::git::worktree::is_whole;
use crate::journal::Journal;
use crate::run::attempt::{self, ManualResult};
use crate::run::brief::brief;
use crate::run::brief::spec::LaunchMode;
use crate::run::folder::AttemptFolder;
use crate::run::{Drive, recover, setup};
use crate::system::clock;
use crate::system::process;

/// A task to hand out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HandOut {
    /// A task that is ready.
    New(TaskId),
    /// A task that is in somebody's hands already, but whose worktree an earlier process did not
    /// finish; it began on this commit.
    Unfinished(TaskId, Oid),
}

impl HandOut {
    fn task(&self) -> &TaskId {
        match self {
            HandOut::New(id) | HandOut::Unfinished(id, _) => id,
        }
    }
}

impl Loop<'_, '_, '_> {
    pub(super) fn queue_hand_out(&mut self, id: TaskId) {
        self.limits.launched.insert(id.clone());
        self.hand_outs.push(HandOut::New(id));
    }

    /// Queues the tasks whose worktree was not finished before a crash.
    pub(super) fn queue_unfinished_hand_outs(&mut self) {
        let setup = self.drive.settings.setup.as_deref();
        let is_unfinished = |record: &Record| {
            let place = record.worktree.as_deref().map(Path::new);
            record.state.is_by_hand() && !place.is_some_and(|place| is_ready(place, setup))
        };
        for (task, record) in self.snapshot.tasks().filter(|(_, record)| is_unfinished(record)) {
            if let Some(attempt) = record.last_attempt() {
                let base = attempt.base.clone();
                self.hand_outs.push(HandOut::Unfinished(task.id.clone(), base));
            }
        }
    }

    /// Makes the worktree of the next task, in a thread of its own: `setup` may take long, and a
    /// signal must reach it.
    pub(super) fn next_hand_out(&mut self) -> anyhow::Result<()> {
        let Some(next) = self.hand_outs.begin() else { return Ok(()) };
        let id = next.task().clone();
        let folder = match &next {
            HandOut::New(_) => self.folder_of_new(&id),
            HandOut::Unfinished(..) => self.folder_of_unfinished(&id),
        };
        let folder = folder.with_context(|| format!("task '{id}'"))?;
        let (git, stop) = (self.drive.git.clone(), self.hand_outs.switch());
        self.in_background(move || {
            let result = match next {
                HandOut::New(_) => attempt::hand_out(&git, folder, &stop),
                HandOut::Unfinished(_, base) => attempt::hand_out_again(&git, folder, &base, &stop),
            };
            Message::HandedOut(id, result)
        });
        Ok(())
    }

    fn folder_of_new(&self, id: &TaskId) -> anyhow::Result<AttemptFolder> {
        let number = self.snapshot.find(id).map_or(1, |(_, record)| record.next_attempt());
        let (folder, _) = brief(self.drive, &self.snapshot, id, number, LaunchMode::ByHand)?;
        Ok(folder)
    }

    fn folder_of_unfinished(&self, id: &TaskId) -> anyhow::Result<AttemptFolder> {
        let (_, record) = self.snapshot.find(id).context("the plan has no such task")?;
        let number = record.last_attempt().context("a task runs without an attempt")?.number;
        // A `setup` that still runs would work in the same place as the next one.
        let folder = self.drive.folder.attempt(id, number);
        for worker in recover::workers_of(self.drive, id, &folder) {
            process::end_group_of(&worker, &self.snapshot.run.name);
        }
        folder_of(self.drive, &self.snapshot, id, number)
    }

    pub(super) fn after_hand_out(
        &mut self,
        id: &TaskId,
        result: anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.hand_outs.end();
        self.refresh()?;
        self.limits.launched.remove(id);
        result.with_context(|| format!("task '{id}'"))
    }

    /// Drops the tasks that were to be handed out next: the loop ends.
    pub(super) fn drop_hand_outs(&mut self) {
        self.hand_outs.clear();
        if self.mode == super::DriveMode::ByHand {
            self.limits.launched.clear();
        }
    }
}

/// Returns true if a worktree is whole, and set up like a new one.
fn is_ready(place: &Path, setup: Option<&str>) -> bool {
    is_whole(place) && setup::is_done(place, setup).unwrap_or(false)
}

/// Returns the folder of an attempt by hand; writes it again if somebody deleted it.
fn folder_of(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    number: u32,
) -> anyhow::Result<AttemptFolder> {
    let folder = drive.folder.attempt(id, number);
    if folder.spec().exists() {
        Ok(folder)
    } else {
        Ok(brief(drive, snapshot, id, number, LaunchMode::ByHand)?.0)
    }
}

/// Takes a task back with its reported result, which git judges.
pub(crate) fn take_back(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    result: ManualResult,
) -> anyhow::Result<()> {
    let (_, record) = snapshot.find(id).context("the plan has no such task")?;
    let number = record.last_attempt().context("a task runs without an attempt")?.number;
    // If two processes report at once, only one of them may judge and commit.
    let lock = drive.folder.report_lock(id)?;
    lock.hold()?;
    // Read under the lock: the process that held it before may have settled the attempt.
    let now = Journal::new(&drive.git, &snapshot.run.name).record(id)?;
    let is_same = now.last_attempt().is_some_and(|attempt| attempt.number == number);
    if !now.state.is_by_hand() || !is_same {
        return Err(failure(
            format!("task '{id}' was reported or given up in the meantime"),
            Step::show(id).to("See where it stands"),
        ));
    }
    let folder = folder_of(drive, snapshot, id, number)?;
    attempt::take_back(&drive.git, folder, result)
}

/// Takes a task back unfinished; its branch and worktree stay as they are.
pub(crate) fn give_up(
    drive: &Drive,
    journal: &Journal,
    id: &TaskId,
    why: &str,
) -> anyhow::Result<()> {
    let record = journal.record(id)?;
    let attempt = record.last_attempt().context("a task runs without an attempt")?.number;
    if let Some(place) = &record.worktree {
        drive.git.unlock_worktree(Path::new(place))?;
    }
    let commit = record.branch.as_deref().map(|name| drive.git.find_branch(name)).transpose()?;
    let outcome = Outcome::Blocked(Block::new(Reason::Stopped, why));
    let finished = AttemptEnd::new(attempt, Ending::Stopped, outcome, clock::now_ms());
    let finished = Event::Finished(AttemptEnd { commit: commit.flatten(), ..finished });
    match record.state {
        State::Running { worker: None, .. } => journal.append(id, &finished),
        _ => Ok(()),
    }
}
