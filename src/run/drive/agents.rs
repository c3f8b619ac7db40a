//! The agents of a run: their supervisors are launched, waited for, and asked to end.
//!
//! Invariant: the journal says what an agent did. Only a supervisor that ends without a claim again
//! and again stops the loop: it would be launched for ever.

use std::collections::HashMap;
use std::process::Child;

use anyhow::{Context, bail};

use super::handover::hand_over;
use super::{DriveMode, Loop, Message};
use crate::domain::plan::TaskId;
use crate::domain::task::{Record, State};
use crate::journal::settings::require_of_git;
use crate::run::{Progress, brief, recover};
use crate::system::process;

/// A supervisor may end at most this many times without having claimed its attempt.
const MAX_UNCLAIMED: u32 = 3;

/// What is known of supervisors beside the journal.
#[derive(Default)]
pub(super) struct Supervisors {
    /// How many ended before they claimed their attempt, by task.
    unclaimed: HashMap<TaskId, u32>,
    /// The task whose agent has the terminal.
    terminal: Option<TaskId>,
}

impl Supervisors {
    pub(super) fn has_claimed(&mut self, id: &TaskId) {
        self.unclaimed.remove(id);
    }

    pub(super) fn has_terminal(&self) -> bool {
        self.terminal.is_some()
    }
}

impl Loop<'_, '_, '_> {
    pub(super) fn launch(&mut self, id: TaskId, alone: bool) -> anyhow::Result<()> {
        if alone {
            self.supervisors.terminal = Some(id.clone());
            (self.on_event)(Progress::Terminal { task: &id, taken: true });
        }
        require_of_git(&self.drive.git, &self.snapshot.run)?;
        // Without it the supervisor makes a new worktree.
        if let Some(mut handover) = self.handover().filter(|it| it.to == id && !alone) {
            // The others are removed already, or are being removed.
            handover.from.retain(|from| self.held_back.contains(from));
            let _ = hand_over(self.drive, &self.snapshot, &handover);
        }
        let launched = brief::launch(self.drive, &self.snapshot, &id, alone);
        let (child, number) = launched.with_context(|| format!("task '{id}'"))?;
        self.limits.launched.insert(id.clone());
        self.reap(id, number, child);
        Ok(())
    }

    /// Waits for a supervisor in a thread of its own, so that none becomes a zombie.
    ///
    /// The thread is not of the scope: supervisors outlive a controller that ends with an error.
    fn reap(&self, id: TaskId, number: u32, mut child: Child) {
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let _ = child.wait();
            let _ = sender.send(Message::SupervisorEnded(id, number));
        });
    }

    /// A supervisor ended: its outcome is in the journal, or the attempt is lost.
    pub(super) fn after_supervisor(&mut self, id: &TaskId, number: u32) -> anyhow::Result<()> {
        if self.supervisors.terminal.take_if(|task| task == id).is_some() {
            (self.on_event)(Progress::Terminal { task: id, taken: false });
        }
        self.refresh()?;
        require_of_git(&self.drive.git, &self.snapshot.run)?;
        // A supervisor that was killed has not written how its attempt ended.
        recover::settle_lost(self.drive, &self.journal, &self.snapshot)?;
        self.limits.launched.remove(id);
        let (_, record) = self.snapshot.find(id).context("the plan has no such task")?;
        if record.next_attempt() > number || self.stopping.is_some() {
            return Ok(());
        }
        let count = self.supervisors.unclaimed.entry(id.clone()).or_default();
        // Without a limit, a supervisor that cannot start would be launched for ever.
        *count += 1;
        if *count >= MAX_UNCLAIMED {
            let log = self.drive.folder.attempt(id, number).supervisor_log();
            let output = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("the supervisor of task '{id}' does not start: {}", output.trim());
        }
        Ok(())
    }

    /// Asks all agents to end; their supervisors kill those that are asked again.
    pub(super) fn stop_agents(&self) {
        if self.mode != DriveMode::Agents {
            return;
        }
        for (_, record) in self.snapshot.tasks() {
            if let State::Running { worker: Some(worker), .. } = &record.state {
                process::terminate(worker);
            }
        }
    }

    /// Asks an agent to end whose supervisor was launched before the signal to stop, and has claimed
    /// its attempt only now.
    pub(super) fn end_late_claim(&self, record: &Record) {
        if let (State::Running { worker: Some(worker), .. }, Some(_), DriveMode::Agents) =
            (&record.state, self.stopping, self.mode)
        {
            process::terminate(worker);
        }
    }
}
