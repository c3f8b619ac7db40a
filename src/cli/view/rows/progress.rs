//! What `start` prints during a run: a line for each event.
//!
//! Invariant: pure; the live display and plain output print the same lines.

use super::{Rows, stage_words, table};
use crate::cli::ui::{CYAN, GREEN, RED, YELLOW, paint};
use crate::cli::view::advice;
use crate::cli::view::moment;
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Block, Ending, Record, Stage, State};
use crate::domain::text::{counted, printable, span};
use crate::run::Progress;
use crate::run::cleanup::{CleanReport, KeptItem};
use crate::run::facts::Facts;

/// Returns the lines for an event of a run; none if it is not worth a line.
pub(crate) fn lines(progress: &Progress<'_>, facts: &Facts) -> Vec<String> {
    match progress {
        Progress::Changed { snapshot, index, before } => changed(snapshot, *index, before, facts),
        Progress::Waits { task, why } => vec![line(YELLOW, "waits", task.as_str(), why)],
        Progress::Rests { until } => {
            let until = moment(until.timestamp().as_millisecond(), facts);
            let text = format!("the usage limit resets at {until}; nothing can run before");
            vec![line(YELLOW, "waits", "run", &text)]
        }
        Progress::NoRoom { why } => vec![line(YELLOW, "waits", "worktrees", why)],
        Progress::Cleaned(cleaned) => kept(cleaned),
        Progress::Terminal { task, taken: true } => {
            vec![line(CYAN, "alone", task.as_str(), "runs here, in the foreground")]
        }
        Progress::Remote { text } => vec![line(YELLOW, "remote", "run", text)],
        Progress::Branch { text } => vec![line(YELLOW, "branch", "run", text)],
        Progress::Terminal { taken: false, .. } | Progress::Tick(_) => Vec::new(),
        Progress::Stopping { again: false } => {
            vec!["stopping agents... (press Ctrl-C again to kill them)".into()]
        }
        Progress::Stopping { again: true } => vec!["killing agents".into()],
    }
}

fn line(style: anstyle::Style, verb: &str, id: &str, text: &str) -> String {
    format!("{} {id}: {}", paint(style, &format!("{verb:>8}")), printable(text))
}

fn changed(snapshot: &Snapshot, index: usize, before: &Record, facts: &Facts) -> Vec<String> {
    let row = Rows::new(snapshot, facts).row(index);
    let (task, record) = (row.task, row.record);
    let id = task.id.as_str();
    let mut lines = Vec::new();
    if record.attempts.len() > before.attempts.len() {
        lines.push(line(CYAN, "started", id, &started(task, record)));
    }
    match &record.state {
        State::Running { .. } => {}
        State::Pending { .. } => lines.push(line(CYAN, "next", id, &row.words(facts))),
        State::Merging { .. } => {
            lines.push(line(CYAN, "finished", id, &finished(task, record, &span(row.spent))));
        }
        State::Done { merge } => {
            let text = match merge {
                Some(merge) => format!("as {}", merge.short()),
                None if task.final_review => "final review passed; nothing to change".into(),
                None => "already up to date".into(),
            };
            lines.push(line(GREEN, "merged", id, &text));
        }
        State::Paused { .. } => {
            lines.push(line(YELLOW, "paused", id, &row.words(facts)));
            lines.extend(facts.scope.lines(&row.next).iter().map(indented));
        }
        // It was blocked before: only its pull request is new.
        State::Blocked(block) if before.state.is_blocked() => {
            lines.extend(shown(id, block, facts));
        }
        State::Blocked(block) => {
            let text = format!("{}: {}", block.reason, row.words(facts));
            lines.push(line(RED, "blocked", id, &text));
            lines.extend(facts.scope.lines(&row.next).iter().map(indented));
        }
        State::Waiting if before.state.is_blocked() => {
            lines.push(line(CYAN, "again", id, &task.title));
        }
        State::Waiting
            if record.is_approved()
                && record.last_attempt().is_some_and(|last| last.stage == Stage::Plan) =>
        {
            lines.push(line(CYAN, "next", id, "plan approved, implementation next"));
        }
        State::Waiting => lines.push(line(YELLOW, "ended", id, &ended(record))),
    }
    lines
}

