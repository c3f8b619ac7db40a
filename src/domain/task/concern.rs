//! What a person and the reviewers should know of work although it counts as done.
//!
//! Invariant: nothing here decides anything. Which attempts count is for `pipeline`.

use crate::domain::report::Status;
use crate::domain::task::{Attempt, Record};

impl Attempt {
    /// Returns what is of concern in this attempt: what its agent was not sure of, then what was
    /// seen at its end.
    pub fn all_concerns(&self) -> impl Iterator<Item = &str> {
        let has_concern = |status| status == Status::DoneWithConcerns;
        let said = self.report.as_ref().filter(|report| has_concern(report.status));
        let said = said.map(|report| {
            if report.message.is_empty() {
                "its agent has concerns, and does not say which"
            } else {
                report.message.as_str()
            }
        });
        said.into_iter().chain(self.concerns.iter().map(String::as_str))
    }
}

impl Record {
    /// Returns the newest attempt that was work, and no review of it.
    pub fn last_work(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|attempt| attempt.stage.review().is_none())
    }
}
