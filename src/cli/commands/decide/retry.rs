//! `git orchestrate retry`

use crate::cli::arguments::RetryArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Trust, prompts};
use crate::domain::config::Settings;
use crate::domain::error::Exit;
use crate::domain::steps::Step;
use crate::run::Drive;
use crate::run::decide::retry::{Retried, Retry};

pub(crate) fn run(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let id = target.task(&args.task)?;
    let RetryArgs { message, model, agent, force, .. } = args;
    let retry = Retry { message, model, agent, force };
    let ui = &context.ui;
    // What counts is the prompt that the next attempt gets. A broken template stops the next `start`.
    let prompts = prompts(&target.drive.git, Trust::NotNeeded).unwrap_or_default();
    let drive = target.drive.clone();
    let drive = Drive { settings: Settings { prompts, ..drive.settings }, ..drive };
    match retry.perform(&drive, &target.journal, target.snapshot(), &id)? {
        Retried::Again => ui.status(&format!("task '{id}' will run again")),
        Retried::Saved => ui.status(&format!("saved; '{id}' will use it when it starts")),
        Retried::Resumed(ids) => {
            ids.iter().for_each(|id| ui.status(&format!("task '{id}' will resume")));
        }
    }
    if target.controller()?.is_none() {
        ui.hint(&target.scope(), Step::start().to("Run it"));
    }
    Ok(Exit::Ok)
}
