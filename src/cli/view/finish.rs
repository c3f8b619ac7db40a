//! The description of a run's pull request, and the list of where the run's work is.
//!
//! Invariant: pure. The description of a pull request holds no path of this machine.

use std::fmt::Write;

use super::Facts;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Finish, Hint, Remedy, Step, git};
use crate::domain::task::TaskStatus;
use crate::domain::text::{counted, span};

/// Returns the title of the run's pull request.
pub(crate) fn title(snapshot: &Snapshot) -> String {
    let count = counted(snapshot.count(TaskStatus::Done), "task");
    format!("{}: {count}", snapshot.run.name)
}

/// Returns the description of the run's pull request; `tested` is the command that passed.
pub(crate) fn body(snapshot: &Snapshot, facts: &Facts, tested: Option<&str>) -> String {
    let run = &snapshot.run;
    let at = facts.integration.as_ref().map(|id| format!(" at {}", id.short())).unwrap_or_default();
    let mut text = format!(
        "Run `{}`: {} of {} merged into `{}`{at}, which started from `{}` at {}.\n\n",
        run.name,
        snapshot.count(TaskStatus::Done),
        counted(snapshot.len(), "task"),
        run.integration,
        run.base_branch,
        run.base.short()
    );
    text += "| Task | | Merge | Attempts | Time |\n|---|---|---|---|---|\n";
    for (task, record) in snapshot.tasks().filter(|(_, record)| record.state.is_done()) {
        let merge = record.state.merge().map_or("-", |merge| merge.short());
        let (attempts, time) = (record.attempts.len(), span(record.spent(facts.now)));
        let title = cell(&task.title);
        // Writing to a string cannot fail.
        writeln!(text, "| `{}` | {title} | {merge} | {attempts} | {time} |", task.id)
            .expect("a string takes text");
    }
    section(&mut text, "Checks", &checks(snapshot, tested));
    section(&mut text, "Cost", &cost(snapshot));
    section(&mut text, "Concerns", &concerns(snapshot));
    section(&mut text, "Not done", &not_done(snapshot));
    text
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let lines: String = lines.iter().map(|line| format!("- {line}\n")).collect();
        *text += &format!("\n## {title}\n\n{lines}");
    }
}

/// Returns text that is safe in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn checks(snapshot: &Snapshot, tested: Option<&str>) -> Vec<String> {
    let passed = match tested {
        Some(command) => format!("`{}` passes on the branch as it is", cell(command)),
        None => "not tested: no test command is set".into(),
    };
    let all = snapshot.tasks().flat_map(|(_, record)| &record.attempts);
    let verdicts: Vec<bool> = all.filter_map(|a| Some(a.verdict.as_ref()?.pass)).collect();
    let passing = verdicts.iter().filter(|pass| **pass).count();
    let failing = verdicts.len() - passing;
    let summary = format!("{} passed, {failing} sent work back", counted(passing, "review"));
    std::iter::once(passed).chain((!verdicts.is_empty()).then_some(summary)).collect()
}

fn cost(snapshot: &Snapshot) -> Vec<String> {
    snapshot.usage().map(|usage| usage.to_string()).into_iter().collect()
}

/// Returns what agents were not sure of, and the findings of reviews that passed.
fn concerns(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for (task, record) in snapshot.tasks().filter(|(_, record)| record.state.is_done()) {
        let concerns =
            record.last_work().into_iter().flat_map(crate::domain::task::Attempt::all_concerns);
        lines.extend(concerns.map(|text| format!("`{}`: {}", task.id, cell(text))));
        let passing = record.attempts.iter().filter_map(|attempt| attempt.verdict.as_ref());
        let findings = passing.filter(|verdict| verdict.pass).flat_map(|v| &v.findings);
        lines.extend(findings.map(|found| format!("`{}`: {}", task.id, cell(&found.to_string()))));
    }
    lines
}

fn not_done(snapshot: &Snapshot) -> Vec<String> {
    let open = (0..snapshot.len()).filter(|index| !snapshot.at(*index).1.state.is_done());
    open.map(|index| {
        let (task, record) = snapshot.at(index);
        let state = if record.state.is_blocked() {
            record.state.to_string()
        } else {
            snapshot.status(index).to_string()
        };
        format!("`{}`, {}: {state}", task.id, cell(&task.title))
    })
    .collect()
}

/// Returns where the work of a run is, and what to type next.
pub(crate) fn places(snapshot: &Snapshot, facts: &Facts) -> String {
    let run = &snapshot.run;
    let at = facts.integration.as_ref().map_or("gone".into(), |id| id.short().to_string());
    let mut text = format!(
        "the work is on {} at {at}, {} of {}\n",
        run.integration,
        snapshot.count(TaskStatus::Done),
        counted(snapshot.len(), "task")
    );
    for (task, record) in snapshot.tasks().filter(|(_, record)| !record.state.is_done()) {
        let branch = record.branch.as_deref().unwrap_or("no branch yet");
        let is_there = record.worktree.as_deref().filter(|_| !facts.is_gone(task.id.as_str()));
        let place = is_there.map(|place| format!(", in {place}")).unwrap_or_default();
        text += &format!("task {} is not done: {branch}{place}\n", task.id);
    }
    text += &format!("the journal is refs/orchestrate/runs/{}\n", run.name);
    let lines = facts.scope.lines(&next(snapshot, facts));
    text + &lines.iter().map(|line| format!("{line}\n")).collect::<String>()
}

/// Returns what to do with the work of a run that was kept.
fn next(snapshot: &Snapshot, facts: &Facts) -> Remedy {
    let run = &snapshot.run;
    let resume = (!snapshot.is_finished()).then(|| Step::start().to("Resume the run"));
    let resume = resume.into_iter().collect::<Remedy>();
    if facts.integration.is_none() {
        return resume;
    }
    let range = format!("{}..{}", run.base_branch, run.integration);
    let log = git("log --first-parent --notes=orchestrate").word(range);
    Remedy::from(log.to("See what was merged")).then(resume).or(take(snapshot))
}

/// Returns the command that merges the work of a run that was kept.
fn take(snapshot: &Snapshot) -> Hint {
    let run = &snapshot.run;
    if run.base_branch == "HEAD" {
        let merge = git("merge").word(&run.integration);
        return merge.to("Merge it on the branch that should have the work");
    }
    let others = if run.owns_integration() { "--pr or --discard" } else { "--discard" };
    if snapshot.is_finished() {
        Step::Finish(Finish::Merge).to(format!("Merge it, or use {others} instead"))
    } else {
        let merge = Step::Finish(Finish::MergePart);
        merge.to(format!("Merge what is done so far, or use {others} instead"))
    }
}
