//! `git orchestrate stop`

use crate::cli::arguments::StopArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::Trust;
use crate::domain::error::Exit;
use crate::domain::steps::Step;
use crate::run::drive::stop;

pub(crate) fn run(context: &Context, args: StopArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let name = target.snapshot().run.name.clone();
    let scope = target.scope();
    // All names first, so that a mistake in the last one stops nothing.
    let ids = target.tasks(&args.tasks)?;
    for id in &ids {
        stop::stop_task(&target.drive, &mut target.journal, id, args.kill)?;
        context.ui.status(&format!("stopped task '{id}'"));
        context.ui.hint(&scope, Step::retry(id).to("Let it run again"));
    }
    if !ids.is_empty() {
        return Ok(Exit::Ok);
    }
    if stop::stop_run(&target.drive, &mut target.journal, args.kill)? {
        context.ui.status(&format!("stopped run '{name}'"));
        context.ui.hint(&scope, Step::start().to("Resume it"));
    } else {
        context.ui.status(&format!("run '{name}' is not running"));
    }
    Ok(Exit::Ok)
}
