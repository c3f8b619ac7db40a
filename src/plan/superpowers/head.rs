//! The head of a task: its metadata, before the steps begin.
//!
//! Invariant: nothing below the first step, code block or heading counts; a key that
//! stands there and would matter is warned of. A word of prose never becomes a command.

use super::key::{self, Entry, Key};
use super::outline::{Kind, Line, Node};
use crate::domain::plan::paths::{self, Use};
use crate::domain::plan::value;
use crate::domain::plan::value::{is_nothing, without_remarks};
use crate::domain::review;
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;
use crate::plan::syntax::near::nearest;

/// Keys whose misspelling changes when a task runs.
const SLIPS: [&str; 2] = ["depends_on", "parallel_safe"];

/// Keys whose misspelling changes how a task is done.
const CHOICES: [&str; 4] = ["model", "agent", "timeout", "reviews"];

/// What the head says besides what a [`Draft`] holds.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Values of `depends_on`, not yet resolved; `None` where nothing is said.
    pub(super) depends_on: Option<Vec<Written>>,
    pub(super) wave: Option<usize>,
}

/// Reads the nodes of a task's body into the draft.
pub(super) fn read(nodes: &[Node], draft: &mut Draft, findings: &mut Findings) -> Head {
    let mut reader = Reader {
        draft,
        findings,
        head: Head::default(),
        pending: None,
        is_leading: true,
        is_over: false,
    };
    nodes.iter().for_each(|node| reader.node(node));
    reader.close();
    reader.head
}

/// Returns the key that has the same letters in another order, or one letter more or less in the
/// middle: `modle`, `timout`. What differs otherwise is a word of its own: `Mode`, `Review`.
fn misspelt(name: &str) -> Option<&'static str> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let sorted = |mut word: Vec<char>| {
        word.sort_unstable();
        word
    };
    let is_slip = |key: &&str| {
        let key: Vec<char> = key.chars().collect();
        let is_ordered = name.starts_with(&key) || key.starts_with(&name);
        let is_one_more = has_one_more(&name, &key) || has_one_more(&key, &name);
        sorted(name.clone()) == sorted(key) || (is_one_more && !is_ordered)
    };
    CHOICES.into_iter().find(is_slip)
}

/// Returns true where the longer word is the shorter with one letter put in.
fn has_one_more(longer: &[char], shorter: &[char]) -> bool {
    let without = |at: usize| [&longer[..at], &longer[at + 1..]].concat();
    (0..longer.len()).any(|at| without(at) == shorter)
}

/// A key whose value may go on below.
struct Pending {
    key: Key,
    name: String,
    value: String,
    line: usize,
    bold: bool,
    depth: usize,
    items: Vec<Line>,
}

struct Reader<'a> {
    draft: &'a mut Draft,
    findings: &'a mut Findings,
    head: Head,
    pending: Option<Pending>,
    /// No prose has come yet: plain `Run: x` is meant as a key.
    is_leading: bool,
    is_over: bool,
}

