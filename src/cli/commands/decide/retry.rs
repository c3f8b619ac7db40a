//! `git orchestrate retry`

use crate::cli::arguments::RetryArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust, prompts};
use crate::domain::config::Settings;
use crate::domain::error::Exit;
use crate::domain::plan::TaskId;
use crate::domain::steps::Step;
use crate::domain::task::{Reason, Record};
use crate::run::Drive;
use crate::run::decide::retry::{Retried, Retry};

pub(crate) fn run(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let RetryArgs { task, message, model, agent, force, .. } = args;
    let id = task.map(|task| target.task(&task)).transpose()?;
    let retry = Retry { message, model, agent, force };
    // What counts is the prompt that the next attempt gets. A broken template stops the next `start`.
    let prompts = prompts(&target.drive.git, Trust::NotNeeded).unwrap_or_default();
    let drive = target.drive.clone();
    let drive = Drive { settings: Settings { prompts, ..drive.settings }, ..drive };
    match id {
        Some(id) => {
            say(context, &id, retry.perform(&drive, &target.journal, target.snapshot(), &id)?);
        }
        None => all(context, &target, &drive, &retry)?,
    }
    if target.controller()?.is_none() {
        context.ui.hint(&target.scope(), Step::start().to("Run it"));
    }
    Ok(Exit::Ok)
}

/// Lets every blocked task run again that may end differently; one that would not stays blocked.
fn all(context: &Context, target: &Target, drive: &Drive, retry: &Retry) -> anyhow::Result<()> {
    let is_blocked = |(_, record): &(_, &Record)| {
        // A task plan that waits for approval is sent back with an answer of its own.
        record.state.block().is_some_and(|block| block.reason != Reason::Approval)
    };
    let blocked = target.snapshot().tasks().filter(is_blocked).map(|(task, _)| &task.id);
    let mut refused = Vec::new();
    let mut any = false;
    for id in blocked {
        match retry.clone().perform(drive, &target.journal, target.snapshot(), id) {
            Ok(retried) => {
                say(context, id, retried);
                any = true;
            }
            Err(error) => refused.push(error),
        }
    }
    match refused.pop() {
        Some(error) if !any => Err(error),
        last => {
            if !any {
                context.ui.status("no task is blocked");
            }
            refused.into_iter().chain(last).for_each(|it| context.ui.warning(&it.to_string()));
            Ok(())
        }
    }
}

fn say(context: &Context, id: &TaskId, retried: Retried) {
    let ui = &context.ui;
    match retried {
        Retried::Again => ui.status(&format!("task '{id}' will run again")),
        Retried::Merges => ui.status(&format!("task '{id}' will be tested and merged again")),
        Retried::Saved => ui.status(&format!("saved; '{id}' will use it when it starts")),
        Retried::Resumed(ids) => {
            ids.iter().for_each(|id| ui.status(&format!("task '{id}' will resume")));
        }
    }
}
