//! Plans in TOML, and the normalised form that the journal stores.
//!
//! Invariant: the text that [`write()`] returns reads back as the same plan. An unknown key is an
//! error, since with a misspelt `depends_on` tasks would run too early.

mod write;

pub(crate) use write::write;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::diagnostic::Diagnostics;
use super::draft::{Draft, SourceText};
use super::superpowers;
use crate::domain::plan::value;
use crate::domain::plan::{Criterion, Preamble};
use crate::domain::review::{self, Review};
use crate::domain::text::{fault, nearest};

const PLAN_KEYS: [&str; 3] = ["name", "preamble", "task"];
const PREAMBLE_KEYS: [&str; 2] = ["constraints", "text"];
const TASK_KEYS: [&str; 22] = [
    "id",
    "number",
    "title",
    "depends_on",
    "parallel_safe",
    "alone_because",
    "done",
    "files",
    "reads",
    "prompt",
    "run",
    "model",
    "agent",
    "test",
    "timeout",
    "final_review",
    "plan_first",
    "reviews",
    "criteria",
    "ticked",
    "ticket",
    "line",
];

/// The contents of a TOML plan.
#[derive(Debug, Default)]
pub(super) struct TomlPlan {
    pub(super) name: Option<String>,
    pub(super) preamble: Option<Preamble>,
    pub(super) drafts: Vec<Draft>,
}

/// Reads a plan; every mistake is in `diagnostics`.
pub(super) fn parse(source: &str, diagnostics: &mut Diagnostics) -> TomlPlan {
    // Recoverable, so that all errors of syntax appear at once; nothing else is read if there are
    // any.
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        let line = error.span().map_or(0, |span| fault::line_of(source, span.start));
        diagnostics.error(line, fault::toml(error), "see https://toml.io for the syntax");
    }
    if !errors.is_empty() {
        return TomlPlan::default();
    }
    let mut reader = TomlReader { lines: LineStarts::new(source), diagnostics };
    reader.document(table.get_ref())
}

/// The starts of all lines, to turn byte offsets into line numbers.
struct LineStarts {
    starts: Vec<usize>,
}

impl LineStarts {
    fn new(source: &str) -> LineStarts {
        let after = source.match_indices('\n').map(|(at, _)| at + 1);
        LineStarts { starts: std::iter::once(0).chain(after).collect() }
    }

    fn at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }
}

struct TomlReader<'f> {
    lines: LineStarts,
    diagnostics: &'f mut Diagnostics,
}

type TomlValue<'a> = Spanned<DeValue<'a>>;

