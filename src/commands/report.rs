//! `git orchestrate report`

use anyhow::Context as _;

use super::Context;
use super::status::facts;
use super::target::{Target, Trust, find_task, task_here};
use crate::cli::{ReportArgs, ReportStatus};
use crate::error::{Exit, Hinted};
use crate::plan::TaskId;
use crate::report::{Report, Status};
use crate::run::by_hand;
use crate::task::{Event, State};
use crate::view::advice;

pub(super) fn run(context: &Context, args: ReportArgs) -> anyhow::Result<Exit> {
    // An agent's environment names its run and task, whatever directory it is in.
    let run = args.run.name.or_else(|| std::env::var("ORCHESTRATE_RUN").ok());
    let target = context.target(run.as_deref(), Trust::NotNeeded)?;
    let named = args.task.or_else(|| std::env::var("ORCHESTRATE_TASK").ok());
    let id = match named {
        Some(name) => find_task(&target.snapshot().plan, &name)?,
        None => task_here(&target.drive.git, target.snapshot())?,
    };
    let status = match args.status {
        ReportStatus::Done => Status::Done,
        ReportStatus::DoneWithConcerns => Status::DoneWithConcerns,
        ReportStatus::NeedsContext => Status::NeedsContext,
        ReportStatus::Blocked => Status::Blocked,
    };
    let report = Report { status, message: args.message.unwrap_or_default() };
    let by_hand = target.snapshot().find(&id).is_some_and(|(_, r)| r.state.is_by_hand());
    if by_hand {
        return take_back(context, target, &id, report);
    }
    target.journal.append(&id, &Event::Reported { report }).hint(format!(
        "only an agent at work reports; for a blocked task: git orchestrate retry {id}, or merge {id}"
    ))?;
    context.ui.status(&format!("task '{id}' reported {status}"));
    Ok(Exit::Ok)
}

/// Judges what was done by hand, and says where the task stands now.
fn take_back(
    context: &Context,
    mut target: Target,
    id: &TaskId,
    report: Report,
) -> anyhow::Result<Exit> {
    by_hand::take_back(&target.drive, target.snapshot(), id, report)?;
    target.reload()?;
    let facts = facts(&target)?;
    let (_, record) = target.snapshot().find(id).context("just found")?;
    let State::Blocked(block) = &record.state else {
        context.ui.status(&format!("task '{id}' is finished, and waits to be merged"));
        advice::next_of_run(target.snapshot(), &facts)
            .iter()
            .for_each(|line| context.ui.hint(line));
        return Ok(Exit::Ok);
    };
    context.ui.warning(&format!("task '{id}' is blocked ({}): {}", block.reason, block.text));
    advice::next(&target.snapshot().run, id.as_str(), record, block, &facts.option)
        .iter()
        .for_each(|line| context.ui.hint(line));
    Ok(Exit::Attention)
}
