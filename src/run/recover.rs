//! Repairs the state of a run when it continues: after a crash, a kill, a reboot, or a merge that
//! somebody else made.
//!
//! Invariant: git and the process table are asked, nothing is guessed. Every repair is an event in
//! the journal; repeating it changes nothing.

use anyhow::Context;

use super::Drive;
use super::attempt;
use super::folder::{AttemptFolder, read_json};
use super::merge;
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::integration::Origin;
use crate::domain::policy::verdicts::HALTED;
use crate::domain::report::Report;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{self, Remedy};
use crate::domain::task::{
    AttemptEnd, Block, Ending, Event, Outcome, Reason, Record, State, Worker,
};
use crate::git::database::refs::Swap;
use crate::journal::{Journal, is_illegal, journal_ref};
use crate::run::integration::look;
use crate::run::integration::merged_by_others::merged_by_others;
use crate::run::merge::explain::put_back_all;
use crate::system::clock;
use crate::system::process;

/// Creates the integration branch if a crash came between it and the journal's first commit.
///
/// Only before the first attempt: later a missing branch means lost merges, which a new branch at
/// the base would hide.
pub(crate) fn ensure_integration(drive: &Drive, snapshot: &Snapshot) -> anyhow::Result<()> {
    let run = &snapshot.run;
    let name = format!("refs/heads/{}", run.integration);
    if drive.git.find_ref(&name)?.is_some() {
        return Ok(());
    }
    if snapshot.tasks().any(|(_, record)| !record.attempts.is_empty()) {
        let last = snapshot.tasks().filter_map(|(_, record)| record.state.merge());
        let tip = last.last().unwrap_or(&run.base);
        return Err(failure(
            format!("the branch '{}' of run '{}' is gone", run.integration, run.name),
            Remedy::from(steps::git("log").word(journal_ref(&run.name)).to("See its last merge"))
                .or(steps::git("branch")
                    .word(&run.integration)
                    .word(tip)
                    .to("Create it there again")),
        ));
    }
    // `Moved` means that another process created it first.
    match drive.git.swap_ref(&name, None, &run.base, "begin run")? {
        Swap::Done | Swap::Moved => Ok(()),
        Swap::Locked => Err(drive.git.stale_lock(&name)),
    }
}

/// Settles everything that earlier processes left, before a run continues; returns the newest state.
pub(crate) fn settle_all(drive: &Drive, journal: &mut Journal) -> anyhow::Result<Snapshot> {
    let before = journal.newest()?.snapshot;
    ensure_integration(drive, &before)?;
    settle(drive, journal, &before)?;
    let snapshot = journal.newest()?.snapshot;
    merge::complete_notes(drive, &snapshot)?;
    Ok(snapshot)
}

/// Appends the events of tasks whose supervisor is gone, and of tasks that others merged.
pub(crate) fn settle(drive: &Drive, journal: &Journal, snapshot: &Snapshot) -> anyhow::Result<()> {
    settle_lost(drive, journal, snapshot)?;
    let snapshot = Journal::new(&drive.git, &snapshot.run.name).newest()?.snapshot;
    // Before anybody asks what is merged: a blocked task is not done because its agent moved the
    // branch.
    put_back_all(&drive.git, &drive.folder, &snapshot)?;
    settle_merged(drive, journal, &snapshot)
}

/// Appends `Merged` for tasks that others merged.
pub(crate) fn settle_merged(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
) -> anyhow::Result<()> {
    // What is merged is an ancestor of the integration branch, whoever merged it; the journal follows
    // git, and not the other way round.
    for (id, merge) in merged_elsewhere(drive, snapshot)? {
        append_if_legal(journal, &id, Event::Merged { merge, remarks: Vec::new() })?;
    }
    Ok(())
}

/// Appends the end of attempts that run according to the journal but whose supervisor is gone.
pub(crate) fn settle_lost(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
) -> anyhow::Result<()> {
    for (task, record) in snapshot.tasks() {
        let State::Running { worker: Some(worker), .. } = &record.state else { continue };
        if !process::is_alive(worker) {
            let event = outcome_of_lost(drive, &snapshot.run.name, &task.id, record)?;
            // Unlocked only after the append: until then `clean` must keep the worktree.
            if append_if_legal(journal, &task.id, event)? {
                unlock(drive, record);
            }
        }
    }
    Ok(())
}

