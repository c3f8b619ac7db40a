//! The note on a merge commit: who did the work, which checks passed, how long it took.
//!
//! Invariant: lines of `key: value`, each readable by itself. Only the program of an agent's command
//! line is named: the rest may hold a key.

use super::for_others::for_others;
use crate::domain::plan::Task;
use crate::domain::policy::choice::{Actor, Choice};
use crate::domain::policy::pipeline;
use crate::domain::snapshot::Run;
use crate::domain::task::{Record, Stage};
use crate::domain::text::one_line;
use crate::run::Drive;
use crate::system::clock;

/// What is known of the tests when a note is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Checks {
    /// All of them passed, in the last of this many rounds; 0 if there are none.
    Passed { runs: u32 },
    /// Somebody else merged the task.
    Elsewhere,
    /// The process that published it was killed, so they passed in some round.
    Forgotten,
}

/// Returns the note for the merge of a task.
pub(crate) fn note(
    drive: &Drive,
    run: &Run,
    task: &Task,
    record: &Record,
    checks: Checks,
) -> String {
    let mut lines = vec![format!("run: {}", run.name), format!("task: {}", task.id)];
    let defaults = drive.settings.defaults();
    // The note names the author of the work, not its last reviewer.
    let choice = Choice::for_stage(task, record, Stage::Implement, &defaults);
    lines.push(worker(&choice.actor));
    lines.push(format!("attempts: {}", record.spent_attempts()));
    let seconds = record.spent(clock::now_ms()) as f64 / 1000.0;
    lines.push(format!("seconds: {seconds:.1}"));
    lines.extend(used(record));
    if let Some(attempt) = record.last_work() {
        lines.extend(attempt.report.as_ref().map(|report| {
            let message = one_line(&report.message);
            format!("report: {} {message}", report.status).trim_end().to_owned()
        }));
        let left = "uncommitted: changes that the agent left were committed automatically";
        lines.extend(attempt.committed_for_agent.then(|| left.to_owned()));
        lines.push(format!("base: {}", attempt.base));
    }
    lines.extend(
        pipeline::concerns(record).iter().map(|text| format!("concern: {}", one_line(text))),
    );
    lines.extend(reviewed(record));
    lines.extend(tested(&drive.tests(task), checks));
    for_others(&(lines.join("\n") + "\n"))
}

/// Returns the models of the attempts and what they used, as far as that is known.
fn used(record: &Record) -> Vec<String> {
    let mut models: Vec<&str> = record.attempts.iter().filter_map(|a| a.model.as_deref()).collect();
    models.sort_unstable();
    models.dedup();
    let models = (!models.is_empty()).then(|| format!("models: {}", models.join(", ")));
    let Some(usage) = record.usage() else { return models.into_iter().collect() };
    let tokens = format!("tokens: {} in, {} out", usage.input_tokens, usage.output_tokens);
    let cost = usage.cost_usd.map(|cost| format!("cost: {cost}"));
    models.into_iter().chain([tokens]).chain(cost).collect()
}

/// Returns all verdicts of reviews, oldest first.
fn reviewed(record: &Record) -> Option<String> {
    let verdicts = record.attempts.iter().filter_map(|attempt| {
        Some(format!("{} {}", attempt.stage.name(), attempt.verdict.as_ref()?.word()))
    });
    let verdicts: Vec<String> = verdicts.collect();
    (!verdicts.is_empty()).then(|| format!("reviews: {}", verdicts.join(", ")))
}

fn worker(actor: &Actor<'_>) -> String {
    match actor {
        Actor::Command(command) => format!("command: {}", first_line(command)),
        Actor::Agent(agent) => format!("agent: {}", agent.name()),
        Actor::Unknown => "agent: unknown".into(),
    }
}

fn tested(tests: &[&str], checks: Checks) -> Vec<String> {
    let again = match checks {
        Checks::Passed { runs: 2.. } => " (passed when it was run again)",
        Checks::Passed { .. } | Checks::Forgotten => "",
        Checks::Elsewhere => return vec!["tested: no, it was already in the branch".into()],
    };
    match tests {
        [] => vec!["tested: no, no test command is set".into()],
        tests => tests.iter().map(|test| format!("tested: {}{again}", first_line(test))).collect(),
    }
}

/// Returns the first line, with dots if there are more.
fn first_line(text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default().trim_end();
    let more = if lines.next().is_some() { " ..." } else { "" };
    format!("{first}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::Agent;

    #[test]
    fn who_did_it() {
        let agent = |text| worker(&Actor::Agent(Agent::from_text(text)));
        assert_eq!(agent("claude"), "agent: claude");
        assert_eq!(agent("my-agent --token x"), "agent: my-agent");
        assert_eq!(agent("KEY='a b' my-agent"), "agent: a shell command");
        assert_eq!(worker(&Actor::Unknown), "agent: unknown");
        assert_eq!(worker(&Actor::Command("make\nmake check")), "command: make ...");
    }

    #[test]
    fn which_checks_passed() {
        let passed = |runs| tested(&["make test", "cargo test"], Checks::Passed { runs });
        assert_eq!(passed(1), ["tested: make test", "tested: cargo test"]);
        assert!(passed(2)[0].ends_with("(passed when it was run again)"));
        assert_eq!(tested(&["x"], Checks::Elsewhere).len(), 1);
        assert_eq!(tested(&[], Checks::Forgotten), ["tested: no, no test command is set"]);
    }
}
