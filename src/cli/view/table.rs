//! `status` for people: a row for each task, and one line that sums up.
//!
//! Invariant: one column layout whatever is shown; colour adds nothing that the words lack.

use super::{Facts, LOST, advice, hand_out, moment, pause_text};
use crate::cli::ui::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, paint};
use crate::domain::policy::choice::Choice;
use crate::domain::policy::limits::UsageLimits;
use crate::domain::policy::pipeline;
use crate::domain::report;
use crate::domain::snapshot::{Closed, How, Run, Snapshot, Wait};
use crate::domain::task::{Record, Stage, State};
use crate::domain::text::{counted, printable, span};

/// From when on it is told that an agent is silent.
const SILENT_SECONDS: i64 = 5 * 60;

struct Row {
    id: String,
    status: String,
    time: String,
    title: String,
    /// Lines below the row.
    more: Vec<String>,
}

/// Returns the table of all tasks, or of one.
pub(crate) fn status(snapshot: &Snapshot, facts: &Facts, only: Option<usize>) -> String {
    let wanted = |index: &usize| only.is_none_or(|only| only == *index);
    let rows: Vec<Row> =
        (0..snapshot.len()).filter(wanted).map(|index| row(snapshot, facts, index)).collect();
    let width = |of: fn(&Row) -> &str, least: usize| {
        rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0).max(least)
    };
    let (id, status) = (width(|row| &row.id, 4), width(|row| &row.status, 6));
    let time = width(|row| &row.time, 4);
    let mut text = heading(snapshot, facts);
    let head = format!("  {:id$}  {:status$}  {:>time$}  TITLE", "TASK", "STATUS", "TIME");
    text.push_str(&format!("{}\n", paint(DIM, &head)));
    for (index, row) in rows.iter().enumerate() {
        let place = only.unwrap_or(index);
        let shown = paint(colour(snapshot, place), &format!("{:status$}", row.status));
        text.push_str(&format!("  {:id$}  {shown}  {:>time$}  {}\n", row.id, row.time, row.title));
        row.more.iter().for_each(|line| text.push_str(&format!("  {:id$}  {line}\n", "")));
    }
    let next = advice::next_of_run(snapshot, facts);
    let next = next.iter().map(|line| format!("nobody drives this run: {line}\n"));
    text + &summary(snapshot) + "\n" + &used(snapshot) + &next.collect::<String>()
}

fn heading(snapshot: &Snapshot, facts: &Facts) -> String {
    let run = &snapshot.run;
    let at = facts.integration.as_ref().map(|id| format!(" at {}", id.short())).unwrap_or_default();
    let driven = match &facts.controller {
        Some(who) => format!(", driven by {who}"),
        None => String::new(),
    };
    let name = paint(BOLD, &run.name);
    let over = run.closed.as_ref().map(|told| format!("finished: {}\n", closed(run, told)));
    let over = over.unwrap_or_default();
    format!("run {name}: {}{at}, from {}{driven}\n{over}", run.integration, run.base_branch)
}

/// Says how a run was finished.
pub(crate) fn closed(run: &Run, closed: &Closed) -> String {
    match (closed.how, &closed.url) {
        (How::Merge, _) => {
            let at = closed.commit.as_ref().map(|commit| format!(" at {}", commit.short()));
            format!("merged into {}{}", run.base_branch, at.unwrap_or_default())
        }
        (How::Pr, Some(url)) => format!("pull request: {}", printable(url)),
        (How::Pr, None) => "a pull request".into(),
        (How::Keep, _) => "kept as it is".into(),
        (How::Discard, _) => "being discarded".into(),
    }
}

fn colour(snapshot: &Snapshot, index: usize) -> anstyle::Style {
    match &snapshot.at(index).1.state {
        State::Done { .. } => GREEN,
        State::Blocked(_) => RED,
        State::Running { .. } | State::Pending { .. } => CYAN,
        State::Merging { .. } | State::Paused { .. } => YELLOW,
        State::Waiting => DIM,
    }
}

fn row(snapshot: &Snapshot, facts: &Facts, index: usize) -> Row {
    let (task, record) = snapshot.at(index);
    let time =
        if record.attempts.is_empty() { "-".to_owned() } else { span(record.spent(facts.now)) };
    let status = match &record.state {
        State::Blocked(block) => format!("blocked: {}", block.reason),
        State::Running { worker: None, .. } => "by hand".to_owned(),
        State::Running { stage, .. } | State::Pending { stage, .. }
            if *stage != Stage::Implement =>
        {
            stage.name().to_owned()
        }
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Merging { .. }
        | State::Paused { .. }
        | State::Done { .. } => snapshot.status(index).to_owned(),
    };
    let more = more(snapshot, facts, index, record);
    Row { id: task.id.to_string(), status, time, title: printable(&task.title), more }
}

