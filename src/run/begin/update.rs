//! Giving a run another plan than the one it has.
//!
//! Invariant: the caller holds the controller's lock. What is done stays done, and no record,
//! branch or worktree goes: a task that comes back finds what it left.

use super::{Beginning, check_names};
use crate::domain::error::failure;
use crate::domain::plan::{Plan, TaskId};
use crate::domain::snapshot::{Flags, Snapshot};
use crate::domain::task::State;
use crate::journal::Journal;
use crate::plan::change::Change;
use crate::run::Drive;

/// Checks that the run can have this plan, and writes it into the journal.
///
/// Returns the tasks that are at work on the text they had before.
pub(crate) fn update(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
    plan: &Plan,
    change: &Change,
) -> anyhow::Result<Vec<TaskId>> {
    check_dropped(snapshot, change)?;
    check_added(drive, journal, snapshot, plan, change)?;
    journal.replan(plan, &why(change))?;
    let reworded = change.reworded.iter().map(|reworded| &reworded.id);
    Ok(reworded.filter(|id| runs(snapshot, id)).cloned().collect())
}

fn runs(snapshot: &Snapshot, id: &TaskId) -> bool {
    let state = snapshot.find(id).map(|(_, record)| &record.state);
    matches!(state, Some(State::Running { .. }))
}

fn check_dropped(snapshot: &Snapshot, change: &Change) -> anyhow::Result<()> {
    match change.dropped.iter().find(|id| runs(snapshot, id)) {
        None => Ok(()),
        Some(id) => Err(failure(
            format!("the plan drops task '{id}', and an agent is at work on it"),
            format!("git orchestrate stop {id}   # then update again; its branch stays"),
        )),
    }
}

/// A branch of a task that the run had before is the run's own.
fn check_added(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
    plan: &Plan,
    change: &Change,
) -> anyhow::Result<()> {
    let mut gained = Plan { tasks: Vec::new(), ..plan.clone() };
    for task in plan.tasks.iter().filter(|task| change.added.contains(&task.id)) {
        if journal.record(&task.id)?.branch.is_none() {
            gained.tasks.push(task.clone());
        }
    }
    let (settings, flags) = (&drive.settings, Flags::default());
    let integration = snapshot.run.integration.as_str();
    let beginning =
        Beginning { plan: &gained, settings, flags, into: Some(integration), launches: false };
    check_names(&drive.git, &beginning, integration)
}

fn why(change: &Change) -> String {
    let names = |ids: &[TaskId]| ids.iter().map(TaskId::as_str).collect::<Vec<_>>().join(", ");
    let reworded: Vec<TaskId> = change.reworded.iter().map(|changed| changed.id.clone()).collect();
    let edges: Vec<TaskId> = change.edges.iter().map(|changed| changed.id.clone()).collect();
    let kinds = [
        ("Added", names(&change.added)),
        ("Dropped", names(&change.dropped)),
        ("Reworded", names(&reworded)),
        ("Edges", names(&edges)),
    ];
    let told = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    let trailers: Vec<String> = told.map(|(kind, names)| format!("{kind}: {names}")).collect();
    format!("plan updated\n\n{}", trailers.join("\n"))
}
