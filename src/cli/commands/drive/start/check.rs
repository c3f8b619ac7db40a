//! What a run that exists cannot be given any more.
//!
//! Invariant: looks at what was asked for and at what the run was begun with, and at nothing else.

use crate::cli::arguments::StartArgs;
use crate::domain::error::usage;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{StartOption, Step};

/// Tasks that have begun cannot be planned first any more.
pub(super) fn check_planning(snapshot: &Snapshot, args: &StartArgs) -> anyhow::Result<()> {
    let is_planned = snapshot.plan.tasks.iter().any(|task| task.plan_first);
    let could_be = snapshot.plan.tasks.iter().any(|task| task.run.is_none());
    if !(args.plan_first && could_be && !is_planned) {
        Ok(())
    } else {
        Err(usage(
            format!("run '{}' was begun without --plan-first", snapshot.run.name),
            Step::begin([StartOption::PlanFirst, StartOption::Name])
                .to("Leave out --plan-first, or begin another run"),
        ))
    }
}

/// A run keeps the branch it began with.
pub(super) fn check_into(snapshot: &Snapshot, args: &StartArgs) -> anyhow::Result<()> {
    match args.into.as_deref().filter(|into| *into != snapshot.run.integration) {
        None => Ok(()),
        Some(into) => Err(usage(
            format!(
                "run '{}' merges into {}, not into {into}",
                snapshot.run.name, snapshot.run.integration
            ),
            Step::begin([StartOption::Into(into.to_owned()), StartOption::Name])
                .to("Leave out --into, or begin another run"),
        )),
    }
}
