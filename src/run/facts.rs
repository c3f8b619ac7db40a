//! What is asked of the world beside a snapshot: locks, disk space, worktrees, processes, logs.
//!
//! Invariant: [`Facts`] is plain data, so that whatever shows it stays pure. Everything is asked
//! here, once per look, and nothing is written.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::domain::config::Defaults;
use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::Scope;
use crate::domain::task::{Attempt, Record, State, TaskStatus};
use crate::git::worktree::ownership::slot_of;
use crate::journal::{Tip, journal_ref};
use crate::run::Drive;
use crate::run::drive::controller;
use crate::run::drive::space::why_no_room;
use crate::run::merge::explain::why_not_built_on;
use crate::run::merge::publish::why_waits;
use crate::run::recover::is_lost;
use crate::system::clock;

pub(crate) use crate::run::drive::controller::Controller;

/// What is shown beside a snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// The tip of the integration branch.
    pub integration: Option<Oid>,
    /// Milliseconds since 1970.
    pub now: i64,
    /// The caller's zone, for times of day.
    pub zone: Option<jiff::tz::TimeZone>,
    /// The process that drives the run now.
    pub controller: Option<Controller>,
    /// Where suggested commands are typed, and what they act on.
    pub scope: Scope,
    /// The numbers of the tasks' worktrees.
    pub slots: HashMap<TaskId, u32>,
    /// Why nothing can be merged now.
    pub merges_wait: Option<String>,
    /// Tasks that have begun and whose worktree does not exist.
    pub gone: HashSet<TaskId>,
    /// Who does a task that names nobody.
    pub defaults: Defaults,
    /// Running tasks without supervisor and agent, while nobody drives the run.
    pub lost: HashSet<TaskId>,
    /// Why no worktree can be made now.
    pub no_room: Option<String>,
    /// The newest commit of the journal.
    pub journal: Option<Oid>,
    /// For how many seconds running agents have printed nothing.
    pub silent: HashMap<TaskId, i64>,
    /// The files of each task's attempts, oldest first.
    pub files: HashMap<TaskId, Vec<Files>>,
}

/// The files of an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// What the agent was asked to do.
    pub prompt: String,
    /// What the agent printed.
    pub log: String,
}

impl Facts {
    /// Looks up everything for a run but the scope: that needs the journal of every run, which a
    /// caller that looks several times a second cannot afford.
    pub(crate) fn of(drive: &Drive, tip: &Tip, scope: Scope) -> anyhow::Result<Facts> {
        let (git, run) = (&drive.git, &tip.snapshot.run);
        let controller = controller::current(&drive.folder)?;
        let merges = tip.snapshot.count(TaskStatus::Merging) > 0;
        let merges_wait = if merges { why_waits(git, &run.integration)? } else { None };
        let merges_wait = match merges_wait {
            None if merges => why_not_built_on(git, &drive.folder, &tip.snapshot)?,
            why => why,
        };
        Ok(Facts {
            scope,
            merges_wait,
            no_room: why_no_room(drive, &tip.snapshot),
            lost: if controller.is_none() { lost(drive, &tip.snapshot) } else { HashSet::new() },
            slots: slots(&tip.snapshot),
            gone: gone(&tip.snapshot),
            silent: silent(drive, &tip.snapshot),
            defaults: drive.settings.defaults(),
            integration: git.find_branch(&run.integration)?,
            now: clock::now_ms(),
            zone: Some(clock::now().time_zone().clone()),
            controller,
            journal: Some(tip.commit.clone()),
            files: files(drive, &tip.snapshot),
        })
    }

    /// Returns true if the worktree of a task that has begun does not exist.
    pub(crate) fn is_gone(&self, id: &str) -> bool {
        self.gone.iter().any(|gone| gone.as_str() == id)
    }

    /// Returns true if the journal calls a task running, but no process works on it.
    pub(crate) fn is_lost(&self, id: &TaskId) -> bool {
        self.lost.contains(id)
    }
}

/// Returns the numbers of the worktrees that exist.
fn slots(snapshot: &Snapshot) -> HashMap<TaskId, u32> {
    let slot = |record: &Record| slot_of(Path::new(record.worktree.as_deref()?));
    let of_task = |(task, record): (&Task, &Record)| Some((task.id.clone(), slot(record)?));
    snapshot.tasks().filter_map(of_task).collect()
}

