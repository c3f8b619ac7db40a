//! `git orchestrate approve`

use crate::cli::arguments::ApproveArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::domain::error::{Exit, failure, usage};
use crate::domain::plan::TaskId;
use crate::domain::policy::verdicts::named;
use crate::domain::steps::{Change, Remedy, Step};
use crate::run::decide::approve::{Approval, approve, check};
use crate::run::decide::leftovers;

pub(crate) fn run(context: &Context, args: ApproveArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    if args.tasks.is_empty() && !args.all {
        return Err(nothing_named(&target));
    }
    let ids = if args.all { target.snapshot().to_approve() } else { target.tasks(&args.tasks)? };
    // All or none: a wrong name approves nothing.
    ids.iter().try_for_each(|id| check(target.snapshot(), id))?;
    let answer = args.message.as_deref().map(str::trim).filter(|text| !text.is_empty());
    // An approved plan may be in work already, which the answer would not reach.
    let waits =
        |id: &TaskId| target.snapshot().task(id).is_ok_and(|it| leftovers::waits(it.1).is_some());
    let is_late =
        |id: &&TaskId| target.snapshot().task(id).is_ok_and(|it| it.1.is_approved()) && !waits(id);
    if let Some(id) = ids.iter().find(is_late).filter(|_| answer.is_some()) {
        return Err(failure(
            format!("the plan of '{id}' is already approved, so the answer would not reach it"),
            Step::retry_with(id, Change::Text).to("Tell it before its next attempt"),
        ));
    }
    if ids.is_empty() {
        context.ui.status("no plan waits for approval");
        return Ok(Exit::Ok);
    }
    for id in &ids {
        if waits(id) {
            let (drive, journal) = (&target.drive, &target.journal);
            let files = leftovers::accept(drive, journal, target.snapshot(), id, answer)?;
            context.ui.status(&format!("task '{id}' keeps {}", named(&files)));
            continue;
        }
        let text = match approve(&target.journal, target.snapshot(), id, answer)? {
            Approval::Already => format!("the plan of '{id}' is already approved"),
            Approval::Approved { open_questions: 0 } => format!("plan of '{id}' approved"),
            Approval::Approved { .. } if answer.is_some() => {
                format!("plan of '{id}' approved with your answer")
            }
            Approval::Approved { .. } => {
                format!("plan of '{id}' approved; the agent will decide the open questions itself")
            }
        };
        context.ui.status(&text);
    }
    if target.controller()?.is_none() {
        context.ui.hint(&target.scope(), Step::start().to("Start the work"));
    }
    Ok(Exit::Ok)
}

/// Returns the error for a command line without tasks.
fn nothing_named(target: &Target) -> anyhow::Error {
    let waiting: Vec<String> =
        target.snapshot().to_approve().iter().map(TaskId::to_string).collect();
    let remedy = match waiting.as_slice() {
        [] => Step::status().to("No plan waits for approval. See how the tasks stand").into(),
        _ => Remedy::from(Step::Approve { ids: waiting }.to("Name the tasks"))
            .or(Step::Approve { ids: Vec::new() }.to("Or approve all plans that wait")),
    };
    usage("no task named", remedy)
}
