//! Front matter: the `---` block at the start of a file that holds one task.
//!
//! Invariant: reads keys with a text or a list of texts. What it does not know it skips; it
//! never guesses.

use crate::domain::plan::paths;
use crate::domain::plan::value;
use crate::domain::plan::value::is_nothing;
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;
use crate::plan::syntax::front_matter;
use crate::plan::syntax::yaml::{self, Fault, Node};

/// The fields of a front matter, and where the document behind it begins.
#[derive(Debug)]
pub(in crate::plan) struct Front {
    fields: Result<Node, Fault>,
    pub(in crate::plan) end: usize,
}

const IDS: [&str; 4] = ["id", "task_id", "ticket_id", "phase_id"];
const DEPENDENCIES: [&str; 3] = ["depends_on", "dependencies", "blocked_by"];
const PARALLEL: [&str; 2] = ["parallel_safe", "parallel"];

impl Front {
    /// Returns the front matter, if the text begins with one that is closed.
    pub(in crate::plan) fn read(source: &str) -> Option<Front> {
        let place = front_matter::range(source)?;
        Some(Front { fields: yaml::read(&source[place.matter], 2), end: place.end })
    }

    /// Returns why the fields cannot be read, where they are no YAML.
    pub(in crate::plan) fn fault(&self) -> Option<&Fault> {
        self.fields.as_ref().err()
    }

    /// Returns whether the fields are those of a task, not of a document about tasks.
    pub(super) fn is_task(&self) -> bool {
        self.first(&IDS).is_some() && self.says_when()
    }

    /// Returns whether the fields are those of a ticket among others.
    pub(in crate::plan) fn is_ticket(&self) -> bool {
        self.first(&IDS).is_some() || self.says_when()
    }

    fn says_when(&self) -> bool {
        self.first(&DEPENDENCIES).is_some() || self.first(&PARALLEL).is_some()
    }

    /// Returns how far the task is, where that is said.
    pub(in crate::plan) fn status(&self) -> Option<String> {
        self.text(&["status", "state"])
    }

    /// Makes a task of the fields; `title` is the document's first heading.
    pub(in crate::plan) fn draft(
        &self,
        title: Option<&str>,
        body: &str,
        findings: &mut Findings,
    ) -> Draft {
        let id = self.first(&IDS).and_then(|node| Some((node.text()?.to_owned(), node.line)));
        let title = self.text(&["title", "name"]).or(title.map(str::to_owned));
        let id_text = id.as_ref().map(|(text, _)| text.clone()).unwrap_or_default();
        Draft {
            title: value::title(&title.unwrap_or(id_text)),
            id: id.map(|(text, line)| Written { text, line }),
            depends_on: self.first(&DEPENDENCIES).map(written),
            parallel_safe: self.parallel_safe(findings),
            files: self.paths(&["files", "file", "scope_files", "allowed_paths"]),
            prompt: body.to_owned(),
            model: self.text(&["model"]),
            agent: self.text(&["agent"]),
            test: self.text(&["test"]),
            run: self.text(&["run"]),
            timeout: self.timeout(findings),
            line: 1,
            ..Draft::default()
        }
    }

    fn first(&self, keys: &[&str]) -> Option<&Node> {
        self.fields.as_ref().ok()?.first(keys)
    }

    fn text(&self, keys: &[&str]) -> Option<String> {
        let texts = self.first(keys)?.texts();
        let text = texts.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(", ");
        (!text.is_empty()).then_some(text)
    }

    fn paths(&self, keys: &[&str]) -> Vec<String> {
        let texts = self.first(keys).map(Node::texts).unwrap_or_default();
        texts.iter().flat_map(|(text, _)| paths::paths(&format!("`{text}`"))).collect()
    }

    fn parallel_safe(&self, findings: &mut Findings) -> Option<bool> {
        let node = self.first(&PARALLEL)?;
        let text = node.text().unwrap_or_default();
        let safe = value::boolean(text);
        if safe.is_none() {
            let message = format!("`parallel_safe` is neither true nor false: {text:?}");
            findings.error(node.line, message, "write `true` or `false`");
        }
        safe
    }

    fn timeout(&self, findings: &mut Findings) -> Option<u64> {
        let node = self.first(&["timeout"])?;
        let text = node.text().unwrap_or_default();
        let seconds = value::seconds(text);
        if seconds.is_none() {
            let message = format!("`timeout` is no span of time: {text:?}");
            findings.error(node.line, message, "write for example `30m`, `1h30m` or `90s`");
        }
        seconds
    }
}

fn written(node: &Node) -> Vec<Written> {
    // `a, b` on one line is a list too.
    let parts = |(text, line): (&str, usize)| {
        let names =
            text.split(',').map(str::trim).filter(|name| !name.is_empty() && !is_nothing(name));
        names.map(|name| Written { text: name.to_owned(), line }).collect::<Vec<_>>()
    };
    node.texts().into_iter().flat_map(parts).collect()
}
