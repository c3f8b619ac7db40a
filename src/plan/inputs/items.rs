//! Items of a list, and the tasks that they make.
//!
//! Invariant: an item that is done, put off, or only a group of others is no task. What depends
//! on a group waits for all that is in it; what is in a group waits for what the group waits for.

use std::collections::{HashMap, HashSet};

use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;
use crate::plan::syntax::near::nearest;

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// Somebody may be at work on it.
    Begun,
    Done,
    /// Put off or given up: it will not be done now.
    Off,
}

/// One entry of a list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) draft: Draft,
    pub(super) state: State,
    /// Its state in the program's own word.
    pub(super) status: String,
    pub(super) parent: Option<String>,
    /// It has no work of its own but what is in it.
    pub(super) is_group: bool,
}

impl Item {
    fn id(&self) -> &str {
        self.draft.id_text()
    }
}

/// Makes tasks of what is open; every mistake is in `findings`.
pub(super) fn drafts(items: Vec<Item>, findings: &mut Findings) -> Vec<Draft> {
    let list = List::new(&items, findings);
    let mut edges: Vec<Option<Vec<Written>>> =
        items.iter().map(|item| list.waits_for(item, findings)).collect();
    list.leave_out(&mut edges, findings);
    let tasks = items.iter().zip(edges).enumerate().filter(|(at, _)| list.is_task(*at));
    let tasks = tasks.filter_map(|(_, (item, edges))| Some((item, edges?)));
    tasks.map(|(item, edges)| Draft { depends_on: Some(edges), ..item.draft.clone() }).collect()
}

struct List<'a> {
    items: &'a [Item],
    by_id: HashMap<&'a str, usize>,
    parts: HashMap<&'a str, Vec<usize>>,
}

impl<'a> List<'a> {
    fn new(items: &'a [Item], findings: &mut Findings) -> List<'a> {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        let mut parts: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, item) in items.iter().enumerate() {
            if let Some(first) = by_id.get(item.id()) {
                let first = findings.told(items[*first].draft.spot());
                let message =
                    format!("two items have the id `{}`; the first is at {first}", item.id());
                findings.error(item.draft.spot(), message, "give each of them an id of its own");
                continue;
            }
            by_id.insert(item.id(), at);
            if let Some(parent) = &item.parent {
                parts.entry(parent).or_default().push(at);
            }
        }
        List { items, by_id, parts }
    }

    fn is_task(&self, at: usize) -> bool {
        let item = &self.items[at];
        let is_open = matches!(item.state, State::Open | State::Begun);
        is_open && !item.is_group && self.by_id.get(item.id()) == Some(&at)
    }

    /// Returns the tasks that an item waits for; `None` for what is no task.
    fn waits_for(&self, item: &Item, findings: &mut Findings) -> Option<Vec<Written>> {
        let at = *self.by_id.get(item.id())?;
        if !self.is_task(at) {
            // What it says may be wrong all the same.
            if matches!(item.state, State::Open | State::Begun) {
                self.known(item, findings);
            }
            return None;
        }
        if item.state == State::Begun {
            let message =
                format!("`{}` is {}: somebody may be at work on it", item.id(), item.status);
            findings.warning(item.draft.spot(), message, "if so, wait until it is done");
        }
        let mut found = Vec::new();
        let mut seen = HashSet::from([at]);
        let groups: Vec<usize> = self.groups_of(item);
        seen.extend(&groups);
        for name in self.known(item, findings) {
            self.tasks_of(name.1, name.0.line, &mut seen, &mut found);
        }
        for group in groups {
            for name in self.items[group].draft.depends_on.iter().flatten() {
                let Some(on) = self.by_id.get(name.text.as_str()).copied() else { continue };
                // A group may name its own parts: that orders nothing among them.
                if !self.groups_of(&self.items[on]).contains(&group) {
                    self.tasks_of(on, item.draft.line, &mut seen, &mut found);
                }
            }
        }
        Some(found)
    }

    /// Returns what an item depends on, and tells what is in no list.
    fn known<'b>(&self, item: &'b Item, findings: &mut Findings) -> Vec<(&'b Written, usize)> {
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
                    findings.error(item.draft.at(name.line), message, remedy);
                }
            }
        }
        known
    }

    /// Returns the groups that an item is in, from the inner to the outer.
    fn groups_of(&self, item: &Item) -> Vec<usize> {
        let mut above = Vec::new();
        let mut parent = item.parent.as_deref();
        // Parents may go round in a circle, which need not lead back to where it began.
        while let Some(at) = parent.and_then(|id| self.by_id.get(id)).copied() {
            if above.contains(&at) {
                break;
            }
            above.push(at);
            parent = self.items[at].parent.as_deref();
        }
        above.retain(|at| self.items[*at].is_group);
        above
    }

    /// Adds the open tasks that an item stands for.
    fn tasks_of(
        &self,
        from: usize,
        line: usize,
        seen: &mut HashSet<usize>,
        found: &mut Vec<Written>,
    ) {
        let mut todo = vec![from];
        while let Some(at) = todo.pop() {
            let item = &self.items[at];
            if item.state == State::Done || !seen.insert(at) {
                continue;
            }
            if !item.is_group {
                found.push(Written { text: item.id().to_owned(), line });
            } else {
                let own = item.draft.depends_on.iter().flatten();
                todo.extend(own.filter_map(|name| self.by_id.get(name.text.as_str())));
                todo.extend(self.parts.get(item.id()).into_iter().flatten());
            }
        }
    }

    /// Leaves out what waits for something that is put off, directly or not.
    fn leave_out(&self, edges: &mut [Option<Vec<Written>>], findings: &mut Findings) {
        let is_off = |at: &usize| self.items[*at].state == State::Off;
        let mut gone: HashSet<&str> =
            self.by_id.values().filter(|at| is_off(at)).map(|at| self.items[*at].id()).collect();
        loop {
            let before = gone.len();
            for (at, item) in self.items.iter().enumerate() {
                let on =
                    edges[at].iter().flatten().find(|on| gone.contains(on.text.as_str())).cloned();
                let Some(on) = on else { continue };
                let off = self.by_id.get(on.text.as_str()).map(|at| &self.items[*at]);
                let why = off
                    .filter(|off| off.state == State::Off)
                    .map(|off| format!(" ({})", off.status));
                let message = format!(
                    "`{}` is left out: it waits for `{}`{}",
                    item.id(),
                    on.text,
                    why.unwrap_or_else(|| ", which is left out too".to_owned())
                );
                findings.warning(
                    item.draft.at(on.line),
                    message,
                    "take that up again, or remove the dependency",
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

/// Puts texts under their headings; those that are empty are left out.
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
