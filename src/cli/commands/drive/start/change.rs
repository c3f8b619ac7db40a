//! `start` with a plan that differs from the run's: shows the difference, and replaces the plan.
//!
//! Invariant: nothing is replaced without `--update`.

use super::Start;
use crate::cli::view::change;
use crate::domain::error::failure;
use crate::domain::plan::{Plan, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Remedy, StartOption, Step};
use crate::journal::Journal;
use crate::plan::change::PlanChange;
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
    ) -> anyhow::Result<Option<NewPlan>> {
        let plan = complete::for_run(snapshot, plan);
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
