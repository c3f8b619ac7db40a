//! Approves the plans that agents made, so that work on the tasks can start.
//!
//! Invariant: approving twice is the same as approving once, also if two processes do it at once.

use crate::domain::error::failure;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::Step;
use crate::domain::task::{Event, Reason};
use crate::journal::{Journal, is_illegal};
use crate::run::decide::leftovers;

/// What an approval changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approval {
    /// It was approved before.
    Already,
    /// The plan is approved; so many of its questions are left to the agent.
    Approved { open_questions: usize },
}

/// Fails if a task has no plan that can be approved.
pub(crate) fn check(snapshot: &Snapshot, id: &TaskId) -> anyhow::Result<()> {
    let (_, record) = snapshot.task(id)?;
    let waits = record.state.block().is_some_and(|block| block.reason == Reason::Approval);
    if waits || record.is_approved() || leftovers::waits(record).is_some() {
        return Ok(());
    }
    let status = snapshot.status(snapshot.index(id)?);
    Err(failure(
        format!("task '{id}' has no plan to approve: it is {status}"),
        Step::show(id).to("See how it stands"),
    ))
}

/// Approves the plan of a task; the answer is for everybody who acts on it from then on.
pub(crate) fn approve(
    journal: &Journal,
    snapshot: &Snapshot,
    id: &TaskId,
    answer: Option<&str>,
) -> anyhow::Result<Approval> {
    let (_, record) = snapshot.task(id)?;
    if record.is_approved() {
        return Ok(Approval::Already);
    }
    match journal.append(id, &Event::Approved { answer: answer.map(str::to_owned) }) {
        Ok(()) => {}
        Err(error) if is_illegal(&error) && journal.record(id)?.is_approved() => {
            return Ok(Approval::Already);
        }
        Err(error) => return Err(error),
    }
    let open_questions = record.blueprint.as_ref().map_or(0, |drawn| drawn.questions);
    Ok(Approval::Approved { open_questions })
}

/// Approves every plan that waits, for a user who wants to approve none.
pub(crate) fn approve_all(journal: &Journal, snapshot: &Snapshot) -> anyhow::Result<()> {
    for id in snapshot.to_approve() {
        match journal.append(&id, &Event::Approved { answer: None }) {
            // A person sent it back in the meantime: that counts more.
            Err(error) if !is_illegal(&error) => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
