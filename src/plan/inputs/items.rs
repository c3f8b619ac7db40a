//! The items of a list, and the tasks made of them.
//!
//! Invariant: an item that is done, deferred, or a group of others becomes no task. A task that
//! depends on a group waits for everything in it; a task in a group waits for the group's
//! dependencies.

use std::collections::{HashMap, HashSet};

use crate::domain::text::nearest;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};

/// The state of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemState {
    Open,
    /// Somebody may be working on it.
    Started,
    Done,
    /// Deferred or cancelled: it will not be done now.
    Deferred,
}

/// One entry of a list.
#[derive(Debug, Clone)]
pub(super) struct ListItem {
    pub(super) draft: Draft,
    pub(super) state: ItemState,
    /// Its state, in the program's own word.
    pub(super) status: String,
    pub(super) parent: Option<String>,
    /// It only groups other items and has no work of its own.
    pub(super) is_group: bool,
}

impl ListItem {
    fn id(&self) -> &str {
        self.draft.id_text()
    }
}

/// Makes tasks of the open items; every mistake is in `diagnostics`.
pub(super) fn drafts(items: Vec<ListItem>, diagnostics: &mut Diagnostics) -> Vec<Draft> {
    let list = ItemList::new(&items, diagnostics);
    let mut edges: Vec<Option<Vec<SourceText>>> =
        items.iter().map(|item| list.waits_for(item, diagnostics)).collect();
    // Only when all edges are known: an item that is skipped takes along those that wait for it.
    list.skip_blocked(&mut edges, diagnostics);
    let tasks = items.iter().zip(edges).enumerate().filter(|(at, _)| list.is_task(*at));
    let tasks = tasks.filter_map(|(_, (item, edges))| Some((item, edges?)));
    tasks.map(|(item, edges)| Draft { depends_on: Some(edges), ..item.draft.clone() }).collect()
}

struct ItemList<'a> {
    items: &'a [ListItem],
    by_id: HashMap<&'a str, usize>,
    parts: HashMap<&'a str, Vec<usize>>,
}

impl<'a> ItemList<'a> {
    fn new(items: &'a [ListItem], diagnostics: &mut Diagnostics) -> ItemList<'a> {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        let mut parts: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, item) in items.iter().enumerate() {
            if let Some(first) = by_id.get(item.id()) {
                let first = diagnostics.spot_text(items[*first].draft.spot());
                let message =
                    format!("two items have the id `{}`; the first is at {first}", item.id());
                diagnostics.error(item.draft.spot(), message, "give each item its own id");
                continue;
            }
            by_id.insert(item.id(), at);
            if let Some(parent) = &item.parent {
                parts.entry(parent).or_default().push(at);
            }
        }
        ItemList { items, by_id, parts }
    }

    fn is_task(&self, at: usize) -> bool {
        let item = &self.items[at];
        let is_open = matches!(item.state, ItemState::Open | ItemState::Started);
        is_open && !item.is_group && self.by_id.get(item.id()) == Some(&at)
    }

    /// Returns the tasks that an item waits for; `None` if the item becomes no task.
    fn waits_for(&self, item: &ListItem, diagnostics: &mut Diagnostics) -> Option<Vec<SourceText>> {
        let at = *self.by_id.get(item.id())?;
        if !self.is_task(at) {
            // The dependencies of a group are checked too, since its tasks wait for them.
            if matches!(item.state, ItemState::Open | ItemState::Started) {
                self.known(item, diagnostics);
            }
            return None;
        }
        if item.state == ItemState::Started {
            let message =
                format!("`{}` is {}: somebody may be working on it", item.id(), item.status);
            diagnostics.warning(item.draft.spot(), message, "if so, wait until it is done");
        }
        let mut found = Vec::new();
        // Its groups count as seen: a task that waited for its own group would wait for itself.
        let mut seen = HashSet::from([at]);
        let groups: Vec<usize> = self.groups_of(item);
        seen.extend(&groups);
        for name in self.known(item, diagnostics) {
            self.tasks_of(name.1, name.0.line, &mut seen, &mut found);
        }
        for group in groups {
            for name in self.items[group].draft.depends_on.iter().flatten() {
                let Some(on) = self.by_id.get(name.text.as_str()).copied() else { continue };
                // A group may depend on its own parts: that orders nothing among them.
                if !self.groups_of(&self.items[on]).contains(&group) {
                    self.tasks_of(on, item.draft.line, &mut seen, &mut found);
                }
            }
        }
        Some(found)
    }

