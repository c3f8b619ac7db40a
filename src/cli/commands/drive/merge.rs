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
use crate::domain::steps::{Step, git};
use crate::domain::task::State;
use crate::git::remote::RemoteChoice;
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
            let push = match remote_of(&target) {
                Some(remote) => git("push").word(remote),
                None => git("push").blank("REMOTE"),
            };
            let push = push.word(&target.snapshot().run.integration);
            let why = format!("Push the merge, which settles {url}, or close that");
            context.ui.hint(&target.scope(), push.to(why));
        }
        if let Some(signal) = signals.last() {
            let merge = Step::Merge { id: None }.to("Continue");
            context.ui.hint(&target.scope(), merge);
            return Ok(Exit::Signal(signal));
        }
    }
    propose(context, &mut target, &ids, &signals.stop)?;
    context.ui.answer(&table::summary(target.snapshot()))?;
    if !target.snapshot().is_finished() && target.controller()?.is_none() {
        context.ui.hint(&target.scope(), Step::start().to("Continue with the other tasks"));
    }
    Ok(exit)
}

/// Returns the remote that the settings mean.
fn remote_of(target: &Target) -> Option<String> {
    let named = target.drive.settings.remote.as_deref();
    let chosen = target.drive.git.choose_remote(named, &target.snapshot().run.base_branch);
    match chosen {
        Ok(RemoteChoice::Remote(remote)) => Some(remote),
        Ok(_) | Err(_) => None,
    }
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
            let wording = Wording { dry_run: false, scope: facts.scope };
            wording.lines(&cleaned).iter().try_for_each(|line| context.ui.answer(line))?;
            Ok(true)
        }
        State::Blocked(block) => {
            context
                .ui
                .warning(&format!("task '{id}' is blocked ({}): {}", block.reason, block.text));
            let next = advice::next(&target.snapshot().run, id.as_str(), record, block, &facts);
            context.ui.hint(&facts.scope, next);
            Ok(false)
        }
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Paused { .. }
        | State::Merging { .. } => Ok(false),
    }
}
