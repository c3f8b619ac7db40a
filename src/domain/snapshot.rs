//! A run at one moment: its plan, its settings, and every task's record.
//!
//! Invariant: immutable. Everything that is shown or decided is derived from one snapshot, so the
//! table, the JSON and the scheduler never disagree about the same tip of the journal.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::dag::Dag;
use crate::domain::plan::paths::folder;
use crate::domain::plan::{Plan, Task, TaskId};
use crate::domain::report::{self, Usage};
use crate::domain::steps::Step;
use crate::domain::task::{Ending, Reason, Record, Stage, State, TaskStatus};

/// The facts and settings of a run: `run.toml` in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub name: String,
    /// The branch that was checked out at the start; the commit's id on a detached HEAD.
    pub base_branch: String,
    pub base: Oid,
    /// Short name of the branch that finished tasks are merged into.
    pub integration: String,
    /// Absolute path of the run's own worktree, where merge candidates are tested.
    pub checkout: String,
    /// Milliseconds since 1970.
    pub created: i64,
    /// The settings from the command line; they hold when the run is resumed.
    #[serde(default)]
    pub flags: Flags,
    /// Commits of others on the integration branch that the run builds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// The digest of the settings that a person has seen, which lie beside this file; `None` in a
    /// run that began before they were remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Oid>,
    /// The user's decision about the work; `None` before `finish`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<FinishRecord>,
}

/// The newest commit of somebody else on the integration branch that the run accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub commit: Oid,
    /// Merges of the run that it does not contain, because the branch was rebased or squashed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Oid>,
}

/// What happens to a run's work. The names are part of the JSON contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinishChoice {
    /// Merge it into the base branch.
    Merge,
    /// Open a pull request for it.
    Pr,
    /// Keep it as it is.
    Keep,
    /// Discard it.
    Discard,
}

impl FinishChoice {
    /// Returns the name, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            FinishChoice::Merge => "merge",
            FinishChoice::Pr => "pr",
            FinishChoice::Keep => "keep",
            FinishChoice::Discard => "discard",
        }
    }
}

/// How a run was finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishRecord {
    pub how: FinishChoice,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The tip of the base branch after a merge, else of the integration branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Oid>,
    /// The pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Run {
    /// Returns true if the run created its integration branch, rather than merging into the user's.
    pub fn owns_integration(&self) -> bool {
        self.integration != self.base_branch
    }
}

/// Settings from the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// Tasks that begin run one at a time in the run's own checkout, with the terminal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreground: bool,
    /// The work is done by hand: no agent is launched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manual: bool,
    /// Each task is planned first, and its blueprint must be approved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plan_first: bool,
    /// Blueprints are approved automatically.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yes: bool,
    /// The rules that the user added for this run with `allow`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

/// A run at one tip of its journal.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub run: Run,
    pub plan: Plan,
    pub dag: Dag,
    /// In plan order.
    records: Vec<Record>,
    /// Tasks that a changed plan no longer has, by id.
    dropped: Vec<(TaskId, Record)>,
}

/// Why a waiting task does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// A dependency is not merged yet.
    Dependency(TaskId),
    /// An active task writes one of the same files.
    Files(TaskId, String),
    /// The task must run alone, or the active one must.
    Alone(TaskId),
}

