//! A changed plan, for people: the difference task by task, and a unified diff of the texts.
//!
//! Invariant: pure; each task is shown with what the run has done of it already.

use crate::cli::ui::{BOLD, CYAN, GREEN, RED, paint};
use crate::domain::plan::{Plan, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::text::{counted, printable};
use crate::plan::change::{EdgeChange, PlanChange};

/// Returns the difference between a run's plan and another one; `done` are tasks that the run had
/// before, and merged.
pub(crate) fn text(
    snapshot: &Snapshot,
    new: &Plan,
    change: &PlanChange,
    done: &[TaskId],
) -> String {
    let mut text = format!("the plan of run '{}': {}\n", snapshot.run.name, summary(change));
    for id in &change.added {
        let title = new.task(id).map(|task| printable(&task.title)).unwrap_or_default();
        let known = if done.contains(id) {
            " (already merged in this run; it does not run again)"
        } else {
            ""
        };
        text += &line("added", id, &format!("{title}{known}"));
    }
    for id in &change.dropped {
        text += &line("dropped", id, &dropped(snapshot, id));
    }
    for EdgeChange { id, before, after } in &change.edges {
        let now = format!("on {} (before: {})", names(after), names(before));
        text += &line("depends", id, &now);
    }
    for reworded in &change.reworded {
        text += &line("reworded", &reworded.id, status(snapshot, &reworded.id));
    }
    for id in &change.marked {
        let is_new = snapshot.find(id).is_none_or(|(_, record)| record.attempts.is_empty());
        let known = if is_new {
            "it will not run".to_owned()
        } else {
            format!("it stays {} in the run, which has begun it", status(snapshot, id))
        };
        text += &line("done", id, &known);
    }
    for id in &change.unmarked {
        text += &line("reopened", id, "it will run");
    }
    if let Some(diff) = &change.preamble {
        text += &format!("  {:8}  of the plan, for all tasks\n", "preamble");
        text += &coloured(diff);
    }
    change.reworded.iter().for_each(|reworded| text += &coloured(&reworded.diff));
    text
}

fn summary(change: &PlanChange) -> String {
    let kinds = [
        (change.added.len(), "added"),
        (change.dropped.len(), "dropped"),
        (change.reworded.len(), "reworded"),
        (change.marked.len(), "marked as done"),
        (change.unmarked.len(), "no longer marked as done"),
        (change.edges.len(), "with changed dependencies"),
    ];
    let counts = kinds.into_iter().filter(|(count, _)| *count > 0);
    let counts = counts.map(|(count, kind)| format!("{} {kind}", counted(count, "task")));
    let preamble = change.preamble.iter().map(|_| "another preamble".to_owned());
    counts.chain(preamble).collect::<Vec<_>>().join(", ")
}

fn line(kind: &str, id: &TaskId, text: &str) -> String {
    format!("  {kind:8}  {id}: {text}\n")
}

fn names(ids: &[TaskId]) -> String {
    match ids {
        [] => "nothing".into(),
        ids => ids.iter().map(TaskId::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn status(snapshot: &Snapshot, id: &TaskId) -> &'static str {
    snapshot.dag.index(id).map_or("new", |index| snapshot.status(index).name())
}

fn dropped(snapshot: &Snapshot, id: &TaskId) -> String {
    let branch = snapshot.find(id).and_then(|(_, record)| record.branch.clone());
    match branch {
        Some(branch) => format!("{}; its branch {branch} is kept", status(snapshot, id)),
        None => "not started".into(),
    }
}

fn coloured(diff: &str) -> String {
    let paint_line = |line: &str| match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => paint(BOLD, line),
        [b'+', ..] => paint(GREEN, line),
        [b'-', ..] => paint(RED, line),
        [b'@', ..] => paint(CYAN, line),
        _ => line.to_owned(),
    };
    diff.lines().map(|line| paint_line(&printable(line)) + "\n").collect()
}
