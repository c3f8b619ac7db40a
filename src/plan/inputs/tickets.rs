//! Ticket files: one task in each file, declared in its front matter.
//!
//! Invariant: a file without front matter, such as a README, is not a ticket; a file whose front
//! matter cannot be read is a mistake, since another ticket may depend on it.

use super::items::{self, ItemState, ListItem};
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};
use crate::plan::superpowers::front_matter::FrontMatter;

/// Reads ticket files; each has a number, a name and a text.
pub(in crate::plan) fn read(
    files: &[(usize, &str, &str)],
    diagnostics: &mut Diagnostics,
) -> Vec<Draft> {
    let mut items = Vec::new();
    for (number, name, text) in files {
        diagnostics.set_file(*number);
        let Some(front) = FrontMatter::read(text) else { continue };
        if let Some(fault) = front.fault() {
            let message = format!("the front matter is not valid YAML: {}", fault.why);
            diagnostics.error(fault.line, message, "put the value in quotes");
        } else if front.is_ticket() {
            items.push(item(&front, *number, name, text, diagnostics));
        } else {
            let remedy = "if it is a ticket, add `id: name` to the front matter";
            diagnostics.warning(1, "skipped: the front matter has no id", remedy);
        }
    }
    // From here on each item says itself which file it is from.
    diagnostics.set_file(0);
    items::drafts(items, diagnostics)
}

/// Returns true if a text begins as a ticket does.
pub(in crate::plan) fn has_front_matter(text: &str) -> bool {
    FrontMatter::read(text).is_some()
}

fn item(
    front: &FrontMatter,
    number: usize,
    name: &str,
    text: &str,
    diagnostics: &mut Diagnostics,
) -> ListItem {
    let body = &text[front.end..];
    let heading = body.lines().find_map(|line| line.strip_prefix("# ")).map(str::trim);
    let mut draft = front.draft(heading, body, diagnostics);
    draft.file = number;
    // Some tickets have no id, and refer to each other by file name.
    if draft.id_text().is_empty() {
        let base = name.rsplit('/').next().unwrap_or(name);
        let stem = base.strip_suffix(".md").unwrap_or(base).to_owned();
        draft.id = Some(SourceText { text: stem, line: 1 });
    }
    if draft.title.is_empty() {
        draft.title = draft.id_text().to_owned();
    }
    let status = front.status().unwrap_or_default();
    let state = match status.to_lowercase().as_str() {
        "done" | "closed" | "completed" | "complete" | "merged" => ItemState::Done,
        "in-progress" | "in_progress" | "in progress" => ItemState::Started,
        "deferred" | "cancelled" | "canceled" | "archived" => ItemState::Deferred,
        _ => ItemState::Open,
    };
    ListItem { draft, state, status, parent: None, is_group: false }
}
