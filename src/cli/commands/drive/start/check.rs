//! Options that cannot change once a run has started.
//!
//! Invariant: compares the options with the run, and looks at nothing else.

use crate::cli::arguments::StartArgs;
use crate::domain::error::usage;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{StartOption, Step};

/// Fails if `--plan-first` is new: tasks that have started cannot be planned first any more.
pub(super) fn check_planning(snapshot: &Snapshot, args: &StartArgs) -> anyhow::Result<()> {
    let is_planned = snapshot.plan.tasks.iter().any(|task| task.plan_first);
    // A plan of shell commands has nothing to plan, so there the option changes nothing.
    let could_be = snapshot.plan.tasks.iter().any(|task| task.run.is_none());
    if !(args.plan_first && could_be && !is_planned) {
        Ok(())
    } else {
        Err(usage(
            format!(
                "run '{}' started without --plan-first, which cannot be changed",
                snapshot.run.name
            ),
            Step::begin([StartOption::PlanFirst, StartOption::Name])
                .to("Leave out --plan-first, or start another run"),
        ))
    }
}

/// Fails if `--into` names another branch than the run's.
pub(super) fn check_into(snapshot: &Snapshot, args: &StartArgs) -> anyhow::Result<()> {
    match args.into.as_deref().filter(|into| *into != snapshot.run.integration) {
        None => Ok(()),
        Some(into) => Err(usage(
            format!(
                "run '{}' merges into {}, not into {into}",
                snapshot.run.name, snapshot.run.integration
            ),
            Step::begin([StartOption::Into(into.to_owned()), StartOption::Name])
                .to("Leave out --into, or start another run"),
        )),
    }
}
