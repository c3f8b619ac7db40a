//! `status` for people: a row for each task, and one line that sums up.
//!
//! Invariant: one column layout whatever is shown; colour adds nothing that the words lack.

use super::{Row, Rows};
use crate::cli::ui::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, paint};
use crate::cli::view::{advice, driven};
use crate::domain::plan::TaskId;
use crate::domain::snapshot::{FinishChoice, FinishRecord, Run, Snapshot};
use crate::domain::steps::Step;
use crate::domain::task::{Record, State, TaskStatus};
use crate::domain::text::{counted, printable, span};
use crate::run::facts::Facts;

/// Returns the table of all tasks, or of one.
pub(crate) fn status(snapshot: &Snapshot, facts: &Facts, only: Option<usize>) -> String {
    let rows = Rows::new(snapshot, facts).rows(only);
    let cells: Vec<[String; 3]> = rows.iter().map(cells).collect();
    let width = |column: usize, least: usize| {
        cells.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0).max(least)
    };
    let (id, status, time) = (width(0, 4), width(1, 6), width(2, 4));
    let mut text = heading(snapshot, facts);
    let head = format!("  {:id$}  {:status$}  {:>time$}  TITLE", "TASK", "STATUS", "TIME");
    text.push_str(&format!("{}\n", paint(DIM, &head)));
    for (row, [name, label, spent]) in rows.iter().zip(&cells) {
        // Padded before it is coloured, because the codes would count as width.
        let shown = paint(colour(row.status), &format!("{label:status$}"));
        let title = printable(&row.task.title);
        text.push_str(&format!("  {name:id$}  {shown}  {spent:>time$}  {title}\n"));
        below(row, facts).iter().for_each(|line| text.push_str(&format!("  {:id$}  {line}\n", "")));
    }
    let next = advice::next_of_run(snapshot, facts);
    let next = facts.scope.lines(&next).into_iter().map(|line| line + "\n");
    let dropped = if only.is_none() { dropped(snapshot, facts) } else { String::new() };
    text + &summary(snapshot) + "\n" + &dropped + &used(snapshot) + &next.collect::<String>()
}

/// Returns a row's columns TASK, STATUS and TIME.
fn cells(row: &Row<'_>) -> [String; 3] {
    let is_new = row.record.attempts.is_empty();
    let time = if is_new { "-".to_owned() } else { span(row.spent) };
    [row.task.id.to_string(), row.label(), time]
}

fn heading(snapshot: &Snapshot, facts: &Facts) -> String {
    let run = &snapshot.run;
    let at = facts.integration.as_ref().map(|id| format!(" at {}", id.short())).unwrap_or_default();
    let driven = facts.controller.as_ref().map(|it| format!(", {}", driven(it, facts)));
    let driven = driven.unwrap_or_default();
    let name = paint(BOLD, &run.name);
    let over = run.closed.as_ref().map(|it| format!("finished: {}\n", closed(run, it)));
    let over = over.unwrap_or_default();
    let from = match run.base_branch.as_str() {
        "HEAD" => format!("{} (detached HEAD)", run.base.short()),
        branch => branch.to_owned(),
    };
    format!("run {name}: {}{at}, from {from}{driven}\n{over}", run.integration)
}

/// Says how a run was finished.
pub(crate) fn closed(run: &Run, closed: &FinishRecord) -> String {
    match (closed.how, &closed.url) {
        (FinishChoice::Merge, _) => {
            let at = closed.commit.as_ref().map(|commit| format!(" at {}", commit.short()));
            format!("merged into {}{}", run.base_branch, at.unwrap_or_default())
        }
        (FinishChoice::Pr, Some(url)) => format!("pull request: {}", printable(url)),
        (FinishChoice::Pr, None) => "a pull request".into(),
        (FinishChoice::Keep, _) => "kept as it is".into(),
        (FinishChoice::Discard, _) => "being discarded".into(),
    }
}

fn colour(status: TaskStatus) -> anstyle::Style {
    match status {
        TaskStatus::Done => GREEN,
        TaskStatus::Blocked => RED,
        TaskStatus::Running => CYAN,
        TaskStatus::Merging | TaskStatus::Paused => YELLOW,
        TaskStatus::Waiting | TaskStatus::Ready => DIM,
    }
}

/// Returns the lines below a row: the reasons, then what a person should know, then what to type.
fn below(row: &Row<'_>, facts: &Facts) -> Vec<String> {
    let why = row.why.iter().map(|why| why.words(facts));
    let shown = row.record.state.block().and_then(advice::pull_request);
    let concerns = row.concerns.iter().map(|text| format!("concern: {}", printable(text)));
    let next = facts.scope.lines(&row.next).into_iter().map(|line| format!("  {line}"));
    why.chain(shown).chain(concerns).chain(next).collect()
}

/// Returns a line for each task that was worked on and that a changed plan no longer has.
fn dropped(snapshot: &Snapshot, facts: &Facts) -> String {
    let line = |(id, record): &(TaskId, Record)| {
        let (branch, spent) = (record.branch.as_deref()?, span(record.spent(facts.now)));
        let clean = facts.scope.line(&Step::Clean { id: Some(id.to_string()), force: false });
        let left = (record.worktree.is_some() && !facts.is_gone(id.as_str()))
            .then(|| format!("; to remove its worktree: `{clean}`"));
        let left = left.unwrap_or_default();
        Some(format!("dropped from the plan: {id} ({spent}, branch {branch}){left}\n"))
    };
    snapshot.dropped().iter().filter_map(line).collect()
}

/// Returns a line with what all attempts used, if that is known.
fn used(snapshot: &Snapshot) -> String {
    snapshot.usage().map(|usage| format!("used {usage}\n")).unwrap_or_default()
}

/// Returns the whole run in one line.
pub(crate) fn summary(snapshot: &Snapshot) -> String {
    let is_between = |(_, record): &(_, &Record)| matches!(record.state, State::Pending { .. });
    let between = snapshot.tasks().filter(is_between).count();
    let count = |status: &TaskStatus| match snapshot.count(*status) {
        all if *status == TaskStatus::Running && between > 0 => {
            let running = (all > between).then(|| format!("{} running", all - between));
            let next = format!("{between} between stages");
            Some(running.into_iter().chain([next]).collect::<Vec<_>>().join(", "))
        }
        done if *status == TaskStatus::Done => {
            Some(format!("{done} of {} merged", counted(snapshot.len(), "task")))
        }
        0 => None,
        count => Some(format!("{count} {status}")),
    };
    TaskStatus::ALL.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}
