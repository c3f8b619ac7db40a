//! What `wait` says when something has come.
//!
//! Invariant: pure; the tasks that changed since the caller looked, and nothing else.

use serde::Serialize;

use crate::domain::oid::Oid;
use crate::domain::policy::wait::{Awaited, WaitEnd, status_of};
use crate::domain::snapshot::Snapshot;

/// What was known, what is now, and what came of it.
pub(crate) struct Waited<'a> {
    pub before: &'a Snapshot,
    pub target: &'a Snapshot,
    pub awaited: &'a Awaited,
    pub came: WaitEnd,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    run: &'a str,
    journal: &'a Oid,
    /// `merged`, `changed`, `attention` or `nothing`.
    came: &'a str,
    tasks: Vec<Changed<'a>>,
}

#[derive(Serialize)]
struct Changed<'a> {
    id: &'a str,
    before: &'a str,
    status: &'a str,
    reason: Option<&'a str>,
    text: Option<&'a str>,
}

impl Waited<'_> {
    fn changed(&self) -> Vec<Changed<'_>> {
        let places = self.awaited.changed(self.before, self.target);
        places.into_iter().map(|index| self.task(index)).collect()
    }

    fn task(&self, index: usize) -> Changed<'_> {
        let (task, record) = self.target.at(index);
        let block = record.state.block();
        Changed {
            id: task.id.as_str(),
            before: status_of(self.before, &task.id),
            status: self.target.status(index),
            reason: block.map(|block| block.reason.name()),
            text: block.map(|block| block.text.as_str()),
        }
    }
}

/// Returns a line for each task that changed, and one that sums up.
pub(crate) fn text(waited: &Waited<'_>) -> String {
    let line = |task: &Changed<'_>| {
        let why = task.reason.zip(task.text).map(|(reason, text)| format!(" ({reason}: {text})"));
        format!("{}: {} -> {}{}\n", task.id, task.before, task.status, why.unwrap_or_default())
    };
    let lines: String = waited.changed().iter().map(line).collect();
    let nobody = match waited.came {
        WaitEnd::Nothing => "\nnobody is at work, so nothing would come",
        WaitEnd::Merged | WaitEnd::Changed | WaitEnd::Attention => "",
    };
    lines + &super::table::summary(waited.target) + nobody
}

/// Returns the same as JSON.
pub(crate) fn json(waited: &Waited<'_>, journal: &Oid) -> serde_json::Result<String> {
    serde_json::to_string(&Document {
        schema: 1,
        run: &waited.target.run.name,
        journal,
        came: waited.came.name(),
        tasks: waited.changed(),
    })
}
