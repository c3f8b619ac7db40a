//! Whether an agent is to mend a merge candidate that was no good, and what it begins on.
//!
//! Invariant: as often as `rounds` allows, then a person settles it; what an agent is to begin
//! on is reachable before the journal names it.

use anyhow::Context;

use crate::domain::config::OnConflict;
use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::policy::pipeline::may_mend;
use crate::domain::snapshot::Run;
use crate::domain::task::{Block, Event, Reason, Record, SentBack, Stage};
use crate::journal::Journal;
use crate::run::Drive;
use crate::run::brief::agent_of;
use crate::run::cleanup::clean_task_worktree;

/// A merge that was no good, and why.
pub(crate) struct Refusal<'a> {
    /// What the task has finished.
    pub(crate) commit: &'a Oid,
    /// The candidate; `None` where git could make none.
    pub(crate) candidate: Option<&'a Oid>,
    pub(crate) why: Block,
}

/// Returns what the refusal means: an agent mends it, or a person is asked.
pub(crate) fn refused(
    drive: &Drive,
    run: &Run,
    task: &Task,
    record: &Record,
    refusal: Refusal<'_>,
) -> anyhow::Result<Event> {
    let Refusal { commit, candidate, why } = refusal;
    let to_agent = drive.settings.on_conflict == OnConflict::Agent;
    let begins_on = match (why.reason, candidate) {
        (Reason::Tests, Some(candidate)) => Some((Stage::FixTests, candidate)),
        // What git cannot merge at all names no file; what was brought from elsewhere is on no
        // branch of the task.
        (Reason::Conflict, _) if to_agent && !why.files.is_empty() && why.brought.is_none() => {
            Some((Stage::FixConflict, commit))
        }
        _ => None,
    };
    // A command that fails is its author's to mend.
    let has_agent = |stage: Stage| {
        task.run.is_none() && (run.flags.manual || agent_of(drive, task, record, stage).is_some())
    };
    let begins_on =
        begins_on.filter(|(stage, _)| may_mend(record, drive.settings.rounds) && has_agent(*stage));
    let Some((stage, commit)) = begins_on else { return Ok(Event::Refused(why)) };
    if stage == Stage::FixTests {
        give_fresh_place(drive, run, task, commit)?;
    }
    Ok(Event::SentBack(SentBack { stage, commit: commit.clone(), why }))
}

/// Keeps the candidate, and takes the old worktree away, where nothing in it would be lost.
fn give_fresh_place(drive: &Drive, run: &Run, task: &Task, candidate: &Oid) -> anyhow::Result<()> {
    drive.git.back_up(&run.name, task.id.as_str(), candidate)?;
    let tip = Journal::new(&drive.git, &run.name).load()?.context("the run's journal is gone")?;
    // What cannot be taken away is worked in again.
    let _ = clean_task_worktree(drive, &tip.snapshot, &task.id);
    Ok(())
}
