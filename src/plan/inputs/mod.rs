//! Lists of tasks that other programs keep: beads, task-master, GitHub's issues, ticket files.
//!
//! Invariant: read only. What is done is no task, and satisfies what depends on it; what depends
//! on something that is not in the list is a mistake. Which program wrote a file is told by its
//! content, never by its name alone.

mod beads;
mod issues;
mod items;
mod json;
mod taskmaster;
pub(super) mod tickets;

#[cfg(test)]
mod tests;

use super::draft::Draft;
use super::finding::Findings;
use crate::domain::plan::name;

/// Which program's list a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One JSON object on each line.
    Beads,
    /// One JSON object that holds a list `tasks`, or such objects by tag.
    TaskMaster,
    /// A JSON list of objects.
    Issues,
}

/// What is said of JSON that is none of these.
const KNOWN: &str = "the lists that are read are: beads' issues.jsonl (an object with `id` and `title` on \
    each line), task-master's tasks.json (`{\"tasks\": [...]}`, or that by tag), and what \
    `gh issue list --json number,title,body,labels,state` prints";

/// Returns what a text is, where it is JSON.
pub(super) fn shape(file: &str, text: &str) -> Option<Shape> {
    let text = text.trim_start();
    let is_lines = file.to_ascii_lowercase().ends_with(".jsonl") || json::is_lines(text);
    match text.as_bytes().first() {
        Some(b'{') if is_lines => Some(Shape::Beads),
        Some(b'{') => Some(Shape::TaskMaster),
        // `[[task]]` is TOML, and `[a](b)` Markdown.
        Some(b'[') if text[1..].trim_start().starts_with(['{', ']']) => Some(Shape::Issues),
        _ => None,
    }
}

/// Reads the tasks of a list; `None` where it is not understood.
pub(super) fn read(
    shape: Shape,
    text: &str,
    tag: Option<&str>,
    findings: &mut Findings,
) -> Option<Vec<Draft>> {
    let items = match shape {
        Shape::Beads => beads::read(text, findings),
        Shape::TaskMaster => taskmaster::read(text, tag, findings),
        Shape::Issues => issues::read(text, findings),
    }?;
    Some(items::drafts(items, findings))
}

/// Returns what a run of such a list is called: after the program, since all of its files have
/// the same name.
pub(super) fn run_name(shape: Shape, file: &str, tag: Option<&str>) -> Option<String> {
    let name = match (shape, tag) {
        (Shape::Beads, _) if file == "-" || file.ends_with("issues.jsonl") => "beads".to_owned(),
        (Shape::TaskMaster, Some(tag)) => format!("tasks-{tag}"),
        (Shape::Issues, _) if file == "-" => "issues".to_owned(),
        _ => return name::of_file(file),
    };
    Some(name::slug(&name))
}