/// Returns the tasks whose worktrees do not exist any more.
fn gone(snapshot: &Snapshot) -> HashSet<TaskId> {
    let is_gone = |record: &Record| {
        record.worktree.as_deref().is_some_and(|place| !Path::new(place).join(".git").exists())
    };
    let planned = snapshot.tasks().map(|(task, record)| (&task.id, record));
    let dropped = snapshot.dropped().iter().map(|(id, record)| (id, record));
    let begun = planned.chain(dropped).filter(|(_, record)| is_gone(record));
    begun.map(|(id, _)| id.clone()).collect()
}

/// Returns the running tasks that no process works on.
fn lost(drive: &Drive, snapshot: &Snapshot) -> HashSet<TaskId> {
    let run = &snapshot.run.name;
    let lost = snapshot.tasks().filter(|(task, record)| is_lost(drive, run, &task.id, record));
    lost.map(|(task, _)| task.id.clone()).collect()
}

/// Returns for how many seconds the running agents have printed nothing.
pub(crate) fn silent(drive: &Drive, snapshot: &Snapshot) -> HashMap<TaskId, i64> {
    let now = clock::system_time();
    let of_task = |(task, record): (&Task, &Record)| {
        let State::Running { worker: Some(_), .. } = record.state else { return None };
        let number = record.last_attempt()?.number;
        let log = drive.folder.attempt(&task.id, number).log().metadata().ok()?;
        let silent = now.duration_since(log.modified().ok()?).ok()?;
        Some((task.id.clone(), i64::try_from(silent.as_secs()).ok()?))
    };
    snapshot.tasks().filter_map(of_task).collect()
}

/// Returns the files of each task's attempts, whether or not they exist.
fn files(drive: &Drive, snapshot: &Snapshot) -> HashMap<TaskId, Vec<Files>> {
    let path = |file: std::path::PathBuf| file.display().to_string();
    let of_task = |(task, record): (&Task, &Record)| {
        let of_attempt = |attempt: &Attempt| {
            let folder = drive.folder.attempt(&task.id, attempt.number);
            Files { prompt: path(folder.prompt()), log: path(folder.log()) }
        };
        (task.id.clone(), record.attempts.iter().map(of_attempt).collect())
    };
    snapshot.tasks().map(of_task).collect()
}

/// What git holds of one task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// Commits of the task, newest first.
    pub commits: Vec<(Oid, String)>,
    /// `git diff --stat` of them.
    pub diff_stat: String,
    /// The task's branch exists.
    pub has_branch: bool,
    /// The task's own text, or its command.
    pub prompt: String,
}

/// An event in the journal, as its commit tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JournalEntry {
    pub commit: Oid,
    /// Seconds since 1970.
    pub at: i64,
    /// The subject without the task.
    pub text: String,
}

/// Returns the events of one task, oldest first.
pub(crate) fn events(drive: &Drive, run: &str, id: &TaskId) -> anyhow::Result<Vec<JournalEntry>> {
    let log = drive.git.timed_log(&journal_ref(run))?;
    let entry = |(commit, at, subject): (Oid, i64, String)| {
        let text = subject.strip_prefix(id.as_str())?.strip_prefix(": ")?.to_owned();
        Some(JournalEntry { commit, at, text })
    };
    Ok(log.into_iter().filter_map(entry).collect())
}

/// Looks up the commits of one task.
pub(crate) fn work(drive: &Drive, snapshot: &Snapshot, id: &TaskId) -> anyhow::Result<Work> {
    let (task, record) = snapshot.task(id)?;
    let prompt = match &task.run {
        Some(command) => format!("run: {command}"),
        None => task.prompt.clone(),
    };
    let git = &drive.git;
    let on_branch =
        record.branch.as_deref().map(|name| git.find_branch(name)).transpose()?.flatten();
    let has_branch = on_branch.is_some();
    let last = record.attempts.iter().rev().find_map(|attempt| attempt.commit.clone());
    let (Some(from), Some(tip)) = (origin(drive, snapshot, record)?, on_branch.or(last)) else {
        return Ok(Work { prompt, has_branch, ..Work::default() });
    };
    let commits = git.log(&from, tip.as_str())?;
    Ok(Work { commits, diff_stat: git.diff_stat(&from, &tip)?, prompt, has_branch })
}

/// Returns the commit after which everything on the task's branch is its own work: the parent of its
/// merge, or else the integration branch, which the others have been merged into.
fn origin(drive: &Drive, snapshot: &Snapshot, record: &Record) -> anyhow::Result<Option<Oid>> {
    if let Some(merge) = record.state.merge() {
        return Ok(drive.git.parent(merge)?.or_else(|| record.base().cloned()));
    }
    let integration = drive.git.find_branch(&snapshot.run.integration)?;
    Ok(record.base().and(integration))
}