fn more(snapshot: &Snapshot, facts: &Facts, index: usize, record: &Record) -> Vec<String> {
    match &record.state {
        State::Waiting => waits(snapshot, index)
            .or_else(|| rests(snapshot, facts, index))
            .or_else(|| no_room(snapshot, facts, index))
            .into_iter()
            .chain(interrupted(record))
            .collect(),
        State::Running { worker: None, .. } => hand_out::next(snapshot.at(index).0, record, facts),
        State::Blocked(block) => {
            let id = snapshot.dag.id(index).as_str();
            let next = advice::next(&snapshot.run, id, record, block, facts);
            let next = next.into_iter().map(|line| format!("  {line}"));
            let shown = advice::pull_request(block);
            std::iter::once(printable(&block.text)).chain(shown).chain(next).collect()
        }
        State::Merging { .. } => {
            let waits = facts.merges_wait.iter().map(|why| format!("waits: {why}"));
            waits.chain(concerns(record)).collect()
        }
        State::Running { worker: Some(_), .. } if facts.is_lost(snapshot.dag.id(index)) => {
            std::iter::once(LOST.to_owned()).chain(concerns(record)).collect()
        }
        State::Running { worker: Some(_), .. } => {
            silence(snapshot, facts, index).into_iter().chain(concerns(record)).collect()
        }
        State::Paused { pause, .. } => {
            let id = snapshot.dag.id(index).as_str();
            let next = advice::of_pause(&snapshot.run, id, pause, facts);
            let next = next.into_iter().map(|line| format!("  {line}"));
            std::iter::once(pause_text(pause, facts)).chain(next).collect()
        }
        State::Pending { .. } => {
            rests(snapshot, facts, index).into_iter().chain(concerns(record)).collect()
        }
        State::Done { .. } => concerns(record),
    }
}

/// Says that the task's agent has reached a usage limit in another task.
pub(crate) fn rests(snapshot: &Snapshot, facts: &Facts, index: usize) -> Option<String> {
    let (task, record) = snapshot.at(index);
    let can_begin = snapshot.is_ready(index) || matches!(record.state, State::Pending { .. });
    let agent = Choice::of(task, record, &facts.defaults).program().filter(|_| can_begin)?;
    let limit = UsageLimits::of(snapshot, facts.now).of_program(Some(&agent))?;
    let until = limit.until.map(|until| format!(", which ends at {}", moment(until, facts)));
    Some(format!("waits for the usage limit of {agent}{}", until.unwrap_or_default()))
}

/// Says that an agent has printed nothing for a while, which may mean that it hangs.
fn silence(snapshot: &Snapshot, facts: &Facts, index: usize) -> Option<String> {
    let seconds = *facts.silent.get(snapshot.dag.id(index))?;
    (seconds >= SILENT_SECONDS).then(|| format!("silent for {}", span(seconds * 1000)))
}

/// Says that work on a task was broken off, and goes on.
fn interrupted(record: &Record) -> Option<String> {
    let ending = record.last_attempt()?.ending.filter(|ending| {
        matches!(ending, crate::domain::task::Ending::Stopped | crate::domain::task::Ending::Lost)
    })?;
    Some(format!("its last attempt was {ending}; the next one goes on in the same worktree"))
}

/// Returns why a task that is ready does not begin, where its worktree has no room.
pub(crate) fn no_room(snapshot: &Snapshot, facts: &Facts, index: usize) -> Option<String> {
    let (task, record) = snapshot.at(index);
    let is_new = task.parallel_safe && record.worktree.is_none() && snapshot.is_ready(index);
    facts.no_room.as_ref().filter(|_| is_new).map(|why| format!("waits: {why}"))
}

fn concerns(record: &Record) -> Vec<String> {
    pipeline::concerns(record).iter().map(|text| format!("concern: {}", printable(text))).collect()
}

/// Returns what a task waits for, in one line.
pub(crate) fn waits(snapshot: &Snapshot, index: usize) -> Option<String> {
    let waits = snapshot.waits(index);
    let missing = waits.iter().filter_map(|wait| match wait {
        Wait::Dependency(id) => Some(id.as_str()),
        Wait::Files(..) | Wait::Alone(_) => None,
    });
    let missing = missing.collect::<Vec<_>>();
    match (missing.as_slice(), waits.first()) {
        ([], Some(Wait::Files(id, path))) => {
            Some(format!("waits for {id}, which writes {path} too"))
        }
        ([], Some(Wait::Alone(id))) => {
            Some(format!("waits for {id}: one of the two must run alone"))
        }
        ([], Some(Wait::Dependency(_)) | None) => None,
        (names, _) => Some(format!("waits for {}", names.join(", "))),
    }
}

/// Returns a line that says what all attempts used, where that is known.
fn used(snapshot: &Snapshot) -> String {
    let usage = report::sum(snapshot.tasks().filter_map(|(_, record)| record.usage()));
    usage.map(|usage| format!("used {usage}\n")).unwrap_or_default()
}

/// Returns the whole run in one line.
pub(crate) fn summary(snapshot: &Snapshot) -> String {
    let mut parts =
        vec![format!("{} of {} merged", snapshot.count("done"), counted(snapshot.len(), "task"))];
    for status in ["running", "merging", "blocked", "paused", "ready", "waiting"] {
        let count = snapshot.count(status);
        parts.extend((count > 0).then(|| format!("{count} {status}")));
    }
    parts.join(", ")
}
