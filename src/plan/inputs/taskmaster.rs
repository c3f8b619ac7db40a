//! task-master: `tasks.json`, which holds a list of tasks, or one for each tag.
//!
//! Invariant: a task with subtasks is a group; its subtasks are the work, with ids such as `5.2`. A
//! plain number among a subtask's dependencies refers to a sibling.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::items::{self, ItemState, ListItem};
use super::{KNOWN, json};
use crate::domain::plan::value;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};

/// The tag of the list that the program creates first.
const DEFAULT_TAG: &str = "master";

#[derive(Debug, Deserialize)]
struct TagList<'a> {
    #[serde(borrow)]
    tasks: Vec<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskEntry<'a> {
    id: json::TextOrNumber,
    title: Option<String>,
    description: Option<String>,
    details: Option<String>,
    test_strategy: Option<String>,
    status: Option<String>,
    dependencies: Option<Vec<json::TextOrNumber>>,
    #[serde(borrow)]
    subtasks: Option<Vec<&'a RawValue>>,
}

/// Reads the tasks of a tag; `None` if the file cannot be read.
pub(super) fn read(
    text: &str,
    tag: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<ListItem>> {
    let list = list(text, tag, diagnostics)?;
    let mut items = Vec::new();
    for raw in list.tasks {
        let line = json::line_of(raw, text);
        let Some(entry) = json::parse::<TaskEntry>(raw.get(), line, KNOWN, diagnostics) else {
            continue;
        };
        let subtasks = entry.subtasks.clone().unwrap_or_default();
        let task = item(&entry, line, None, !subtasks.is_empty());
        for raw in subtasks {
            let line = json::line_of(raw, text);
            if let Some(part) = json::parse::<TaskEntry>(raw.get(), line, KNOWN, diagnostics) {
                items.push(item(&part, line, Some(&task), false));
            }
        }
        items.push(task);
    }
    // A task was added after its subtasks, whose prompts need its title.
    items.sort_by_key(|item: &ListItem| item.draft.line);
    Some(items)
}

/// Returns the list: the only one, the one of the tag, or the one of the program's default tag.
fn list<'a>(
    text: &'a str,
    tag: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<TagList<'a>> {
    let top: BTreeMap<String, &RawValue> = json::parse(text, 1, KNOWN, diagnostics)?;
    // Older versions of task-master had no tags, only one list at the top.
    let lists: BTreeMap<&str, TagList> = if top.contains_key("tasks") {
        serde_json::from_str(text).ok().map(|list| ("", list)).into_iter().collect()
    } else {
        let of = |raw: &&'a RawValue| serde_json::from_str::<TagList>(raw.get()).ok();
        top.iter().filter_map(|(tag, raw)| Some((tag.as_str(), of(raw)?))).collect()
    };
    if lists.is_empty() {
        diagnostics.error(0, "unknown kind of JSON file", KNOWN);
        return None;
    }
    let names: Vec<String> = lists.keys().map(|name| (*name).to_owned()).collect();
    let alone = names.first().filter(|_| names.len() == 1).map(String::as_str);
    // A file without tags has one list, whatever tag the user asked for.
    let is_old = alone == Some("");
    let chosen = tag.filter(|_| !is_old).or(alone).unwrap_or(DEFAULT_TAG).to_owned();
    let found = lists.into_iter().find(|(name, _)| *name == chosen).map(|(_, list)| list);
    if found.is_none() {
        let message = format!("there is no tag `{chosen}`");
        diagnostics.error(0, message, format!("choose a tag with --label: {}", names.join(", ")));
    }
    found
}

fn item(entry: &TaskEntry, line: usize, parent: Option<&ListItem>, is_group: bool) -> ListItem {
    let own = entry.id.text();
    let within = parent.map(|parent| parent.draft.id_text().to_owned());
    // Some files write subtask ids with the parent's number, as in `5.2`, others without.
    let full = |id: String| match &within {
        Some(parent) if !id.contains('.') => format!("{parent}.{id}"),
        _ => id,
    };
    let id = full(own);
    let depends_on = entry.dependencies.iter().flatten();
    let depends_on = depends_on.map(|on| SourceText { text: full(on.text()), line });
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
        "done" | "completed" => ItemState::Done,
        "in-progress" | "review" => ItemState::Started,
        "deferred" | "cancelled" => ItemState::Deferred,
        _ => ItemState::Open,
    };
    // A subtask of a task that is done or deferred is so too.
    let state = match parent.map(|parent| parent.state) {
        Some(over @ (ItemState::Done | ItemState::Deferred)) if state != ItemState::Done => over,
        _ => state,
    };
    ListItem {
        draft: Draft {
            title: value::title(entry.title.as_deref().unwrap_or(&id)),
            depends_on: Some(depends_on.collect()),
            prompt: items::text(&sections),
            id: Some(SourceText { text: id, line }),
            line,
            ..Draft::default()
        },
        state,
        status,
        parent: within,
        is_group,
    }
}
