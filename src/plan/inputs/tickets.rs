//! Files with one task each, whose front matter says what it is.
//!
//! Invariant: a file without front matter, such as a README, is no ticket; one whose front
//! matter cannot be read is a mistake, since another may depend on it.

use super::items::{self, Item, State};
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;
use crate::plan::superpowers::front::Front;

/// Reads files: the number, name and text of each.
pub(in crate::plan) fn read(files: &[(usize, &str, &str)], findings: &mut Findings) -> Vec<Draft> {
    let mut items = Vec::new();
    for (number, name, text) in files {
        findings.go_to(*number);
        let Some(front) = Front::read(text) else { continue };
        if let Some(fault) = front.fault() {
            let message = format!("its front matter is not YAML: {}", fault.why);
            findings.error(fault.line, message, "put the value into quotes");
        } else if front.is_ticket() {
            items.push(item(&front, *number, name, text, findings));
        } else {
            let remedy = "write `id: name` into its front matter";
            findings.warning(1, "it is no ticket: it has no id", remedy);
        }
    }
    findings.go_to(0);
    items::drafts(items, findings)
}

fn item(front: &Front, number: usize, name: &str, text: &str, findings: &mut Findings) -> Item {
    let body = &text[front.end..];
    let heading = body.lines().find_map(|line| line.strip_prefix("# ")).map(str::trim);
    let mut draft = front.draft(heading, body, findings);
    draft.file = number;
    // Some write no id, and name each other by the names of their files.
    if draft.id_text().is_empty() {
        let base = name.rsplit('/').next().unwrap_or(name);
        let stem = base.strip_suffix(".md").unwrap_or(base).to_owned();
        draft.id = Some(Written { text: stem, line: 1 });
    }
    if draft.title.is_empty() {
        draft.title = draft.id_text().to_owned();
    }
    let status = front.status().unwrap_or_default();
    let state = match status.to_lowercase().as_str() {
        "done" | "closed" | "completed" | "complete" | "merged" => State::Done,
        "in-progress" | "in_progress" | "in progress" => State::Begun,
        "deferred" | "cancelled" | "canceled" | "archived" => State::Off,
        _ => State::Open,
    };
    Item { draft, state, status, parent: None, is_group: false }
}
