//! The head of a task: its metadata, before the steps begin.
//!
//! Invariant: nothing below the first step, code block or heading counts; a key there that would
//! matter causes a warning. A word of prose never becomes a command.

use super::key::{self, KeyValue, MetadataKey};
use super::outline::{NodeKind, OutlineNode, TextLine};
use crate::domain::plan::paths::{self, FileUse};
use crate::domain::plan::value;
use crate::domain::plan::value::{is_nothing, without_remarks};
use crate::domain::review;
use crate::domain::text::nearest;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};
use crate::plan::marks;

/// Keys that decide when a task runs.
const ORDER_KEYS: [&str; 2] = ["depends_on", "parallel_safe"];

/// Keys that decide how a task is done.
const SETTING_KEYS: [&str; 4] = ["model", "agent", "timeout", "reviews"];

/// The metadata that a [`Draft`] has no place for.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The values of `depends_on`, not yet resolved; `None` if there is no such key.
    pub(super) depends_on: Option<Vec<SourceText>>,
    /// The line of the key `Wave`.
    pub(super) wave: Option<usize>,
}

/// Reads the nodes of a task's body into the draft.
pub(super) fn read(
    nodes: &[OutlineNode],
    draft: &mut Draft,
    diagnostics: &mut Diagnostics,
) -> Head {
    let mut reader = HeadReader {
        draft,
        diagnostics,
        head: Head::default(),
        pending: None,
        is_leading: true,
        is_over: false,
    };
    nodes.iter().for_each(|node| reader.node(node));
    reader.close();
    let head = reader.head;
    // After the head, whose status may have said already that the task is done.
    read_boxes(nodes, draft, diagnostics);
    head
}

/// Takes a task as done if all boxes of its list are ticked, and warns if only some are.
fn read_boxes(nodes: &[OutlineNode], draft: &mut Draft, diagnostics: &mut Diagnostics) {
    let lines = nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Line(line) if line.checkbox => Some(line.ticked),
        _ => None,
    });
    let boxes: Vec<bool> = lines.collect();
    let ticked = boxes.iter().filter(|ticked| **ticked).count();
    if ticked == 0 || draft.done {
        return;
    }
    draft.done = ticked == boxes.len();
    if !draft.done {
        let message = format!(
            "{ticked} of {} steps of task `{}` are ticked, but its agent is given all of them",
            boxes.len(),
            draft.id_text()
        );
        let remedy = "remove what is done from the task, or tick all steps if the task is done";
        diagnostics.warning(draft.line, message, remedy);
    }
}

/// Returns the key that has the same letters in another order, or one letter more or less in the
/// middle, or the last letter twice: `modle`, `timout`, `modell`. Anything else is a different word, such as `Mode` or `Review`.
fn misspelt(name: &str) -> Option<&'static str> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let sorted = |mut word: Vec<char>| {
        word.sort_unstable();
        word
    };
    let is_misspelt = |key: &&str| {
        let key: Vec<char> = key.chars().collect();
        let is_ordered = name.starts_with(&key) || key.starts_with(&name);
        let is_one_more = has_one_more(&name, &key) || has_one_more(&key, &name);
        let is_doubled = name.split_last() == key.last().map(|last| (last, key.as_slice()));
        sorted(name.clone()) == sorted(key) || (is_one_more && !is_ordered) || is_doubled
    };
    SETTING_KEYS.into_iter().find(is_misspelt)
}

/// Returns true if the longer word is the shorter one with one letter inserted.
fn has_one_more(longer: &[char], shorter: &[char]) -> bool {
    let without = |at: usize| [&longer[..at], &longer[at + 1..]].concat();
    (0..longer.len()).any(|at| without(at) == shorter)
}

/// A key whose value may continue on the lines below.
struct PendingKey {
    key: MetadataKey,
    name: String,
    value: String,
    line: usize,
    bold: bool,
    depth: usize,
    items: Vec<TextLine>,
}

