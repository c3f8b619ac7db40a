//! `git orchestrate report`

use super::Context;
use super::target::{Trust, find_task, task_here};
use crate::cli::{ReportArgs, ReportStatus};
use crate::error::{Exit, Hinted};
use crate::report::{Report, Status};
use crate::task::Event;

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
    target.journal.append(&id, &Event::Reported { report }).hint(format!(
        "only an agent at work reports; for a blocked task: git orchestrate retry {id}, or merge {id}"
    ))?;
    context.ui.status(&format!("task '{id}' reported {status}"));
    Ok(Exit::Ok)
}
