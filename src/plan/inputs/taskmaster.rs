//! task-master: `tasks.json`, a list of tasks, or one for each tag.
//!
//! Invariant: a task with subtasks is a group; they are the work, and their ids are `5.2`. A
//! number among a subtask's dependencies is one of its siblings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::items::{self, Item, State};
use super::{KNOWN, json};
use crate::domain::plan::value;
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;

/// The tag that the program begins with.
const DEFAULT_TAG: &str = "master";

#[derive(Debug, Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    tasks: Vec<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    id: json::Word,
    title: Option<String>,
    description: Option<String>,
    details: Option<String>,
    test_strategy: Option<String>,
    status: Option<String>,
    dependencies: Option<Vec<json::Word>>,
    #[serde(borrow)]
    subtasks: Option<Vec<&'a RawValue>>,
}

/// Reads the tasks of a tag; `None` where the file is not understood.
pub(super) fn read(text: &str, tag: Option<&str>, findings: &mut Findings) -> Option<Vec<Item>> {
    let list = list(text, tag, findings)?;
    let mut items = Vec::new();
    for raw in list.tasks {
        let line = json::line_of(raw, text);
        let Some(entry) = json::parse::<Entry>(raw.get(), line, KNOWN, findings) else { continue };
        let subtasks = entry.subtasks.clone().unwrap_or_default();
        let task = item(&entry, line, None, !subtasks.is_empty());
        for raw in subtasks {
            let line = json::line_of(raw, text);
            if let Some(part) = json::parse::<Entry>(raw.get(), line, KNOWN, findings) {
                items.push(item(&part, line, Some(&task), false));
            }
        }
        items.push(task);
    }
    items.sort_by_key(|item: &Item| item.draft.line);
    Some(items)
}

/// Finds the list: the only one, that of the tag, or that of the program's default tag.
fn list<'a>(text: &'a str, tag: Option<&str>, findings: &mut Findings) -> Option<List<'a>> {
    let top: BTreeMap<String, &RawValue> = json::parse(text, 1, KNOWN, findings)?;
    let lists: BTreeMap<&str, List> = if top.contains_key("tasks") {
        serde_json::from_str(text).ok().map(|list| ("", list)).into_iter().collect()
    } else {
        let of = |raw: &&'a RawValue| serde_json::from_str::<List>(raw.get()).ok();
        top.iter().filter_map(|(tag, raw)| Some((tag.as_str(), of(raw)?))).collect()
    };
    if lists.is_empty() {
        findings.error(0, "it is JSON that is not understood", KNOWN);
        return None;
    }
    let names: Vec<String> = lists.keys().map(|name| (*name).to_owned()).collect();
    let alone = names.first().filter(|_| names.len() == 1).map(String::as_str);
    let is_old = alone == Some("");
    let chosen = tag.filter(|_| !is_old).or(alone).unwrap_or(DEFAULT_TAG).to_owned();
    let found = lists.into_iter().find(|(name, _)| *name == chosen).map(|(_, list)| list);
    if found.is_none() {
        let message = format!("it has no tag `{chosen}`");
        findings.error(0, message, format!("choose one with --label: {}", names.join(", ")));
    }
    found
}

fn item(entry: &Entry, line: usize, parent: Option<&Item>, is_group: bool) -> Item {
    let own = entry.id.text();
    let within = parent.map(|parent| parent.draft.id_text().to_owned());
    // Some files write the parent's number before a subtask's own.
    let full = |id: String| match &within {
        Some(parent) if !id.contains('.') => format!("{parent}.{id}"),
        _ => id,
    };
    let id = full(own);
    let depends_on = entry.dependencies.iter().flatten();
    let depends_on = depends_on.map(|on| Written { text: full(on.text()), line });
    let part_of = parent
        .map(|parent| format!("A part of {}: {}", parent.draft.id_text(), parent.draft.title));
    let sections = [
        ("", part_of),
        ("", entry.description.clone()),
        ("## Details", entry.details.clone()),
        ("## Test strategy", entry.test_strategy.clone()),
    ];
    let status = entry.status.clone().unwrap_or_else(|| "pending".to_owned());
    let state = match status.as_str() {
        "done" | "completed" => State::Done,
        "in-progress" | "review" => State::Begun,
        "deferred" | "cancelled" => State::Off,
        _ => State::Open,
    };
    // What is in a task that is over is over too.
    let state = match parent.map(|parent| parent.state) {
        Some(over @ (State::Done | State::Off)) if state != State::Done => over,
        _ => state,
    };
    Item {
        draft: Draft {
            title: value::title(entry.title.as_deref().unwrap_or(&id)),
            depends_on: Some(depends_on.collect()),
            prompt: items::text(&sections),
            id: Some(Written { text: id, line }),
            line,
            ..Draft::default()
        },
        state,
        status,
        parent: within,
        is_group,
    }
}
