//! What to do about the tickets of a run whose work is merged.
//!
//! Invariant: pure. A ticket is done only when the user says so.

use crate::domain::snapshot::{FinishChoice, Snapshot};
use crate::domain::steps::{Remedy, git};

/// Returns what to do about the tickets whose work is merged; nothing if the run has no tickets.
pub(crate) fn to_do(snapshot: &Snapshot) -> Remedy {
    let merged = snapshot.tasks().filter(|(_, record)| record.state.is_done());
    let files: Vec<&str> = merged.filter_map(|(task, _)| task.ticket.as_deref()).collect();
    if files.is_empty() {
        return Remedy::default();
    }
    let (base, files) = (&snapshot.run.base_branch, files.join(", "));
    let closed = snapshot.run.closed.as_ref();
    let is_merged = closed.is_some_and(|closed| closed.how == FinishChoice::Merge);
    let by_hand = if is_merged {
        format!("{base} has the work: set 'status: Done' in {files}")
    } else {
        format!("When {base} has the work, set 'status: Done' in {files}")
    };
    let by_hand = format!("{by_hand}; tickets that depend on them can start then.");
    let auto = git("config orchestrate.backlog.done auto").to("Or let the next run do it");
    Remedy::from(by_hand).or(auto)
}
