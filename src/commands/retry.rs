//! `git orchestrate retry`

use anyhow::Context as _;

use super::Context;
use super::status::facts_of;
use super::target::{Target, Trust, option};
use crate::cli::RetryArgs;
use crate::error::{Exit, failure};
use crate::pause::same_pause;
use crate::plan::TaskId;
use crate::prompt;
use crate::task::{Event, Reason, State};
use crate::view::advice;

pub(super) fn run(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let id = target.task(&args.task)?;
    let (_, record) = target.snapshot().find(&id).context("just found")?;
    let option = option(&target.drive.git, &target.snapshot().run.name)?;
    if record.state.pause().is_some() {
        return go_on(context, &target, &id, args.message);
    }
    let State::Blocked(block) = &record.state else {
        return Err(failure(
            format!("task '{id}' is not blocked, it is {}", target.status(&id)),
            format!("git orchestrate show {id}{option}   # how it stands"),
        ));
    };
    let mut note = prompt::after(block, &target.snapshot().run.integration);
    note.extend(args.message.map(|text| format!(" {text}")));
    if block.reason == Reason::Tests {
        let said = std::fs::read(target.drive.folder.test_log(&id)).unwrap_or_default();
        note += &prompt::end_of_output(&String::from_utf8_lossy(&said));
    }
    target.journal.append(&id, &Event::Retried { note: Some(note) })?;
    context.ui.status(&format!("task '{id}' will run again"));
    say_start(context, &target, option)
}

/// Lets every task go on that waits for the same program: a person says that it can be used again.
fn go_on(
    context: &Context,
    target: &Target,
    id: &TaskId,
    message: Option<String>,
) -> anyhow::Result<Exit> {
    for other in same_pause(target.snapshot(), id) {
        let note = message.clone().filter(|_| other == *id);
        target.journal.append(&other, &Event::Retried { note })?;
        context.ui.status(&format!("task '{other}' goes on"));
    }
    say_start(context, target, option(&target.drive.git, &target.snapshot().run.name)?)
}

/// Says what runs it, where nobody drives the run.
fn say_start(context: &Context, target: &Target, option: String) -> anyhow::Result<Exit> {
    let facts = facts_of(&target.drive, &target.tip, option)?;
    if facts.controller.is_none() {
        let start = advice::start(&target.snapshot().run, &facts);
        context.ui.hint(&format!("{start}   # runs it"));
    }
    Ok(Exit::Ok)
}
