//! `git orchestrate retry`

use anyhow::Context as _;

use super::Context;
use super::target::{Trust, option};
use crate::cli::RetryArgs;
use crate::error::{Exit, failure};
use crate::prompt;
use crate::task::{Event, State};

pub(super) fn run(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let id = target.task(&args.task)?;
    let (_, record) = target.snapshot().find(&id).context("just found")?;
    let option = option(&target.drive.git, &target.snapshot().run.name)?;
    let State::Blocked(block) = &record.state else {
        return Err(failure(
            format!("task '{id}' is not blocked, it is {}", target.status(&id)),
            format!("git orchestrate show {id}{option}   # how it stands"),
        ));
    };
    let known = prompt::after(block, &target.snapshot().run.integration);
    let note = args.message.map_or(known.clone(), |text| format!("{known} {text}"));
    target.journal.append(&id, &Event::Retried { note: Some(note) })?;
    context.ui.status(&format!("task '{id}' will run again"));
    if target.controller()?.is_none() {
        context.ui.hint(&format!("git orchestrate start{option}   # runs it"));
    }
    Ok(Exit::Ok)
}
