//! beads: `.beads/issues.jsonl`, one issue on each line.
//!
//! Invariant: only `blocks` orders work. An epic is a group and not a task; a closed or deleted
//! issue is done.

use serde::Deserialize;

use super::items::{ItemState, ListItem};
use super::{KNOWN, json};
use crate::domain::plan::value;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};

#[derive(Debug, Deserialize)]
struct Bead {
    id: json::TextOrNumber,
    title: Option<String>,
    status: Option<String>,
    issue_type: Option<String>,
    description: Option<String>,
    design: Option<String>,
    acceptance_criteria: Option<String>,
    notes: Option<String>,
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    depends_on_id: json::TextOrNumber,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Dependency {
    fn is(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind.as_deref().unwrap_or("blocks"))
    }
}

/// Reads all lines; `None` if any line is not an issue.
pub(super) fn read(text: &str, diagnostics: &mut Diagnostics) -> Option<Vec<ListItem>> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let read = lines.map(|(line, number)| {
        json::parse::<Bead>(line, number, KNOWN, diagnostics).map(|issue| item(issue, number))
    });
    let items: Vec<Option<ListItem>> = read.collect();
    items.into_iter().collect()
}

fn item(issue: Bead, line: usize) -> ListItem {
    let id = issue.id.text();
    let dependencies = issue.dependencies.unwrap_or_default();
    let written = |on: &Dependency| SourceText { text: on.depends_on_id.text(), line };
    // Older versions of beads write `blocked-by` for `blocks`.
    let blocks =
        dependencies.iter().filter(|on| on.is(&["blocks", "blocked-by", "conditional-blocks"]));
    let parent = dependencies.iter().find(|on| on.is(&["parent-child"]));
    let status = issue.status.unwrap_or_else(|| "open".to_owned());
    let sections = [
        ("", issue.description),
        ("## Design", issue.design),
        ("## Acceptance Criteria", issue.acceptance_criteria),
        ("## Notes", issue.notes),
    ];
    let draft = Draft {
        title: value::title(&issue.title.unwrap_or_else(|| id.clone())),
        depends_on: Some(blocks.map(written).collect()),
        prompt: super::items::text(&sections),
        id: Some(SourceText { text: id, line }),
        line,
        ..Draft::default()
    };
    ListItem {
        draft,
        state: match status.as_str() {
            "closed" | "tombstone" => ItemState::Done,
            "in_progress" | "hooked" => ItemState::Started,
            "deferred" | "pinned" => ItemState::Deferred,
            _ => ItemState::Open,
        },
        status,
        parent: parent.map(|on| on.depends_on_id.text()),
        is_group: issue.issue_type.as_deref() == Some("epic"),
    }
}
