//! Briefs an attempt: from a task that is ready to the files that its supervisor and agent read.
//!
//! Invariant: data flows in one direction. A [`Choice`] says who makes the attempt, the [`Spec`]
//! adds where and how, and the prompts are written last. Nothing is decided here and no worktree
//! is made; all of it is on disk before the supervisor starts.

pub(crate) mod conversation;
pub(crate) mod inputs;
pub(crate) mod launch;
mod project;
pub(crate) mod prompts;
pub(crate) mod spec;
pub(crate) mod templates;

use std::path::PathBuf;
use std::process::Child;

use anyhow::Context;

use super::Drive;
use super::folder::{AttemptFolder, write_json};
use super::paths::worktree_path;
use crate::domain::config::TicketDone;
use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::Choice;
use crate::domain::policy::pipeline;
use crate::domain::review::Review;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Record, Stage};
use crate::system::crash;
use crate::system::private;
use crate::system::process::{self, Program, Streams};
use launch::Launching;
use prompts::{Brief, write_prompts};
use spec::{LaunchMode, PlaceSpec, ReviewSpec, Spec, TaskSpec};

/// Starts the supervisor of a task's next attempt; returns it and the attempt's number.
pub(super) fn launch(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    alone: bool,
) -> anyhow::Result<(Child, u32)> {
    let mode = if alone { LaunchMode::Alone } else { LaunchMode::Apart };
    let number = snapshot.find(id).map_or(1, |(_, record)| record.next_attempt());
    let is_first = number == 1 && !drive.folder.attempt(id, number).spec().exists();
    let (folder, spec) = brief(drive, snapshot, id, number, mode)?;
    let terminal = spec.launch.terminal;
    let child = spawn(&folder, terminal, is_first).context("cannot start the supervisor")?;
    Ok((child, number))
}

/// Writes the spec of an attempt and its prompts; returns its folder and the spec.
pub(super) fn brief(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    number: u32,
    mode: LaunchMode,
) -> anyhow::Result<(AttemptFolder, Spec)> {
    let (task, record) = snapshot.task(id)?;
    let defaults = drive.settings.defaults();
    let choice = Choice::of(task, record, &defaults);
    let spec = spec_of(drive, snapshot, (task, record), &choice, number, mode)?;
    let folder = drive.folder.attempt(id, number);
    folder.create()?;
    write_prompts(&folder, &spec, &Brief::new(drive, snapshot, id, &choice, &folder)?)?;
    write_json(&folder.spec(), &spec)?;
    // A removed run may have left a folder of the same name, whose outcome would be taken for
    // that of this attempt.
    let of_agent = [folder.agent(), folder.log(), folder.trace(), folder.picture()];
    for stale in [folder.outcome(), folder.setup_log(), folder.stop()].into_iter().chain(of_agent) {
        let _ = std::fs::remove_file(stale);
    }
    Ok((folder, spec))
}

/// Returns the spec of an attempt at a task.
fn spec_of(
    drive: &Drive,
    snapshot: &Snapshot,
    (task, record): (&Task, &Record),
    choice: &Choice<'_>,
    number: u32,
    mode: LaunchMode,
) -> anyhow::Result<Spec> {
    let (run, settings, stage) = (&snapshot.run, &drive.settings, choice.stage);
    let folder = &drive.folder.attempt(&task.id, number);
    Ok(Spec {
        task: TaskSpec {
            run: run.name.clone(),
            id: task.id.clone(),
            title: task.title.clone(),
            attempt: number,
            stage,
            files: files_of(snapshot, &task.id),
            leftovers: settings.leftovers,
            ticket: task.ticket.clone(),
            criteria: task.criteria.iter().map(|it| (it.index, it.text.clone())).collect(),
            sets_done: settings.ticket_done == TicketDone::Auto,
            approves: settings.yes,
        },
        place: PlaceSpec {
            repository: drive.git.common_dir().to_owned(),
            integration: run.integration.clone(),
            base_branch: run.base_branch.clone(),
            branch: record.branch.clone().unwrap_or_else(|| settings.branch_of(&task.id)),
            worktree: match mode {
                LaunchMode::Alone => PathBuf::from(&run.checkout),
                LaunchMode::Apart | LaunchMode::ByHand => {
                    worktree_path(&drive.git, settings, &task.id)
                }
            },
            begins_on: record.pending().and_then(|(_, commit)| commit.cloned()),
            setup: settings.setup.clone(),
            setup_timeout: settings.setup_limit(),
        },
        launch: Launching { drive, run, task, choice, folder, mode }.spec()?,
        review: ReviewSpec {
            reviews: choice.reviews.to_vec(),
            rounds: settings.rounds,
            run_base: (stage == Stage::FinalReview).then(|| run.base.clone()),
            read_before: stage.review().and_then(|kind| read_before(record, kind)),
        },
    })
}

/// Returns the files that a task declares, and those of its approved plan.
fn files_of(snapshot: &Snapshot, id: &TaskId) -> Vec<String> {
    let files = snapshot.index(id).map(|index| snapshot.files(index)).unwrap_or_default();
    files.into_iter().map(str::to_owned).collect()
}

/// Returns the commit that a review has read before.
fn read_before(record: &Record, kind: Review) -> Option<Oid> {
    pipeline::latest(record, kind)?;
    let stage = Stage::of_review(kind);
    let of_stage = |attempt: &&_| is_verdict(attempt, stage);
    record.attempts.iter().rev().find(of_stage)?.tip.clone()
}

fn is_verdict(attempt: &crate::domain::task::Attempt, stage: Stage) -> bool {
    attempt.stage == stage && attempt.verdict.is_some()
}

/// Returns the prompt of the next attempt at a task, as if no earlier conversation continued.
pub(crate) fn next_prompt(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<String> {
    let (task, record) = snapshot.task(id)?;
    let defaults = drive.settings.defaults();
    let choice = Choice::of(task, record, &defaults);
    let folder = drive.folder.attempt(id, record.next_attempt());
    Ok(Brief::new(drive, snapshot, id, &choice, &folder)?.prompt(&folder)?)
}

fn spawn(folder: &AttemptFolder, terminal: bool, is_first: bool) -> anyhow::Result<Child> {
    let this = process::this_program()?.display().to_string();
    let argv = vec![this, "exec".into(), folder.0.display().to_string()];
    // Tests sweep the crash points of the controller and of a supervisor apart; a supervisor
    // that is started again must be able to finish.
    let crash_at = std::env::var_os(crash::EXEC_VARIABLE).filter(|_| is_first);
    let environment = crash_at.map(|at| (crash::VARIABLE.to_owned(), at));
    let unset = match environment {
        Some(_) => Vec::new(),
        None => crash::VARIABLES.to_vec(),
    };
    let streams = if terminal {
        Streams::Inherited
    } else {
        Streams::Files { input: None, output: private::create(&folder.supervisor_log())? }
    };
    let directory = folder.0.clone();
    let environment = environment.into_iter().collect();
    Ok(Program { argv, directory, environment, unset, streams }.spawn()?)
}
