//! The tickets that a run was made of, when its work is there.
//!
//! Invariant: pure. A ticket is done when its user says so.

use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Remedy, git};

/// Returns what to do about the tickets whose work is merged, where the run was made of tickets.
pub(crate) fn to_do(snapshot: &Snapshot) -> Remedy {
    let merged = snapshot.tasks().filter(|(_, record)| record.state.is_done());
    let files: Vec<&str> = merged.filter_map(|(task, _)| task.ticket.as_deref()).collect();
    if files.is_empty() {
        return Remedy::default();
    }
    let by_hand = format!(
        "When {} has the work, set 'status: Done' in {}; what waits for them can begin then.",
        snapshot.run.base_branch,
        files.join(", ")
    );
    let auto = git("config orchestrate.backlog.done auto").to("Or let the next run do that itself");
    Remedy::from(by_hand).or(auto)
}
