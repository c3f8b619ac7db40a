//! From a task that is ready to a supervisor that runs it.
//!
//! Invariant: nothing is decided and no worktree is made here. What the supervisor needs is
//! written down first, so that it depends on no setting that changes meanwhile.

pub(crate) mod conversation;
pub(crate) mod prompts;
pub(crate) mod templates;
pub(crate) mod unchanged;

use std::fs::File;
use std::path::PathBuf;
use std::process::Child;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Drive;
use super::folder::{AttemptFolder, write_json};
use super::paths::worktree_path;
use crate::domain::agent::{Agent, Launch};
use crate::domain::config::TicketDone;
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::chosen;
use crate::domain::policy::choice::{self, Choice, Class};
use crate::domain::policy::pipeline::{self, Pipeline};
use crate::domain::report::Format;
use crate::domain::review::Review;
use crate::domain::shell::shell;
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::task::{Attempt, Record, Stage, State};
use crate::system::crash;
use crate::system::process::{self, Program, Streams};
use prompts::{Told, write_prompts};

/// What a supervisor is to do: `spec.json` in the attempt's folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub run: String,
    /// A directory from which the repository is found.
    pub repository: PathBuf,
    pub task: TaskId,
    pub title: String,
    pub attempt: u32,
    pub integration: String,
    /// What the run was started from.
    #[serde(default)]
    pub base_branch: String,
    pub branch: String,
    pub worktree: PathBuf,
    pub argv: Vec<String>,
    pub format: Format,
    /// The program of the agent; `None` for a `run` command.
    #[serde(default)]
    pub agent: Option<String>,
    /// The model that it is told to use.
    #[serde(default)]
    pub model: Option<String>,
    /// The class that its model was chosen by; `None` where the plan names one.
    #[serde(default)]
    pub class: Option<Class>,
    /// A `run` command of the plan, and no agent.
    pub is_command: bool,
    /// What a new worktree is set up with.
    #[serde(default)]
    pub setup: Option<String>,
    /// Seconds.
    pub timeout: u64,
    /// Seconds for `setup`; as `timeout` where nothing is said.
    #[serde(default)]
    pub setup_timeout: Option<u64>,
    /// Seconds in which it must print or change something; 0 for none.
    #[serde(default)]
    pub idle: u64,
    /// Alone, in the run's own integration checkout.
    pub alone: bool,
    /// With the terminal, where there is one.
    pub terminal: bool,
    /// Somebody outside does the work: nothing is launched.
    #[serde(default)]
    pub by_hand: bool,
    /// Goes on with the conversation of the attempt before; told what `resume.md` says.
    #[serde(default)]
    pub resume: Option<Vec<String>>,
    pub stage: Stage,
    /// What the task goes through when the work is done.
    #[serde(default)]
    pub reviews: Vec<Review>,
    #[serde(default)]
    pub rounds: u32,
    /// The ticket that the task was made of: a path relative to the top level.
    #[serde(default)]
    pub ticket: Option<String>,
    /// The ticket's acceptance criteria, by their numbers, as the run knows them.
    #[serde(default)]
    pub criteria: Vec<(usize, String)>,
    /// The ticket is set to done with the work.
    #[serde(default)]
    pub sets_done: bool,
    /// A plan that it makes is approved by itself.
    #[serde(default)]
    pub approves: bool,
    /// The commit that a stage after the first begins on.
    #[serde(default)]
    pub begins_on: Option<Oid>,
    /// What the run began on, which the review of all that was merged reads from.
    #[serde(default)]
    pub run_base: Option<Oid>,
    /// The commit that this review has read before.
    #[serde(default)]
    pub read_before: Option<Oid>,
}

impl Spec {
    pub(crate) fn pipeline(&self) -> Pipeline<'_> {
        Pipeline { reviews: &self.reviews, rounds: self.rounds }
    }

    /// Returns the merge candidate that the attempt is to mend.
    pub(super) fn candidate(&self) -> Option<&Oid> {
        self.begins_on.as_ref().filter(|_| self.stage == Stage::FixTests)
    }
}

/// Who does a task's next attempt, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// An agent that is launched, in the task's own worktree.
    Apart,
    /// An agent that is launched alone, in the integration checkout.
    Alone,
    /// Somebody outside, in the task's own worktree.
    ByHand,
}

