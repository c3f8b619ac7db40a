//! Merging finished tasks, and cleaning up after them, while the loop goes on.
//!
//! Invariant: one merge at a time. A merge that has to wait keeps its place in the queue and is
//! tried again; a worktree that cannot be removed stays, and stops nothing.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Context;

use super::lane::Lane;
use super::{DriveMode, Loop, Message, SLOW_GLANCE};
use crate::domain::plan::TaskId;
use crate::domain::policy::handover::{Handover, handover};
use crate::domain::policy::schedule::merge_queue;
use crate::run::Progress;
use crate::run::cleanup::{self, CleanOptions, CleanReport};
use crate::run::merge::{self, MergeEnd, Requester};

/// The merge under way, and those that have to wait.
#[derive(Default)]
pub(super) struct Merges {
    lane: Lane<TaskId>,
    delayed: HashMap<TaskId, Delay>,
}

/// Why a merge has to wait, and when it was tried.
struct Delay {
    tried: Instant,
    why: String,
}

impl Merges {
    pub(super) fn is_busy(&self) -> bool {
        self.lane.has_work()
    }

    pub(super) fn is_delayed(&self, id: &TaskId) -> bool {
        self.delayed.contains_key(id)
    }

    pub(super) fn forget(&mut self, id: &TaskId) {
        self.delayed.remove(id);
    }

    /// Ends the test of a candidate.
    pub(super) fn stop(&self) {
        self.lane.stop();
    }
}

impl Loop<'_, '_, '_> {
    /// Returns the first task in the queue that `merge` was asked for and that need not wait.
    pub(super) fn next_wanted_merge(&self) -> Option<TaskId> {
        let can_be = |id: &TaskId| self.is_wanted(id) && !self.merges.is_delayed(id);
        merge_queue(&self.snapshot).into_iter().find(can_be)
    }

    pub(super) fn merge(&mut self, id: TaskId) -> anyhow::Result<()> {
        let was_tried =
            |delay: &Delay| self.mode != DriveMode::Agents || delay.tried.elapsed() < SLOW_GLANCE;
        if self.merges.is_busy() || self.merges.delayed.get(&id).is_some_and(was_tried) {
            return Ok(());
        }
        let (task, _) = self.snapshot.find(&id).context("the plan has no such task")?;
        let (task, run, test) =
            (task.clone(), self.snapshot.run.clone(), self.merges.lane.switch());
        let requester = match self.mode {
            DriveMode::Agents | DriveMode::ByHand => Requester::Controller,
            DriveMode::Merge => Requester::Person,
        };
        self.merges.lane.push(id);
        self.merges.lane.begin();
        let own = self.drive.clone();
        self.in_background(move || {
            let result = merge::integrate(&own, &run, &task, &test, requester);
            Message::MergeEnded(task.id, result)
        });
        Ok(())
    }

    pub(super) fn after_merge(
        &mut self,
        id: TaskId,
        result: anyhow::Result<MergeEnd>,
    ) -> anyhow::Result<()> {
        self.merges.lane.end();
        match result.with_context(|| format!("cannot merge task '{id}'"))? {
            MergeEnd::Settled | MergeEnd::Stopped => self.merges.forget(&id),
            MergeEnd::Waits(why) => {
                let delay = Delay { tried: Instant::now(), why: why.clone() };
                let known = self.merges.delayed.insert(id.clone(), delay);
                if known.is_none_or(|before| before.why != why) {
                    (self.on_event)(Progress::Waits { task: &id, why: &why });
                }
            }
        }
        Ok(())
    }

    /// Queues the cleanup of a merged task, unless another one may take over its worktree.
    pub(super) fn clean_later(&mut self, id: TaskId) {
        if self.handover().is_some_and(|it| it.from.contains(&id)) {
            self.held_back.push(id);
        } else {
            self.cleaning.push(id);
        }
    }

    /// Returns which task may begin in the worktree of another one.
    pub(super) fn handover(&self) -> Option<Handover> {
        let may_be = self.mode == DriveMode::Agents && !self.drive.settings.keep;
        may_be.then(|| handover(&self.snapshot, &self.limits)).flatten()
    }

    /// Queues the cleanup of tasks whose worktree nobody takes over any more.
    fn release_held_back(&mut self) {
        if self.held_back.is_empty() {
            return;
        }
        let waiting = self.handover().map(|it| it.from).unwrap_or_default();
        let (keep, release) =
            std::mem::take(&mut self.held_back).into_iter().partition(|id| waiting.contains(id));
        self.held_back = keep;
        let release: Vec<TaskId> = release;
        release.into_iter().for_each(|id| self.cleaning.push(id));
    }

    /// Removes the worktree and the branch of the next merged task, in a thread of its own: removing
    /// many files takes a while, and nothing has to wait for it.
    pub(super) fn clean_next(&mut self) {
        if self.drive.settings.keep {
            self.cleaning.clear();
        }
        self.release_held_back();
        let Some(id) = self.cleaning.begin() else { return };
        let (own, snapshot) = (self.drive.clone(), self.snapshot.clone());
        self.in_background(move || {
            let report = cleanup::clean_task(&own, &snapshot, &id, CleanOptions::default());
            Message::Cleaned(id, report)
        });
    }

    pub(super) fn after_cleaning(&mut self, id: &TaskId, report: anyhow::Result<CleanReport>) {
        self.cleaning.end();
        let report = report.unwrap_or_else(|error| CleanReport::kept_because(id, &error));
        (self.on_event)(Progress::Cleaned(&report));
    }
}
