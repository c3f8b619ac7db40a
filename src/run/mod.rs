//! Runs a plan: from its begin to its end, in the values and events that all parts share.
//!
//! Invariant: no part keeps state that the journal or git does not know, except handles of
//! processes, so each may be killed at any moment and started again. Nothing is printed: events go
//! to `on_event`.

pub(crate) mod attempt;
pub(crate) mod begin;
pub(crate) mod brief;
pub(crate) mod cleanup;
pub(crate) mod compare;
pub(crate) mod decide;
pub(crate) mod drive;
pub(crate) mod end;
pub(crate) mod facts;
pub(crate) mod folder;
pub(crate) mod integration;
pub(crate) mod merge;
pub(crate) mod paths;
pub(crate) mod recover;
pub(crate) mod setup;

pub(crate) use brief::next_prompt;
pub(crate) use drive::drive;

use crate::domain::config::Settings;
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::task::Record;
use crate::git::Git;
use crate::git::remote::RemoteChoice;
use cleanup::CleanReport;
use folder::RunFolder;

/// The trailer of a merge commit that names the task.
const TASK_TRAILER: &str = "Orchestrate-Task";

/// The repository, the settings and the folder of a run.
#[derive(Clone)]
pub(crate) struct Drive {
    pub git: Git,
    pub settings: Settings,
    pub folder: RunFolder,
}

impl Drive {
    pub(crate) fn new(git: &Git, settings: Settings, run: &str) -> Drive {
        Drive { git: git.clone(), settings, folder: RunFolder::new(git, run) }
    }

    /// Returns the remote that the settings mean for a run; `None` if that is not clear.
    pub(crate) fn remote(&self, run: &Run) -> Option<String> {
        match self.git.choose_remote(self.settings.remote.as_deref(), &run.base_branch) {
            Ok(RemoteChoice::Remote(remote)) => Some(remote),
            Ok(RemoteChoice::Several(_) | RemoteChoice::None) | Err(_) => None,
        }
    }

    /// Returns the test commands that must pass before a task is merged.
    pub(crate) fn tests<'a>(&'a self, task: &'a Task) -> Vec<&'a str> {
        [&self.settings.test, &task.test].into_iter().flatten().map(String::as_str).collect()
    }
}

/// An event of a running plan, for the display.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    /// The state of a task changed.
    Changed { snapshot: &'a Snapshot, index: usize, before: &'a Record },
    /// A merge has to wait.
    Waits { task: &'a TaskId, why: &'a str },
    /// No worktree can be made now, because the disk is too full.
    NoRoom { why: &'a str },
    /// All tasks wait until this time, because of usage limits.
    Rests { until: jiff::Zoned },
    /// A merged task was cleaned up, or is kept.
    Cleaned(&'a CleanReport),
    /// A task took the terminal, or returned it to the display.
    Terminal { task: &'a TaskId, taken: bool },
    /// Agents are being stopped.
    Stopping { again: bool },
    /// Somebody else moved the integration branch, and what was done about it.
    Branch { text: &'a str },
    /// News about the remote, or why it could not be reached.
    Remote { text: &'a str },
    /// Time passed.
    Tick(&'a Snapshot),
}

/// How driving a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// All requested tasks are merged.
    Finished,
    /// No task can continue without the user.
    Stuck,
    /// SetupOutcome by this signal.
    Stopped(i32),
}
