//! `start` as it is without further flags: drives the run here, and tells what happens.
//!
//! Invariant: what is printed is what happened; a terminal that goes away stops nothing.

use std::collections::HashSet;

use super::Context;
use crate::cli::ui::live::Live;
use crate::cli::ui::stderr_is_terminal;
use crate::cli::view::rows::{progress, table};
use crate::cli::view::tickets;
use crate::domain::config::TicketDone;
use crate::domain::error::{Exit, Hinted};
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::journal::Journal;
use crate::run::cleanup::{self, CleanOptions};
use crate::run::facts::{Facts, option, silent};
use crate::run::{self, Drive, End, Progress};
use crate::system::clock;

/// Drives the run until nothing can go on.
pub(super) fn drive(
    context: &Context,
    driven: &Drive,
    journal: Journal,
    before: &Snapshot,
    only: Option<HashSet<TaskId>>,
) -> anyhow::Result<Exit> {
    open(context, driven, before);
    let live = Live::new(stderr_is_terminal() && !context.ui.quiet);
    let zone = Some(clock::now().time_zone().clone());
    let option = option(&driven.git, &before.run.name)?;
    let defaults = driven.settings.defaults();
    let mut facts = Facts { option, zone, defaults, ..Facts::default() };
    let end = run::drive(driven, journal, only, &mut |event| {
        facts.now = clock::now_ms();
        if !context.ui.quiet {
            progress::lines(&event, &facts).iter().for_each(|line| live.line(line));
        }
        match event {
            Progress::Tick(snapshot) | Progress::Changed { snapshot, .. } => {
                facts.silent = silent(driven, snapshot);
                live.show(&progress::live(snapshot, &facts));
            }
            Progress::Terminal { taken: true, .. } => live.clear(),
            _ => {}
        }
    });
    live.clear();
    conclude(context, driven, &before.run.name, end.map_err(told_of_full_disk)?)
}

/// git, gix and the system say it in the same words; what to do is the same, too.
fn told_of_full_disk(error: anyhow::Error) -> anyhow::Error {
    if !format!("{error:#}").contains("No space left on device") {
        error
    } else {
        Err::<(), _>(error)
            .hint("make room, then go on where it stopped: git orchestrate start")
            .expect_err("it is an error")
    }
}

/// Says what is about to be driven.
pub(super) fn open(context: &Context, driven: &Drive, before: &Snapshot) {
    if before.is_finished() {
        context.ui.status(&format!("run '{}' is finished: nothing to do", before.run.name));
        return;
    }
    context.ui.status(&progress::opening(before, driven.settings.jobs));
    let untested = driven.settings.test.is_none();
    if untested && before.plan.tasks.iter().any(|task| task.test.is_none()) {
        context.ui.status("no test command is set (git config orchestrate.test COMMAND): merges are published untested");
    }
}

fn conclude(context: &Context, driven: &Drive, name: &str, end: End) -> anyhow::Result<Exit> {
    let tip = Journal::new(&driven.git, name).newest()?;
    let snapshot = &tip.snapshot;
    finish(context, driven, snapshot)?;
    context.ui.answer(&table::summary(snapshot))?;
    let option = option(&driven.git, name)?;
    match end {
        End::Finished => {
            say_where(context, snapshot);
            if snapshot.is_finished() && snapshot.run.closed.is_none() {
                let finish = format!("git orchestrate finish --run {name}");
                context.ui.hint(&format!("{finish}   # merge it, or what else is to become of it"));
            }
            if driven.settings.ticket_done == TicketDone::User {
                tickets::to_do(snapshot).iter().for_each(|line| context.ui.hint(line));
            }
            Ok(Exit::Ok)
        }
        End::Stuck => {
            context.ui.hint(&format!(
                "git orchestrate status{option}   # what blocks, and what to type next"
            ));
            Ok(Exit::Attention)
        }
        End::Stopped(signal) => {
            context.ui.hint(&format!("git orchestrate start{option}   # goes on where it stopped"));
            Ok(Exit::Signal(signal))
        }
    }
}

/// Takes away the checkout that a finished run tested its merges in.
pub(super) fn finish(context: &Context, driven: &Drive, snapshot: &Snapshot) -> anyhow::Result<()> {
    if !snapshot.is_finished() {
        return Ok(());
    }
    let cleaned = cleanup::clean_checkout(driven, snapshot, CleanOptions::default())?;
    for kept in &cleaned.kept {
        context.ui.status(&format!("kept {}: {}", kept.what, kept.reason));
    }
    for backup in &cleaned.backups {
        context.ui.status(&format!("what {} held is kept: {}", snapshot.run.checkout, backup.name));
    }
    Ok(())
}

/// Says where the work of a finished run is.
pub(super) fn say_where(context: &Context, snapshot: &Snapshot) {
    let branch = &snapshot.run.integration;
    context.ui.status(&format!("the work is on {branch}: git log --first-parent {branch}"));
}
