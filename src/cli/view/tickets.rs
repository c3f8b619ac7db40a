//! What to do about the tickets of a run whose work is merged.
//!
//! Invariant: pure. A ticket is done only when the user says so.

use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Remedy, git};

/// Returns what to do about the tickets whose work is merged; nothing if the run has no tickets.
pub(crate) fn to_do(snapshot: &Snapshot) -> Remedy {
    let merged = snapshot.tasks().filter(|(_, record)| record.state.is_done());
    let files: Vec<&str> = merged.filter_map(|(task, _)| task.ticket.as_deref()).collect();
    if files.is_empty() {
        return Remedy::default();
    }
    let by_hand = format!(
        "When {} has the work, set 'status: Done' in {}; tickets that depend on them can start then.",
        snapshot.run.base_branch,
        files.join(", ")
    );
    let auto = git("config orchestrate.backlog.done auto").to("Or let the next run do it");
    Remedy::from(by_hand).or(auto)
}