/// Says how an attempt ended that decided nothing, and when the next one starts.
fn ended(record: &Record) -> String {
    let Some(last) = record.last_attempt() else { return String::new() };
    let ending = last.ending.map(|ending| ending.to_string()).unwrap_or_default();
    // What is missing in a plan.
    let missing = last.remarks.first().filter(|_| last.stage == Stage::Plan);
    let missing = missing.map(|text| format!(", {text}")).unwrap_or_default();
    match last.ending {
        Some(Ending::Stopped) => format!("{ending}{missing}; `start` will resume it"),
        _ => format!("{ending}{missing}; it will be tried again"),
    }
}

/// Says what a new attempt is for: the task itself or the stage, and which try at it this is.
fn started(task: &Task, record: &Record) -> String {
    let stage = record.last_attempt().map_or(Stage::Implement, |attempt| attempt.stage);
    let what = match stage {
        Stage::Implement => task.title.as_str(),
        other => &stage_words(other),
    };
    match record.attempts.iter().filter(|attempt| attempt.stage == stage).count() {
        0 | 1 => what.to_owned(),
        count => format!("{what}, attempt {count}"),
    }
}

fn finished(task: &Task, record: &Record, took: &str) -> String {
    let attempt = record.last_work();
    let report = attempt.and_then(|attempt| attempt.report.as_ref());
    let report_text = report.map(|r| format!(", {} {}", r.status, r.message)).unwrap_or_default();
    // A `run` command is not expected to commit.
    let is_agent = task.run.is_none();
    let committed = is_agent && attempt.is_some_and(|attempt| attempt.committed_for_agent);
    let committed = if committed { ", uncommitted changes committed automatically" } else { "" };
    format!("in {took}{committed}{}", report_text.trim_end().replace('\n', " "))
}

fn indented(text: &String) -> String {
    format!("{:9}  {text}", "")
}

/// Says that a pull request was opened, or why not.
fn shown(id: &str, block: &Block, facts: &Facts) -> Vec<String> {
    match (&block.url, &block.unopened) {
        (Some(url), _) => vec![line(CYAN, "opened", id, url)],
        (None, Some(unopened)) => {
            let head = format!("no pull request ({}): {}", unopened.why, unopened.text);
            let next = facts.scope.lines(&advice::by_hand(unopened, advice::OTHERS));
            let head = line(YELLOW, "waits", id, &head);
            std::iter::once(head).chain(next.iter().map(indented)).collect()
        }
        (None, None) => Vec::new(),
    }
}

fn kept(cleaned: &CleanReport) -> Vec<String> {
    let id = cleaned.task.as_ref().map_or("run", TaskId::as_str);
    let text = |kept: &KeptItem| format!("{}: {}", kept.what, kept.reason);
    cleaned.kept.iter().map(|kept| line(YELLOW, "kept", id, &text(kept))).collect()
}

/// Returns the lines of the live display: what runs now, and the summary.
pub(crate) fn live(snapshot: &Snapshot, facts: &Facts) -> Vec<String> {
    let rows = Rows::new(snapshot, facts);
    let active = snapshot.active().map(|index| {
        let row = rows.row(index);
        let why = row.why.first().map(|why| format!("  ({})", why.words(facts)));
        let (label, title) = (row.label(), printable(&row.task.title));
        let (id, spent) = (&row.task.id, span(row.spent));
        format!("{label:>9} {id}  {title}  {spent}{}", why.unwrap_or_default())
    });
    active.chain([table::summary(snapshot)]).collect()
}

/// Returns the line before anything runs.
pub(crate) fn opening(snapshot: &Snapshot, jobs: u32) -> String {
    let run = &snapshot.run;
    // The final review is a task and a layer of its own, but none of the plan's.
    let last = usize::from(snapshot.plan.final_review().is_some());
    let tasks = counted(snapshot.len() - last, "task");
    let layers = counted(snapshot.dag.layers().len() - last, "layer");
    let review = if last > 0 { " and a final review" } else { "" };
    let at = run.base.short();
    let from = match run.base_branch.as_str() {
        "HEAD" => "a detached HEAD",
        branch => branch,
    };
    format!(
        "run {}: {tasks} in {layers}{review}, up to {jobs} at once, into {} (from {from} at {at})",
        run.name, run.integration
    )
}
