//! Running a plan: what it is run with, what happens meanwhile, how it ends.
//!
//! Invariant: nothing below keeps what the journal or git does not know, but for handles on
//! processes; it may be killed at any moment and begun again. It prints nothing: what happens
//! goes to `on_event`.

pub(crate) mod attempt;
pub(crate) mod begin;
pub(crate) mod brief;
pub(crate) mod cleanup;
pub(crate) mod compare;
pub(crate) mod drive;
pub(crate) mod end;
pub(crate) mod folder;
pub(crate) mod furnish;
pub(crate) mod merge;
mod merged_by_others;
pub(crate) mod paths;
pub(crate) mod permission;
pub(crate) mod recover;

pub(crate) use brief::prompts::next_prompt;
pub(crate) use drive::drive;

use crate::domain::config::Settings;
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::Record;
use crate::git::Git;
use cleanup::Cleaned;
use folder::RunFolder;

/// What a run is driven with.
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

    /// Returns the commands that must pass before a task is merged.
    pub(crate) fn tests<'a>(&'a self, task: &'a Task) -> Vec<&'a str> {
        [&self.settings.test, &task.test].into_iter().flatten().map(String::as_str).collect()
    }
}

/// Something worth telling while a run goes on.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    /// A task is in another state than before.
    Changed { snapshot: &'a Snapshot, index: usize, before: &'a Record },
    /// A merge cannot go on yet.
    Waits { task: &'a TaskId, why: &'a str },
    /// No worktree can be made yet: the disk is too full.
    NoRoom { why: &'a str },
    /// Nothing goes on before this time: usage limits are reached.
    Rests { until: jiff::Zoned },
    /// What was left of a merged task is gone, or stays.
    Cleaned(&'a Cleaned),
    /// The terminal belongs to a task now, or again to the display.
    Terminal { task: &'a TaskId, taken: bool },
    /// Agents are being stopped.
    Stopping { again: bool },
    /// Something that was seen on the remote, or kept from being seen.
    Remote { text: &'a str },
    /// Time passed.
    Tick(&'a Snapshot),
}

/// How a drive ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Everything that was asked for is merged.
    Finished,
    /// Nothing can go on without a person.
    Stuck,
    /// Ended by this signal.
    Stopped(i32),
}
