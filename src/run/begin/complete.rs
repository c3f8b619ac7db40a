//! Adds to a plan what a run does besides: a plan stage before each task, and a final review.
//!
//! Invariant: a run ends as it started. Tasks that are added later get the same stages.

use crate::domain::config::Settings;
use crate::domain::plan::{Plan, Task, TaskId};
use crate::domain::snapshot::Snapshot;

/// Returns the plan of a new run.
pub(crate) fn for_new_run(settings: &Settings, plan: Plan) -> Plan {
    let plan = if settings.plan_first { plan.with_planning() } else { plan };
    // A final review reads what the reviews of the tasks cannot see, so it needs them to be on.
    if settings.final_review && !settings.reviews.is_empty() {
        plan.with_final_review()
    } else {
        plan
    }
}

/// Returns a new plan for a run that exists.
pub(crate) fn for_run(snapshot: &Snapshot, plan: Plan) -> Plan {
    let is_planned = snapshot.plan.tasks.iter().any(|task| task.plan_first);
    let plan = if is_planned { plan.with_planning() } else { plan };
    if snapshot.plan.final_review().is_none() {
        return plan;
    }
    let is_done = |id: &TaskId| snapshot.find(id).is_some_and(|(_, record)| record.state.is_done());
    let reviews = snapshot.plan.tasks.iter().filter(|task| task.final_review).cloned();
    let (done, open): (Vec<Task>, Vec<Task>) = reviews.partition(|task| is_done(&task.id));
    // No final review has read a task that comes after it.
    let have_read_all = open.is_empty() && plan.tasks.iter().all(|task| is_done(&task.id));
    plan.with_final_reviews(done, have_read_all)
}