/// Returns true if a running task has neither a supervisor nor an agent any more.
pub(crate) fn is_lost(drive: &Drive, run: &str, id: &TaskId, record: &Record) -> bool {
    let State::Running { worker: Some(worker), .. } = &record.state else { return false };
    let Some(attempt) = record.last_attempt().filter(|_| !process::is_alive(worker)) else {
        return false;
    };
    let workers = workers_of(drive, id, &drive.folder.attempt(id, attempt.number));
    workers.iter().all(|worker| process::is_group_gone(worker, run))
}

/// Returns the end of an attempt whose supervisor is gone.
///
/// That is the outcome that the supervisor wrote before it was killed, or what the agent finished
/// alone, or else that the attempt is lost. Before an attempt counts as lost, its agent is ended,
/// so that it does not work in the worktree beside the next one.
fn outcome_of_lost(
    drive: &Drive,
    run: &str,
    id: &TaskId,
    record: &Record,
) -> anyhow::Result<Event> {
    let attempt = record.last_attempt().context("a task runs without an attempt")?;
    let folder = drive.folder.attempt(id, attempt.number);
    // The supervisor writes it before it appends, so nothing that it judged is judged again.
    if let Some(outcome) = read_json::<Event>(&folder.outcome()).unwrap_or_default() {
        return Ok(outcome);
    }
    let workers = workers_of(drive, id, &folder);
    if let Some(report) = attempt.report.as_ref().filter(|report| report.status.is_done()) {
        // While a process of the agent's group lives, its work may still change.
        let is_over =
            !workers.is_empty() && workers.iter().all(|worker| process::is_group_gone(worker, run));
        let event = is_over.then(|| finished_alone(drive, folder.clone(), report)).flatten();
        if let Some(event) = event {
            return Ok(event);
        }
    }
    // Before the attempt counts as lost: the next one starts in the same worktree at once.
    workers.iter().for_each(|worker| process::end_group_of(worker, run));
    let branch = record.branch.as_deref().unwrap_or_default();
    // A person stopped the task while its supervisor was dying: it must not start again by itself.
    let outcome = if folder.stop().exists() {
        Outcome::Blocked(Block::new(Reason::Stopped, HALTED))
    } else {
        Outcome::Again
    };
    let finished = AttemptEnd::new(attempt.number, Ending::Lost, outcome, clock::now_ms());
    Ok(Event::Finished(AttemptEnd { commit: drive.git.find_branch(branch)?, ..finished }))
}

/// Returns the processes that files name as at work on a task: its agent or its `setup`.
pub(super) fn workers_of(drive: &Drive, id: &TaskId, folder: &AttemptFolder) -> Vec<Worker> {
    let files = [drive.folder.worker(id), folder.agent()];
    let mut workers: Vec<Worker> =
        files.iter().filter_map(|file| read_json(file).unwrap_or_default()).collect();
    workers.dedup();
    workers
}

/// Returns the end of an attempt whose agent finished after its supervisor was killed; `None` if
/// its work is not known to be good, so that the attempt is repeated.
fn finished_alone(drive: &Drive, folder: AttemptFolder, report: &Report) -> Option<Event> {
    let event =
        attempt::conclude_unsupervised(&drive.git, folder, report.clone()).ok().flatten()?;
    match &event {
        Event::Finished(AttemptEnd {
            outcome: Outcome::Ready(_) | Outcome::Next { .. }, ..
        }) => Some(event),
        _ => None,
    }
}

fn unlock(drive: &Drive, record: &Record) {
    if let Some(path) = &record.worktree {
        // An error does not matter: a worktree that was never made and the shared checkout have no
        // lock of ours.
        let _ = drive.git.unlock_worktree(std::path::Path::new(path));
    }
}

/// Returns the tasks whose work others merged, with the merge commit.
fn merged_elsewhere(
    drive: &Drive,
    snapshot: &Snapshot,
) -> anyhow::Result<Vec<(TaskId, Option<Oid>)>> {
    let Some(found) = look(&drive.git, &drive.folder, snapshot)? else {
        return Ok(Vec::new());
    };
    if !matches!(found.origin, Origin::Run | Origin::Person) {
        return Ok(Vec::new());
    }
    let tip = found.tip;
    let mut merged = Vec::new();
    for (task, record) in snapshot.tasks() {
        if let Some(commit) = merged_by_others(&drive.git, record, &tip)? {
            let merge = drive.git.merge_of(&commit, &snapshot.run.base, &tip)?;
            merged.push((task.id.clone(), merge));
        }
    }
    Ok(merged)
}

/// Appends an event; returns false if another process has appended the like meanwhile.
fn append_if_legal(journal: &Journal, id: &TaskId, event: Event) -> anyhow::Result<bool> {
    match journal.append(id, &event) {
        Ok(()) => Ok(true),
        Err(error) if is_illegal(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
