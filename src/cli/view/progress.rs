//! What `start` says while a run goes on: a line for each thing that happens.
//!
//! Invariant: pure; the live display and plain output print the same lines.

use super::{Facts, advice, moment, pause_text, table};
use crate::cli::ui::{CYAN, GREEN, RED, YELLOW, paint};
use crate::domain::plan::Task;
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::task::{Block, Record, Stage, State};
use crate::domain::text::{counted, printable, span};
use crate::run::Progress;
use crate::run::cleanup::CleanReport;

/// Returns the lines for something that happened; none where there is nothing to say.
pub(crate) fn lines(progress: &Progress<'_>, facts: &Facts) -> Vec<String> {
    match progress {
        Progress::Changed { snapshot, index, before } => changed(snapshot, *index, before, facts),
        Progress::Waits { task, why } => vec![line(YELLOW, "waits", task.as_str(), why)],
        Progress::Rests { until } => {
            let until = moment(until.timestamp().as_millisecond(), facts);
            vec![line(YELLOW, "waits", "run", &format!("nothing can go on before {until}"))]
        }
        Progress::NoRoom { why } => vec![line(YELLOW, "waits", "worktrees", why)],
        Progress::Cleaned(cleaned) => kept(cleaned),
        Progress::Terminal { task, taken: true } => {
            vec![line(CYAN, "alone", task.as_str(), "it runs here, in the foreground")]
        }
        Progress::Remote { text } => vec![line(YELLOW, "remote", "run", text)],
        Progress::Terminal { taken: false, .. } | Progress::Tick(_) => Vec::new(),
        Progress::Stopping { again: false } => {
            vec!["stopping: agents are asked to end (once more to kill them)".into()]
        }
        Progress::Stopping { again: true } => vec!["stopping: agents are killed".into()],
    }
}

fn line(style: anstyle::Style, verb: &str, id: &str, text: &str) -> String {
    format!("{} {id}: {}", paint(style, &format!("{verb:>8}")), printable(text))
}

fn changed(snapshot: &Snapshot, index: usize, before: &Record, facts: &Facts) -> Vec<String> {
    let (task, record) = snapshot.at(index);
    let id = task.id.as_str();
    let took = record.last_attempt().map(|a| span(a.ended.unwrap_or(facts.now) - a.started));
    let took = took.unwrap_or_default();
    let mut lines = Vec::new();
    if record.attempts.len() > before.attempts.len() {
        lines.push(line(CYAN, "started", id, &begun(task, record)));
    }
    match &record.state {
        State::Running { .. } => {}
        State::Pending { stage, .. } => {
            lines.push(line(
                CYAN,
                "next",
                id,
                &format!("{}: {}", stage.name(), why_next(record, *stage, &took)),
            ));
        }
        State::Merging { .. } => {
            let took = span(record.spent(facts.now));
            lines.push(line(CYAN, "finished", id, &finished(task, record, &took)));
        }
        State::Done { merge } => {
            let text = match merge {
                Some(merge) => format!("as {}", merge.short()),
                None => "nothing had to be merged".into(),
            };
            lines.push(line(GREEN, "merged", id, &text));
        }
        State::Paused { pause, .. } => {
            let next = advice::of_pause(&snapshot.run, id, pause, facts);
            let head = line(YELLOW, "paused", id, &pause_text(pause, facts));
            lines.extend(std::iter::once(head).chain(next.iter().map(indented)));
        }
        State::Blocked(block) => lines.extend(if before.state.is_blocked() {
            shown(id, block)
        } else {
            blocked(&snapshot.run, id, record, block, facts)
        }),
        State::Waiting if before.state.is_blocked() => {
            lines.push(line(CYAN, "again", id, &task.title));
        }
        State::Waiting
            if record.is_approved()
                && record.last_attempt().is_some_and(|last| last.stage == Stage::Plan) =>
        {
            lines.push(line(CYAN, "next", id, "its plan is approved: the work begins"));
        }
        State::Waiting => {
            let last = record.last_attempt();
            let ending = last.and_then(|attempt| attempt.ending);
            let ending = ending.map(|ending| ending.to_string()).unwrap_or_default();
            // What a plan lacks.
            let planned = last.filter(|attempt| attempt.stage == Stage::Plan);
            let why = planned.and_then(|attempt| attempt.remarks.first());
            let why = why.map(|why| format!(", {why}")).unwrap_or_default();
            lines.push(line(YELLOW, "ended", id, &format!("{ending}{why}; it begins again later")));
        }
    }
    lines
}

