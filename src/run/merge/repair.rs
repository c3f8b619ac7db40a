//! What happens to a merge that was rejected: an agent fixes it, or a person does.
//!
//! Invariant: the commit that an agent begins on is reachable before the journal names it.

use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::policy::repair::{Rejection, repair};
use crate::domain::snapshot::Run;
use crate::domain::task::{Event, Record, RepairRequest, Stage};
use crate::journal::Journal;
use crate::run::Drive;
use crate::run::cleanup::clean_task_worktree;

/// Returns the event that says who fixes it.
pub(super) fn after_rejection(
    drive: &Drive,
    run: &Run,
    task: &Task,
    record: &Record,
    rejection: Rejection<'_>,
) -> anyhow::Result<Event> {
    let Some((stage, commit)) = repair(&rejection, task, record, run, &drive.settings) else {
        return Ok(Event::Refused(rejection.why));
    };
    if stage == Stage::FixTests {
        make_room(drive, run, task, commit)?;
    }
    Ok(Event::SentBack(RepairRequest { stage, commit: commit.clone(), why: rejection.why }))
}

/// Keeps the candidate, and removes the old worktree if nothing in it would be lost: the tests
/// failed on the merge, and an agent should not meet what an earlier one left lying about.
fn make_room(drive: &Drive, run: &Run, task: &Task, candidate: &Oid) -> anyhow::Result<()> {
    drive.git.back_up(&run.name, task.id.as_str(), candidate)?;
    let tip = Journal::new(&drive.git, &run.name).newest()?;
    // An agent can also work in the old worktree, so a failure to remove it stops nothing.
    let _ = clean_task_worktree(drive, &tip.snapshot, &task.id);
    Ok(())
}
