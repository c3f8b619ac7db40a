//! What somebody who does a task by hand needs: where to work, what to read, what to type then.
//!
//! Invariant: pure; the lines are in the order in which the steps are done.

use super::Facts;
use crate::cli::ui::{BOLD, paint};
use crate::domain::plan::Task;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Ending, Remedy, Step, to};
use crate::domain::task::{Record, Stage};
use crate::domain::text::printable;

/// Returns every task that is done by hand.
pub(crate) fn text(snapshot: &Snapshot, facts: &Facts) -> String {
    let out = snapshot.tasks().filter(|(_, record)| record.state.is_by_hand());
    out.map(|(task, record)| block(task, record, facts)).collect()
}

fn block(task: &Task, record: &Record, facts: &Facts) -> String {
    let title = format!("{}: {}", task.id, printable(&task.title));
    let base = record.last_attempt().map(|attempt| attempt.base.short()).unwrap_or_default();
    let branch = record.branch.as_deref().unwrap_or_default();
    let mut text = format!("{}\n  branch    {branch}, from {base}\n", paint(BOLD, &title));
    let stage = record.last_attempt().map(|attempt| attempt.stage);
    let stage = stage.filter(|stage| *stage != Stage::Implement);
    text += &stage.map(|stage| format!("  stage     {}\n", stage.name())).unwrap_or_default();
    text += &record.worktree.iter().map(|at| format!("  worktree  {at}\n")).collect::<String>();
    text += &facts
        .files
        .get(&task.id)
        .and_then(|files| files.last())
        .map(|files| format!("  prompt    {}\n", files.prompt))
        .unwrap_or_default();
    text +=
        &task.run.iter().map(|run| format!("  command   {}\n", printable(run))).collect::<String>();
    let next = facts.scope.lines(&next(task, record));
    let label = |index| if index == 0 { "then" } else { "" };
    let next = next.iter().enumerate();
    text += &next.map(|(n, line)| format!("  {:<8}  {line}\n", label(n))).collect::<String>();
    text + "\n"
}

/// Returns what to type for a task that is done by hand.
pub(crate) fn next(task: &Task, record: &Record) -> Remedy {
    let place = record.worktree.as_deref().unwrap_or_default();
    let report = |ending| Step::report(&task.id, ending);
    let stage = record.last_attempt().map_or(Stage::Implement, |attempt| attempt.stage);
    let remedy = match stage {
        Stage::SpecReview | Stage::QualityReview | Stage::Review | Stage::FinalReview => {
            Remedy::from(Step::cd(place).to("Read the work there, and change nothing"))
                .or(to("Give your verdict", [report(Ending::Pass), report(Ending::Fail)]))
        }
        Stage::Plan => Remedy::from(Step::cd(place).to("Plan the task as its prompt says"))
            .or(report(Ending::Done).to("Say that the task plan is written")),
        Stage::Implement | Stage::Fix | Stage::FixTests | Stage::FixConflict => {
            Remedy::from(Step::cd(place).to("Do the work there, and commit it"))
                .or(report(Ending::Done).to("Say what was done"))
        }
    };
    remedy.or(Step::start().to("Continue with it, and get the next tasks"))
}
