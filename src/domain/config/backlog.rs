//! Settings for the tickets of a backlog.
//!
//! Invariant: only the user marks a ticket as done, unless the setting says `auto`.

/// Who marks a ticket as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