    /// Returns the dependencies of an item, and reports those that are not in the list.
    fn known<'b>(
        &self,
        item: &'b ListItem,
        diagnostics: &mut Diagnostics,
    ) -> Vec<(&'b SourceText, usize)> {
        let mut known = Vec::new();
        for name in item.draft.depends_on.iter().flatten() {
            match self.by_id.get(name.text.as_str()) {
                Some(at) => known.push((name, *at)),
                None => {
                    let near = nearest(&name.text, self.by_id.keys().copied());
                    let remedy = match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            "add it to the list, done or not, or remove the dependency".to_owned()
                        }
                    };
                    let (id, on) = (item.id(), &name.text);
                    let message = format!("`{id}` depends on `{on}`, which is not in the list");
                    diagnostics.error(item.draft.at(name.line), message, remedy);
                }
            }
        }
        known
    }

    /// Returns the groups that contain an item, from the innermost outwards.
    fn groups_of(&self, item: &ListItem) -> Vec<usize> {
        let mut above = Vec::new();
        let mut parent = item.parent.as_deref();
        // Parents may form a cycle, which need not contain the item where the walk began.
        while let Some(at) = parent.and_then(|id| self.by_id.get(id)).copied() {
            if above.contains(&at) {
                break;
            }
            above.push(at);
            parent = self.items[at].parent.as_deref();
        }
        // Only now, since a parent that is no group may itself be part of one.
        above.retain(|at| self.items[*at].is_group);
        above
    }

    /// Adds the open tasks that a dependency on an item stands for: the item itself, or everything
    /// in the group and what the group waits for.
    fn tasks_of(
        &self,
        from: usize,
        line: usize,
        seen: &mut HashSet<usize>,
        found: &mut Vec<SourceText>,
    ) {
        // A list of what is left, not recursion: another program may nest groups as deep as it
        // likes.
        let mut todo = vec![from];
        while let Some(at) = todo.pop() {
            let item = &self.items[at];
            // Groups may wait for each other in a cycle, and one group may be reached in several
            // ways.
            if item.state == ItemState::Done || !seen.insert(at) {
                continue;
            }
            if !item.is_group {
                found.push(SourceText { text: item.id().to_owned(), line });
            } else {
                let own = item.draft.depends_on.iter().flatten();
                todo.extend(own.filter_map(|name| self.by_id.get(name.text.as_str())));
                todo.extend(self.parts.get(item.id()).into_iter().flatten());
            }
        }
    }

    /// Skips the tasks that wait for a deferred item, directly or not.
    fn skip_blocked(&self, edges: &mut [Option<Vec<SourceText>>], diagnostics: &mut Diagnostics) {
        let is_deferred = |at: &usize| self.items[*at].state == ItemState::Deferred;
        let deferred = self.by_id.values().filter(|at| is_deferred(at));
        let mut gone: HashSet<&str> = deferred.map(|at| self.items[*at].id()).collect();
        // Until nothing changes, since an item may come before the one that it waits for.
        loop {
            let before = gone.len();
            for (at, item) in self.items.iter().enumerate() {
                let on =
                    edges[at].iter().flatten().find(|on| gone.contains(on.text.as_str())).cloned();
                let Some(on) = on else { continue };
                let item_on = self.by_id.get(on.text.as_str()).map(|at| &self.items[*at]);
                let why = item_on
                    .filter(|on| on.state == ItemState::Deferred)
                    .map(|on| format!(" ({})", on.status));
                let message = format!(
                    "skipped `{}`: it waits for `{}`{}",
                    item.id(),
                    on.text,
                    why.unwrap_or_else(|| ", which is skipped too".to_owned())
                );
                diagnostics.warning(
                    item.draft.at(on.line),
                    message,
                    "reopen that item, or remove the dependency",
                );
                edges[at] = None;
                gone.insert(item.id());
            }
            if gone.len() == before {
                return;
            }
        }
    }
}

/// Joins texts under their headings, without those that are empty.
pub(super) fn text(sections: &[(&str, Option<String>)]) -> String {
    let mut out = String::new();
    for (heading, text) in sections {
        let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            continue;
        };
        if !out.is_empty() {
            out.push('\n');
        }
        if !heading.is_empty() {
            out.push_str(heading);
            out.push_str("\n\n");
        }
        out.push_str(text);
        out.push('\n');
    }
    out
}
