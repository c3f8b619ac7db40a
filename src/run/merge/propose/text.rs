//! The description of a pull request that shows a conflict.
//!
//! Invariant: Markdown, from the journal alone. Its readers have other clones: it names no path of
//! this machine, and its commands work in any clone.

use std::fmt::Write;

use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::shell::quoted;
use crate::domain::steps::{Scope, Step};
use crate::domain::task::Block;

/// At most this many commits of a task are listed.
pub(super) const MAX_COMMITS: usize = 20;

/// Both sides of a conflict.
pub(super) struct Sides<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) task: &'a Task,
    pub(super) block: &'a Block,
    pub(super) branch: &'a str,
    /// The tip of the task's branch, and its commits: `1234567 Subject`.
    pub(super) theirs: (Oid, Vec<String>),
}

/// Returns the description of a pull request that shows a conflict.
pub(super) fn conflict(sides: &Sides<'_>) -> String {
    let Sides { snapshot, task, block, branch, theirs } = sides;
    let run = &snapshot.run;
    let into = &run.integration;
    let mut text = format!(
        "Task `{}` of run `{}` is done, but conflicts with tasks that were merged before it. It waits \
         for a person; the rest of the run continues.\n\n## What conflicts\n\n",
        task.id, run.name
    );
    // Writing to a string cannot fail.
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes text");
    block.files.iter().for_each(|file| line(format!("- `{file}`")));
    line("\n## Both sides\n".into());
    line(format!("- `{branch}` at {}: task `{}`, {}", theirs.0.short(), task.id, task.title));
    theirs.1.iter().for_each(|commit| line(format!("  - {commit}")));
    let against = block.against.as_ref().map(|at| format!(" at {}", at.short()));
    line(format!("- `{into}`{}", against.unwrap_or_default()));
    block.with.iter().for_each(|id| line(format!("  - {}", other(snapshot, id))));
    let files: Vec<String> = block.files.iter().map(|file| quoted(file)).collect();
    line(format!(
        "\n## How to resolve\n\nIn a clone:\n\n```sh\ngit fetch origin\ngit switch {branch}\n\
         git merge origin/{into}\n# resolve each file, then:\ngit add {}\n\
         git commit\ngit push origin {branch}\n```\n",
        files.join(" ")
    ));
    line(format!(
        "Then take this out of draft and merge it into `{into}`. The next `git orchestrate start`, \
         `merge` or `status --fetch` in the run's repository notices that, tests the result and \
         continues with the tasks that wait. If the conflict is resolved there instead (`{}`), close \
         this pull request.",
        Scope::default().line(&Step::merge(&task.id))
    ));
    text
}

/// Describes a task whose merge is the other side of the conflict.
fn other(snapshot: &Snapshot, id: &str) -> String {
    let found = TaskId::new(id).ok().and_then(|id| snapshot.find(&id));
    let Some((task, record)) = found else { return format!("task `{id}`") };
    let merge = record.state.merge().map(|merge| format!(" ({})", merge.short()));
    format!("task `{id}`, {}{}", task.title, merge.unwrap_or_default())
}
