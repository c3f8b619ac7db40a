//! What somebody who works by hand is given: where to work, what to read, what to type then.
//!
//! Invariant: pure; every command works when it is pasted, from any directory of the repository.

use super::Facts;
use crate::cli::ui::{BOLD, paint};
use crate::domain::plan::Task;
use crate::domain::shell::quoted;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::Record;
use crate::domain::text::printable;

/// Returns every task that is in somebody's hands.
pub(crate) fn text(snapshot: &Snapshot, facts: &Facts) -> String {
    let out = snapshot.tasks().filter(|(_, record)| record.state.is_by_hand());
    out.map(|(task, record)| block(task, record, facts)).collect()
}

fn block(task: &Task, record: &Record, facts: &Facts) -> String {
    let title = format!("{}: {}", task.id, printable(&task.title));
    let base = record.last_attempt().map(|attempt| attempt.base.short()).unwrap_or_default();
    let branch = record.branch.as_deref().unwrap_or_default();
    let mut text = format!("{}\n  branch    {branch}, from {base}\n", paint(BOLD, &title));
    text += &record.worktree.iter().map(|at| format!("  worktree  {at}\n")).collect::<String>();
    text += &facts
        .files
        .get(&task.id)
        .map(|files| format!("  prompt    {}\n", files.prompt))
        .unwrap_or_default();
    text +=
        &task.run.iter().map(|run| format!("  command   {}\n", printable(run))).collect::<String>();
    next(task, record, facts).iter().for_each(|line| text += &format!("  then      {line}\n"));
    text + "\n"
}

/// Returns the commands for a task that is in somebody's hands.
pub(crate) fn next(task: &Task, record: &Record, facts: &Facts) -> Vec<String> {
    let (id, option) = (&task.id, &facts.option);
    let place = record.worktree.as_deref().map(quoted).unwrap_or_default();
    vec![
        format!("cd {place}   # do it there, and commit"),
        format!("git orchestrate report done --task {id}{option} -m 'what was done'"),
        format!(
            "git orchestrate start --manual{option}   # merges it, and hands out what is ready"
        ),
    ]
}
