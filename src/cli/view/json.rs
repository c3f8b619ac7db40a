//! `status --json`: the facts of the table, in a shape that programs may rely on.
//!
//! Invariant: `schema` grows when a field changes its meaning or goes; a new field does not.

use serde::Serialize;

use super::{advice, hand_out};
use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::policy::choice::Choice;
use crate::domain::policy::pipeline;
use crate::domain::report::Dollars;
use crate::domain::snapshot::{Closed, Snapshot};
use crate::domain::task::{Drawn, Record, State};
use crate::run::facts::Facts;

#[derive(Serialize)]
struct Status<'a> {
    schema: u32,
    run: &'a str,
    base: Branch<'a>,
    integration: Branch<'a>,
    finished: bool,
    /// How a person finished the run: `how` (merge, pr, keep, discard), `at`, `commit`, `url`.
    closed: Option<&'a Closed>,
    controller: Option<&'a str>,
    /// The newest commit of the journal, for `wait --since`.
    journal: Option<&'a Oid>,
    tasks: Vec<TaskStatus<'a>>,
    /// What to type next, for the run as a whole.
    next: Vec<String>,
}

#[derive(Serialize)]
struct Branch<'a> {
    branch: &'a str,
    commit: Option<&'a Oid>,
}

#[derive(Serialize)]
struct TaskStatus<'a> {
    id: &'a str,
    title: &'a str,
    status: &'a str,
    stage: Option<&'a str>,
    reason: Option<&'a str>,
    /// Without those that a usage limit ended.
    attempts: usize,
    /// How the last attempt ended: `exit 0`, `stopped`, `timed out`; null while it runs.
    ended: Option<String>,
    /// It is told to be running, but its supervisor is gone: nobody is at work until `start`.
    lost: bool,
    /// Somebody outside does the work, and says with `report` how it went.
    by_hand: bool,
    branch: Option<&'a str>,
    worktree: Option<&'a str>,
    /// The commit that the last attempt began from.
    base: Option<&'a Oid>,
    /// The files that hold what the last attempt was asked, and what it printed.
    prompt: Option<&'a str>,
    log: Option<&'a str>,
    model: Option<&'a str>,
    agent: Option<String>,
    /// The shell command that does the task, where no agent does.
    run: Option<&'a str>,
    /// The number of its worktree, while it exists.
    slot: Option<u32>,
    /// The tip of the task's own work.
    commit: Option<&'a Oid>,
    /// The merge commit, when it is done.
    merge: Option<&'a Oid>,
    waits_for: Vec<String>,
    seconds: f64,
    /// The plan that was made before the work, where one was: `show --plan` prints it.
    plan: Option<Planned<'a>>,
    /// What its agent was not sure of, or what was seen at its end; the newest of `concerns`.
    concern: Option<&'a str>,
    /// All that is of concern in the work as it stands, oldest first.
    concerns: Vec<&'a str>,
    /// What all its attempts used, as far as the agents' programs say so; null where none does.
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cost_usd: Option<Dollars>,
    /// When it goes on by itself, where it is paused and that is known.
    until: Option<jiff::Timestamp>,
    /// What happened, where it is blocked or paused; what a merge waits for.
    text: Option<&'a str>,
    files: &'a [String],
    /// The draft pull request that shows a conflict; why there is none.
    url: Option<&'a str>,
    unopened: Option<NoPullRequest<'a>>,
    /// The rules that would allow what it was refused.
    rules: &'a [String],
    /// What to type next.
    next: Vec<String>,
}

#[derive(Serialize)]
struct Planned<'a> {
    approved: bool,
    /// How many questions it leaves open.
    open_questions: usize,
    /// The paths that it says the work changes.
    files: &'a [String],
}

fn planned(drawn: &Drawn) -> Planned<'_> {
    let Drawn { approved, questions, files, .. } = drawn;
    Planned { approved: *approved, open_questions: *questions, files }
}

#[derive(Serialize)]
struct NoPullRequest<'a> {
    why: &'a str,
    text: &'a str,
}

/// Returns the JSON of all tasks, or of one.
pub(crate) fn status(
    snapshot: &Snapshot,
    facts: &Facts,
    only: Option<usize>,
) -> serde_json::Result<String> {
    let run = &snapshot.run;
    let wanted = |index: &usize| only.is_none_or(|only| only == *index);
    let tasks = (0..snapshot.len()).filter(wanted).map(|index| task(snapshot, facts, index));
    serde_json::to_string(&Status {
        schema: 1,
        run: &run.name,
        base: Branch { branch: &run.base_branch, commit: Some(&run.base) },
        integration: Branch { branch: &run.integration, commit: facts.integration.as_ref() },
        finished: snapshot.is_finished(),
        closed: run.closed.as_ref(),
        controller: facts.controller.as_deref(),
        journal: facts.journal.as_ref(),
        tasks: tasks.collect(),
        next: advice::next_of_run(snapshot, facts),
    })
}

