//! What a run may do to the tickets of a backlog.
//!
//! Invariant: a ticket is done when its user says so, unless the user says otherwise.

use serde::Deserialize;

/// Who sets a ticket to done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TicketDone {
    User,
    /// The run, in a commit that is merged with the work.
    Auto,
}

impl TicketDone {
    /// Reads a word of the settings.
    pub(super) fn from_word(word: &str) -> Option<TicketDone> {
        match word {
            "user" => Some(TicketDone::User),
            "auto" => Some(TicketDone::Auto),
            _ => None,
        }
    }
}

/// The table `[backlog]`; `None` where a source says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BacklogKeys {
    pub done: Option<TicketDone>,
}
