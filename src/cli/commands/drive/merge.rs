//! `git orchestrate merge`

use anyhow::Context as _;

use crate::cli::arguments::MergeArgs;
use crate::cli::commands::Context;
use crate::cli::commands::end::clean::Saying;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::commands::watch::status::facts;
use crate::cli::view::{advice, table};
use crate::domain::error::{Exit, failure};
use crate::domain::plan::TaskId;
use crate::domain::policy::pipeline;
use crate::domain::shell::quoted;
use crate::domain::task::{Event, Record, State};
use crate::git::status;
use crate::git::worktree::is_worktree;
use crate::run::cleanup::{CleanOptions, clean_task};
use crate::run::merge::propose;
use crate::run::merge::{By, Integrated, integrate};
use crate::run::recover;
use crate::system::clock;
use crate::system::process::StopSwitch;
use crate::system::process::signals::Signals;

pub(crate) fn run(context: &Context, args: MergeArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::Required)?;
    target.drive.git.check_ready()?;
    recover::settle(&target.drive, &target.journal, target.snapshot())?;
    target.reload()?;
    let signals = Signals::listen()?;
    look(context, &mut target, &signals.stop)?;
    let ids = match args.tasks.as_slice() {
        [] => in_queue(&target),
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
            let option = facts(&target)?.option;
            context.ui.hint(&format!("git orchestrate merge{option}   # goes on"));
            return Ok(Exit::Signal(signal));
        }
    }
    propose(context, &mut target, &ids, &signals.stop)?;
    context.ui.answer(&table::summary(target.snapshot()))?;
    if !target.snapshot().is_finished() && target.controller()?.is_none() {
        context.ui.hint(&format!(
            "git orchestrate start{}   # goes on with the rest",
            facts(&target)?.option
        ));
    }
    Ok(exit)
}

/// Looks what was merged on the remote, and says so.
pub(crate) fn look(
    context: &Context,
    target: &mut Target,
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let looked = propose::look(&target.drive, target.snapshot(), stop)?;
    looked.remarks.iter().for_each(|text| context.ui.warning(text));
    for id in &looked.offered {
        context.ui.status(&format!("the pull request of task '{id}' was merged on the remote"));
    }
    target.reload()
}

/// Shows the conflicts of these tasks elsewhere.
fn propose(
    context: &Context,
    target: &mut Target,
    ids: &[TaskId],
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let wanted = propose::wanted(&target.drive, target.snapshot());
    for id in wanted.iter().filter(|id| ids.contains(id)) {
        propose::propose(&target.drive, target.snapshot(), id, stop)?;
        target.reload()?;
        let (_, record) = target.snapshot().find(id).context("just found")?;
        let line = record.state.block().and_then(advice::pull_request);
        line.iter().for_each(|line| context.ui.status(line));
    }
    Ok(())
}

/// Returns the URL of the pull request that a task waits for.
fn pull_request(target: &Target, id: &TaskId) -> Option<String> {
    target.snapshot().find(id)?.1.state.block()?.url.clone()
}

fn in_queue(target: &Target) -> Vec<TaskId> {
    let mut queue: Vec<(i64, TaskId)> = Vec::new();
    for (task, record) in target.snapshot().tasks() {
        if let State::Merging { arrived, .. } = record.state {
            queue.push((arrived, task.id.clone()));
        }
    }
    queue.sort();
    queue.into_iter().map(|(_, id)| id).collect()
}

/// Puts what a blocked task's branch holds now into the queue.
fn offer(context: &Context, target: &Target, id: &TaskId) -> anyhow::Result<()> {
    let (_, record) = target.snapshot().find(id).context("just found")?;
    match &record.state {
        State::Merging { .. } | State::Done { .. } => return Ok(()),
        State::Running { .. } => {
            return Err(failure(
                format!("an agent is at work on task '{id}'"),
                format!("git orchestrate log {id} -f   # look on"),
            ));
        }
        State::Waiting | State::Pending { .. } | State::Paused { .. } | State::Blocked(_) => {}
    }
    check_committed(record)?;
    let git = &target.drive.git;
    let branch = record.branch.clone().unwrap_or_else(|| target.drive.settings.branch_of(id));
    let commit = git.find_branch(&branch)?.ok_or_else(|| {
        failure(
            format!("task '{id}' has no branch '{branch}'"),
            if !record.attempts.is_empty() {
                let done = &target.snapshot().run.integration;
                format!(
                    "git orchestrate retry {id} && git orchestrate start   # runs it again\n\
                     git branch {branch} {done} && git orchestrate merge {id}   # if its work is in there already"
                )
            } else { format!("git orchestrate start --only {id}   # runs it") },
        )
    })?;
    context.ui.status(&format!("merging {branch} at {}", commit.short()));
    if let Some(why) = unreviewed(record) {
        context.ui.warning(&format!("task '{id}' is taken as it is: {why}"));
    }
    target.journal.append(id, &Event::Offered { commit, at: clock::now_ms() })
}

/// Returns what work has not been through that a person wants to be merged.
fn unreviewed(record: &Record) -> Option<String> {
    if let Some((stage, _)) = record.pending() {
        return Some(format!("its {} is left out", stage.name()));
    }
    let verdict = pipeline::newest(record)?;
    (!verdict.pass).then(|| "its last review failed".into())
}

fn check_committed(record: &Record) -> anyhow::Result<()> {
    let Some(place) = record.worktree.as_deref().map(std::path::Path::new) else { return Ok(()) };
    let clean = !is_worktree(place) || status::dirt(place)?.is_clean();
    if clean {
        Ok(())
    } else {
        Err(failure(
            format!("'{}' holds work that is not committed", place.display()),
            format!(
                "cd {} && git status   # finish, commit, then merge again",
                quoted(&place.display().to_string())
            ),
        ))
    }
}

/// Returns true where the task is merged.
fn merge_one(
    context: &Context,
    target: &mut Target,
    id: &TaskId,
    stop: &StopSwitch,
) -> anyhow::Result<bool> {
    let (task, record) = target.snapshot().find(id).context("just found")?;
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
    let facts = facts(target)?;
    let (_, record) = target.snapshot().find(id).context("just found")?;
    match &record.state {
        State::Done { merge } => {
            context.ui.status(&match merge {
                Some(merge) => format!("merged task '{id}' as {}", merge.short()),
                None => format!("task '{id}' is done: nothing had to be merged"),
            });
            let cleaned =
                clean_task(&target.drive, target.snapshot(), id, CleanOptions::default())?;
            Saying { context, dry_run: false, option: facts.option }.say(&cleaned)?;
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
