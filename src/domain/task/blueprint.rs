//! The plan that was made for a task, as far as its record remembers it.
//!
//! Invariant: the text is a file of its own in the journal, since a record is read with every look
//! at the run; here stands what decisions need.

use serde::{Deserialize, Serialize};

use crate::domain::task::{Event, Record};

/// The newest plan that was made for a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// The number of the attempt that made it.
    pub attempt: u32,
    /// The paths that it says the work changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// How many questions it leaves open.
    #[serde(default)]
    pub questions: usize,
    /// A person, or the user's `--yes`, lets the work begin.
    #[serde(default)]
    pub approved: bool,
}

impl Record {
    /// Returns true where the work was planned and may begin.
    pub fn is_approved(&self) -> bool {
        self.blueprint.as_ref().is_some_and(|drawn| drawn.approved)
    }
}

impl Event {
    /// Returns the text of the plan that came with it.
    pub fn blueprint(&self) -> Option<&str> {
        let Event::Finished(finished) = self else { return None };
        finished.blueprint.as_deref()
    }
}