struct HeadReader<'a> {
    draft: &'a mut Draft,
    diagnostics: &'a mut Diagnostics,
    head: Head,
    pending: Option<PendingKey>,
    /// No prose has come yet, so a plain `Run: x` is meant as a key.
    is_leading: bool,
    /// The steps have begun.
    is_over: bool,
}

impl HeadReader<'_> {
    fn node(&mut self, node: &OutlineNode) {
        match &node.kind {
            NodeKind::Line(line) => self.line(line),
            // A `---` right below the metadata makes a heading of them for CommonMark.
            NodeKind::Heading { lines, underlined: true, .. } => {
                lines.iter().for_each(|line| self.line(line));
            }
            NodeKind::Heading { text, .. } => self.heading(text, node.line),
            NodeKind::Code { .. } => self.end(),
            NodeKind::Table(_) | NodeKind::Aside { .. } => {
                self.close();
                self.is_leading = false;
            }
            NodeKind::Rule => self.close(),
        }
    }

    /// Reads `#### Files` as the key `**Files:**`; any other heading ends the head.
    fn heading(&mut self, text: &str, line: usize) {
        self.close();
        match key::known(text.trim_end_matches(':')) {
            Some(key) if !self.is_over => {
                let (name, value, items) = (text.to_owned(), String::new(), Vec::new());
                self.pending =
                    Some(PendingKey { key, name, value, line, bold: true, depth: 0, items });
            }
            _ => self.end(),
        }
    }

    fn line(&mut self, line: &TextLine) {
        if self.is_over {
            return self.key_after_steps(line);
        }
        if is_step(line) {
            return self.end();
        }
        // Before the line is read as a key: an item like `Modify: a.rs` belongs to the list above
        // it.
        if self.pending.as_mut().is_some_and(|pending| pending.takes(line)) {
            return;
        }
        self.close();
        let entries = key::read_all(line);
        self.is_leading &= !entries.is_empty();
        for entry in entries {
            self.close();
            self.pending = Some(PendingKey::new(entry, line));
        }
    }

    /// Warns of a key below the head that would have mattered in it.
    fn key_after_steps(&mut self, line: &TextLine) {
        let Some(entry) = key::read(line).filter(|entry| entry.bold) else { return };
        let is_known = match entry.key {
            // A key that the head has already may come again as text.
            MetadataKey::Id => self.draft.id.is_some(),
            MetadataKey::DependsOn => self.head.depends_on.is_some(),
            MetadataKey::ParallelSafe => self.draft.parallel_safe.is_some(),
            _ => true,
        };
        if !is_known {
            let name = entry.name.trim_end_matches(':');
            let message = format!("ignored `{name}`: it must come before the task's steps");
            self.diagnostics.warning(
                line.number,
                message,
                "move it to the lines below the heading",
            );
        }
    }

    fn end(&mut self) {
        self.close();
        self.is_over = true;
    }

    /// Ends the key that was being read, and takes over its value.
    fn close(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let is_meant = pending.bold || self.is_leading;
        match pending.key {
            MetadataKey::Id => self.id(&pending),
            MetadataKey::DependsOn => self.depends_on(&pending),
            MetadataKey::ParallelSafe if is_meant => self.parallel_safe(&pending),
            MetadataKey::Files => self.files(&pending, FileUse::Write),
            MetadataKey::Write => self.files(&pending, FileUse::Write),
            MetadataKey::Read => self.files(&pending, FileUse::Read),
            MetadataKey::Wave => {
                self.head.wave.get_or_insert(pending.line);
            }
            MetadataKey::Model
            | MetadataKey::Agent
            | MetadataKey::Test
            | MetadataKey::Run
            | MetadataKey::Timeout
                if is_meant =>
            {
                self.setting(&pending);
            }
            MetadataKey::Reviews if is_meant => self.reviews(&pending),
            MetadataKey::Status if is_meant => self.draft.done |= marks::is_done(&pending.value),
            MetadataKey::Unknown if is_meant => self.unknown_key(&pending),
            _ => {}
        }
    }

    /// Warns of an unknown key that looks like a misspelt known one.
    ///
    /// Plans have many keys of their own, such as `Complexity`, so an unknown key is no mistake by
    /// itself; but with `depend_on` the author would lose a dependency without noticing.
    fn unknown_key(&mut self, pending: &PendingKey) {
        let name = pending.name.trim_end_matches(':').replace([' ', '-'], "_");
        let meant = nearest(&name, ORDER_KEYS.into_iter()).or_else(|| misspelt(&name));
        if let Some(meant) = meant {
            let message = format!("ignored unknown key `{}`", pending.name);
            self.diagnostics.warning(pending.line, message, format!("did you mean `{meant}`?"));
        }
    }

    fn id(&mut self, pending: &PendingKey) {
        let text = without_remarks(&pending.value);
        let text = text.trim().trim_matches(['`', '"', '\'']).to_owned();
        if let Some(first) = &self.draft.id {
            let message = format!("this task already has the id `{}`", first.text);
            self.diagnostics.warning(pending.line, message, "keep one of them");
        } else if pending.bold || self.is_leading {
            self.draft.id = Some(SourceText { text, line: pending.line });
        }
    }

    fn depends_on(&mut self, pending: &PendingKey) {
        let values = self.head.depends_on.get_or_insert_default();
        let value = SourceText { text: pending.value.clone(), line: pending.line };
        values.extend((!value.text.is_empty()).then_some(value));
        let item = |line: &TextLine| SourceText { text: line.text.clone(), line: line.number };
        values.extend(pending.items.iter().map(item));
    }

    fn parallel_safe(&mut self, pending: &PendingKey) {
        match value::boolean(&pending.value) {
            Some(safe) => {
                self.draft.parallel_safe.get_or_insert(safe);
                self.draft.alone_because = value::remark(&pending.value);
            }
            None => {
                let message = format!("invalid value for `{}`: {:?}", pending.name, pending.value);
                self.diagnostics.error(pending.line, message, "write `true` or `false`");
            }
        }
    }

    fn files(&mut self, pending: &PendingKey, what: FileUse) {
        let inline = match pending.key {
            // `Files: Create: a.rs` on one line.
            MetadataKey::Files => paths::item(&pending.value),
            _ => (None, paths::paths(&pending.value)),
        };
        self.add_files(inline.0.unwrap_or(what), inline.1);
        let top = pending.items.iter().map(|item| item.depth).min().unwrap_or(0);
        let mut above = (what, true);
        for item in &pending.items {
            let (verb, paths) = paths::item(&item.text);
            // A deeper list is a remark, unless the item above it names no file itself.
            if item.depth == top {
                above =
                    (verb.unwrap_or(what), paths.is_empty() && item.text.trim_end().ends_with(':'));
            } else if !above.1 {
                continue;
            }
            self.add_files(verb.unwrap_or(above.0), paths);
        }
    }

    fn add_files(&mut self, what: FileUse, paths: Vec<String>) {
        match what {
            FileUse::Write => self.draft.files.extend(paths),
            FileUse::Read => self.draft.reads.extend(paths),
            FileUse::Neither => {}
        }
    }

    /// Takes a value that decides what is run, unless it may be prose.
    ///
    /// `Run:` and `Test:` are common words in the text of a task; what follows them must not become
    /// a shell command by accident.
    fn setting(&mut self, pending: &PendingKey) {
        let quoted = pending.value.strip_prefix('`').and_then(|rest| rest.split_once('`'));
        let text = quoted.map_or(pending.value.as_str(), |(code, _)| code).trim().to_owned();
        let is_word = !text.contains(char::is_whitespace);
        let may_be_prose = !self.is_leading || pending.key == MetadataKey::Model;
        if text.is_empty() || (quoted.is_none() && is_nothing(&text)) {
            return;
        }
        if quoted.is_none() && !is_word && may_be_prose && pending.key != MetadataKey::Timeout {
            let message =
                format!("ignored `{}`: its value looks like prose: {text:?}", pending.name);
            let remedy = "put the value in backquotes, in the lines below the heading";
            return self.diagnostics.warning(pending.line, message, remedy);
        }
        match pending.key {
            MetadataKey::Model => self.draft.model = Some(text),
            MetadataKey::Agent => self.draft.agent = Some(text),
            MetadataKey::Run => self.draft.run = Some(text),
            // `Test: path` beside `Create: path` is part of a list of files, not a command.
            MetadataKey::Test if is_word && text.contains('/') && !self.draft.files.is_empty() => {
                self.draft.files.extend(value::path(&text));
            }
            MetadataKey::Test => self.draft.test = Some(text),
            _ => self.timeout(&text, pending),
        }
    }

    fn reviews(&mut self, pending: &PendingKey) {
        let text = without_remarks(&pending.value).replace('`', "");
        let text = text.trim().trim_matches(['[', ']', '.']);
        let words = text.split(',').map(|word| word.trim().trim_matches(['"', '\'']));
        let read = match text {
            // `[]` means no reviews; an empty value is a slip.
            "" if pending.value.trim() != "[]" => Err("no review is named".to_owned()),
            _ if is_nothing(text) => Ok(Vec::new()),
            _ => review::of_task(words),
        };
        match read {
            Ok(reviews) => self.draft.reviews = Some(reviews),
            Err(wrong) => {
                let message = format!("`{}`: {wrong}", pending.name);
                let remedy = "write `spec, quality`, one of them, `combined` or `none`";
                self.diagnostics.error(pending.line, message, remedy);
            }
        }
    }

    fn timeout(&mut self, text: &str, pending: &PendingKey) {
        match value::seconds(&without_remarks(text)) {
            Some(seconds) => self.draft.timeout = Some(seconds),
            None => {
                let message = format!("invalid duration for `{}`: {text:?}", pending.name);
                self.diagnostics.error(
                    pending.line,
                    message,
                    "write for example `30m`, `1h30m` or `90s`",
                );
            }
        }
    }
}

