//! `git orchestrate merge`

use crate::cli::arguments::MergeArgs;
use crate::cli::commands::Context;
use crate::cli::commands::remote;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::view::advice;
use crate::cli::view::cleaned::Wording;
use crate::cli::view::rows::table;
use crate::domain::error::Exit;
use crate::domain::plan::TaskId;
use crate::domain::policy::proposal;
use crate::domain::policy::schedule::merge_queue;
use crate::domain::shell::quoted;
use crate::domain::task::State;
use crate::run::cleanup::{CleanOptions, clean_task};
use crate::run::merge::{By, Integrated, integrate, offer, propose};
use crate::run::recover;
use crate::system::process::StopSwitch;
use crate::system::process::signals::Signals;

pub(crate) fn run(context: &Context, args: MergeArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::Required)?;
    target.drive.git.check_ready()?;
    recover::settle(&target.drive, &target.journal, target.snapshot())?;
    target.reload()?;
    let signals = Signals::listen()?;
    remote::look(context, &mut target, &signals.stop)?;
    let ids = match args.tasks.as_slice() {
        [] => merge_queue(target.snapshot()),
        names => target.tasks(names)?,
    };
    if ids.is_empty() {
        context.ui.status("nothing waits to be merged");
    }
    let mut exit = Exit::Ok;
    for id in &ids {
        let url = pull_request(&target, id);
        offer(context, &target, id)?;
        target.reload()?;
        if !merge_one(context, &mut target, id, &signals.stop)? {
            exit = Exit::Attention;
        } else if let Some(url) = url {
            let branch = quoted(&target.snapshot().run.integration);
            context.ui.hint(&format!("git push REMOTE {branch}   # settles {url}, or close it"));
        }
        if let Some(signal) = signals.last() {
            let option = target.option()?;
            context.ui.hint(&format!("git orchestrate merge{option}   # goes on"));
            return Ok(Exit::Signal(signal));
        }
    }
    propose(context, &mut target, &ids, &signals.stop)?;
    context.ui.answer(&table::summary(target.snapshot()))?;
    if !target.snapshot().is_finished() && target.controller()?.is_none() {
        context
            .ui
            .hint(&format!("git orchestrate start{}   # goes on with the rest", target.option()?));
    }
    Ok(exit)
}

/// Shows the conflicts of these tasks elsewhere.
fn propose(
    context: &Context,
    target: &mut Target,
    ids: &[TaskId],
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let wanted = proposal::wanted(target.snapshot(), target.drive.settings.on_conflict);
    for id in wanted.iter().filter(|id| ids.contains(id)) {
        propose::propose(&target.drive, target.snapshot(), id, stop)?;
        target.reload()?;
        let (_, record) = target.snapshot().task(id)?;
        let line = record.state.block().and_then(advice::pull_request);
        line.iter().for_each(|line| context.ui.status(line));
    }
    Ok(())
}

/// Returns the URL of the pull request that a task waits for.
fn pull_request(target: &Target, id: &TaskId) -> Option<String> {
    target.snapshot().find(id)?.1.state.block()?.url.clone()
}

/// Puts what a blocked task's branch holds now into the queue.
fn offer(context: &Context, target: &Target, id: &TaskId) -> anyhow::Result<()> {
    let offer = offer::prepare(&target.drive, target.snapshot(), id)?;
    let Some(offer) = offer else { return Ok(()) };
    context.ui.status(&format!("merging {} at {}", offer.branch, offer.commit.short()));
    if let Some(why) = &offer.skipped {
        context.ui.warning(&format!("task '{id}' is taken as it is: {why}"));
    }
    offer::queue(&target.journal, id, offer)
}

/// Returns true where the task is merged.
fn merge_one(
    context: &Context,
    target: &mut Target,
    id: &TaskId,
    stop: &StopSwitch,
) -> anyhow::Result<bool> {
    let (task, record) = target.snapshot().task(id)?;
    if record.state.is_done() {
        context.ui.status(&format!("task '{id}' is merged already"));
        return Ok(true);
    }
    let ended = integrate(&target.drive, &target.snapshot().run, task, stop, By::Person)?;
    target.reload()?;
    if let Integrated::Waits(why) = ended {
        context.ui.warning(&format!("task '{id}' waits: {why}"));
        return Ok(false);
    }
    let facts = target.facts()?;
    let (_, record) = target.snapshot().task(id)?;
    match &record.state {
        State::Done { merge } => {
            context.ui.status(&match merge {
                Some(merge) => format!("merged task '{id}' as {}", merge.short()),
                None => format!("task '{id}' is done: nothing had to be merged"),
            });
            let cleaned =
                clean_task(&target.drive, target.snapshot(), id, CleanOptions::default())?;
            let wording = Wording { dry_run: false, option: facts.option };
            wording.lines(&cleaned).iter().try_for_each(|line| context.ui.answer(line))?;
            Ok(true)
        }
        State::Blocked(block) => {
            context
                .ui
                .warning(&format!("task '{id}' is blocked ({}): {}", block.reason, block.text));
            advice::next(&target.snapshot().run, id.as_str(), record, block, &facts)
                .iter()
                .for_each(|line| context.ui.hint(line));
            Ok(false)
        }
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Paused { .. }
        | State::Merging { .. } => Ok(false),
    }
}