impl Reader<'_> {
    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Line(line) => self.line(line),
            Kind::Heading { lines, underlined: true, .. } => {
                lines.iter().for_each(|line| self.line(line));
            }
            Kind::Heading { text, .. } => self.heading(text, node.line),
            Kind::Code { .. } => self.end(),
            Kind::Table(_) | Kind::Aside { .. } => {
                self.close();
                self.is_leading = false;
            }
            Kind::Rule => self.close(),
        }
    }

    /// `#### Files` is a key like `**Files:**`; any other heading ends the head.
    fn heading(&mut self, text: &str, line: usize) {
        self.close();
        match key::known(text.trim_end_matches(':')) {
            Some(key) if !self.is_over => {
                let (name, value, items) = (text.to_owned(), String::new(), Vec::new());
                self.pending =
                    Some(Pending { key, name, value, line, bold: true, depth: 0, items });
            }
            _ => self.end(),
        }
    }

    fn line(&mut self, line: &Line) {
        if self.is_over {
            return self.late(line);
        }
        if is_step(line) {
            return self.end();
        }
        if self.pending.as_mut().is_some_and(|pending| pending.takes(line)) {
            return;
        }
        self.close();
        let entries = key::read_all(line);
        self.is_leading &= !entries.is_empty();
        for entry in entries {
            self.close();
            self.pending = Some(Pending::new(entry, line));
        }
    }

    /// Tells of a key that stands below the head and would have mattered there.
    fn late(&mut self, line: &Line) {
        let Some(entry) = key::read(line).filter(|entry| entry.bold) else { return };
        let is_known = match entry.key {
            Key::Id => self.draft.id.is_some(),
            Key::DependsOn => self.head.depends_on.is_some(),
            Key::ParallelSafe => self.draft.parallel_safe.is_some(),
            _ => true,
        };
        if !is_known {
            let name = entry.name.trim_end_matches(':');
            let message = format!("`{name}` stands below the task's steps, so it is not read");
            self.findings.warning(line.number, message, "move it to the lines below the heading");
        }
    }

    fn end(&mut self) {
        self.close();
        self.is_over = true;
    }

    /// Takes over the key that was being read.
    fn close(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let is_meant = pending.bold || self.is_leading;
        match pending.key {
            Key::Id => self.id(&pending),
            Key::DependsOn => self.depends_on(&pending),
            Key::ParallelSafe if is_meant => self.parallel_safe(&pending),
            Key::Files => self.files(&pending, Use::Write),
            Key::Write => self.files(&pending, Use::Write),
            Key::Read => self.files(&pending, Use::Read),
            Key::Wave => {
                self.head.wave.get_or_insert(pending.line);
            }
            Key::Model | Key::Agent | Key::Test | Key::Run | Key::Timeout if is_meant => {
                self.setting(&pending);
            }
            Key::Reviews if is_meant => self.reviews(&pending),
            Key::Unknown if is_meant => self.slip(&pending),
            _ => {}
        }
    }

    /// A key that nobody knows is no mistake, but one that is nearly an edge would be missed.
    fn slip(&mut self, pending: &Pending) {
        let name = pending.name.trim_end_matches(':').replace([' ', '-'], "_");
        let meant = nearest(&name, SLIPS.into_iter()).or_else(|| misspelt(&name));
        if let Some(meant) = meant {
            let message = format!("`{}` is no key, so it is not read", pending.name);
            self.findings.warning(pending.line, message, format!("did you mean `{meant}`?"));
        }
    }

    fn id(&mut self, pending: &Pending) {
        let text = without_remarks(&pending.value);
        let text = text.trim().trim_matches(['`', '"', '\'']).to_owned();
        if let Some(first) = &self.draft.id {
            let message = format!("a second id; the first is `{}`", first.text);
            self.findings.warning(pending.line, message, "keep one of them");
        } else if pending.bold || self.is_leading {
            self.draft.id = Some(Written { text, line: pending.line });
        }
    }

    fn depends_on(&mut self, pending: &Pending) {
        let values = self.head.depends_on.get_or_insert_default();
        let value = Written { text: pending.value.clone(), line: pending.line };
        values.extend((!value.text.is_empty()).then_some(value));
        let item = |line: &Line| Written { text: line.text.clone(), line: line.number };
        values.extend(pending.items.iter().map(item));
    }

    fn parallel_safe(&mut self, pending: &Pending) {
        match value::boolean(&pending.value) {
            Some(safe) => {
                self.draft.parallel_safe.get_or_insert(safe);
            }
            None => {
                let message =
                    format!("`{}` is neither true nor false: {:?}", pending.name, pending.value);
                self.findings.error(pending.line, message, "write `true` or `false`");
            }
        }
    }

    fn files(&mut self, pending: &Pending, what: Use) {
        let inline = match pending.key {
            // `Files: Create: a.rs` on one line.
            Key::Files => paths::item(&pending.value),
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

    fn add_files(&mut self, what: Use, paths: Vec<String>) {
        match what {
            Use::Write => self.draft.files.extend(paths),
            Use::Read => self.draft.reads.extend(paths),
            Use::Neither => {}
        }
    }

    /// Takes a value that decides what is run, if it cannot be mistaken for prose.
    fn setting(&mut self, pending: &Pending) {
        let quoted = pending.value.strip_prefix('`').and_then(|rest| rest.split_once('`'));
        let text = quoted.map_or(pending.value.as_str(), |(code, _)| code).trim().to_owned();
        let is_word = !text.contains(char::is_whitespace);
        let may_be_prose = !self.is_leading || pending.key == Key::Model;
        if text.is_empty() || (quoted.is_none() && is_nothing(&text)) {
            return;
        }
        if quoted.is_none() && !is_word && may_be_prose && pending.key != Key::Timeout {
            let message =
                format!("`{}` reads like prose, so it is not taken: {text:?}", pending.name);
            let remedy = "put the value into backquotes, in the lines below the heading";
            return self.findings.warning(pending.line, message, remedy);
        }
        match pending.key {
            Key::Model => self.draft.model = Some(text),
            Key::Agent => self.draft.agent = Some(text),
            Key::Run => self.draft.run = Some(text),
            // `Test:` beside `Create:` is a verb, as in a list of files.
            Key::Test if is_word && text.contains('/') && !self.draft.files.is_empty() => {
                self.draft.files.extend(value::path(&text));
            }
            Key::Test => self.draft.test = Some(text),
            _ => self.timeout(&text, pending),
        }
    }

    fn reviews(&mut self, pending: &Pending) {
        let text = without_remarks(&pending.value).replace('`', "");
        let text = text.trim().trim_matches(['[', ']', '.']);
        let words = text.split(',').map(|word| word.trim().trim_matches(['"', '\'']));
        let read = match text {
            "" if pending.value.trim() != "[]" => Err("it names none".to_owned()),
            _ if is_nothing(text) => Ok(Vec::new()),
            _ => review::of_task(words),
        };
        match read {
            Ok(reviews) => self.draft.reviews = Some(reviews),
            Err(wrong) => {
                let message = format!("`{}`: {wrong}", pending.name);
                let remedy = "write `spec, quality`, one of them, `combined` or `none`";
                self.findings.error(pending.line, message, remedy);
            }
        }
    }

    fn timeout(&mut self, text: &str, pending: &Pending) {
        match value::seconds(&without_remarks(text)) {
            Some(seconds) => self.draft.timeout = Some(seconds),
            None => {
                let message = format!("`{}` is no span of time: {text:?}", pending.name);
                self.findings.error(
                    pending.line,
                    message,
                    "write for example `30m`, `1h30m` or `90s`",
                );
            }
        }
    }
}

impl Pending {
    fn new(entry: Entry, line: &Line) -> Pending {
        Pending {
            key: entry.key,
            name: entry.name.trim_end_matches(':').to_owned(),
            value: entry.value.to_owned(),
            line: line.number,
            bold: entry.bold,
            depth: line.depth,
            items: Vec::new(),
        }
    }

    /// Takes a line that goes on with the value: an item of its list, or its next line.
    fn takes(&mut self, line: &Line) -> bool {
        let has_list = matches!(self.key, Key::DependsOn | Key::Files | Key::Write | Key::Read);
        if !has_list {
            return false;
        }
        if line.depth > self.depth {
            // A list below a value that is complete is about something else.
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
        let goes_on =
            self.items.is_empty() && !line.starts_item && self.value.trim_end().ends_with(',');
        if goes_on {
            self.value.push(' ');
            self.value.push_str(&line.text);
        }
        goes_on
    }
}

/// `- [ ] ...`, `**Step 1: ...**`, `Steps:`: the work begins here.
fn is_step(line: &Line) -> bool {
    let word = line.text.split([' ', ':', '.']).next().unwrap_or_default();
    let rest = line.text[word.len()..].trim_start_matches([' ', ':', '.']);
    let numbered =
        word.eq_ignore_ascii_case("step") && rest.starts_with(|c: char| c.is_ascii_digit());
    let titled = word.eq_ignore_ascii_case("steps") && line.text[word.len()..].starts_with(':');
    line.checkbox || numbered || titled || (word.eq_ignore_ascii_case("steps") && rest.is_empty())
}