fn task<'a>(snapshot: &'a Snapshot, facts: &'a Facts, index: usize) -> TaskStatus<'a> {
    let (task, record) = snapshot.at(index);
    let (last, usage) = (record.last_attempt(), record.usage());
    let (block, files) = (record.state.block(), facts.files.get(&task.id));
    TaskStatus {
        id: task.id.as_str(),
        title: &task.title,
        status: snapshot.status(index),
        stage: stage(record),
        reason: block.map(|block| block.reason.name()),
        attempts: record.spent_attempts(),
        ended: last.and_then(|attempt| attempt.ending).map(|ending| ending.to_string()),
        lost: facts.is_lost(&task.id),
        by_hand: record.state.is_by_hand(),
        branch: record.branch.as_deref(),
        worktree: record.worktree.as_deref(),
        base: last.map(|attempt| &attempt.base),
        prompt: files.map(|files| files.prompt.as_str()),
        log: files.map(|files| files.log.as_str()),
        model: record.model.as_deref().or(task.model.as_deref()),
        agent: agent(task, record, facts),
        run: task.run.as_deref(),
        slot: facts.slots.get(&task.id).copied(),
        commit: commit(record),
        merge: record.state.merge(),
        waits_for: snapshot.missing(index).iter().map(std::string::ToString::to_string).collect(),
        input_tokens: usage.map(|usage| usage.input_tokens),
        output_tokens: usage.map(|usage| usage.output_tokens),
        cost_usd: usage.and_then(|usage| usage.cost_usd),
        seconds: (record.spent(facts.now) as f64 / 100.0).round() / 10.0,
        plan: record.blueprint.as_ref().map(planned),
        concern: pipeline::concerns(record).last().copied(),
        concerns: pipeline::concerns(record),
        until: record.state.pause().and_then(|pause| {
            pause.until.and_then(|until| jiff::Timestamp::from_millisecond(until).ok())
        }),
        text: block.map(|block| block.text.as_str()).or(match &record.state {
            State::Merging { .. } => facts.merges_wait.as_deref(),
            State::Paused { pause, .. } => Some(pause.text.as_str()),
            State::Waiting
            | State::Running { .. }
            | State::Pending { .. }
            | State::Done { .. }
            | State::Blocked(_) => None,
        }),
        files: block.map(|block| block.files.as_slice()).unwrap_or_default(),
        url: block.and_then(|block| block.url.as_deref()),
        unopened: block
            .and_then(|block| block.unopened.as_deref())
            .map(|unopened| NoPullRequest { why: unopened.why.name(), text: &unopened.text }),
        rules: block.map(|block| block.rules.as_slice()).unwrap_or_default(),
        next: match (block, record.state.pause()) {
            (_, Some(pause)) => advice::of_pause(&snapshot.run, task.id.as_str(), pause, facts),
            (Some(block), None) => {
                advice::next(&snapshot.run, task.id.as_str(), record, block, facts)
            }
            (None, None) if facts.is_lost(&task.id) => vec![advice::start(&snapshot.run, facts)],
            (None, None) if record.state.is_by_hand() => hand_out::next(task, record, facts),
            (None, None) => Vec::new(),
        },
    }
}

/// Returns the agent that makes the attempt under way, or the next one; a command has none.
fn agent(task: &Task, record: &Record, facts: &Facts) -> Option<String> {
    let choice = Choice::of(task, record, &facts.defaults);
    choice.agent().map(|agent| agent.text().to_owned())
}

fn stage(record: &Record) -> Option<&'static str> {
    match &record.state {
        State::Running { stage, .. }
        | State::Pending { stage, .. }
        | State::Paused { stage, .. } => Some(stage.name()),
        State::Merging { .. } => Some("merge"),
        State::Waiting | State::Done { .. } | State::Blocked(_) => None,
    }
}

fn commit(record: &Record) -> Option<&Oid> {
    match &record.state {
        State::Merging { commit, .. } => Some(commit),
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Paused { .. }
        | State::Done { .. }
        | State::Blocked(_) => {
            record.attempts.iter().rev().find_map(|attempt| attempt.commit.as_ref())
        }
    }
}
