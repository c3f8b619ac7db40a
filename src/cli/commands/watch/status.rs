//! `git orchestrate status`

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use crate::cli::arguments::StatusArgs;
use crate::cli::commands::Context;
use crate::cli::commands::drive::merge;
use crate::cli::commands::target::{Target, Trust, option};
use crate::cli::ui::stdout_is_terminal;
use crate::cli::view::{Facts, json, table};
use crate::domain::error::Exit;
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Record, State};
use crate::git::worktree::ownership::slot_of;
use crate::journal::Tip;
use crate::run::Drive;
use crate::run::drive::driver;
use crate::run::drive::space::why_no_room;
use crate::run::merge::publish::why_waits;
use crate::run::recover::is_lost;
use crate::system::clock;
use crate::system::process::signals::Signals;

/// How often `--watch` looks at the journal.
const GLANCE: Duration = Duration::from_millis(200);

pub(crate) fn run(context: &Context, args: StatusArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    if args.fetch {
        merge::look(context, &mut target, &Signals::listen()?.stop)?;
    }
    let index = args.task.as_deref().map(|text| target.task(text)).transpose()?;
    let index = index.and_then(|id| target.snapshot().dag.index(&id));
    if args.watch {
        return watch(context, target, index);
    }
    let facts = facts(&target)?;
    let text = if args.json {
        json::status(target.snapshot(), &facts, index)?
    } else {
        table::status(target.snapshot(), &facts, index)
    };
    context.ui.answer(&text)?;
    Ok(Exit::Ok)
}

/// Looks up what a snapshot does not hold.
pub(crate) fn facts(target: &Target) -> anyhow::Result<Facts> {
    facts_with(target, option(&target.drive.git, &target.snapshot().run.name)?)
}

/// The same, where it is known what commands need to be about this run.
fn facts_with(target: &Target, option: String) -> anyhow::Result<Facts> {
    facts_of(&target.drive, &target.tip, option)
}

/// The same, for a run that is at hand.
pub(crate) fn facts_of(drive: &Drive, tip: &Tip, option: String) -> anyhow::Result<Facts> {
    let (git, run) = (&drive.git, &tip.snapshot.run);
    let driver = driver::current(&drive.folder)?;
    let merges = tip.snapshot.count("merging") > 0;
    let merges_wait = if merges { why_waits(git, &run.integration)? } else { None };
    Ok(Facts {
        option,
        merges_wait,
        no_room: why_no_room(drive, &tip.snapshot),
        lost: if driver.is_none() { lost(drive, &tip.snapshot) } else { HashSet::new() },
        slots: slots(&tip.snapshot),
        gone: gone(&tip.snapshot),
        silent: silent(drive, &tip.snapshot),
        agent: drive.settings.agent.clone(),
        integration: git.find_branch(&run.integration)?,
        now: clock::now_ms(),
        zone: Some(clock::now().time_zone().clone()),
        controller: driver.map(|driver| driver.told),
        journal: Some(tip.commit.clone()),
        folder: Some(drive.folder.clone()),
    })
}

/// Looks up the numbers of the worktrees that there are.
fn slots(snapshot: &Snapshot) -> HashMap<TaskId, u32> {
    let slot = |record: &Record| slot_of(Path::new(record.worktree.as_deref()?));
    let of_task = |(task, record): (&Task, &Record)| Some((task.id.clone(), slot(record)?));
    snapshot.tasks().filter_map(of_task).collect()
}

/// Looks which worktrees are not there any more.
fn gone(snapshot: &Snapshot) -> HashSet<TaskId> {
    let is_gone = |record: &Record| {
        record.worktree.as_deref().is_some_and(|place| !Path::new(place).join(".git").exists())
    };
    let begun = snapshot.tasks().filter(|(_, record)| is_gone(record));
    begun.map(|(task, _)| task.id.clone()).collect()
}

/// Looks on which running tasks nobody is at work.
fn lost(drive: &Drive, snapshot: &Snapshot) -> HashSet<TaskId> {
    let run = &snapshot.run.name;
    let lost = snapshot.tasks().filter(|(task, record)| is_lost(drive, run, &task.id, record));
    lost.map(|(task, _)| task.id.clone()).collect()
}

/// Looks up for how long the agents at work have printed nothing.
fn silent(drive: &Drive, snapshot: &Snapshot) -> HashMap<TaskId, i64> {
    let now = clock::system_time();
    let of_task = |(task, record): (&Task, &Record)| {
        let State::Running { worker: Some(_), .. } = record.state else { return None };
        let number = record.last_attempt()?.number;
        let log = drive.folder.attempt(&task.id, number).log().metadata().ok()?;
        let silent = now.duration_since(log.modified().ok()?).ok()?;
        Some((task.id.clone(), i64::try_from(silent.as_secs()).ok()?))
    };
    snapshot.tasks().filter_map(of_task).collect()
}

/// Shows the table again at every change, until nothing goes on any more.
fn watch(context: &Context, mut target: Target, index: Option<usize>) -> anyhow::Result<Exit> {
    // Asks every other run's journal, so it is asked once.
    let option = option(&target.drive.git, &target.snapshot().run.name)?;
    let mut shown = String::new();
    let mut commit = None;
    loop {
        let facts = facts_with(&target, option.clone())?;
        let text = table::status(target.snapshot(), &facts, index);
        // Only a terminal is shown how time passes.
        let is_new = commit.as_ref() != Some(&target.tip.commit);
        if is_new || (stdout_is_terminal() && text != shown) {
            let above = if stdout_is_terminal() { shown.lines().count() } else { 0 };
            context.ui.repaint(above, &text)?;
            (shown, commit) = (text, Some(target.tip.commit.clone()));
        }
        if target.is_idle()? {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(GLANCE);
        target.reload()?;
    }
}
