//! What a task's record keeps of its blueprint.
//!
//! Invariant: the record holds only what decisions need. The text is a file of its own in the
//! journal, since records are read at every look at the run.

use serde::{Deserialize, Serialize};

use crate::domain::task::{Event, Record};

/// The newest blueprint of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlueprintRecord {
    /// The number of the attempt that wrote it.
    pub attempt: u32,
    /// The paths that it declares to change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The number of its open questions.
    #[serde(default)]
    pub questions: usize,
    /// The user approved it, or started the run with `--yes`.
    #[serde(default)]
    pub approved: bool,
}

impl Record {
    /// Returns true if the blueprint is approved, so that the work may begin.
    pub fn is_approved(&self) -> bool {
        self.blueprint.as_ref().is_some_and(|drawn| drawn.approved)
    }
}

impl Event {
    /// Returns the text of the blueprint in the event.
    pub fn blueprint(&self) -> Option<&str> {
        let Event::Finished(finished) = self else { return None };
        finished.blueprint.as_deref()
    }
}
