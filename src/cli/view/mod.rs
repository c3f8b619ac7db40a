//! From a snapshot to text: rows for people, JSON for programs, the same facts in both.
//!
//! Invariant: pure. Nothing here prints, reads git or asks the clock; what a snapshot does
//! not hold comes in as [`Facts`].

pub(crate) mod advice;
pub(crate) mod change;
pub(crate) mod compare;
pub(crate) mod doctor;
pub(crate) mod finish;
pub(crate) mod hand_out;
pub(crate) mod json;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod task;
pub(crate) mod tickets;
mod undo;
pub(crate) mod waited;

use std::collections::{HashMap, HashSet};

use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::task::{Pause, Record};
use crate::domain::text::{printable, span};
use crate::run::folder::{AttemptFolder, RunFolder};

/// What is shown beside a snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Where the integration branch stands.
    pub integration: Option<Oid>,
    /// Milliseconds since 1970.
    pub now: i64,
    /// The caller's zone, for times of day.
    pub zone: Option<jiff::tz::TimeZone>,
    /// Who drives the run now.
    pub controller: Option<String>,
    /// What commands need to be about this run where there are several: ` --run NAME`.
    pub option: String,
    /// The numbers of the tasks' worktrees.
    pub slots: HashMap<TaskId, u32>,
    /// Why nothing can be merged now.
    pub merges_wait: Option<String>,
    /// Tasks that have begun and whose worktree is not there.
    pub gone: HashSet<TaskId>,
    /// The agent of tasks that name none.
    pub agent: Option<String>,
    /// Running tasks without supervisor and agent, while nobody drives the run.
    pub lost: HashSet<TaskId>,
    /// Why no worktree can be made now.
    pub no_room: Option<String>,
    /// The newest commit of the journal.
    pub journal: Option<Oid>,
    /// For how many seconds agents have printed nothing.
    pub silent: HashMap<TaskId, i64>,
    /// Where prompts and logs are; `None` where nobody asks.
    pub folder: Option<RunFolder>,
}

impl Facts {
    /// Returns true where the worktree of a task that has begun is not there.
    pub(crate) fn is_gone(&self, id: &str) -> bool {
        self.gone.iter().any(|gone| gone.as_str() == id)
    }

    /// Returns true where a task is told to be running, and nobody is at work on it.
    pub(crate) fn is_lost(&self, id: &TaskId) -> bool {
        self.lost.contains(id)
    }

    /// Returns a time (milliseconds since 1970) for people, and how long it is until then.
    pub(crate) fn at(&self, milliseconds: i64) -> String {
        let zone = self.zone.clone().unwrap_or(jiff::tz::TimeZone::UTC);
        let at = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default();
        let at = at.to_zoned(zone).strftime("%F %H:%M").to_string();
        match milliseconds - self.now {
            left if left > 0 => format!("{at} (in {})", span(left)),
            _ => at,
        }
    }

    /// Returns the file that holds what a task's last attempt was asked to do.
    pub(crate) fn prompt(&self, task: &Task, record: &Record) -> Option<String> {
        Some(self.attempt(task, record)?.prompt().display().to_string())
    }

    /// Returns the file that holds what a task's last attempt printed.
    pub(crate) fn log(&self, task: &Task, record: &Record) -> Option<String> {
        Some(self.attempt(task, record)?.log().display().to_string())
    }

    fn attempt(&self, task: &Task, record: &Record) -> Option<AttemptFolder> {
        let number = record.last_attempt()?.number;
        Some(self.folder.as_ref()?.attempt(&task.id, number))
    }
}

/// What is said of a running task whose supervisor is gone.
const LOST: &str = "nobody is at work: its supervisor is gone; 'start' goes on with it";

/// Says what a task waits for whose agent reached a usage limit, and until when.
pub(crate) fn pause_text(pause: &Pause, facts: &Facts) -> String {
    let until = match pause.until {
        Some(until) => format!("goes on at {}", facts.at(until)),
        None => "it does not say until when".to_owned(),
    };
    format!("{until}: {}", printable(&pause.text))
}
