//! `git orchestrate approve`

use crate::cli::arguments::ApproveArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::view::advice;
use crate::domain::error::{Exit, failure, usage};
use crate::domain::plan::TaskId;
use crate::domain::task::{Event, Reason};
use crate::journal::is_illegal;
use crate::run::facts::Facts;

pub(crate) fn run(context: &Context, args: ApproveArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    if args.tasks.is_empty() && !args.all {
        return Err(nothing_named(&target));
    }
    let option = target.option()?;
    let ids = if args.all {
        target.snapshot().to_approve()
    } else {
        args.tasks.iter().map(|name| target.task(name)).collect::<Result<_, _>>()?
    };
    // All or none: a name that is wrong approves nothing.
    ids.iter().try_for_each(|id| check(&target, id, &option))?;
    if ids.is_empty() {
        context.ui.status("no plan waits for approval");
        return Ok(Exit::Ok);
    }
    for id in &ids {
        context.ui.status(&approve(&target, id)?);
    }
    let facts = Facts::with_option(&target.drive, &target.tip, option)?;
    if facts.controller.is_none() {
        let start = advice::start(&target.snapshot().run, &facts);
        context.ui.hint(&format!("{start}   # begins the work"));
    }
    Ok(Exit::Ok)
}

/// Returns the error for a command line without tasks.
fn nothing_named(target: &Target) -> anyhow::Error {
    let waiting: Vec<String> =
        target.snapshot().to_approve().iter().map(std::string::ToString::to_string).collect();
    let told = match waiting.as_slice() {
        [] => "no plan waits now; 'git orchestrate status' says how the tasks stand".to_owned(),
        _ => format!(
            "name them: git orchestrate approve {}\n\
             or, for all that wait: git orchestrate approve --all",
            waiting.join(" ")
        ),
    };
    usage("no task was named", told)
}

/// Fails where a task has no plan that could be approved.
fn check(target: &Target, id: &TaskId, option: &str) -> anyhow::Result<()> {
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
            format!("git orchestrate show {id}{option}   # how it stands"),
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
