//! `show`: one task, its attempts, its commits and changes.
//!
//! Invariant: pure; the status is that of the task's row.

use super::{Row, Rows};
use crate::cli::ui::{BOLD, paint};
use crate::cli::view::advice;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, State};
use crate::domain::text::{printable, span};
use crate::run::facts::{Facts, Work};

/// Returns everything about one task.
pub(crate) fn show(snapshot: &Snapshot, facts: &Facts, index: usize, work: &Work) -> String {
    let row = Rows::new(snapshot, facts).row(index);
    let (task, record) = (row.task, row.record);
    let mut text =
        format!("{} {}\n", paint(BOLD, &format!("task {}:", task.id)), printable(&task.title));
    text += &format!("status: {}\n", status(&row, facts));
    let is_merged = matches!(record.state, State::Done { .. });
    let there = |is_there| match (is_there, is_merged) {
        (true, _) => "",
        (false, true) => " (removed)",
        (false, false) => " (missing)",
    };
    let (branch, place) = (there(work.has_branch), there(!facts.is_gone(task.id.as_str())));
    text += &record.branch.iter().map(|it| format!("branch: {it}{branch}\n")).collect::<String>();
    text +=
        &record.worktree.iter().map(|at| format!("worktree: {at}{place}\n")).collect::<String>();
    let chosen = [("agent", &record.agent), ("model", &record.model)];
    for (what, name) in chosen.iter().filter_map(|(what, name)| Some((what, name.as_ref()?))) {
        text += &format!("{what}: {}, chosen with `retry`\n", printable(name));
    }
    let shown = record.state.block().and_then(advice::pull_request);
    text += &shown.map(|line| line + "\n").unwrap_or_default();
    text += &section("next", &facts.scope.lines(&row.next).join("\n"));
    let is_lost = facts.is_lost(&task.id);
    text += &section(
        "attempts",
        &record.attempts.iter().map(|a| attempt(a, facts, is_lost)).collect::<String>(),
    );
    let of_merge = record.merge_remarks.iter().map(|remark| printable(remark));
    text += &section("merge", &of_merge.collect::<Vec<_>>().join("\n"));
    let commits = work.commits.iter().map(|(id, subject)| format!("{} {subject}\n", id.short()));
    text += &section("commits", &commits.collect::<String>());
    text += &section("changes", &work.diff_stat);
    let answers = record.answers.iter().map(|answer| printable(answer));
    text += &section("answers", &answers.collect::<Vec<_>>().join("\n"));
    text + &section("task", &work.prompt)
}

/// Returns the status in one line, with its reasons.
fn status(row: &Row<'_>, facts: &Facts) -> String {
    let head = match &row.record.state {
        State::Blocked(block) => format!("{} ({})", row.status, block.reason),
        State::Done { merge: Some(merge) } => format!("done, merged in {}", merge.short()),
        State::Done { merge: None } => "done, already up to date".into(),
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Merging { .. }
        | State::Paused { .. } => row.status.to_string(),
    };
    let joint = if row.record.state.is_blocked() { ": " } else { ", " };
    let why = row.words(facts);
    if why.is_empty() { head } else { format!("{head}{joint}{why}") }
}

fn section(name: &str, text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let indented = text
        .lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") });
    format!("\n{}\n{}", paint(BOLD, name), indented.collect::<String>())
}

fn attempt(attempt: &Attempt, facts: &Facts, is_lost: bool) -> String {
    let running = if is_lost { "its supervisor is gone" } else { "running" };
    let ending = attempt.ending.map_or(running.to_owned(), |ending| ending.to_string());
    let took = span(attempt.ended.unwrap_or(facts.now) - attempt.started);
    let (number, stage, base) = (attempt.number, attempt.stage.name(), attempt.base.short());
    let mut line = format!("{number}. {stage}, {took}, {ending}, base {base}\n");
    let agent =
        [attempt.agent.clone(), attempt.model.as_ref().map(|model| format!("model {model}"))];
    let used = attempt.usage.map(|usage| usage.to_string());
    let details: Vec<String> = agent.into_iter().flatten().chain(used).collect();
    if !details.is_empty() {
        line += &format!("   {}\n", printable(&details.join(", ")));
    }
    if let Some(report) = &attempt.report {
        let text = format!("{} {}", report.status, printable(&report.message));
        line += &format!("   {}\n", text.trim_end());
    }
    if let Some(verdict) = &attempt.verdict {
        line += &format!("   {}\n", verdict.word());
        let findings = verdict.findings.iter();
        line +=
            &findings.map(|f| format!("   - {}\n", printable(&f.to_string()))).collect::<String>();
    }
    if attempt.undone {
        line += match attempt.stage.review() {
            Some(_) => "   its changes were undone, so its verdict does not count\n",
            None => "   its changes were undone\n",
        };
    }
    if attempt.committed_for_agent {
        line += "   uncommitted changes were committed automatically\n";
    }
    let concerns = attempt.concerns.iter().map(|it| format!("   concern: {}\n", printable(it)));
    line += &concerns.collect::<String>();
    line += &attempt.remarks.iter().map(|it| format!("   {}\n", printable(it))).collect::<String>();
    line
}