/// Says what leads to a stage: what the one before ended with, or what its merge did.
fn why_next(record: &Record, stage: Stage, took: &str) -> String {
    if let Some(why) = record.sent_back.as_ref().filter(|_| stage.is_mending()) {
        return why.text.clone();
    }
    let Some(attempt) = record.last_attempt() else { return String::new() };
    let name = attempt.stage.name();
    match (&attempt.verdict, attempt.undone) {
        (_, true) => format!("{name} changed files, which was undone"),
        (Some(verdict), _) => {
            let found = match verdict.findings.len() {
                0 => String::new(),
                count => format!(", {}", counted(count, "finding")),
            };
            format!("{name} {} in {took}{found}", verdict.word())
        }
        (None, _) => format!("{name} ended in {took}"),
    }
}

/// Says what a new attempt is for: the task itself, or the stage; and whether it is another one.
fn begun(task: &Task, record: &Record) -> String {
    let stage = record.last_attempt().map_or(Stage::Implement, |attempt| attempt.stage);
    let what = match stage {
        Stage::Implement => task.title.as_str(),
        other => other.name(),
    };
    match record.attempts.iter().filter(|attempt| attempt.stage == stage).count() {
        0 | 1 => what.to_owned(),
        count => format!("{what} (time {count})"),
    }
}

fn finished(task: &Task, record: &Record, took: &str) -> String {
    let attempt = record.last_work();
    let report = attempt.and_then(|attempt| attempt.report.as_ref());
    let said = report.map(|r| format!(", {} {}", r.status, r.message)).unwrap_or_default();
    // A `run` command is not expected to commit.
    let is_agent = task.run.is_none();
    let committed = is_agent && attempt.is_some_and(|attempt| attempt.committed_for_agent);
    let committed = if committed { ", uncommitted work committed for it" } else { "" };
    format!("in {took}{committed}{}", said.trim_end().replace('\n', " "))
}

fn blocked(run: &Run, id: &str, record: &Record, block: &Block, facts: &Facts) -> Vec<String> {
    let head = line(RED, "blocked", id, &format!("{}: {}", block.reason, block.text));
    let next = advice::next(run, id, record, block, facts);
    std::iter::once(head).chain(next.iter().map(indented)).collect()
}

fn indented(text: &String) -> String {
    format!("{:9}  {text}", "")
}

/// Says what became of a pull request.
fn shown(id: &str, block: &Block) -> Vec<String> {
    match (&block.url, &block.unopened) {
        (Some(url), _) => vec![line(CYAN, "opened", id, url)],
        (None, Some(unopened)) => {
            let head = format!("no pull request ({}): {}", unopened.why, unopened.text);
            let next = unopened.next.iter().map(|text| format!("{:9}  {text}", ""));
            std::iter::once(line(YELLOW, "waits", id, &head)).chain(next).collect()
        }
        (None, None) => Vec::new(),
    }
}

fn kept(cleaned: &CleanReport) -> Vec<String> {
    let id = cleaned.task.as_ref().map_or("run", crate::domain::plan::id::TaskId::as_str);
    let text =
        |kept: &crate::run::cleanup::KeptItem| format!("{} stays: {}", kept.what, kept.reason);
    cleaned.kept.iter().map(|kept| line(YELLOW, "kept", id, &text(kept))).collect()
}

/// Returns the lines of the live display: what runs now, and the summary.
pub(crate) fn live(snapshot: &Snapshot, now: i64) -> Vec<String> {
    let active = snapshot.active().map(|index| {
        let (task, record) = snapshot.at(index);
        let took = span(record.spent(now));
        format!("{:>9} {}  {}  {took}", record.state.name(), task.id, printable(&task.title))
    });
    active.chain([table::summary(snapshot)]).collect()
}

/// Returns what is said before anything runs.
pub(crate) fn opening(snapshot: &Snapshot, jobs: u32) -> String {
    let run = &snapshot.run;
    // It is in a layer of its own, and not one of the plan's tasks.
    let last = usize::from(snapshot.plan.final_review().is_some());
    let tasks = counted(snapshot.len() - last, "task");
    let layers = counted(snapshot.dag.layers().len() - last, "layer");
    let review = if last > 0 { " and a final review" } else { "" };
    let at = run.base.short();
    format!(
        "run {}: {tasks} in {layers}{review}, up to {jobs} at once, into {} (from {} at {at})",
        run.name, run.integration, run.base_branch
    )
}
