//! `start` without further flags: drives the run in this process, and prints what happens.
//!
//! Invariant: a line is printed only after its event is in the journal; a lost terminal stops nothing.

use std::collections::HashSet;

use super::Context;
use crate::cli::ui::live::Live;
use crate::cli::ui::stderr_is_terminal;
use crate::cli::view::rows::{progress, table};
use crate::cli::view::tickets;
use crate::domain::config::TicketDone;
use crate::domain::error::{Exit, WithHint};
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Finish, Scope, Step, git};
use crate::journal::Journal;
use crate::run::cleanup::{self, CleanOptions};
use crate::run::drive::DriveMode;
use crate::run::facts::{Controller, Facts, silent};
use crate::run::{self, Drive, End, Progress};
use crate::system::clock;

/// Drives the run until nothing can continue.
pub(super) fn drive(
    context: &Context,
    driven: &Drive,
    journal: Journal,
    before: &Snapshot,
    only: Option<HashSet<TaskId>>,
    scope: Scope,
) -> anyhow::Result<Exit> {
    open(context, driven, before);
    let live = Live::new(stderr_is_terminal() && !context.ui.quiet);
    let zone = Some(clock::now().time_zone().clone());
    let defaults = driven.settings.defaults();
    // A retry in another terminal is noticed here, so no event suggests another `start`.
    let controller = Some(Controller::myself());
    let mut facts = Facts { scope, zone, defaults, controller, ..Facts::default() };
    let end = run::drive(driven, journal, DriveMode::Agents, only, &mut |event| {
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
    conclude(context, driven, &before.run.name, end.map_err(with_disk_hint)?, &facts.scope)
}

/// Adds a hint to an error of a full disk. git, gix and the system report it in the same words, and no
/// typed error survives all of them.
fn with_disk_hint(error: anyhow::Error) -> anyhow::Error {
    if !format!("{error:#}").contains("No space left on device") {
        error
    } else {
        Err::<(), _>(error)
            .hint(Step::start().to("Make room, then resume the run"))
            .expect_err("it is an error")
    }
}

/// Prints what is about to run.
pub(super) fn open(context: &Context, driven: &Drive, before: &Snapshot) {
    if before.is_finished() {
        context.ui.status(&format!("run '{}' is finished: nothing to do", before.run.name));
        return;
    }
    context.ui.status(&progress::opening(before, driven.settings.jobs));
    let untested = driven.settings.test.is_none();
    if untested && before.plan.tasks.iter().any(|task| task.test.is_none()) {
        context.ui.status("no test command is set, so merges are published untested");
        context
            .ui
            .hint(&context.scope(), git("config orchestrate.test").blank("COMMAND").to("Set one"));
    }
}

fn conclude(
    context: &Context,
    driven: &Drive,
    name: &str,
    end: End,
    scope: &Scope,
) -> anyhow::Result<Exit> {
    let tip = Journal::new(&driven.git, name).newest()?;
    let snapshot = &tip.snapshot;
    finish(context, driven, snapshot)?;
    for (task, record) in snapshot.tasks() {
        for remark in &record.merge_remarks {
            context.ui.warning(&format!("task '{}': {remark}", task.id));
        }
    }
    context.ui.answer(&table::summary(snapshot))?;
    match end {
        End::Finished => {
            say_where(context, snapshot, scope);
            if snapshot.is_finished() && snapshot.run.closed.is_none() {
                let finish = Step::Finish(Finish::Ask).of(name, false);
                context.ui.hint(scope, finish.to("Choose what happens to the work"));
            }
            if driven.settings.ticket_done == TicketDone::User {
                context.ui.hint(scope, tickets::to_do(snapshot));
            }
            Ok(Exit::Ok)
        }
        End::Stuck => {
            let why = "See what is blocked, and how to continue";
            context.ui.hint(scope, Step::status().to(why));
            Ok(Exit::Attention)
        }
        End::Stopped(signal) => {
            context.ui.hint(scope, Step::start().to("Resume it"));
            Ok(Exit::Signal(signal))
        }
    }
}

/// Removes the checkout where a finished run tested its merges.
pub(super) fn finish(context: &Context, driven: &Drive, snapshot: &Snapshot) -> anyhow::Result<()> {
    if !snapshot.is_finished() {
        return Ok(());
    }
    let cleaned = cleanup::clean_checkout(driven, snapshot, CleanOptions::default())?;
    for kept in &cleaned.kept {
        context.ui.status(&format!("kept {}: {}", kept.what, kept.reason));
    }
    for backup in &cleaned.backups {
        context.ui.status(&format!(
            "changes in {} are backed up: {}",
            snapshot.run.checkout, backup.name
        ));
    }
    Ok(())
}

/// Says where the work of a finished run is.
pub(super) fn say_where(context: &Context, snapshot: &Snapshot, scope: &Scope) {
    let branch = &snapshot.run.integration;
    context.ui.status(&format!("the work is on {branch}"));
    context.ui.hint(scope, git("log --first-parent").word(branch).to("See what was merged"));
}
