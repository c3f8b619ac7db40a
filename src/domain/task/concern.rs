//! Concerns: doubts about finished work that the user and the reviewers should know.
//!
//! Invariant: decides nothing. `pipeline` decides which attempts count. A concern whose kind is not
//! clear is about correctness.

use crate::domain::report::Status;
use crate::domain::task::{Attempt, Record};

/// What a concern is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConcernKind {
    /// The work may be wrong.
    Correctness,
    /// The work may be more, less or something else than the task asks for.
    Scope,
    /// Something to know about the code, which leaves the work as it is.
    Observation,
}

impl ConcernKind {
    /// Returns what a message is about: the agent begins it, or each of its lines, with a word for the
    /// kind, as in `observation: the file is large`. The gravest kind counts.
    pub(crate) fn of(message: &str) -> ConcernKind {
        let mut kinds = message.lines().filter_map(kind_of_line);
        match kinds.next() {
            Some(ConcernKind::Observation) => kinds
                .find(|kind| *kind != ConcernKind::Observation)
                .unwrap_or(ConcernKind::Observation),
            Some(kind) => kind,
            None => ConcernKind::Correctness,
        }
    }
}

fn kind_of_line(line: &str) -> Option<ConcernKind> {
    let marks = |c: char| c.is_whitespace() || "-*_`([".contains(c);
    let line = line.trim_start_matches(marks);
    let end = line.find(|c: char| !c.is_alphabetic()).unwrap_or(line.len());
    // `scope of the change` is prose.
    let is_label =
        line[end..].starts_with([':', ')', ']', '*', '`', '_']) || line[end..].is_empty();
    match line[..end].to_lowercase().as_str() {
        _ if !is_label => None,
        "observation" | "observations" | "note" | "minor" => Some(ConcernKind::Observation),
        "scope" => Some(ConcernKind::Scope),
        "correctness" => Some(ConcernKind::Correctness),
        _ => None,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concern_that_is_not_called_an_observation_is_about_correctness() {
        for (message, kind) in [
            ("observation: the file is large", ConcernKind::Observation),
            ("**Observation:** large", ConcernKind::Observation),
            ("(note) large", ConcernKind::Observation),
            ("scope: more than asked", ConcernKind::Scope),
            ("- observation: large\n- correctness: it may race", ConcernKind::Correctness),
            ("scope of it is unclear", ConcernKind::Correctness),
            ("the test is slow", ConcernKind::Correctness),
            ("", ConcernKind::Correctness),
        ] {
            assert_eq!(ConcernKind::of(message), kind, "{message}");
        }
    }
}