/// Returns the command for a stage of a task; fails where there is no agent for it.
fn launch_of(
    drive: &Drive,
    run: &Run,
    task: &Task,
    record: &Record,
    stage: Stage,
    model: Option<&str>,
) -> anyhow::Result<Launch> {
    if let Some(command) = command_of(task, stage) {
        return Ok(Launch { argv: shell(command), format: Format::Text });
    }
    let agent = agent_of(drive, task, record, stage).ok_or_else(no_agent)?;
    let test = drive.settings.test.as_deref();
    let launch = if !stage.is_work() {
        agent.launch_reviewer(model, test).allowing(&for_reader(allowed(drive, run)))
    } else {
        agent.launch(model, test).allowing(&allowed(drive, run))
    };
    Ok(launch.reading(&next_folder(drive, task, record).0))
}

/// Returns the folder of a task's next attempt, where what its agent is to read lies.
pub(super) fn next_folder(drive: &Drive, task: &Task, record: &Record) -> AttemptFolder {
    drive.folder.attempt(&task.id, record.next_attempt())
}

/// Returns the rules for what an agent may do beside its work: the run's own commands too.
pub(super) fn allowed(drive: &Drive, run: &Run) -> Vec<String> {
    let setup = drive.settings.setup.iter().map(|command| format!("Bash({command})"));
    let added = run.flags.allow.iter().filter(|rule| !drive.settings.allow.contains(rule));
    drive.settings.allow.iter().chain(added).cloned().chain(setup).collect()
}

/// Leaves out what would let a reviewer change files.
pub(super) fn for_reader(rules: Vec<String>) -> Vec<String> {
    let writes = |rule: &str| {
        ["Edit", "MultiEdit", "NotebookEdit", "Write"].iter().any(|tool| rule.starts_with(tool))
    };
    rules.into_iter().filter(|rule| !writes(rule)).collect()
}

/// Returns the reviews of a task: a command has none, unless the plan asks for them.
fn reviews_of(drive: &Drive, task: &Task) -> Vec<Review> {
    match (&task.reviews, &task.run) {
        (Some(reviews), _) => reviews.clone(),
        (None, Some(_)) => Vec::new(),
        (None, None) => drive.settings.reviews.clone(),
    }
}

/// Returns the shell command that does this stage of a task: what is found in its work, an agent
/// settles.
fn command_of(task: &Task, stage: Stage) -> Option<&String> {
    task.run.as_ref().filter(|_| stage == Stage::Implement)
}

/// Returns the agent that does this stage of a task, where one does.
pub(super) fn agent_of(drive: &Drive, task: &Task, record: &Record, stage: Stage) -> Option<Agent> {
    let name = chosen(task, record, drive.settings.agent.as_deref());
    name.filter(|_| command_of(task, stage).is_none()).map(Agent::from_text)
}

/// Returns the model that an attempt is made with, where a name is known, and the class that it
/// is of, where it was chosen.
pub(super) fn model_of(
    drive: &Drive,
    task: &Task,
    record: &Record,
    stage: Stage,
) -> (Option<String>, Option<Class>) {
    let agent = agent_of(drive, task, record, stage).map(|agent| agent.name()).unwrap_or_default();
    let choice = choice::of_attempt(task, record, stage);
    let name = choice.and_then(|choice| drive.settings.models.name(choice, &agent));
    match choice {
        Some(Choice::Class(class)) => (name, Some(class)),
        Some(Choice::Named(_)) | None => (name, None),
    }
}

/// Returns the error for a task that nobody could do.
pub(crate) fn no_agent() -> anyhow::Error {
    failure(
        "no agent is set, and the plan has tasks without a 'run' command",
        "name one: git orchestrate start --agent claude, or git config orchestrate.agent claude",
    )
}

/// Starts the supervisor of a task's next attempt; returns it and the attempt's number.
pub(super) fn launch(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    alone: bool,
) -> anyhow::Result<(Child, u32)> {
    let way = if alone { Way::Alone } else { Way::Apart };
    let number = snapshot.find(id).map_or(1, |(_, record)| record.next_attempt());
    let is_first = number == 1 && !drive.folder.attempt(id, number).spec().exists();
    let (folder, spec) = write_down(drive, snapshot, id, number, way)?;
    let child = spawn(&folder, spec.terminal, is_first).context("cannot start the supervisor")?;
    Ok((child, spec.attempt))
}

/// Writes down what an attempt is to do, and its prompt.
pub(super) fn write_down(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    number: u32,
    way: Way,
) -> anyhow::Result<(AttemptFolder, Spec)> {
    let (task, record) = snapshot.find(id).context("the plan has no such task")?;
    let spec = Spec { attempt: number, ..spec_of(drive, snapshot, task, record, way)? };
    let folder = drive.folder.attempt(id, number);
    folder.create()?;
    write_prompts(&folder, &spec, &Told::new(drive, snapshot, task, record, &folder)?)?;
    write_json(&folder.spec(), &spec)?;
    // A folder of the same name may be left of a run that was removed.
    let of_agent = [folder.agent(), folder.log(), folder.trace(), folder.picture()];
    for stale in [folder.outcome(), folder.setup_log(), folder.stop()].into_iter().chain(of_agent) {
        let _ = std::fs::remove_file(stale);
    }
    Ok((folder, spec))
}

