//! What a command is about: the repository, the run, the task, the settings in force.
//!
//! Invariant: looks things up and writes nothing. The rules are those of the man page: the
//! named run, the one the caller stands in, the only unfinished one, the newest finished one.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::Context;
use crate::domain::config::{self, FileFault, Layer, Settings};
use crate::domain::error::{WithHint, failure, usage};
use crate::domain::plan::{Plan, TaskId};
use crate::domain::prompt::Templates;
use crate::domain::snapshot::{Flags, Run, Snapshot};
use crate::domain::steps::{self, Remedy, Scope, Step, program, to};
use crate::domain::task::State;
use crate::git::Git;
use crate::git::worktree::same_path;
use crate::journal::settings::{accept_file, require};
use crate::journal::trust;
use crate::journal::{Journal, Tip, no_run, run_names};
use crate::plan::backlog;
use crate::run::Drive;
use crate::run::brief::templates;
use crate::run::drive::controller;
use crate::run::facts::Facts;
use crate::system::process;

/// How many tasks an error names.
const MAX_NAMES: usize = 20;

/// Whether the commands in a settings file may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Commands in it must have been trusted before.
    Required,
    /// It is trusted now, as it is.
    Granted,
    /// No command of it will be run.
    NotNeeded,
}

/// The run that a command acts on.
pub(crate) struct Target {
    pub(crate) journal: Journal,
    pub(crate) tip: Tip,
    pub(crate) drive: Drive,
    /// The options of git that lead to the repository, as in [`Scope`].
    options: Vec<String>,
    /// The caller named the run.
    is_named: bool,
}

impl Context {
    /// Opens the repository that the command acts on.
    pub(crate) fn git(&self) -> anyhow::Result<Git> {
        Git::discover_with(&self.directory, &self.repository)
    }

    /// Finds the run and opens its journal.
    pub(crate) fn target(&self, name: Option<&str>, trust: Trust) -> anyhow::Result<Target> {
        let git = self.git()?;
        let (is_named, options) = (name.is_some(), self.git_options.clone());
        let name = find_run(&git, name)?;
        let mut journal = Journal::new(&git, &name);
        let tip = journal.load()?.ok_or_else(|| no_run(&name))?;
        let settings = settings(&git, &tip.snapshot.run.flags, trust)?;
        if trust == Trust::Required {
            require(&git, &tip.snapshot.run)?;
        }
        let drive = Drive::new(&git, settings, &name);
        Ok(Target { drive, journal, tip, options, is_named })
    }

    /// Returns the scope of suggested commands about no run.
    pub(crate) fn scope(&self) -> Scope {
        Scope { repository: self.git_options.clone(), ..Scope::default() }
    }

    /// Returns the scope of the commands that an error suggests; `named` is the run that the caller
    /// named. What cannot be found out is left out, because the error itself says why.
    pub(crate) fn scope_of_error(&self, named: Option<&str>) -> Scope {
        let Ok(git) = self.git() else { return self.scope() };
        let Ok(name) = find_run(&git, named) else { return self.scope() };
        let tip = Journal::new(&git, &name).load().ok().flatten();
        let run = tip.map(|tip| tip.snapshot.run);
        run.map_or_else(|| self.scope(), |run| self.scope_of(&git, &run, named.is_some()))
    }

    /// Returns the scope of suggested commands about this run.
    pub(crate) fn scope_of(&self, git: &Git, run: &Run, is_named: bool) -> Scope {
        scope(&self.git_options, git, run, is_named)
    }
}

impl Target {
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.tip.snapshot
    }

    /// Returns the scope of suggested commands about this run.
    pub(crate) fn scope(&self) -> Scope {
        scope(&self.options, &self.drive.git, &self.snapshot().run, self.is_named)
    }

    /// Reads the journal again.
    pub(crate) fn reload(&mut self) -> anyhow::Result<()> {
        self.tip = self.journal.newest()?;
        Ok(())
    }

    /// Finds a task by its id or the number in its heading.
    pub(crate) fn task(&self, text: &str) -> anyhow::Result<TaskId> {
        find_task(&self.snapshot().plan, text)
    }

    /// Finds several tasks.
    pub(crate) fn tasks(&self, texts: &[String]) -> anyhow::Result<Vec<TaskId>> {
        texts.iter().map(|text| self.task(text)).collect()
    }

    /// Returns true if nothing will change by itself: the run has no controller, and no agent,
    /// person or merge is at work on a task.
    pub(crate) fn is_idle(&self) -> anyhow::Result<bool> {
        if self.snapshot().is_finished() {
            return Ok(true);
        }
        if self.controller()?.is_some() {
            return Ok(false);
        }
        // A task between two stages, or in the queue of merges, stays there without a controller.
        let is_at_work = |state: &State| match state {
            State::Running { worker, .. } => worker.as_ref().is_none_or(process::is_alive),
            State::Waiting
            | State::Pending { .. }
            | State::Merging { .. }
            | State::Done { .. }
            | State::Blocked(_)
            | State::Paused { .. } => false,
        };
        let mut states = self.snapshot().tasks().map(|(_, record)| &record.state);
        Ok(!states.any(is_at_work) && self.drive.folder.checkout_lock()?.holder_pid().is_none())
    }

    /// Looks up what the snapshot does not hold.
    pub(crate) fn facts(&self) -> anyhow::Result<Facts> {
        Facts::of(&self.drive, &self.tip, self.scope())
    }

    /// Returns the controller of the run, for people; `None` if it is not running.
    pub(crate) fn controller(&self) -> anyhow::Result<Option<String>> {
        Ok(controller::current(&self.drive.folder)?.map(|controller| controller.text))
    }
}

