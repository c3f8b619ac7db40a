//! What `wait` prints when the wait is over.
//!
//! Invariant: pure; exactly the tasks that changed since the caller looked.

use serde::Serialize;

use super::json::{WhyJson, why};
use super::{Row, Rows, table};
use crate::domain::oid::Oid;
use crate::domain::policy::wait::{Awaited, WaitEnd, status_of};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::Step;
use crate::domain::task::TaskStatus;
use crate::run::facts::Facts;

/// The run before and after the wait, and what ended it.
pub(crate) struct Waited<'a> {
    pub before: &'a Snapshot,
    pub now: &'a Snapshot,
    pub facts: &'a Facts,
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
    /// `new` if the plan did not have the task before.
    before: &'a str,
    status: TaskStatus,
    reason: Option<&'a str>,
    text: Option<&'a str>,
    /// As in `status --json`.
    why: Vec<WhyJson<'a>>,
}

impl Waited<'_> {
    fn rows(&self) -> Vec<Row<'_>> {
        let rows = Rows::new(self.now, self.facts);
        let changed = self.awaited.changed(self.before, self.now);
        changed.into_iter().map(|index| rows.row(index)).collect()
    }

    fn before(&self, row: &Row<'_>) -> &'static str {
        status_of(self.before, &row.task.id).map_or("new", TaskStatus::name)
    }

    fn task<'a>(&self, row: &Row<'a>) -> Changed<'a> {
        let block = row.record.state.block();
        Changed {
            id: row.task.id.as_str(),
            before: self.before(row),
            status: row.status,
            reason: block.map(|block| block.reason.name()),
            text: block.map(|block| block.text.as_str()),
            why: row.why.iter().map(|it| why(it, self.facts)).collect(),
        }
    }
}

/// Returns a line for each task that changed, and one that sums up.
pub(crate) fn text(waited: &Waited<'_>) -> String {
    let line = |row: &Row<'_>| {
        let reason = row.record.state.block().map(|block| format!("{}: ", block.reason));
        let words = row.words(waited.facts);
        let why = (!words.is_empty()).then(|| format!(" ({}{words})", reason.unwrap_or_default()));
        let why = why.unwrap_or_default();
        format!("{}: {} -> {}{why}\n", row.task.id, waited.before(row), row.status)
    };
    let lines: String = waited.rows().iter().map(line).collect();
    let start = match waited.came {
        WaitEnd::Nothing => {
            let start = Step::start().to("nothing runs, so nothing would change. Start it");
            format!("\n{}", waited.facts.scope.text(&start.into()))
        }
        WaitEnd::Merged | WaitEnd::Changed | WaitEnd::Attention => String::new(),
    };
    lines + &table::summary(waited.now) + &start
}

/// Returns the same as JSON.
pub(crate) fn json(waited: &Waited<'_>, journal: &Oid) -> serde_json::Result<String> {
    serde_json::to_string(&Document {
        schema: 1,
        run: &waited.now.run.name,
        journal,
        came: waited.came.name(),
        tasks: waited.rows().iter().map(|row| waited.task(row)).collect(),
    })
}