/// Returns what the next attempt of a task is to do.
pub(super) fn spec_of(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    record: &Record,
    way: Way,
) -> anyhow::Result<Spec> {
    let stage = stage_of(task, record);
    let (model, class) = model_of(drive, task, record, stage);
    let alone = way == Way::Alone;
    let terminal = alone && stage.is_work() && std::io::IsTerminal::is_terminal(&std::io::stdin());
    let Launch { argv, format } = match way {
        Way::ByHand => Launch { argv: Vec::new(), format: Format::Text },
        Way::Alone if terminal && task.run.is_none() => {
            let folder = next_folder(drive, task, record);
            let agent = agent_of(drive, task, record, stage).ok_or_else(no_agent)?;
            let test = drive.settings.test.as_deref();
            let launch = agent.launch_beside(model.as_deref(), test, &folder.prompt());
            launch.allowing(&allowed(drive, &snapshot.run)).reading(&folder.0)
        }
        Way::Apart | Way::Alone => {
            launch_of(drive, &snapshot.run, task, record, stage, model.as_deref())?
        }
    };
    let run = &snapshot.run;
    let own = || worktree_path(&drive.git, &drive.settings, &task.id);
    Ok(Spec {
        run: run.name.clone(),
        repository: drive.git.common_dir().to_owned(),
        task: task.id.clone(),
        title: task.title.clone(),
        attempt: record.next_attempt(),
        integration: run.integration.clone(),
        base_branch: run.base_branch.clone(),
        branch: record.branch.clone().unwrap_or_else(|| drive.settings.branch_of(&task.id)),
        worktree: if alone { PathBuf::from(&run.checkout) } else { own() },
        argv,
        format,
        agent: agent_of(drive, task, record, stage).map(|agent| agent.name()),
        model,
        class,
        is_command: command_of(task, stage).is_some(),
        setup: drive.settings.setup.clone(),
        timeout: drive.settings.limit_of(stage, task.timeout),
        setup_timeout: Some(drive.settings.setup_limit()),
        idle: drive.settings.idle,
        alone,
        terminal,
        by_hand: way == Way::ByHand,
        resume: match way {
            Way::Apart => conversation::resumed(drive, &snapshot.run, task, record),
            Way::Alone | Way::ByHand => None,
        },
        stage,
        begins_on: record.pending().and_then(|(_, commit)| commit.cloned()),
        reviews: reviews_of(drive, task),
        rounds: drive.settings.rounds,
        ticket: task.ticket.clone(),
        criteria: task.criteria.iter().map(|it| (it.index, it.text.clone())).collect(),
        sets_done: drive.settings.ticket_done == TicketDone::Auto,
        approves: drive.settings.yes,
        run_base: (stage == Stage::FinalReview).then(|| run.base.clone()),
        read_before: stage.review().and_then(|kind| read_before(record, kind)),
    })
}

/// Returns the stage of the next attempt; of one that is under way, its own.
pub(super) fn stage_of(task: &Task, record: &Record) -> Stage {
    match &record.state {
        State::Running { stage, .. } => *stage,
        _ => record.next_stage(task),
    }
}

/// Returns the commit that a review has read before.
fn read_before(record: &Record, kind: Review) -> Option<Oid> {
    pipeline::latest(record, kind)?;
    let stage = Stage::of_review(kind);
    let of_stage = |attempt: &&Attempt| attempt.stage == stage && attempt.verdict.is_some();
    record.attempts.iter().rev().find(of_stage)?.tip.clone()
}

fn spawn(folder: &AttemptFolder, terminal: bool, is_first: bool) -> anyhow::Result<Child> {
    let this = process::this_program()?.display().to_string();
    let argv = vec![this, "exec".into(), folder.0.display().to_string()];
    // Of the crash points a supervisor has its own, and only the first one of a task.
    let crash_at = std::env::var_os(crash::EXEC_VARIABLE).filter(|_| is_first);
    let environment = crash_at.map(|at| (crash::VARIABLE.to_owned(), at));
    let unset = match environment {
        Some(_) => Vec::new(),
        None => crash::VARIABLES.to_vec(),
    };
    let streams = if terminal {
        Streams::Inherited
    } else {
        Streams::Files { input: None, output: File::create(folder.supervisor_log())? }
    };
    let directory = folder.0.clone();
    let environment = environment.into_iter().collect();
    Ok(Program { argv, directory, environment, unset, streams }.spawn()?)
}
