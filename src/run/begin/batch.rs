//! The tickets that runs of this repository already have, and the run of a batch of tickets.
//!
//! Invariant: reads only; the batch itself is chosen elsewhere.

use std::collections::BTreeMap;

use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::git::Git;
use crate::journal::{Journal, run_names};

/// Returns the tickets that a batch must leave out because a run has or had them, each with the
/// reason.
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

/// Returns the name and state of a batch's run: the unfinished one, or else the next free name,
/// such as `backlog-2` if `backlog` is finished.
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
