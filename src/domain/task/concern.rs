//! Concerns: doubts about finished work that the user and the reviewers should know.
//!
//! Invariant: decides nothing. `pipeline` decides which attempts count.

use crate::domain::report::Status;
use crate::domain::task::{Attempt, Record};

impl Attempt {
    /// Returns the concerns of this attempt: those of its agent, then those found at its end.
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
    /// Returns the newest attempt that was work, not a review.
    pub fn last_work(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|attempt| attempt.stage.review().is_none())
    }
}
