//! `start --manual`: one turn of a run whose agents the caller launches.
//!
//! Invariant: `--json` prints the document of `status --json`, so that a caller needs one format.

use std::collections::HashSet;

use super::{Context, foreground};
use crate::cli::view::hand_out;
use crate::cli::view::rows::{json, progress, table};
use crate::domain::error::Exit;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Scope, Step};
use crate::journal::Journal;
use crate::run::drive::DriveMode;
use crate::run::facts::Facts;
use crate::run::{self, Drive, End};
use crate::system::clock;

pub(super) fn turn(
    context: &Context,
    driven: &Drive,
    journal: Journal,
    before: &Snapshot,
    only: Option<HashSet<TaskId>>,
    as_json: bool,
    scope: Scope,
) -> anyhow::Result<Exit> {
    let name = before.run.name.as_str();
    foreground::open(context, driven, before);
    let mut seen = Facts { scope: scope.clone(), ..Facts::default() };
    let end = run::drive(driven, journal, DriveMode::ByHand, only, &mut |event| {
        seen.now = clock::now_ms();
        progress::lines(&event, &seen).iter().for_each(|line| context.ui.status(line));
    })?;
    if let End::Stopped(signal) = end {
        context.ui.hint(&scope, Step::start().to("Resume it"));
        return Ok(Exit::Signal(signal));
    }
    let tip = Journal::new(&driven.git, name).newest()?;
    let snapshot = &tip.snapshot;
    foreground::finish(context, driven, snapshot)?;
    // When the answer is read, this process is not the controller any more.
    let facts = Facts { controller: None, ..Facts::of(driven, &tip, scope.clone())? };
    if as_json {
        context.ui.json(&json::status(snapshot, &facts, None)?)?;
    } else {
        context.ui.answer(&(hand_out::text(snapshot, &facts) + &table::summary(snapshot)))?;
    }
    Ok(conclude(context, snapshot, &scope))
}

fn conclude(context: &Context, snapshot: &Snapshot, scope: &Scope) -> Exit {
    if snapshot.is_finished() {
        foreground::say_where(context, snapshot, scope);
        return Exit::Ok;
    }
    match snapshot.active().next() {
        Some(_) => Exit::Ok,
        None => Exit::Attention,
    }
}
