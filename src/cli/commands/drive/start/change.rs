//! `start` with a plan that differs from the run's: shows the difference, and replaces the plan.
//!
//! Invariant: nothing is replaced without `--update`.

use std::collections::HashSet;

use super::Start;
use crate::cli::view::change;
use crate::domain::error::failure;
use crate::domain::plan::{Plan, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Remedy, StartOption, Step};
use crate::domain::text::printable;
use crate::journal::Journal;
use crate::plan::change::PlanChange;
use crate::plan::rematch::{KnownTask, UnclearTask, rematch};
use crate::run::Drive;
use crate::run::begin::complete;
use crate::run::begin::update::update;

/// A plan that replaces the one of a run.
pub(super) struct NewPlan {
    pub(super) plan: Plan,
    change: PlanChange,
}

impl Start<'_> {
    /// Returns the plan if it differs from the run's and may replace it.
    pub(super) fn new_plan(
        &self,
        snapshot: &Snapshot,
        plan: Plan,
        written_ids: &HashSet<TaskId>,
    ) -> anyhow::Result<Option<NewPlan>> {
        let plan = complete::for_run(snapshot, self.with_ids_of(snapshot, plan, written_ids)?);
        let mut change = PlanChange::between(&snapshot.plan, &plan);
        // Whoever works through a plan ticks what is merged.
        let is_done = |id: &TaskId| snapshot.find(id).is_some_and(|(_, it)| it.state.is_done());
        change.marked.retain(|id| !is_done(id));
        if change.is_empty() {
            return Ok(None);
        }
        let done = self.done_before(snapshot, &change)?;
        self.context.ui.answer(&change::text(snapshot, &plan, &change, &done))?;
        if self.args.update {
            Ok(Some(NewPlan { plan, change }))
        } else {
            Err(failure(
                format!("the plan has changed since run '{}' started", snapshot.run.name),
                Remedy::from(Step::begin([StartOption::Update]).to("Use the new plan"))
                    .or(Step::start()
                        .of(&snapshot.run.name, self.args.manual)
                        .to("Or continue with the plan as it was"))
                    .or(Step::begin([StartOption::Name]).to("Or start another run with it")),
            ))
        }
    }

    /// Returns the plan with the ids that its tasks have in the run.
    fn with_ids_of(
        &self,
        snapshot: &Snapshot,
        plan: Plan,
        written_ids: &HashSet<TaskId>,
    ) -> anyhow::Result<Plan> {
        let known = snapshot.tasks().map(|(task, record)| KnownTask {
            task,
            has_begun: !record.attempts.is_empty() || record.state.is_done(),
            is_dropped: false,
        });
        let dropped = Journal::new(self.git, &snapshot.run.name).dropped_tasks()?;
        // A task that is dropped and comes back must not lose the work of its branch.
        let dropped =
            dropped.iter().map(|task| KnownTask { task, has_begun: true, is_dropped: true });
        let known: Vec<KnownTask> = known.chain(dropped).collect();
        rematch(&known, plan, written_ids).map_err(|unclear| {
            let one = |it: &UnclearTask| {
                let (number, title, before) =
                    (&it.number, printable(&it.title), printable(&it.before));
                format!("Task {number} '{title}' may be the earlier task '{number}' ('{before}')")
            };
            let all: Vec<String> = unclear.iter().map(one).collect();
            let first = unclear.first().map(|it| it.number.as_str()).unwrap_or_default();
            failure(
                format!("the plan does not say which task is which: {}", all.join("; ")),
                format!(
                    "if it is the same task, write `**id**: {first}` below its heading; if it is a \
                     new one, write another id there"
                ),
            )
        })
    }

    /// Returns the added tasks that an earlier plan of the run had and that are merged.
    fn done_before(&self, snapshot: &Snapshot, change: &PlanChange) -> anyhow::Result<Vec<TaskId>> {
        let journal = Journal::new(self.git, &snapshot.run.name);
        let mut done = Vec::new();
        for id in &change.added {
            if journal.record(id)?.state.is_done() {
                done.push(id.clone());
            }
        }
        Ok(done)
    }

    pub(super) fn update(
        &self,
        drive: &Drive,
        journal: &mut Journal,
        new: NewPlan,
    ) -> anyhow::Result<()> {
        // The run may have changed before this process took the lock.
        let snapshot = journal.newest()?.snapshot;
        let at_work = update(drive, journal, &snapshot, &new.plan, &new.change)?;
        for id in at_work {
            self.context.ui.warning(&format!("task '{id}' still runs with its old text"));
            let again = Step::stop(&id).and(Step::retry(&id)).to("Give it the new text");
            self.context.ui.hint(&self.scope_of(&snapshot.run), again);
        }
        Ok(())
    }
}
