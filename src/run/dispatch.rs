//! From a task that is ready to a supervisor that runs it.
//!
//! Invariant: nothing is decided and no worktree is made here. What the supervisor needs is
//! written down first, so that it depends on no setting that changes meanwhile.

use std::fs::File;
use std::path::PathBuf;
use std::process::Child;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Drive;
use super::folder::{AttemptFolder, write_json};
use super::place::worktree_path;
use crate::agent::{Agent, Launch, shell};
use crate::crash;
use crate::error::failure;
use crate::plan::{Task, TaskId};
use crate::process::{Program, Streams};
use crate::prompt::{Facts, implement};
use crate::report::Format;
use crate::snapshot::Snapshot;
use crate::task::Record;

/// What a supervisor is to do: `spec.json` in the attempt's folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    pub run: String,
    /// A directory from which the repository is found.
    pub repository: PathBuf,
    pub task: TaskId,
    pub title: String,
    pub attempt: u32,
    pub integration: String,
    pub branch: String,
    pub worktree: PathBuf,
    pub argv: Vec<String>,
    pub format: Format,
    /// A `run` command of the plan, and no agent.
    pub is_command: bool,
    /// What a new worktree is set up with.
    #[serde(default)]
    pub setup: Option<String>,
    /// Seconds.
    pub timeout: u64,
    /// Alone, in the run's own integration checkout.
    pub alone: bool,
    /// With the terminal, where there is one.
    pub terminal: bool,
}

/// Returns the command of a task; fails where there is no agent for it.
fn launch_of(drive: &Drive, task: &Task) -> anyhow::Result<Launch> {
    if let Some(command) = &task.run {
        return Ok(Launch { argv: shell(command), format: Format::Text });
    }
    let agent = task.agent.as_deref().or(drive.settings.agent.as_deref()).ok_or_else(no_agent)?;
    let model = task.model.as_deref();
    Ok(Agent::from_text(agent).launch(model, drive.settings.test.as_deref()))
}

/// Returns the error for a task that nobody could do.
pub fn no_agent() -> anyhow::Error {
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
    let (task, record) = snapshot.find(id).context("the plan has no such task")?;
    let spec = spec_of(drive, snapshot, task, record, alone)?;
    let folder = drive.folder.attempt(id, spec.attempt);
    folder.create()?;
    let is_first = spec.attempt == 1 && !folder.spec().exists();
    std::fs::write(folder.prompt(), prompt_of(drive, snapshot, task, record)?)?;
    write_json(&folder.spec(), &spec)?;
    // A folder of the same name may be left of a run that was removed.
    for stale in [folder.outcome(), folder.agent(), folder.setup_log()] {
        let _ = std::fs::remove_file(stale);
    }
    let child = spawn(&folder, spec.terminal, is_first).context("cannot start the supervisor")?;
    Ok((child, spec.attempt))
}

fn spec_of(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    record: &Record,
    alone: bool,
) -> anyhow::Result<Spec> {
    let Launch { argv, format } = launch_of(drive, task)?;
    let run = &snapshot.run;
    let own = || worktree_path(&drive.git, &drive.settings, &task.id);
    Ok(Spec {
        run: run.name.clone(),
        repository: drive.git.common_dir().to_owned(),
        task: task.id.clone(),
        title: task.title.clone(),
        attempt: record.next_attempt(),
        integration: run.integration.clone(),
        branch: record.branch.clone().unwrap_or_else(|| drive.settings.branch_of(&task.id)),
        worktree: if alone { PathBuf::from(&run.checkout) } else { own() },
        argv,
        format,
        is_command: task.run.is_some(),
        setup: drive.settings.setup.clone(),
        timeout: task.timeout.unwrap_or(drive.settings.timeout),
        alone,
        terminal: alone && std::io::IsTerminal::is_terminal(&std::io::stdin()),
    })
}

fn prompt_of(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    record: &Record,
) -> anyhow::Result<String> {
    let index = snapshot.dag.index(&task.id).context("the plan has no such task")?;
    let title = |i: &usize| snapshot.at(*i).0.title.as_str();
    let branch = drive.settings.branch_of(&task.id);
    let facts = Facts {
        run: &snapshot.run.name,
        task: task.id.as_str(),
        title: &task.title,
        text: &task.prompt,
        branch: record.branch.as_deref().unwrap_or(&branch),
        integration: &snapshot.run.integration,
        builds_on: snapshot.dag.dependencies(index).iter().map(title).collect(),
        needed_by: snapshot.dag.dependents(index).iter().map(title).collect(),
        files: &task.files,
        tests: drive.tests(task),
        notes: &record.notes,
    };
    Ok(implement(&facts)?)
}

fn spawn(folder: &AttemptFolder, terminal: bool, is_first: bool) -> anyhow::Result<Child> {
    let this = std::env::current_exe()?.display().to_string();
    let argv = vec![this, "exec".into(), folder.0.display().to_string()];
    // Of the crash points a supervisor has its own, and only the first one of a task.
    let crash_at = std::env::var_os(crash::EXEC_VARIABLE).filter(|_| is_first);
    let environment = crash_at.map(|at| (crash::VARIABLE.to_owned(), at));
    let unset = match environment {
        Some(_) => Vec::new(),
        None => crash::VARIABLES.to_vec(),
    };
    let streams = match terminal {
        true => Streams::Inherited,
        false => Streams::Files { input: None, output: File::create(folder.supervisor_log())? },
    };
    let directory = folder.0.clone();
    let environment = environment.into_iter().collect();
    Ok(Program { argv, directory, environment, unset, streams }.spawn()?)
}
