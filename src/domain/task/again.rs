//! Whether to do the same again may end otherwise.
//!
//! Invariant: pure, and of what the record holds alone; what has moved outside since then is for
//! `run::again`.

use crate::domain::task::{Ending, Reason, Record};

impl Record {
    /// Returns true where the task is blocked by what lies outside of the work: a person stopped it,
    /// its worktree could not be made, or its process vanished, was killed or was never launched.
    /// What an agent said, did or left undone it would most likely say, do or leave again.
    pub fn may_be_repeated(&self) -> bool {
        let Some(block) = self.state.block() else { return false };
        let ending = self.last_attempt().and_then(|attempt| attempt.ending);
        match block.reason {
            Reason::Stopped | Reason::Worktree => true,
            Reason::Agent => {
                matches!(ending, Some(Ending::Lost | Ending::Killed(_) | Ending::NotLaunched))
            }
            Reason::Conflict
            | Reason::Tests
            | Reason::Timeout
            | Reason::NeedsContext
            | Reason::Permission
            | Reason::NoChanges
            | Reason::Escaped
            | Reason::ReviewLimit
            | Reason::Approval => false,
        }
    }
}