impl Snapshot {
    /// Builds a snapshot; tasks without a record have not started.
    ///
    /// Fails if the plan's dependencies are not sound, which cannot happen with a parsed plan.
    pub fn new(
        run: Run,
        plan: Plan,
        records: HashMap<TaskId, Record>,
    ) -> Result<Snapshot, Vec<crate::domain::plan::dag::DagError>> {
        let dag = Dag::new(&plan.edges())?;
        let mut records_left = records;
        let take = |task: &Task| {
            let record = records_left.remove(&task.id).unwrap_or_default();
            if task.done { record.done_in_plan() } else { record }
        };
        let records = plan.tasks.iter().map(take).collect();
        let mut dropped: Vec<(TaskId, Record)> = records_left.into_iter().collect();
        // A map has no order, and two looks at the same run must print the same.
        dropped.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Snapshot { run, plan, dag, records, dropped })
    }

    /// Returns the same run with another plan, which must be sound; tasks that are not in it are
    /// dropped.
    pub fn with_plan(self, plan: Plan) -> Snapshot {
        let ids: Vec<TaskId> = self.plan.tasks.iter().map(|task| task.id.clone()).collect();
        // A dropped task that comes back has its record again.
        let records = ids.into_iter().zip(self.records.clone()).chain(self.dropped.clone());
        Snapshot::new(self.run.clone(), plan, records.collect()).unwrap_or(self)
    }

    /// Returns the tasks that an earlier plan of the run had, with their records.
    pub fn dropped(&self) -> &[(TaskId, Record)] {
        &self.dropped
    }

    /// Returns the record of a task that the plan has, or had before.
    pub(crate) fn record_of(&self, id: &TaskId) -> anyhow::Result<&Record> {
        match self.dropped.iter().find(|(dropped, _)| dropped == id) {
            Some((_, record)) => Ok(record),
            None => self.task(id).map(|(_, record)| record),
        }
    }

    /// Returns what all attempts used, if that is known; those at dropped tasks count too.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let dropped = self.dropped.iter().map(|(_, record)| record);
        report::sum(self.records.iter().chain(dropped).filter_map(Record::usage))
    }

    /// Returns the same run with another record of one task.
    pub(crate) fn with_record(&self, id: &TaskId, record: Record) -> Snapshot {
        let mut snapshot = self.clone();
        let old = snapshot.dag.index(id).and_then(|index| snapshot.records.get_mut(index));
        if let Some(old) = old {
            *old = record;
        }
        snapshot
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the task and record at this position in plan order.
    pub fn at(&self, index: usize) -> (&Task, &Record) {
        (&self.plan.tasks[index], &self.records[index])
    }

    /// Returns every task with its record, in plan order.
    pub fn tasks(&self) -> impl Iterator<Item = (&Task, &Record)> {
        self.plan.tasks.iter().zip(&self.records)
    }

    /// Returns the task with this id and its record.
    pub fn find(&self, id: &TaskId) -> Option<(&Task, &Record)> {
        self.dag.index(id).map(|index| self.at(index))
    }

    /// Returns the task with this id and its record; fails if the plan has no such task.
    pub(crate) fn task(&self, id: &TaskId) -> anyhow::Result<(&Task, &Record)> {
        self.find(id).ok_or_else(|| self.no_task(id))
    }

    /// Returns the position of a task in plan order; fails if the plan has no such task.
    pub(crate) fn index(&self, id: &TaskId) -> anyhow::Result<usize> {
        self.dag.index(id).ok_or_else(|| self.no_task(id))
    }

    fn no_task(&self, id: &TaskId) -> anyhow::Error {
        failure(
            format!("run '{}' has no task '{id}'", self.run.name),
            Step::status().of(&self.run.name, self.run.flags.manual),
        )
    }

    /// Returns the dependencies of a task that are not merged yet.
    pub fn missing(&self, index: usize) -> Vec<TaskId> {
        let unmet = |dep: &&usize| !self.records[**dep].state.is_done();
        let id = |dep: &usize| self.dag.id(*dep).clone();
        self.dag.dependencies(index).iter().filter(unmet).map(id).collect()
    }

    /// Returns true if all dependencies are merged and the task has not started.
    pub fn is_ready(&self, index: usize) -> bool {
        self.records[index].state == State::Waiting && self.missing(index).is_empty()
    }

    /// Returns the status of a task in one word.
    pub(crate) fn status(&self, index: usize) -> TaskStatus {
        if self.is_ready(index) { TaskStatus::Ready } else { self.records[index].state.status() }
    }

    /// Returns how a task stands, as a clause: `it is ready`, `its spec-review is next`.
    pub(crate) fn stands(&self, id: &TaskId) -> anyhow::Result<String> {
        let index = self.index(id)?;
        Ok(match &self.records[index].state {
            State::Pending { stage, .. } => format!("its {} is next", stage.name()),
            _ => format!("it is {}", self.status(index)),
        })
    }

    /// Returns why a task that has not started does not run now; empty if it can run.
    pub fn waits(&self, index: usize) -> Vec<Wait> {
        if self.records[index].state != State::Waiting {
            return Vec::new();
        }
        let missing = self.missing(index);
        if !missing.is_empty() {
            return missing.into_iter().map(Wait::Dependency).collect();
        }
        self.active().filter(|other| *other != index).filter_map(|o| self.bars(o, index)).collect()
    }

    /// Returns the positions of tasks that are running or wait to be merged.
    pub fn active(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|index| self.records[*index].state.is_active())
    }

    /// Returns true if a task runs while nothing else does, in the run's own checkout: it is not
    /// parallel safe, or it began in the foreground, or will.
    pub fn is_alone(&self, index: usize) -> bool {
        let (task, record) = self.at(index);
        // A claim names the worktree even if it could not be made.
        let has_place = record.attempts.iter().any(|it| it.ending != Some(Ending::NotLaunched));
        let is_here = record.worktree.as_deref() == Some(&self.run.checkout);
        !task.parallel_safe || (has_place && is_here) || (!has_place && self.run.flags.foreground)
    }

    /// Returns why an active task prevents another task from running at the same time.
    pub fn bars(&self, active: usize, index: usize) -> Option<Wait> {
        let one = &self.plan.tasks[active];
        if self.is_alone(active) || self.is_alone(index) {
            return Some(Wait::Alone(one.id.clone()));
        }
        // A blueprint changes no files, so it can be written beside any work.
        if self.is_planning(active) || self.is_planning(index) {
            return None;
        }
        let path = shared_file(&self.files(active), &self.files(index))?.to_owned();
        Some(Wait::Files(one.id.clone(), path))
    }

    /// Returns true if the running or next attempt of a task writes only a blueprint.
    fn is_planning(&self, index: usize) -> bool {
        let (task, record) = self.at(index);
        match &record.state {
            State::Running { stage, .. } => *stage == Stage::Plan,
            _ => record.next_stage(task) == Stage::Plan,
        }
    }

    /// Returns the files that a task writes, by its text and by its approved blueprint.
    pub fn files(&self, index: usize) -> Vec<&str> {
        let (task, record) = self.at(index);
        let planned = record.blueprint.iter().filter(|drawn| drawn.approved);
        let planned = planned.flat_map(|drawn| &drawn.files);
        task.files.iter().chain(planned).map(String::as_str).collect()
    }

    /// Returns the tasks whose blueprints wait for approval.
    pub fn to_approve(&self) -> Vec<TaskId> {
        let waits = |(_, record): &(&Task, &Record)| {
            record.state.block().is_some_and(|block| block.reason == Reason::Approval)
        };
        self.tasks().filter(waits).map(|(task, _)| task.id.clone()).collect()
    }

    /// Returns the newest commit that a final review has read, or that it has led to; `None` if no
    /// final review is done.
    pub(crate) fn read_by_final_review(&self) -> Option<&Oid> {
        let is_done =
            |(task, record): &(&Task, &Record)| task.final_review && record.state.is_done();
        // The last one, because a changed plan may have added another.
        let (_, record) = self.tasks().filter(is_done).last()?;
        let read = record.last_attempt().and_then(|attempt| attempt.tip.as_ref());
        record.state.merge().or(read)
    }

    pub fn is_finished(&self) -> bool {
        self.records.iter().all(|record| record.state.is_done())
    }

    /// Returns true if there is something left to do and the user has not finished the run.
    pub fn is_open(&self) -> bool {
        !self.is_finished() && self.run.closed.is_none()
    }

    /// Returns how many tasks have this status.
    pub(crate) fn count(&self, status: TaskStatus) -> usize {
        (0..self.len()).filter(|index| self.status(*index) == status).count()
    }
}

/// Returns a path that is in both lists; a folder or a pattern contains everything below it.
fn shared_file<'a>(one: &[&'a str], other: &[&'a str]) -> Option<&'a str> {
    let holds = |a: &str, b: &str| folder(a).is_some_and(|folder| b.starts_with(folder));
    let meets = |a: &str, b: &str| a == b || holds(a, b) || holds(b, a);
    one.iter().find(|a| other.iter().any(|b| meets(a, b))).copied()
}
