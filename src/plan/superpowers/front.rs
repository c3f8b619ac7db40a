//! Front matter: the `---` block at the start of a file that holds one task.
//!
//! Invariant: reads the part of YAML that such files use, keys with a text or a list of
//! texts. What it does not know it skips; it never guesses.

use super::dependencies::is_nothing;
use super::files;
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;
use crate::plan::value;

/// The fields of a front matter, and where the document behind it begins.
#[derive(Debug)]
pub(super) struct Front {
    fields: Vec<Field>,
    pub(super) end: usize,
}

#[derive(Debug)]
struct Field {
    key: String,
    values: Vec<String>,
    line: usize,
}

/// Returns the front matter, if the text begins with one that is closed.
pub(super) fn read(source: &str) -> Option<Front> {
    let mut fields: Vec<Field> = Vec::new();
    let mut end = 0;
    for (at, raw) in source.split_inclusive('\n').enumerate() {
        end += raw.len();
        let text = raw.trim_end();
        match (at, text) {
            (0, "---") => continue,
            (0, _) => return None,
            (_, "---" | "...") => return Some(Front { fields, end }),
            _ => {}
        }
        let trimmed = text.trim_start();
        if let Some(item) = trimmed.strip_prefix("- ") {
            fields.iter_mut().last().into_iter().for_each(|field| field.values.push(scalar(item)));
        } else if trimmed.len() == text.len()
            && let Some((key, value)) = text.split_once(':')
        {
            let values = list(value.trim());
            fields.push(Field { key: key.trim().to_owned(), values, line: at + 1 });
        }
    }
    None
}

impl Front {
    /// Returns whether the fields are those of a task, not of a document about tasks.
    pub(super) fn is_task(&self) -> bool {
        let says = |keys: &[&str]| keys.iter().any(|key| self.field(key).is_some());
        says(&["id", "task_id", "ticket_id", "phase_id"])
            && says(&["depends_on", "dependencies", "parallel_safe", "parallel"])
    }

    /// Makes a task of the fields; `title` is the document's first heading.
    pub(super) fn draft(&self, title: Option<&str>, body: &str, findings: &mut Findings) -> Draft {
        let id = self.first(&["id", "task_id", "ticket_id", "phase_id"]);
        let dependencies = self.first(&["depends_on", "dependencies"]);
        let text =
            |keys: &[&str]| self.first(keys).map(Field::text).filter(|text| !text.is_empty());
        let title = text(&["title", "name"]).or(title.map(str::to_owned));
        let id_text = id.map(Field::text).unwrap_or_default();
        Draft {
            title: value::title(&title.unwrap_or_else(|| id_text.clone())),
            id: id.map(|field| Written { text: id_text, line: field.line }),
            depends_on: dependencies.map(Field::written),
            parallel_safe: self.parallel_safe(findings),
            files: self.paths(&["files", "file", "scope_files", "allowed_paths"]),
            prompt: body.to_owned(),
            model: text(&["model"]),
            agent: text(&["agent"]),
            test: text(&["test"]),
            run: text(&["run"]),
            timeout: self.timeout(findings),
            line: 1,
            ..Draft::default()
        }
    }

    fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    fn first(&self, keys: &[&str]) -> Option<&Field> {
        keys.iter().find_map(|key| self.field(key))
    }

    fn paths(&self, keys: &[&str]) -> Vec<String> {
        let values = self.first(keys).map(|field| field.values.iter()).into_iter().flatten();
        values.flat_map(|text| files::paths(&format!("`{text}`"))).collect()
    }

    fn parallel_safe(&self, findings: &mut Findings) -> Option<bool> {
        let field = self.first(&["parallel_safe", "parallel"])?;
        let safe = value::boolean(&field.text());
        if safe.is_none() {
            let message = format!("`{}` is neither true nor false: {:?}", field.key, field.text());
            findings.error(field.line, message, "write `true` or `false`");
        }
        safe
    }

    fn timeout(&self, findings: &mut Findings) -> Option<u64> {
        let field = self.field("timeout")?;
        let seconds = value::seconds(&field.text());
        if seconds.is_none() {
            let message = format!("`timeout` is no span of time: {:?}", field.text());
            findings.error(field.line, message, "write for example `30m`, `1h30m` or `90s`");
        }
        seconds
    }
}

impl Field {
    fn text(&self) -> String {
        self.values.join(", ")
    }

    fn written(&self) -> Vec<Written> {
        let names = self.values.iter().filter(|text| !is_nothing(text));
        names.map(|text| Written { text: text.clone(), line: self.line }).collect()
    }
}

/// Reads `[a, "b"]` or a single text.
fn list(value: &str) -> Vec<String> {
    let inner = value.strip_prefix('[').and_then(|rest| rest.trim_end().strip_suffix(']'));
    match inner {
        Some(inner) => inner.split(',').map(scalar).filter(|text| !text.is_empty()).collect(),
        None => Some(scalar(value)).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

fn scalar(text: &str) -> String {
    let text = text.trim();
    let text = text.split_once(" #").map_or(text, |(text, _)| text.trim_end());
    text.trim_matches(['"', '\'']).to_owned()
}
