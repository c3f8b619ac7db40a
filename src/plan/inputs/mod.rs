//! Lists of tasks that other programs keep: beads, task-master, GitHub's issues, ticket files.
//!
//! Invariant: read only. An item that is done becomes no task and satisfies its dependents; a
//! dependency that is not in the list is a mistake. The program that wrote a file is recognised by
//! the content, never by the name alone.

mod beads;
mod issues;
mod items;
mod json;
mod taskmaster;
pub(super) mod tickets;

#[cfg(test)]
mod tests;

use super::diagnostic::Diagnostics;
use super::draft::Draft;
use crate::domain::plan::name;

/// The program that wrote a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListFormat {
    /// One JSON object on each line.
    Beads,
    /// One JSON object that holds a list `tasks`, or such objects by tag.
    TaskMaster,
    /// A JSON list of objects.
    Issues,
}

/// The remedy for JSON that is none of these.
const KNOWN: &str = "use beads' issues.jsonl (an object with `id` and `title` on each line), \
    task-master's tasks.json (`{\"tasks\": [...]}`, or that by tag), or the output of \
    `gh issue list --json number,title,body,labels,state`";

/// Returns the format of a list, if the text is JSON.
pub(super) fn shape(file: &str, text: &str) -> Option<ListFormat> {
    let text = text.trim_start();
    // If the first line is broken, only the name tells that each line is an issue.
    let is_lines = file.to_ascii_lowercase().ends_with(".jsonl") || json::is_lines(text);
    match text.as_bytes().first() {
        Some(b'{') if is_lines => Some(ListFormat::Beads),
        Some(b'{') => Some(ListFormat::TaskMaster),
        // `[[task]]` begins TOML and `[a](b)` Markdown, so a bracket alone decides nothing.
        Some(b'[') if text[1..].trim_start().starts_with(['{', ']']) => Some(ListFormat::Issues),
        _ => None,
    }
}

/// Reads the tasks of a list; `None` if it cannot be read.
pub(super) fn read(
    shape: ListFormat,
    text: &str,
    tag: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Draft>> {
    let items = match shape {
        ListFormat::Beads => beads::read(text, diagnostics),
        ListFormat::TaskMaster => taskmaster::read(text, tag, diagnostics),
        ListFormat::Issues => issues::read(text, diagnostics),
    }?;
    Some(items::drafts(items, diagnostics))
}

/// Returns the name of a run of such a list: the program's name, since all files of a program have
/// the same name.
pub(super) fn run_name(shape: ListFormat, file: &str, tag: Option<&str>) -> Option<String> {
    let name = match (shape, tag) {
        (ListFormat::Beads, _) if file == "-" || file.ends_with("issues.jsonl") => {
            "beads".to_owned()
        }
        (ListFormat::TaskMaster, Some(tag)) => format!("tasks-{tag}"),
        (ListFormat::Issues, _) if file == "-" => "issues".to_owned(),
        _ => return name::of_file(file),
    };
    Some(name::slug(&name))
}
