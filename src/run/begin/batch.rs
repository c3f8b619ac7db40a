//! What the runs of this repository have to do with a batch of tickets.
//!
//! Invariant: only looks; what it means that a ticket is taken is decided where the batch is chosen.

use std::collections::BTreeMap;

use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::git::Git;
use crate::journal::{Journal, run_names};

/// Returns the tickets that runs of this repository have, each with the reason to leave it out.
pub(crate) fn taken(git: &Git) -> anyhow::Result<BTreeMap<TaskId, String>> {
    let mut taken = BTreeMap::new();
    for name in run_names(git)? {
        let Some(tip) = Journal::new(git, &name).load()? else { continue };
        let snapshot = tip.snapshot;
        for (task, record) in snapshot.tasks().filter(|(task, _)| task.ticket.is_some()) {
            let why = match record.state.is_done() {
                true => format!("run '{name}' has merged it"),
                false if !snapshot.is_finished() => format!("run '{name}' has it"),
                false => continue,
            };
            taken.insert(task.id.clone(), why);
        }
    }
    Ok(taken)
}

/// Finds the run that a batch of this name is: the one that is not finished, else the next new
/// one, which is called `backlog-2` where `backlog` is finished.
pub(crate) fn run_of_batch(git: &Git, base: &str) -> anyhow::Result<(String, Option<Snapshot>)> {
    let names = (1..).map(|n| if n == 1 { base.to_owned() } else { format!("{base}-{n}") });
    for name in names {
        match Journal::new(git, &name).load()? {
            Some(tip) if tip.snapshot.is_finished() => {}
            Some(tip) => return Ok((name, Some(tip.snapshot))),
            None => return Ok((name, None)),
        }
    }
    unreachable!("there is a number that no run has")
}
