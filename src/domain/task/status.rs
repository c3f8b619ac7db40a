//! The status of a task in one word, as in the table and the JSON.
//!
//! Invariant: the names are part of the JSON contract.

use std::fmt;

use serde::{Serialize, Serializer};

use super::State;

/// The word for a task's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TaskStatus {
    /// A dependency is not merged yet.
    Waiting,
    /// All dependencies are merged; it may start.
    Ready,
    /// An attempt is at work, or the next one starts as soon as there is a place.
    Running,
    /// It waits to be merged.
    Merging,
    Done,
    /// It needs a person.
    Blocked,
    /// It waits for the end of a usage limit.
    Paused,
}

impl TaskStatus {
    /// Every status, in the order in which a summary names them.
    pub(crate) const ALL: [TaskStatus; 7] = [
        TaskStatus::Done,
        TaskStatus::Running,
        TaskStatus::Merging,
        TaskStatus::Blocked,
        TaskStatus::Paused,
        TaskStatus::Ready,
        TaskStatus::Waiting,
    ];

    /// Returns the name, as in the JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            TaskStatus::Waiting => "waiting",
            TaskStatus::Ready => "ready",
            TaskStatus::Running => "running",
            TaskStatus::Merging => "merging",
            TaskStatus::Done => "done",
            TaskStatus::Blocked => "blocked",
            TaskStatus::Paused => "paused",
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for TaskStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl State {
    /// Returns the status of a task in this state; whether a waiting task is ready depends on the
    /// others (see [`crate::domain::snapshot::Snapshot::status`]).
    pub(crate) fn status(&self) -> TaskStatus {
        match self {
            State::Waiting => TaskStatus::Waiting,
            State::Running { .. } | State::Pending { .. } => TaskStatus::Running,
            State::Merging { .. } => TaskStatus::Merging,
            State::Done { .. } => TaskStatus::Done,
            State::Blocked(_) => TaskStatus::Blocked,
            State::Paused { .. } => TaskStatus::Paused,
        }
    }
}
