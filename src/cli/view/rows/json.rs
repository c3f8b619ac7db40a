//! `status --json` and `show --json`: the rows of the table, in a shape that programs may rely on.
//!
//! Invariant: `schema` grows when a field changes its meaning or goes; a new field does not.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Row, Rows, Why};
use crate::cli::view::advice;
use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::Choice;
use crate::domain::policy::pipeline;
use crate::domain::report::{Dollars, Report, Usage};
use crate::domain::review::{Finding, Verdict};
use crate::domain::snapshot::{FinishRecord, Snapshot};
use crate::domain::steps::Entry;
use crate::domain::task::{Attempt, BlueprintRecord, Record, State, TaskStatus};
use crate::run::facts::{Facts, Files, JournalEntry, Work};

#[derive(Serialize)]
struct Status<'a> {
    schema: u32,
    run: &'a str,
    base: Branch<'a>,
    integration: Branch<'a>,
    finished: bool,
    /// How a person finished the run: `how` (merge, pr, keep, discard), `at`, `commit`, `url`.
    closed: Option<&'a FinishRecord>,
    controller: Option<&'a str>,
    /// The newest commit of the journal, for `wait --since`.
    journal: Option<&'a Oid>,
    /// How many tasks have each status.
    counts: BTreeMap<&'static str, usize>,
    tasks: Vec<TaskJson<'a>>,
    /// Tasks that a changed plan no longer has; what was spent on them counts.
    dropped: Vec<DroppedJson<'a>>,
    /// What all attempts used, if that is known.
    used: Option<Usage>,
    /// What to type next, for the run as a whole.
    next: Vec<String>,
    /// The same, with what each command is for.
    steps: Vec<Entry>,
}

/// A task that a changed plan no longer has.
#[derive(Serialize)]
struct DroppedJson<'a> {
    id: &'a TaskId,
    branch: Option<&'a str>,
    worktree: Option<&'a str>,
    /// Its worktree exists; `clean` removes it.
    left: bool,
    attempts: usize,
    seconds: f64,
    used: Option<Usage>,
}

fn dropped<'a>(snapshot: &'a Snapshot, facts: &Facts) -> Vec<DroppedJson<'a>> {
    let one = |(id, record): &'a (TaskId, Record)| DroppedJson {
        id,
        branch: record.branch.as_deref(),
        worktree: record.worktree.as_deref(),
        left: record.worktree.is_some() && !facts.is_gone(id.as_str()),
        attempts: record.spent_attempts(),
        seconds: seconds(record.spent(facts.now)),
        used: record.usage(),
    };
    snapshot.dropped().iter().map(one).collect()
}

#[derive(Serialize)]
struct Branch<'a> {
    branch: &'a str,
    commit: Option<&'a Oid>,
}

#[derive(Serialize)]
struct TaskJson<'a> {
    id: &'a str,
    title: &'a str,
    status: TaskStatus,
    stage: Option<&'a str>,
    reason: Option<&'a str>,
    /// Without those that a usage limit ended.
    attempts: usize,
    /// How the last attempt ended: `exit 0`, `stopped`, `timed out`; null while it runs.
    ended: Option<String>,
    /// It is called running, but its supervisor is gone: nothing works on it until `start`.
    lost: bool,
    /// Somebody outside does the work, and says with `report` how it went.
    by_hand: bool,
    branch: Option<&'a str>,
    worktree: Option<&'a str>,
    /// The worktree does not exist, although the task has started.
    worktree_gone: bool,
    /// The commit that the last attempt started from.
    base: Option<&'a Oid>,
    /// The files that hold what the last attempt was asked, and what it printed.
    prompt: Option<&'a str>,
    log: Option<&'a str>,
    model: Option<&'a str>,
    agent: Option<String>,
    /// The shell command that does the task, if no agent does.
    run: Option<&'a str>,
    /// The number of its worktree, while it exists.
    slot: Option<u32>,
    /// The tip of the task's own work.
    commit: Option<&'a Oid>,
    /// The merge commit, when it is done.
    merge: Option<&'a Oid>,
    waits_for: Vec<String>,
    seconds: f64,
    /// The plan that was made before the work, if the run plans first: `show --plan` prints it.
    plan: Option<Planned<'a>>,
    /// What its agent was not sure of, or what was seen at its end; the newest of `concerns`.
    concern: Option<&'a str>,
    /// All that is of concern in the work as it stands, oldest first.
    concerns: Vec<&'a str>,
    /// What all its attempts used, as far as the agents' programs report it; null if none does.
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cost_usd: Option<Dollars>,
    /// When it resumes by itself, if it is paused and that is known.
    until: Option<jiff::Timestamp>,
    /// What happened, if it is blocked or paused; what a merge waits for; else the words of the
    /// first reason.
    text: Option<String>,
    /// Why it stands where it stands, the most pressing reason first.
    why: Vec<WhyJson<'a>>,
    files: &'a [String],
    /// The draft pull request that shows a conflict; why there is none.
    url: Option<&'a str>,
    unopened: Option<NoPullRequest<'a>>,
    /// The rules that would allow what it was refused.
    rules: &'a [String],
    /// What to type next.
    next: Vec<String>,
    /// The same, with what each command is for.
    steps: Vec<Entry>,
    /// All attempts, oldest first.
    history: Vec<AttemptJson<'a>>,
}

