//! `git orchestrate report`

use crate::cli::arguments::{ReportArgs, ReportStatus};
use crate::cli::commands::Context;
use crate::cli::commands::access::check_report;
use crate::cli::commands::target::{Target, Trust, find_task, task_here};
use crate::cli::view::advice;
use crate::domain::error::{Exit, WithHint, usage};
use crate::domain::plan::TaskId;
use crate::domain::policy::pipeline;
use crate::domain::report::{Report, Status};
use crate::domain::review;
use crate::domain::steps::{Change, Ending, Remedy, Step, to};
use crate::domain::task::{Event, Record, Stage, State};
use crate::run::attempt::ManualResult;
use crate::run::drive::by_hand;

pub(crate) fn run(context: &Context, args: ReportArgs) -> anyhow::Result<Exit> {
    // An agent's environment names its run and task, whatever directory it is in.
    let run = args.run.name.or_else(|| std::env::var("ORCHESTRATE_RUN").ok());
    let target = context.target(run.as_deref(), Trust::NotNeeded)?;
    let named = args.task.or_else(|| std::env::var("ORCHESTRATE_TASK").ok());
    let id = match named {
        Some(name) => find_task(&target.snapshot().plan, &name)?,
        None => task_here(&target.drive.git, target.snapshot())?,
    };
    let result = result(args.status, args.message.unwrap_or_default())?;
    let (_, record) = target.snapshot().task(&id)?;
    let is_verdict = matches!(result, ManualResult::Verdict(_));
    let name = &target.snapshot().run.name;
    check_report(&target.drive.git, name, (&id, record), is_verdict)?;
    check_stage(&id, record, &result)?;
    // No supervisor is there to judge the work, so this process does.
    if record.state.is_by_hand() {
        return take_back(context, target, &id, result);
    }
    let (event, word) = match result {
        ManualResult::Report(report) => {
            let word = report.status.word();
            (Event::Reported { report }, word)
        }
        ManualResult::Verdict(verdict) => {
            let word = verdict.word();
            (Event::Judged { verdict }, word)
        }
    };
    let later = [Step::retry_with(&id, Change::Text), Step::merge(&id)];
    target.journal.append(&id, &event).hint(
        Remedy::from("Only a running task can report.")
            .or(to("Run a blocked task again, or merge its work as it is", later)),
    )?;
    context.ui.status(&format!("task '{id}' reported {word}"));
    Ok(Exit::Ok)
}

/// Returns the report or verdict. The error says how a verdict contradicts its message.
fn result(status: ReportStatus, message: String) -> anyhow::Result<ManualResult> {
    let report = |status, message| ManualResult::Report(Report { status, message });
    Ok(match status {
        ReportStatus::Done => report(Status::Done, message),
        ReportStatus::DoneWithConcerns => report(Status::DoneWithConcerns, message),
        ReportStatus::NeedsContext => report(Status::NeedsContext, message),
        ReportStatus::Blocked => report(Status::Blocked, message),
        ReportStatus::Pass => return verdict(true, &message),
        ReportStatus::Fail => return verdict(false, &message),
    })
}

/// Reads the message of a verdict. A reviewer that contradicts itself must decide now: it is still
/// there to do so.
fn verdict(pass: bool, message: &str) -> anyhow::Result<ManualResult> {
    let verdict = review::of_message(pass, message).map_err(|why| {
        usage(
            format!("this verdict contradicts itself: {why}"),
            "report pass without such findings, or report fail with what must be fixed",
        )
    })?;
    Ok(ManualResult::Verdict(verdict))
}

/// Fails if a reviewer reports an end of work, or a worker gives a verdict.
fn check_stage(id: &TaskId, record: &Record, result: &ManualResult) -> anyhow::Result<()> {
    let State::Running { stage, .. } = &record.state else { return Ok(()) };
    let (name, is_review) = (stage.name(), stage.review().is_some());
    match (result, is_review) {
        (ManualResult::Report(_), true) => Err(usage(
            format!("task '{id}' is in stage {name}, which ends with a verdict"),
            to(
                "Report a verdict",
                [Ending::Pass, Ending::Fail].map(|ending| Step::report(id, ending)),
            ),
        )),
        (ManualResult::Verdict(_), false) => Err(usage(
            format!("task '{id}' is in stage {name}, which is not a review"),
            Step::report(id, Ending::Done).to("Report how the work ended"),
        )),
        _ => Ok(()),
    }
}

/// Judges work that was done by hand, and prints where the task stands now.
fn take_back(
    context: &Context,
    mut target: Target,
    id: &TaskId,
    result: ManualResult,
) -> anyhow::Result<Exit> {
    by_hand::take_back(&target.drive, target.snapshot(), id, result)?;
    target.reload()?;
    let facts = target.facts()?;
    let (_, record) = target.snapshot().task(id)?;
    if let Some(last) = record.last_attempt().filter(|last| last.committed_for_agent) {
        let commit = last.commit.as_ref().map(|commit| format!(" as {}", commit.short()));
        let commit = commit.unwrap_or_default();
        context.ui.status(&format!("uncommitted changes were committed automatically{commit}"));
    }
    let State::Blocked(block) = &record.state else {
        let text = match &record.state {
            State::Pending { stage: Stage::Fix, .. } if pipeline::settles(record, Stage::Fix) => {
                format!("task '{id}' is reported; its concern is settled before any review")
            }
            State::Pending { stage, .. } => {
                format!("task '{id}' is reported; {} is next", stage.name())
            }
            _ => format!("task '{id}' is finished and waits to be merged"),
        };
        context.ui.status(&text);
        context.ui.hint(&facts.scope, advice::next_of_run(target.snapshot(), &facts));
        return Ok(Exit::Ok);
    };
    context.ui.warning(&format!("task '{id}' is blocked ({}): {}", block.reason, block.text));
    let next = advice::next(&target.snapshot().run, id.as_str(), record, block, &facts);
    context.ui.hint(&facts.scope, next);
    Ok(Exit::Attention)
}
