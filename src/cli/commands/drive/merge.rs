//! `git orchestrate merge`: the loop of `start`, which merges some tasks and nothing else.

use std::collections::HashSet;

use crate::cli::arguments::MergeArgs;
use crate::cli::commands::Context;
use crate::cli::commands::remote;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::view::advice;
use crate::cli::view::cleaned::Wording;
use crate::cli::view::rows::table;
use crate::domain::error::{Exit, failure};
use crate::domain::plan::TaskId;
use crate::domain::policy::schedule::merge_queue;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Step, git};
use crate::domain::task::{Block, Record, State};
use crate::journal::Journal;
use crate::run::drive::DriveMode;
use crate::run::merge::offer;
use crate::run::{self, End, Progress, recover};
use crate::system::process::signals::Signals;

pub(crate) fn run(context: &Context, args: MergeArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::Required)?;
    target.drive.git.check_ready()?;
    check_open(&target)?;
    // What killed processes left comes first: only then the queue shows what can be merged.
    recover::settle_all(&target.drive, &mut target.journal)?;
    target.reload()?;
    // From here on: a look at the remote may take long, and a signal must end it.
    let signals = Signals::listen()?;
    remote::look(context, &mut target, &signals.stop)?;
    if let Some(signal) = signals.last() {
        return Ok(stopped(context, &target, signal));
    }
    let ids = match args.tasks.as_slice() {
        [] => merge_queue(target.snapshot()),
        names => target.tasks(names)?,
    };
    if ids.is_empty() {
        context.ui.status("nothing to merge");
    }
    // Before the merge, which replaces the block that has the URL.
    let urls: Vec<(TaskId, String)> =
        ids.iter().filter_map(|id| Some((id.clone(), pull_request(&target, id)?))).collect();
    offer_all(context, &target, &ids)?;
    if let End::Stopped(signal) = merge_all(context, &mut target, &ids)? {
        return Ok(stopped(context, &target, signal));
    }
    target.reload()?;
    let is_merged =
        |id: &TaskId| target.snapshot().find(id).is_some_and(|(_, record)| record.state.is_done());
    for (_, url) in urls.iter().filter(|(id, _)| is_merged(id)) {
        let push = match target.drive.remote(&target.snapshot().run) {
            Some(remote) => git("push").word(remote),
            None => git("push").blank("REMOTE"),
        };
        let push = push.word(&target.snapshot().run.integration);
        let why = format!("Push the merge, which settles {url}, or close that");
        context.ui.hint(&target.scope(), push.to(why));
    }
    context.ui.answer(&table::summary(target.snapshot()))?;
    if !target.snapshot().is_finished() && target.controller()?.is_none() {
        context.ui.hint(&target.scope(), Step::start().to("Continue with the other tasks"));
    }
    Ok(if ids.iter().all(is_merged) { Exit::Ok } else { Exit::Attention })
}

/// Fails if the run is finished and its branch is gone: there is nothing to merge into.
fn check_open(target: &Target) -> anyhow::Result<()> {
    let run = &target.snapshot().run;
    let Some(closed) = &run.closed else { return Ok(()) };
    if target.drive.git.find_branch(&run.integration)?.is_some() {
        return Ok(());
    }
    Err(failure(
        format!("run '{}' is finished: {}", run.name, table::closed(run, closed)),
        Step::Clean { id: None, force: false }.to("Remove its journal, if you do not need it"),
    ))
}

fn stopped(context: &Context, target: &Target, signal: i32) -> Exit {
    context.ui.hint(&target.scope(), Step::Merge { id: None }.to("Continue"));
    Exit::Signal(signal)
}

/// Returns the URL of the pull request that a task waits for.
fn pull_request(target: &Target, id: &TaskId) -> Option<String> {
    target.snapshot().find(id)?.1.state.block()?.url.clone()
}

/// Puts what the tasks' branches hold now into the queue. All of them are checked before the first
/// is queued, so that a mistake in the last name merges nothing.
fn offer_all(context: &Context, target: &Target, ids: &[TaskId]) -> anyhow::Result<()> {
    let mut offers = Vec::new();
    for id in ids {
        if target.snapshot().task(id)?.1.state.is_done() {
            context.ui.status(&format!("task '{id}' is already merged"));
        }
        let offer = offer::prepare(&target.drive, target.snapshot(), id)?;
        offers.extend(offer.map(|offer| (id, offer)));
    }
    for (id, offer) in offers {
        context.ui.status(&format!("merging {} at {}", offer.branch, offer.commit.short()));
        if let Some(why) = &offer.skipped {
            context.ui.warning(&format!("task '{id}' is merged as it is: {why}"));
        }
        offer::queue(&target.journal, id, offer)?;
    }
    Ok(())
}

/// Merges the tasks that are in the queue, and says what happens to each.
fn merge_all(context: &Context, target: &mut Target, ids: &[TaskId]) -> anyhow::Result<End> {
    let drive = target.drive.clone();
    let journal = Journal::new(&drive.git, &target.snapshot().run.name);
    let wanted: HashSet<TaskId> = ids.iter().cloned().collect();
    // An error of the output must not stop a merge that is under way.
    let mut printed = Ok(());
    let end = run::drive(&drive, journal, DriveMode::Merge, Some(wanted), &mut |event| {
        if printed.is_ok() {
            printed = say(context, target, ids, &event);
        }
    })?;
    printed.map(|()| end)
}

fn say(
    context: &Context,
    target: &mut Target,
    ids: &[TaskId],
    event: &Progress<'_>,
) -> anyhow::Result<()> {
    match event {
        Progress::Changed { snapshot, index, before } if ids.contains(snapshot.dag.id(*index)) => {
            target.reload()?;
            return say_change(context, target, (snapshot, *index), before);
        }
        Progress::Waits { task, why } => {
            context.ui.warning(&format!("task '{task}' waits: {why}"));
        }
        Progress::Remote { text } | Progress::Branch { text } => context.ui.warning(text),
        Progress::Cleaned(report) => {
            let wording = Wording { dry_run: false, scope: target.scope() };
            wording.lines(report).iter().try_for_each(|line| context.ui.answer(line))?;
        }
        Progress::Changed { .. }
        | Progress::NoRoom { .. }
        | Progress::Rests { .. }
        | Progress::Terminal { .. }
        | Progress::Stopping { .. }
        | Progress::Tick(_) => {}
    }
    Ok(())
}

fn say_change(
    context: &Context,
    target: &Target,
    (snapshot, index): (&Snapshot, usize),
    before: &Record,
) -> anyhow::Result<()> {
    let (task, record) = snapshot.at(index);
    let id = &task.id;
    match &record.state {
        State::Done { merge } => context.ui.status(&match merge {
            Some(merge) => format!("merged task '{id}' as {}", merge.short()),
            None => format!("task '{id}' is done: already up to date"),
        }),
        // It was blocked before: only its pull request is new.
        State::Blocked(block) if before.state.is_blocked() => {
            let line = advice::pull_request(block);
            line.iter().for_each(|line| context.ui.status(line));
        }
        State::Blocked(block) => say_block(context, target, id, record, block)?,
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Paused { .. }
        | State::Merging { .. } => {}
    }
    Ok(())
}

fn say_block(
    context: &Context,
    target: &Target,
    id: &TaskId,
    record: &Record,
    block: &Block,
) -> anyhow::Result<()> {
    let facts = target.facts()?;
    context.ui.warning(&format!("task '{id}' is blocked ({}): {}", block.reason, block.text));
    let next = advice::next(&target.snapshot().run, id.as_str(), record, block, &facts);
    context.ui.hint(&facts.scope, next);
    Ok(())
}