/// Finds a task by its id, the number in its heading, or the id of its ticket.
pub(crate) fn find_task(plan: &Plan, text: &str) -> anyhow::Result<TaskId> {
    // Ids first: the id of one task may be the number of another.
    let by_id = plan.tasks.iter().find(|task| task.id.as_str() == text);
    let is_number = |number: &String| number.eq_ignore_ascii_case(text);
    let by_number = || plan.tasks.iter().find(|task| task.number.as_ref().is_some_and(is_number));
    let is_ticket = |number: &String| backlog::means(text, number);
    let by_ticket = || {
        let mut tickets = plan.tasks.iter().filter(|task| task.ticket.is_some());
        tickets.find(|task| task.number.as_ref().is_some_and(is_ticket))
    };
    by_id.or_else(by_number).or_else(by_ticket).map(|task| task.id.clone()).ok_or_else(|| {
        let names: Vec<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
        let more = if names.len() > MAX_NAMES { ", ..." } else { "" };
        let names = names[..names.len().min(MAX_NAMES)].join(", ");
        usage(
            format!("run '{}' has no task '{text}'", plan.name),
            format!("its tasks are: {names}{more}"),
        )
    })
}

/// Returns the scope of suggested commands about this run. They name it if the caller did, or if
/// another run is unfinished.
fn scope(options: &[String], git: &Git, run: &Run, is_named: bool) -> Scope {
    // A journal that cannot be read must not hide the suggestion.
    let is_open = |name: &String| {
        let tip = Journal::new(git, name).load().ok().flatten();
        tip.is_some_and(|tip| tip.snapshot.is_open())
    };
    let others = || run_names(git).unwrap_or_default().into_iter().filter(|name| *name != run.name);
    let needs_name = is_named || others().any(|name| is_open(&name));
    Scope {
        repository: options.to_vec(),
        run: needs_name.then(|| run.name.clone()),
        manual: run.flags.manual,
        plan: Vec::new(),
    }
}

/// Merges the sources of settings.
pub(crate) fn settings(git: &Git, flags: &Flags, trust: Trust) -> anyhow::Result<Settings> {
    let from_git = Layer::from_git(git.config()?).map_err(|text| {
        let set = steps::git("config --show-origin --get-regexp ^orchestrate").into();
        failure(text, to("See what is set, and which settings there are", [set, manual()]))
    })?;
    Ok(config::merge(flags, from_git, settings_file(git, trust)?))
}

/// Reads the repository's own prompts; fails if one cannot be rendered.
pub(crate) fn prompts(git: &Git, trust: Trust) -> anyhow::Result<Templates> {
    let prompts = templates::read(git)?;
    match trust {
        Trust::NotNeeded => {}
        Trust::Granted => prompts
            .own()
            .try_for_each(|(file, text)| trust::grant(git, file.as_ref(), text.as_bytes()))?,
        Trust::Required => trust::require_prompts(git, prompts.own())?,
    }
    Ok(prompts)
}

/// Returns the error for a settings file with these faults.
fn file_error(faults: &[FileFault]) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(FileFault::located).collect();
    let remedies = faults.iter().filter_map(|fault| fault.remedy.clone());
    let remedy = remedies.fold(Remedy::default(), Remedy::or);
    let manual = manual().to("See the settings");
    failure(lines.join("\n"), remedy.or(manual))
}

fn settings_file(git: &Git, trust: Trust) -> anyhow::Result<Layer> {
    // A bare repository has no checkout, and so no file.
    let Some(top) = git.top_level() else { return Ok(Layer::default()) };
    let path = top.join(config::FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Layer::default()),
        Err(error) => {
            let look = program("ls -ld").word(path.display());
            return Err(error).with_context(|| format!("cannot read {}", config::FILE)).hint(
                look.to("It must be a file in UTF-8 that you may read. Check its owner and mode"),
            );
        }
    };
    let layer = Layer::from_toml(&text).map_err(|faults| file_error(&faults))?;
    match trust {
        Trust::NotNeeded => {}
        Trust::Granted => {
            trust::grant(git, Path::new(config::FILE), text.as_bytes())?;
            accept_file(git)?;
        }
        Trust::Required => {
            let (file, commands) = (Path::new(config::FILE), layer.commands());
            trust::require(git, &trust::CommandFile { file, content: text.as_bytes(), commands })?;
        }
    }
    Ok(layer)
}

