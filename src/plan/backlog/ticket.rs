//! One ticket: front matter and sections, as Backlog.md itself reads them.
//!
//! Invariant: the prompt text of a ticket contains everything the author wrote except comments and
//! the final summary, and does not change when a criterion is ticked.

use serde::Serialize;

use super::BacklogFile;
use super::mentions;
use super::sections::{self, SectionKind, TicketSection};
use crate::domain::plan::Criterion;
use crate::domain::plan::value;
use crate::plan::diagnostic::{Diagnostics, Spot};
use crate::plan::syntax::front_matter;
use crate::plan::syntax::yaml::{self, YamlNode};

/// A ticket of a backlog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ticket {
    /// As Backlog.md shows it: `BACK-355.02`.
    pub id: String,
    pub title: String,
    /// As written; the folder's settings define the meaning.
    pub status: String,
    pub labels: Vec<String>,
    /// Ids, as written.
    pub dependencies: Vec<String>,
    /// The id of the ticket that this one is a part of.
    pub parent: Option<String>,
    pub description: Option<String>,
    pub criteria: Vec<Criterion>,
    /// The items of the definition of done.
    pub done: Vec<Criterion>,
    pub plan: Option<String>,
    /// Paths that the ticket declares to change.
    pub files: Vec<String>,
    /// Further paths in its text.
    pub mentions: Vec<String>,
    /// The task's text in the agent's prompt.
    pub text: String,
}

/// Reads a ticket; `None`, with a warning, if it cannot be read.
pub(super) fn read(
    file: &BacklogFile,
    number: usize,
    diagnostics: &mut Diagnostics,
) -> Option<Ticket> {
    let mut skip = |line: usize, why: String, remedy: &str| {
        let spot = Spot { file: number, line };
        diagnostics.warning(spot, format!("skipped this ticket: {why}"), remedy);
        None
    };
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return skip(0, "it is not UTF-8".into(), "save it as UTF-8");
    };
    let Some(range) = front_matter::range(text) else {
        return skip(1, "it has no front matter".into(), "begin it with `---`, `id: ...`");
    };
    let matter = with_names_quoted(&text[range.matter.clone()]);
    let node = match yaml::read(&matter, 2) {
        Ok(node) => node,
        Err(fault) => {
            let why = format!("its front matter is not valid YAML: {}", fault.why);
            return skip(fault.line, why, "put the value in quotes");
        }
    };
    match of(text, range.end, &node) {
        Some(ticket) => Some(ticket),
        None => skip(1, "it has no id".into(), "write for example `id: task-7`"),
    }
}

/// Reads the text of a ticket; `None` if it has no id or no valid front matter.
pub(super) fn parse(text: &str) -> Option<Ticket> {
    let range = front_matter::range(text)?;
    let node = yaml::read(&with_names_quoted(&text[range.matter]), 2).ok()?;
    of(text, range.end, &node)
}

/// Quotes names such as `assignee: @ada`: Backlog.md accepts them, but YAML reserves `@`.
fn with_names_quoted(matter: &str) -> String {
    let quoted = |line: &str| {
        let parts = ["assignee:", "reporter:"]
            .iter()
            .find_map(|key| line.strip_prefix(key).map(|rest| (key, rest)));
        match parts {
            Some((key, value)) if value.trim().starts_with('@') => {
                format!("{key} \"{}\"", value.trim().replace(['"', '\\'], ""))
            }
            Some((key, value)) if value.trim().starts_with('[') && value.contains('@') => {
                // A run does not look at assignees, so the list may as well be empty.
                format!("{key} []")
            }
            _ => line.to_owned(),
        }
    };
    matter.lines().map(quoted).collect::<Vec<_>>().join("\n")
}

