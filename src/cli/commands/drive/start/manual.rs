//! `start --manual`: one turn of a run whose agents the caller launches.
//!
//! Invariant: with `--json` the answer is the document of `status --json`, so a caller needs to
//! know one format only.

use std::collections::HashSet;

use super::{Context, foreground};
use crate::cli::view::hand_out;
use crate::cli::view::rows::{json, progress, table};
use crate::domain::error::Exit;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::journal::Journal;
use crate::run::Drive;
use crate::run::drive::by_hand;
use crate::run::facts::{Facts, option};
use crate::system::clock;
use crate::system::process::signals::Signals;

pub(super) fn turn(
    context: &Context,
    driven: &Drive,
    journal: Journal,
    before: &Snapshot,
    only: Option<HashSet<TaskId>>,
    as_json: bool,
) -> anyhow::Result<Exit> {
    let name = before.run.name.as_str();
    foreground::open(context, driven, before);
    let option = option(&driven.git, name)?;
    let mut seen = Facts { option: option.clone(), ..Facts::default() };
    let signals = Signals::listen()?;
    by_hand::turn(driven, journal, only, &signals.stop, &mut |event| {
        seen.now = clock::now_ms();
        progress::lines(&event, &seen).iter().for_each(|line| context.ui.status(line));
    })?;
    if let Some(signal) = signals.last() {
        context.ui.hint(&format!(
            "git orchestrate start --manual{}   # goes on where it stopped",
            seen.option
        ));
        return Ok(Exit::Signal(signal));
    }
    let tip = Journal::new(&driven.git, name).newest()?;
    let snapshot = &tip.snapshot;
    foreground::finish(context, driven, snapshot)?;
    // This process drives the run no longer when the answer is read.
    let facts = Facts { controller: None, ..Facts::with_option(driven, &tip, option)? };
    let text = if as_json {
        json::status(snapshot, &facts, None)?
    } else {
        hand_out::text(snapshot, &facts) + &table::summary(snapshot)
    };
    context.ui.answer(&text)?;
    Ok(conclude(context, snapshot))
}

fn conclude(context: &Context, snapshot: &Snapshot) -> Exit {
    if snapshot.is_finished() {
        foreground::say_where(context, snapshot);
        return Exit::Ok;
    }
    match snapshot.active().next() {
        Some(_) => Exit::Ok,
        None => Exit::Attention,
    }
}