#[derive(Serialize)]
struct Planned<'a> {
    approved: bool,
    /// How many questions it leaves open.
    open_questions: usize,
    /// The paths that it says the work changes.
    files: &'a [String],
}

/// The document of `show --json`.
#[derive(Serialize)]
struct Shown<'a> {
    schema: u32,
    run: &'a str,
    integration: Branch<'a>,
    task: ShownTask<'a>,
}

/// What `show` prints of a task beside its row.
#[derive(Serialize)]
struct ShownTask<'a> {
    #[serde(flatten)]
    row: TaskJson<'a>,
    /// The text of the task in the plan; null for one that a command does.
    body: Option<&'a str>,
    /// What `retry` chose for the next attempt.
    chosen_agent: Option<&'a str>,
    chosen_model: Option<&'a str>,
    /// The branch does not exist: it was removed after the merge, or is lost.
    branch_gone: bool,
    /// What the newest work reported.
    report: Option<&'a Report>,
    /// What the newest review found.
    findings: &'a [Finding],
    /// The task's own commits, newest first.
    commits: Vec<CommitJson<'a>>,
    /// `git diff --stat` of them.
    diff_stat: &'a str,
    /// What happened to the task, oldest first.
    events: Vec<EventJson<'a>>,
}

#[derive(Serialize)]
struct CommitJson<'a> {
    commit: &'a Oid,
    subject: &'a str,
}

#[derive(Serialize)]
struct EventJson<'a> {
    at: Option<jiff::Timestamp>,
    /// As `log` prints it, without the task.
    text: &'a str,
    /// The commit of the journal.
    commit: &'a Oid,
}

fn planned(drawn: &BlueprintRecord) -> Planned<'_> {
    let BlueprintRecord { approved, questions, files, .. } = drawn;
    Planned { approved: *approved, open_questions: *questions, files }
}

#[derive(Serialize)]
struct NoPullRequest<'a> {
    why: &'a str,
    text: &'a str,
}

/// One reason; a key that does not apply to its kind is left out.
#[derive(Serialize, Default)]
pub(super) struct WhyJson<'a> {
    kind: &'static str,
    /// The words of the table.
    text: String,
    /// dependency: the tasks that must be merged first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<String>,
    /// file, alone: the task in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
    /// file: the path that both write.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// usage-limit: the program, and when its limit ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<jiff::Timestamp>,
    /// interrupted: how the last attempt ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// silent: for how long.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<i64>,
    /// next: the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    /// conflict: the tasks whose merges it conflicts with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    with: Vec<&'a str>,
    /// tests: the command that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
}