fn of(text: &str, body: usize, node: &YamlNode) -> Option<Ticket> {
    let word = |key: &str| node.get(key).and_then(YamlNode::text).map(str::to_owned);
    let list = |key: &str| -> Vec<String> {
        let texts = node.get(key).map(YamlNode::texts).unwrap_or_default();
        texts.into_iter().map(|(text, _)| text.to_owned()).collect()
    };
    let sections = sections::find(text, body);
    let section = |kind| sections::text_of(text, &sections, kind).map(lf);
    let items = |kind| -> Vec<Criterion> {
        sections::items(text, &sections, kind).into_iter().map(|item| item.criterion).collect()
    };
    let (description, plan) = (section(SectionKind::Description), section(SectionKind::Plan));
    let criteria = items(SectionKind::Criteria);
    let paths = |texts: Vec<String>| texts.iter().filter_map(|text| mentions::path(text)).collect();
    let mut files: Vec<String> = paths(list("modified_files"));
    // A plan names what will be written; references and descriptions also name what is only read.
    files.extend(plan.iter().flat_map(|plan| mentions::paths(plan)));
    let mut named: Vec<String> = paths(list("references"));
    let texts =
        criteria.iter().map(|criterion| criterion.text.as_str()).chain(description.as_deref());
    named.extend(texts.flat_map(mentions::paths));
    named.retain(|path| !files.contains(path));
    Some(Ticket {
        // As Backlog.md shows ids; files have `back-7` and `BACK-7`.
        id: word("id")?.to_uppercase(),
        title: value::title(&word("title").unwrap_or_default()),
        status: word("status").unwrap_or_default(),
        labels: list("labels"),
        dependencies: list("dependencies"),
        parent: word("parent_task_id"),
        text: prompt_text(text, body, &sections, &list("references"), &list("documentation")),
        done: items(SectionKind::Done),
        mentions: named,
        description,
        criteria,
        plan,
        files,
    })
}

/// Returns a text with Unix line ends.
fn lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Returns the text for the agent's prompt: the body without markers, ticks, comments and summary.
///
/// Without the ticks the text stays the same while the run ticks criteria; a changed text would
/// count as a changed task.
fn prompt_text(
    text: &str,
    body: usize,
    sections: &[TicketSection],
    references: &[String],
    documentation: &[String],
) -> String {
    let mut out = String::new();
    let mut at = body;
    // The items are read once for each kind, not for each section: with twenty thousand sections
    // that would take minutes.
    let mut known: Vec<(SectionKind, Vec<sections::CriterionItem>)> = Vec::new();
    for section in sections {
        if !known.iter().any(|(kind, _)| *kind == section.kind) {
            known.push((section.kind, sections::items(text, sections, section.kind)));
        }
    }
    for section in sections {
        out.push_str(&text[at.min(section.whole.start)..section.whole.start]);
        at = section.whole.end;
        let inner = text[section.inner.clone()].trim();
        // A discussion is not the task, and the summary is written when the work is over.
        if matches!(section.kind, SectionKind::Comments | SectionKind::Summary) || inner.is_empty()
        {
            continue;
        }
        let heading = text[section.whole.start..].lines().next().unwrap_or_default();
        let of_kind = known.iter().filter(|(kind, _)| *kind == section.kind);
        let items = of_kind.flat_map(|(_, items)| items);
        let items: Vec<_> =
            items.filter(|item| section.inner.contains(&item.at)).cloned().collect();
        out.push_str(heading);
        out.push_str("\n\n");
        out.push_str(&match items.as_slice() {
            [] => inner.to_owned(),
            items => without_ticks(&text[section.inner.clone()], section.inner.start, items),
        });
    }
    out.push_str(&text[at..]);
    for (heading, list) in [("References", references), ("Documentation", documentation)] {
        if !list.is_empty() {
            let items: String = list.iter().map(|item| format!("- {item}\n")).collect();
            out = format!("{}\n\n## {heading}\n\n{items}", out.trim_end());
        }
    }
    without_gaps(&lf(&out))
}

/// Returns the lines of a list with `#1` in place of the boxes.
fn without_ticks(inner: &str, start: usize, items: &[sections::CriterionItem]) -> String {
    let mut at = start;
    let mut out = String::new();
    for line in inner.split_inclusive('\n') {
        match items.iter().find(|item| item.at == at + 3) {
            Some(sections::CriterionItem { criterion, .. }) => {
                out.push_str(&format!("- #{} {}\n", criterion.index, criterion.text));
            }
            None => out.push_str(line),
        }
        at += line.len();
    }
    out.trim().to_owned()
}

/// Returns a text with at most one empty line in a row, and none at its ends.
fn without_gaps(text: &str) -> String {
    let mut out = String::new();
    let mut empty = 0;
    for line in text.trim().lines() {
        empty = if line.trim().is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