impl PendingKey {
    fn new(entry: KeyValue, line: &TextLine) -> PendingKey {
        PendingKey {
            key: entry.key,
            name: entry.name.trim_end_matches(':').to_owned(),
            value: entry.value.to_owned(),
            line: line.number,
            bold: entry.bold,
            depth: line.depth,
            items: Vec::new(),
        }
    }

    /// Takes a line that continues the value, either as an item of its list or as its next line;
    /// returns false if the line does not belong to it.
    fn takes(&mut self, line: &TextLine) -> bool {
        let has_list = matches!(
            self.key,
            MetadataKey::DependsOn | MetadataKey::Files | MetadataKey::Write | MetadataKey::Read
        );
        if !has_list {
            return false;
        }
        if line.depth > self.depth {
            // If the value is complete, a list below it is about something else.
            if self.items.is_empty() && !without_remarks(&self.value).trim().is_empty() {
                return false;
            }
            match self.items.last_mut() {
                Some(last) if !line.starts_item && line.depth == last.depth => {
                    last.text.push(' ');
                    last.text.push_str(&line.text);
                }
                _ => self.items.push(line.clone()),
            }
            return true;
        }
        // A comma at the end says that the list goes on in the next line.
        let continues =
            self.items.is_empty() && !line.starts_item && self.value.trim_end().ends_with(',');
        if continues {
            self.value.push(' ');
            self.value.push_str(&line.text);
        }
        continues
    }
}

/// Returns true if a line begins the steps: `- [ ] ...`, `**Step 1: ...**`, `Steps:`.
fn is_step(line: &TextLine) -> bool {
    let word = line.text.split([' ', ':', '.']).next().unwrap_or_default();
    let rest = line.text[word.len()..].trim_start_matches([' ', ':', '.']);
    let numbered =
        word.eq_ignore_ascii_case("step") && rest.starts_with(|c: char| c.is_ascii_digit());
    let titled = word.eq_ignore_ascii_case("steps") && line.text[word.len()..].starts_with(':');
    line.checkbox || numbered || titled || (word.eq_ignore_ascii_case("steps") && rest.is_empty())
}