/// Returns a reason as JSON.
pub(super) fn why<'a>(why: &Why<'a>, facts: &Facts) -> WhyJson<'a> {
    let (kind, text) = (why.kind().name(), why.words(facts));
    let plain = WhyJson { kind, text, ..WhyJson::default() };
    match why {
        Why::Dependency { ids } => {
            WhyJson { waits_for: ids.iter().map(ToString::to_string).collect(), ..plain }
        }
        Why::File { held_by, path } => {
            WhyJson { held_by: Some(held_by.to_string()), path: Some(path.clone()), ..plain }
        }
        Why::Alone { held_by } => WhyJson { held_by: Some(held_by.to_string()), ..plain },
        Why::UsageLimit { agent, until, .. } => {
            WhyJson { agent: agent.clone(), until: until.and_then(timestamp), ..plain }
        }
        Why::Interrupted { ending } => WhyJson { ended: Some(ending.to_string()), ..plain },
        Why::Silent { seconds } => WhyJson { seconds: Some(*seconds), ..plain },
        Why::Next { stage, .. } => WhyJson { stage: Some(stage.name()), ..plain },
        Why::Block(block) => WhyJson {
            with: block.with.iter().map(String::as_str).collect(),
            command: block.command.as_deref(),
            ..plain
        },
        Why::NoRoom { .. } | Why::ByHand { .. } | Why::Lost | Why::Merge { .. } | Why::Marked => {
            plain
        }
    }
}

/// One attempt, as `show` prints it.
#[derive(Serialize)]
struct AttemptJson<'a> {
    number: u32,
    stage: &'static str,
    /// The commit that it started from.
    base: &'a Oid,
    started: Option<jiff::Timestamp>,
    seconds: f64,
    /// Null while it runs.
    ended: Option<String>,
    agent: Option<&'a str>,
    model: Option<&'a str>,
    /// The tip of the task's branch afterwards.
    commit: Option<&'a Oid>,
    report: Option<&'a Report>,
    verdict: Option<&'a Verdict>,
    /// A reviewer or planner changed files; that was undone, and a verdict does not count.
    undone: bool,
    /// Uncommitted changes were committed automatically.
    committed_for_agent: bool,
    concerns: &'a [String],
    remarks: &'a [String],
    /// The files that hold what it was asked, and what it printed.
    prompt: Option<&'a str>,
    log: Option<&'a str>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cost_usd: Option<Dollars>,
}

fn attempt<'a>(attempt: &'a Attempt, files: Option<&'a Files>, facts: &Facts) -> AttemptJson<'a> {
    let usage = attempt.usage;
    AttemptJson {
        number: attempt.number,
        stage: attempt.stage.name(),
        base: &attempt.base,
        started: timestamp(attempt.started),
        seconds: seconds(attempt.ended.unwrap_or(facts.now) - attempt.started),
        ended: attempt.ending.map(|ending| ending.to_string()),
        agent: attempt.agent.as_deref(),
        model: attempt.model.as_deref(),
        commit: attempt.commit.as_ref(),
        report: attempt.report.as_ref(),
        verdict: attempt.verdict.as_ref(),
        undone: attempt.undone,
        committed_for_agent: attempt.committed_for_agent,
        concerns: &attempt.concerns,
        remarks: &attempt.remarks,
        prompt: files.map(|files| files.prompt.as_str()),
        log: files.map(|files| files.log.as_str()),
        input_tokens: usage.map(|usage| usage.input_tokens),
        output_tokens: usage.map(|usage| usage.output_tokens),
        cost_usd: usage.and_then(|usage| usage.cost_usd),
    }
}

fn timestamp(milliseconds: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(milliseconds).ok()
}

/// Returns seconds with one digit behind the point.
fn seconds(milliseconds: i64) -> f64 {
    (milliseconds.max(0) as f64 / 100.0).round() / 10.0
}

/// Returns the JSON of all tasks, or of one.
pub(crate) fn status(
    snapshot: &Snapshot,
    facts: &Facts,
    only: Option<usize>,
) -> serde_json::Result<String> {
    let run = &snapshot.run;
    let rows = Rows::new(snapshot, facts).rows(only);
    let next = advice::next_of_run(snapshot, facts);
    serde_json::to_string(&Status {
        schema: 1,
        run: &run.name,
        base: Branch { branch: &run.base_branch, commit: Some(&run.base) },
        integration: Branch { branch: &run.integration, commit: facts.integration.as_ref() },
        finished: snapshot.is_finished(),
        closed: run.closed.as_ref(),
        controller: facts.controller.as_ref().map(|it| it.text.as_str()),
        journal: facts.journal.as_ref(),
        counts: TaskStatus::ALL.map(|it| (it.name(), snapshot.count(it))).into(),
        tasks: rows.into_iter().map(|row| task(snapshot, facts, row)).collect(),
        dropped: dropped(snapshot, facts),
        used: snapshot.usage(),
        next: facts.scope.commands(&next),
        steps: facts.scope.entries(&next),
    })
}

