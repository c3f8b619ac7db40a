//! One ticket: front matter and sections, as the program itself reads them.
//!
//! Invariant: what an agent is given holds all that the author wrote but comments and the final
//! summary, and does not change when a criterion is ticked.

use serde::Serialize;

use super::File;
use super::mentions;
use super::sections::{self, Kind, Section};
use crate::domain::plan::Criterion;
use crate::domain::plan::value;
use crate::plan::finding::{Findings, Spot};
use crate::plan::syntax::front_matter;
use crate::plan::syntax::yaml::{self, Node};

/// A ticket of a backlog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ticket {
    /// As the program shows it: `BACK-355.02`.
    pub id: String,
    pub title: String,
    /// As written; what it means is a matter of the folder's settings.
    pub status: String,
    pub labels: Vec<String>,
    /// Ids, as written.
    pub dependencies: Vec<String>,
    /// The id of the ticket that this is a part of.
    pub parent: Option<String>,
    pub description: Option<String>,
    pub criteria: Vec<Criterion>,
    /// The items of its definition of done.
    pub done: Vec<Criterion>,
    pub plan: Option<String>,
    /// Paths that it says it changes.
    pub files: Vec<String>,
    /// Further paths that its text names.
    pub mentions: Vec<String>,
    /// What an agent is given.
    pub text: String,
}

/// Reads a ticket; one that cannot be read is told of, and left out.
pub(super) fn read(file: &File, number: usize, findings: &mut Findings) -> Option<Ticket> {
    let mut left_out = |line: usize, why: String, remedy: &str| {
        let spot = Spot { file: number, line };
        findings.warning(spot, format!("the ticket is left out: {why}"), remedy);
        None
    };
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return left_out(0, "it is not UTF-8".into(), "save it as UTF-8");
    };
    let Some(range) = front_matter::range(text) else {
        return left_out(1, "it has no front matter".into(), "begin it with `---`, `id: ...`");
    };
    let matter = with_names_quoted(&text[range.matter.clone()]);
    let node = match yaml::read(&matter, 2) {
        Ok(node) => node,
        Err(fault) => {
            let why = format!("its front matter is not YAML: {}", fault.why);
            return left_out(fault.line, why, "put the value into quotes");
        }
    };
    match of(text, range.end, &node) {
        Some(ticket) => Some(ticket),
        None => left_out(1, "it has no id".into(), "write for example `id: task-7`"),
    }
}

/// Reads the text of a ticket; `None` where it has no id, or no front matter that is YAML.
pub(super) fn parse(text: &str) -> Option<Ticket> {
    let range = front_matter::range(text)?;
    let node = yaml::read(&with_names_quoted(&text[range.matter]), 2).ok()?;
    of(text, range.end, &node)
}

/// The program takes `assignee: @ada`, which YAML does not.
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
                format!("{key} []")
            }
            _ => line.to_owned(),
        }
    };
    matter.lines().map(quoted).collect::<Vec<_>>().join("\n")
}

fn of(text: &str, body: usize, node: &Node) -> Option<Ticket> {
    let word = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    let list = |key: &str| -> Vec<String> {
        let texts = node.get(key).map(Node::texts).unwrap_or_default();
        texts.into_iter().map(|(text, _)| text.to_owned()).collect()
    };
    let sections = sections::find(text, body);
    let section = |kind| sections::text_of(text, &sections, kind).map(lf);
    let items = |kind| -> Vec<Criterion> {
        sections::items(text, &sections, kind).into_iter().map(|item| item.criterion).collect()
    };
    let (description, plan) = (section(Kind::Description), section(Kind::Plan));
    let criteria = items(Kind::Criteria);
    let paths = |texts: Vec<String>| texts.iter().filter_map(|text| mentions::path(text)).collect();
    let mut files: Vec<String> = paths(list("modified_files"));
    files.extend(plan.iter().flat_map(|plan| mentions::paths(plan)));
    let mut named: Vec<String> = paths(list("references"));
    let said =
        criteria.iter().map(|criterion| criterion.text.as_str()).chain(description.as_deref());
    named.extend(said.flat_map(mentions::paths));
    named.retain(|path| !files.contains(path));
    Some(Ticket {
        id: word("id")?.to_uppercase(),
        title: value::title(&word("title").unwrap_or_default()),
        status: word("status").unwrap_or_default(),
        labels: list("labels"),
        dependencies: list("dependencies"),
        parent: word("parent_task_id"),
        text: given(text, body, &sections, &list("references"), &list("documentation")),
        done: items(Kind::Done),
        mentions: named,
        description,
        criteria,
        plan,
        files,
    })
}

fn lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Returns what an agent is given: the body without markers, ticks, comments and summary.
fn given(
    text: &str,
    body: usize,
    sections: &[Section],
    references: &[String],
    documentation: &[String],
) -> String {
    let mut out = String::new();
    let mut at = body;
    // Found once for each kind: a text may have a great many sections.
    let mut known: Vec<(Kind, Vec<sections::Item>)> = Vec::new();
    for section in sections {
        if !known.iter().any(|(kind, _)| *kind == section.kind) {
            known.push((section.kind, sections::items(text, sections, section.kind)));
        }
    }
    for section in sections {
        out.push_str(&text[at.min(section.whole.start)..section.whole.start]);
        at = section.whole.end;
        let inner = text[section.inner.clone()].trim();
        if matches!(section.kind, Kind::Comments | Kind::Summary) || inner.is_empty() {
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

/// Returns the lines of a list with `#1` in the place of its boxes.
fn without_ticks(inner: &str, start: usize, items: &[sections::Item]) -> String {
    let mut at = start;
    let mut out = String::new();
    for line in inner.split_inclusive('\n') {
        match items.iter().find(|item| item.at == at + 3) {
            Some(sections::Item { criterion, .. }) => {
                out.push_str(&format!("- #{} {}\n", criterion.index, criterion.text));
            }
            None => out.push_str(line),
        }
        at += line.len();
    }
    out.trim().to_owned()
}

/// Returns a text without more than one empty line in a row, and none at its ends.
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
