//! Replacing the plan of a run.
//!
//! Invariant: the caller holds the controller's lock. Done tasks stay done, and no record, branch
//! or worktree is removed: a task that a later plan adds again continues with its own.

use super::{NewRun, check_names};
use crate::domain::error::failure;
use crate::domain::plan::{Plan, TaskId};
use crate::domain::snapshot::{Flags, Snapshot};
use crate::domain::steps::Step;
use crate::domain::task::State;
use crate::journal::Journal;
use crate::plan::change::PlanChange;
use crate::run::Drive;

/// Checks that the plan can replace the run's, and writes it into the journal.
///
/// Returns the tasks whose agents are still working on the old text.
pub(crate) fn update(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
    plan: &Plan,
    change: &PlanChange,
) -> anyhow::Result<Vec<TaskId>> {
    check_dropped(snapshot, change)?;
    check_added(drive, journal, snapshot, plan, change)?;
    journal.replan(plan, &message(change))?;
    let reworded = change.reworded.iter().map(|reworded| &reworded.id);
    if change.preamble.is_some() {
        let all = plan.tasks.iter().map(|task| &task.id);
        return Ok(all.filter(|id| runs(snapshot, id)).cloned().collect());
    }
    Ok(reworded.filter(|id| runs(snapshot, id)).cloned().collect())
}

fn runs(snapshot: &Snapshot, id: &TaskId) -> bool {
    let state = snapshot.find(id).map(|(_, record)| &record.state);
    matches!(state, Some(State::Running { .. }))
}

fn check_dropped(snapshot: &Snapshot, change: &PlanChange) -> anyhow::Result<()> {
    match change.dropped.iter().find(|id| runs(snapshot, id)) {
        None => Ok(()),
        Some(id) => Err(failure(
            format!("the new plan drops task '{id}', but an agent is working on it"),
            Step::stop(id).to("Stop the task, then run this again; its branch stays"),
        )),
    }
}

/// Fails if the branch of an added task is taken; a task that the run had before owns its branch.
fn check_added(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
    plan: &Plan,
    change: &PlanChange,
) -> anyhow::Result<()> {
    let mut added = Plan { tasks: Vec::new(), ..plan.clone() };
    for task in plan.tasks.iter().filter(|task| change.added.contains(&task.id)) {
        // A task that was dropped and comes back continues on its own branch.
        if journal.record(&task.id)?.branch.is_none() {
            added.tasks.push(task.clone());
        }
    }
    let (settings, flags) = (&drive.settings, Flags::default());
    // Passed as `--into`, because the integration branch exists: it is the run's own.
    let integration = snapshot.run.integration.as_str();
    let new = NewRun { plan: &added, settings, flags, into: Some(integration), launches: false };
    check_names(&drive.git, &new, integration)
}

/// Returns the message of the journal's commit, which names the changed tasks in trailers.
fn message(change: &PlanChange) -> String {
    let names = |ids: &[TaskId]| ids.iter().map(TaskId::as_str).collect::<Vec<_>>().join(", ");
    let reworded: Vec<TaskId> = change.reworded.iter().map(|changed| changed.id.clone()).collect();
    let edges: Vec<TaskId> = change.edges.iter().map(|changed| changed.id.clone()).collect();
    let kinds: [(&str, String); 7] = [
        ("Added", names(&change.added)),
        ("Dropped", names(&change.dropped)),
        ("Reworded", names(&reworded)),
        ("Edges", names(&edges)),
        ("Done", names(&change.marked)),
        ("Reopened", names(&change.unmarked)),
        ("Preamble", change.preamble.iter().map(|_| "changed").collect()),
    ];
    let named = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    let trailers: Vec<String> = named.map(|(kind, names)| format!("{kind}: {names}")).collect();
    format!("plan updated\n\n{}", trailers.join("\n"))
}