fn event(entry: &JournalEntry) -> EventJson<'_> {
    let at = jiff::Timestamp::from_second(entry.at).ok();
    EventJson { at, text: &entry.text, commit: &entry.commit }
}

/// Returns the JSON of everything about one task.
pub(crate) fn show(
    snapshot: &Snapshot,
    facts: &Facts,
    index: usize,
    work: &Work,
    events: &[JournalEntry],
) -> serde_json::Result<String> {
    let row = Rows::new(snapshot, facts).row(index);
    let (record, run) = (row.record, &snapshot.run);
    let verdict = pipeline::newest(record);
    serde_json::to_string(&Shown {
        schema: 1,
        run: &run.name,
        integration: Branch { branch: &run.integration, commit: facts.integration.as_ref() },
        task: ShownTask {
            body: row.task.run.is_none().then_some(row.task.prompt.as_str()),
            chosen_agent: record.agent.as_deref(),
            chosen_model: record.model.as_deref(),
            branch_gone: record.branch.is_some() && !work.has_branch,
            report: record.last_work().and_then(|work| work.report.as_ref()),
            findings: verdict.map(|verdict| verdict.findings.as_slice()).unwrap_or_default(),
            commits: work
                .commits
                .iter()
                .map(|(commit, subject)| CommitJson { commit, subject })
                .collect(),
            diff_stat: &work.diff_stat,
            events: events.iter().map(event).collect(),
            row: task(snapshot, facts, row),
        },
    })
}

fn task<'a>(snapshot: &'a Snapshot, facts: &'a Facts, row: Row<'a>) -> TaskJson<'a> {
    let Row { index, task, record, status, .. } = row;
    let (last, usage) = (record.last_attempt(), record.usage());
    let files = facts.files.get(&task.id).map(Vec::as_slice).unwrap_or_default();
    let (block, newest) = (record.state.block(), files.last());
    TaskJson {
        id: task.id.as_str(),
        title: &task.title,
        status,
        stage: stage(record),
        reason: block.map(|block| block.reason.name()),
        attempts: record.spent_attempts(),
        ended: last.and_then(|attempt| attempt.ending).map(|ending| ending.to_string()),
        lost: facts.is_lost(&task.id),
        by_hand: record.state.is_by_hand(),
        branch: record.branch.as_deref(),
        worktree: record.worktree.as_deref(),
        worktree_gone: facts.is_gone(task.id.as_str()),
        base: last.map(|attempt| &attempt.base),
        prompt: newest.map(|files| files.prompt.as_str()),
        log: newest.map(|files| files.log.as_str()),
        // What `retry` chose goes before what the plan says.
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
        seconds: seconds(row.spent),
        plan: record.blueprint.as_ref().map(planned),
        concern: row.concerns.last().copied(),
        text: text(record, facts, &row),
        why: row.why.iter().map(|it| why(it, facts)).collect(),
        concerns: row.concerns,
        until: record.state.pause().and_then(|pause| timestamp(pause.until?)),
        files: block.map(|block| block.files.as_slice()).unwrap_or_default(),
        url: block.and_then(|block| block.url.as_deref()),
        unopened: block
            .and_then(|block| block.unopened.as_deref())
            .map(|unopened| NoPullRequest { why: unopened.why.name(), text: &unopened.text }),
        rules: block.map(|block| block.rules.as_slice()).unwrap_or_default(),
        next: facts.scope.commands(&row.next),
        steps: facts.scope.entries(&row.next),
        history: record
            .attempts
            .iter()
            .enumerate()
            .map(|(number, it)| attempt(it, files.get(number), facts))
            .collect(),
    }
}

/// Returns the raw text of a block, a pause or a merge that is held up, else the first reason's.
fn text(record: &Record, facts: &Facts, row: &Row<'_>) -> Option<String> {
    match &record.state {
        State::Blocked(block) => Some(block.text.clone()),
        State::Paused { pause, .. } => Some(pause.text.clone()),
        State::Merging { .. } => facts.merges_wait.clone(),
        State::Waiting | State::Running { .. } | State::Pending { .. } | State::Done { .. } => {
            row.why.first().map(|why| why.words(facts))
        }
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