impl TomlReader<'_> {
    fn document(&mut self, table: &DeTable) -> TomlPlan {
        self.check_keys(table, &PLAN_KEYS);
        let name = table.get("name").and_then(|value| self.text("name", value));
        let preamble = table.get("preamble").and_then(|value| self.preamble(value));
        let tasks = table.get("task");
        let list = tasks.and_then(|value| value.get_ref().as_array());
        if let (Some(value), None) = (tasks, list) {
            self.wrong("task", value, "a list of tables", "begin each task with `[[task]]`");
        }
        let mut drafts = Vec::new();
        for task in list.into_iter().flat_map(|list| list.iter()) {
            match task.get_ref().as_table() {
                Some(table) => drafts.push(self.task(table, task)),
                None => self.wrong("task", task, "a table", "begin each task with `[[task]]`"),
            }
        }
        TomlPlan { name, preamble, drafts }
    }

    /// Reads `preamble`: a text in Markdown, or a table with `constraints` and `text`.
    fn preamble(&mut self, value: &TomlValue) -> Option<Preamble> {
        if let Some(text) = value.get_ref().as_str() {
            return superpowers::preamble(text);
        }
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("preamble", value, "a string or a table", "write `preamble = \"...\"`");
            return None;
        };
        self.check_keys(table, &PREAMBLE_KEYS);
        let mut text = |key: &str| table.get(key).and_then(|value| self.text(key, value));
        let (constraints, text) = (text("constraints"), text("text"));
        Preamble::new(&constraints.unwrap_or_default(), &text.unwrap_or_default())
    }

    fn task(&mut self, table: &DeTable, whole: &TomlValue) -> Draft {
        let line = self.line(whole);
        self.check_keys(table, &TASK_KEYS);
        let id = table.get("id").map(|value| (self.text("id", value), self.line(value)));
        // An id of the wrong type is reported by `text`.
        if id.is_none() {
            self.diagnostics.error(line, "this task has no id", "write `id = \"name\"`");
        }
        let id = id.and_then(|(text, line)| Some(SourceText { text: text?, line }));
        let mut text = |key: &str| table.get(key).and_then(|value| self.text(key, value));
        let title = text("title").or_else(|| id.as_ref().map(|id| id.text.clone()));
        let draft = Draft {
            title: value::title(&title.unwrap_or_default()),
            number: text("number"),
            prompt: text("prompt").unwrap_or_default(),
            run: text("run"),
            model: text("model"),
            agent: text("agent"),
            test: text("test"),
            ticket: text("ticket"),
            alone_because: text("alone_because"),
            criteria: self.criteria(table),
            depends_on: table.get("depends_on").map(|value| self.texts("depends_on", value)),
            parallel_safe: table
                .get("parallel_safe")
                .and_then(|value| self.boolean("parallel_safe", value)),
            done: table.get("done").and_then(|value| self.boolean("done", value)).unwrap_or(false),
            files: self.paths("files", table),
            reads: self.paths("reads", table),
            timeout: table.get("timeout").and_then(|value| self.timeout(value)),
            plan_first: table
                .get("plan_first")
                .and_then(|value| self.boolean("plan_first", value))
                .unwrap_or(false),
            final_review: table
                .get("final_review")
                .and_then(|value| self.boolean("final_review", value))
                .unwrap_or(false),
            reviews: table.get("reviews").and_then(|value| self.reviews(value)),
            // The journal keeps the line of the user's file, not the one of its own TOML.
            line: table.get("line").and_then(|value| self.number(value)).unwrap_or(line),
            id,
            file: 0,
        };
        if draft.prompt.trim().is_empty() && draft.run.is_none() {
            let message = format!("task `{}` has only a title", draft.id_text());
            self.diagnostics.warning(
                line,
                message,
                "write `prompt = \"\"\"...\"\"\"` or `run = \"...\"`",
            );
        }
        draft
    }

    fn line(&self, value: &TomlValue) -> usize {
        self.lines.at(value.span().start)
    }

    fn check_keys(&mut self, table: &DeTable, known: &[&'static str]) {
        for key in table.keys().filter(|key| !known.contains(&&*key.get_ref().clone())) {
            let line = self.lines.at(key.span().start);
            let remedy = match nearest(key.get_ref(), known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the known keys are: {}", known.join(", ")),
            };
            let message = format!("unknown key `{}`", key.get_ref());
            self.diagnostics.error(line, message, remedy);
        }
    }

    fn wrong(&mut self, key: &str, value: &TomlValue, expected: &str, remedy: &str) {
        let line = self.line(value);
        let found = value.get_ref().type_str();
        self.diagnostics.error(line, format!("`{key}` must be {expected}, not {found}"), remedy);
    }

    fn text(&mut self, key: &str, value: &TomlValue) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, value, "a string", "put it in quotes");
        }
        text
    }

    fn texts(&mut self, key: &str, value: &TomlValue) -> Vec<SourceText> {
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list", &format!("write `{key} = [\"...\"]`"));
            return Vec::new();
        };
        let texts = list.iter().filter_map(|item| {
            let line = self.line(item);
            self.text(key, item).map(|text| SourceText { text, line })
        });
        texts.collect()
    }

    fn paths(&mut self, key: &str, table: &DeTable) -> Vec<String> {
        let texts = table.get(key).map(|value| self.texts(key, value)).unwrap_or_default();
        texts.iter().filter_map(|text| value::path(&text.text)).collect()
    }

    /// Reads `criteria`, a list of texts, and `ticked`, the numbers of those that are ticked.
    fn criteria(&mut self, table: &DeTable) -> Vec<Criterion> {
        let texts = table.get("criteria").map(|value| self.texts("criteria", value));
        let ticked = table.get("ticked").map(|value| self.numbers("ticked", value));
        let ticked = ticked.unwrap_or_default();
        let numbered = texts.unwrap_or_default().into_iter().zip(1..);
        let criterion = |(written, index): (SourceText, usize)| Criterion {
            index,
            text: written.text,
            checked: ticked.contains(&index),
        };
        numbered.map(criterion).collect()
    }

    fn numbers(&mut self, key: &str, value: &TomlValue) -> Vec<usize> {
        let list = value.get_ref().as_array().map(|list| list.iter().collect::<Vec<_>>());
        let number = |item: &&TomlValue| item.get_ref().as_integer()?.as_str().parse().ok();
        let numbers = list.map(|list| list.iter().map(number).collect::<Option<Vec<usize>>>());
        numbers.flatten().unwrap_or_else(|| {
            self.wrong(key, value, "a list of numbers", &format!("write `{key} = [1, 2]`"));
            Vec::new()
        })
    }

    fn boolean(&mut self, key: &str, value: &TomlValue) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong(key, value, "true or false", "write `true` or `false`");
        }
        boolean
    }

    fn number(&mut self, value: &TomlValue) -> Option<usize> {
        let number = value.get_ref().as_integer().filter(|integer| integer.radix() == 10);
        let number = number.and_then(|integer| integer.as_str().parse().ok());
        if number.is_none() {
            self.wrong("line", value, "a line number", "leave it out");
        }
        number
    }

    fn reviews(&mut self, value: &TomlValue) -> Option<Vec<Review>> {
        value.get_ref().as_array().or_else(|| {
            self.wrong("reviews", value, "a list", "write `reviews = [\"spec\", \"quality\"]`");
            None
        })?;
        let words = self.texts("reviews", value);
        match review::of_task(words.iter().map(|word| word.text.as_str())) {
            Ok(reviews) => Some(reviews),
            Err(wrong) => {
                let line = self.line(value);
                let remedy =
                    "write [\"spec\", \"quality\"], one of them, [\"combined\"], or [] for none";
                self.diagnostics.error(line, format!("`reviews`: {wrong}"), remedy);
                None
            }
        }
    }

    fn timeout(&mut self, value: &TomlValue) -> Option<u64> {
        let text = match value.get_ref() {
            // `0x1F` is an integer in TOML too.
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::String(text) => text.as_ref(),
            _ => "",
        };
        let seconds = value::seconds(text);
        if seconds.is_none() {
            let line = self.line(value);
            let message = format!("invalid duration for `timeout`: {text:?}");
            self.diagnostics.error(line, message, "write for example \"30m\", \"1h30m\" or 90");
        }
        seconds
    }
}
