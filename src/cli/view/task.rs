//! `show`: one task, its attempts, its commits and changes.
//!
//! Invariant: as `view`: text from facts that others looked up.

use super::{Facts, LOST, advice, pause_text};
use crate::cli::ui::{BOLD, paint};
use crate::cli::view::table;
use crate::domain::oid::Oid;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, Record, State};
use crate::domain::text::{printable, span};

/// What git and the run's folder say of a task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// Commits of the task, newest first.
    pub commits: Vec<(Oid, String)>,
    /// `git diff --stat` of them.
    pub diff_stat: String,
    /// The task's branch is there.
    pub has_branch: bool,
    /// The text that the last attempt was given, or the task's own.
    pub prompt: String,
}

/// Returns all there is to know of one task.
pub(crate) fn show(snapshot: &Snapshot, facts: &Facts, index: usize, work: &Work) -> String {
    let (task, record) = snapshot.at(index);
    let mut text =
        format!("{} {}\n", paint(BOLD, &format!("task {}:", task.id)), printable(&task.title));
    text += &format!("status: {}\n", status(snapshot, facts, index, record));
    let is_merged = matches!(record.state, State::Done { .. });
    let there = |is_there| match (is_there, is_merged) {
        (true, _) => "",
        (false, true) => " (removed)",
        (false, false) => " (not there)",
    };
    let (branch, place) = (there(work.has_branch), there(!facts.is_gone(task.id.as_str())));
    text += &record.branch.iter().map(|it| format!("branch: {it}{branch}\n")).collect::<String>();
    text +=
        &record.worktree.iter().map(|at| format!("worktree: {at}{place}\n")).collect::<String>();
    let chosen = [("agent", &record.agent), ("model", &record.model)];
    for (what, name) in chosen.iter().filter_map(|(what, name)| Some((what, name.as_ref()?))) {
        text += &format!("{what}: {}, as 'retry' said\n", printable(name));
    }
    if let State::Blocked(block) = &record.state {
        let next = advice::next(&snapshot.run, task.id.as_str(), record, block, facts);
        text += &section("next", &next.join("\n"));
    }
    if let Some(pause) = record.state.pause() {
        let next = advice::of_pause(&snapshot.run, task.id.as_str(), pause, facts);
        text += &section("next", &next.join("\n"));
    }
    let is_lost = facts.is_lost(&task.id);
    text += &section(
        "attempts",
        &record.attempts.iter().map(|a| attempt(a, facts, is_lost)).collect::<String>(),
    );
    let commits = work.commits.iter().map(|(id, subject)| format!("{} {subject}\n", id.short()));
    text += &section("commits", &commits.collect::<String>());
    text += &section("changes", &work.diff_stat);
    text + &section("prompt", &work.prompt)
}

fn status(snapshot: &Snapshot, facts: &Facts, index: usize, record: &Record) -> String {
    match &record.state {
        State::Blocked(block) => format!("blocked ({}): {}", block.reason, printable(&block.text)),
        State::Paused { pause, .. } => format!("paused, {}", pause_text(pause, facts)),
        State::Done { merge: Some(merge) } => format!("done, merged in {}", merge.short()),
        State::Done { merge: None } => "done, nothing had to be merged".into(),
        State::Waiting | State::Running { .. } | State::Pending { .. } | State::Merging { .. } => {
            let lost = facts.is_lost(snapshot.dag.id(index)).then(|| format!(", but {LOST}"));
            let waits = table::waits(snapshot, index).map(|text| format!(", {text}"));
            let more = lost.or(waits).unwrap_or_default();
            format!("{}{more}", snapshot.status(index))
        }
    }
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
    let at_work = if is_lost { "its supervisor is gone" } else { "at work" };
    let ending = attempt.ending.map_or(at_work.to_owned(), |ending| ending.to_string());
    let took = span(attempt.ended.unwrap_or(facts.now) - attempt.started);
    let (number, stage, base) = (attempt.number, attempt.stage.name(), attempt.base.short());
    let mut line = format!("{number}. {stage}, {took}, {ending}, base {base}\n");
    let who = [attempt.agent.clone(), attempt.model.as_ref().map(|model| format!("model {model}"))];
    let used = attempt.usage.map(|usage| usage.to_string());
    let facts: Vec<String> = who.into_iter().flatten().chain(used).collect();
    if !facts.is_empty() {
        line += &format!("   {}\n", printable(&facts.join(", ")));
    }
    if let Some(report) = &attempt.report {
        let said = format!("{} {}", report.status, printable(&report.message));
        line += &format!("   {}\n", said.trim_end());
    }
    if let Some(verdict) = &attempt.verdict {
        line += &format!("   {}\n", verdict.word());
        let findings = verdict.findings.iter();
        line +=
            &findings.map(|f| format!("   - {}\n", printable(&f.to_string()))).collect::<String>();
    }
    if attempt.undone {
        line += match attempt.stage.review() {
            Some(_) => "   what it changed was undone, so its verdict did not count\n",
            None => "   what it changed was undone\n",
        };
    }
    if attempt.committed_for_agent {
        line += "   what it had left uncommitted was committed for it\n";
    }
    let concerns = attempt.concerns.iter().map(|it| format!("   concern: {}\n", printable(it)));
    line += &concerns.collect::<String>();
    line += &attempt.remarks.iter().map(|it| format!("   {}\n", printable(it))).collect::<String>();
    line
}