/// Returns the name of the run a command is about.
pub(crate) fn find_run(git: &Git, name: Option<&str>) -> anyhow::Result<String> {
    let names = run_names(git)?;
    if let Some(name) = name {
        return if names.iter().any(|known| known == name) {
            Ok(name.to_owned())
        } else {
            Err(usage(format!("there is no run '{name}'"), list(&names)))
        };
    }
    let runs = read_runs(git, &names)?;
    let open: Vec<&Snapshot> = runs.iter().filter(|run| run.is_open()).collect();
    if let Some(here) = stands_in(git, &open)? {
        return Ok(here);
    }
    choose(&runs)
}

/// Returns the name of the run that `finish` acts on. If several wait for a decision, it does not guess:
/// the newest may not be the one that the user means.
pub(crate) fn find_undecided(git: &Git, name: Option<&str>) -> anyhow::Result<String> {
    if name.is_some() {
        return find_run(git, name);
    }
    let runs = read_runs(git, &run_names(git)?)?;
    let undecided: Vec<&Snapshot> = runs.iter().filter(|run| run.run.closed.is_none()).collect();
    if let Some(here) = stands_in(git, &undecided)? {
        return Ok(here);
    }
    match undecided.as_slice() {
        [] => choose(&runs),
        [only] => Ok(only.run.name.clone()),
        several => Err(usage("several runs could be finished", list(&names_of(several)))),
    }
}

/// Returns the runs that wait for a decision, unfinished or finished.
pub(crate) fn undecided(git: &Git) -> anyhow::Result<Vec<Snapshot>> {
    let runs = read_runs(git, &run_names(git)?)?;
    Ok(runs.into_iter().filter(|run| run.run.closed.is_none()).collect())
}

fn read_runs(git: &Git, names: &[String]) -> anyhow::Result<Vec<Snapshot>> {
    let mut runs = Vec::new();
    for name in names {
        let tip = Journal::new(git, name).load()?;
        runs.extend(tip.map(|tip| tip.snapshot));
    }
    Ok(runs)
}

fn names_of(runs: &[&Snapshot]) -> Vec<String> {
    runs.iter().map(|run| run.run.name.clone()).collect()
}

/// Returns the run whose branch or worktree the caller stands in.
fn stands_in(git: &Git, runs: &[&Snapshot]) -> anyhow::Result<Option<String>> {
    let Some(top) = git.top_level() else { return Ok(None) };
    // A HEAD that cannot be read is no reason not to look at the worktrees.
    let branch = git.head().ok().and_then(|(branch, _)| branch);
    let is_here = |run: &&&Snapshot| {
        let of_task = run.tasks().filter_map(|(_, record)| record.worktree.as_deref());
        let mut places = of_task.chain([run.run.checkout.as_str()]);
        branch.as_deref() == Some(run.run.integration.as_str())
            || places.any(|place| same_path(Path::new(place), top))
    };
    Ok(runs.iter().find(is_here).map(|run| run.run.name.clone()))
}

fn choose(runs: &[Snapshot]) -> anyhow::Result<String> {
    let unfinished: Vec<&Snapshot> = runs.iter().filter(|run| run.is_open()).collect();
    // A run that still waits for a decision comes before one that is closed.
    let newest = runs.iter().max_by_key(|run| (run.run.closed.is_none(), run.run.created));
    match (unfinished.as_slice(), newest) {
        ([only], _) => Ok(only.run.name.clone()),
        ([], Some(newest)) => Ok(newest.run.name.clone()),
        ([], None) => {
            Err(failure("there is no run in this repository", Step::begin([]).to("Start one")))
        }
        (several, _) => Err(usage("several runs are unfinished", list(&names_of(several)))),
    }
}

fn list(names: &[String]) -> Remedy {
    match names {
        [] => Step::begin([]).to("There is no run yet. Start one").into(),
        names => format!("name one with --run: {}", names.join(", ")).into(),
    }
}

/// Returns the command that shows the settings in the manual.
fn manual() -> Step {
    Step::Help("configuration")
}

/// Returns the task whose worktree the caller stands in.
pub(crate) fn task_here(git: &Git, snapshot: &Snapshot) -> anyhow::Result<TaskId> {
    let top = git.top_level();
    let is_here = |place: &str| top.is_some_and(|top| same_path(Path::new(place), top));
    let found = snapshot.tasks().find(|(_, r)| r.worktree.as_deref().is_some_and(is_here));
    let Some((task, _)) = found else {
        bail!(usage(
            "no task named, and this is not the worktree of a task",
            "name it with --task TASK"
        ));
    };
    Ok(task.id.clone())
}
