//! `git orchestrate approve`

use crate::cli::arguments::ApproveArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::domain::error::{Exit, failure, usage};
use crate::domain::plan::TaskId;
use crate::domain::steps::{Remedy, Step};
use crate::domain::task::{Event, Reason};
use crate::journal::is_illegal;

pub(crate) fn run(context: &Context, args: ApproveArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    if args.tasks.is_empty() && !args.all {
        return Err(nothing_named(&target));
    }
    let ids = if args.all {
        target.snapshot().to_approve()
    } else {
        args.tasks.iter().map(|name| target.task(name)).collect::<Result<_, _>>()?
    };
    // All or none: a name that is wrong approves nothing.
    ids.iter().try_for_each(|id| check(&target, id))?;
    if ids.is_empty() {
        context.ui.status("no plan waits for approval");
        return Ok(Exit::Ok);
    }
    for id in &ids {
        context.ui.status(&approve(&target, id)?);
    }
    if target.controller()?.is_none() {
        context.ui.hint(&target.scope(), Step::start().to("Begin the work"));
    }
    Ok(Exit::Ok)
}

/// Returns the error for a command line without tasks.
fn nothing_named(target: &Target) -> anyhow::Error {
    let waiting: Vec<String> =
        target.snapshot().to_approve().iter().map(std::string::ToString::to_string).collect();
    let remedy = match waiting.as_slice() {
        [] => Step::status().to("No plan waits for approval. See how the tasks stand").into(),
        _ => Remedy::from(Step::Approve { ids: waiting }.to("Name the tasks"))
            .or(Step::Approve { ids: Vec::new() }.to("Or approve all plans that wait")),
    };
    usage("no task was named", remedy)
}

/// Fails where a task has no plan that could be approved.
fn check(target: &Target, id: &TaskId) -> anyhow::Result<()> {
    let (_, record) = target.snapshot().task(id)?;
    let waits = record.state.block().is_some_and(|block| block.reason == Reason::Approval);
    if waits || record.is_approved() {
        Ok(())
    } else {
        Err(failure(
            format!(
                "task '{id}' has no plan that waits for approval, it is {}",
                target.status(id)?
            ),
            Step::show(id).to("See how it stands"),
        ))
    }
}

/// Approves a plan, and says what that means; once is as good as twice.
fn approve(target: &Target, id: &TaskId) -> anyhow::Result<String> {
    let already = || format!("the plan of task '{id}' is approved already");
    let (_, record) = target.snapshot().task(id)?;
    if record.is_approved() {
        return Ok(already());
    }
    match target.journal.append(id, &Event::Approved) {
        Ok(()) => {}
        Err(error) if is_illegal(&error) && target.journal.record(id)?.is_approved() => {
            return Ok(already());
        }
        Err(error) => return Err(error),
    }
    let open = record.blueprint.as_ref().map_or(0, |drawn| drawn.questions);
    let left = if open > 0 { ", which decides its open questions" } else { "" };
    Ok(format!("task '{id}' goes on: its plan is approved, and an agent does the work next{left}"))
}
