//! Front matter that declares a task: the `---` block at the start of a file with one task.
//!
//! Invariant: reads keys with a text or a list of texts. It ignores unknown keys and never guesses.

use crate::domain::plan::paths;
use crate::domain::plan::value;
use crate::domain::plan::value::is_nothing;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};
use crate::plan::marks;
use crate::plan::syntax::front_matter;
use crate::plan::syntax::yaml::{self, YamlFault, YamlNode};

/// The fields of a front matter, and the offset at which the document after it begins.
#[derive(Debug)]
pub(in crate::plan) struct FrontMatter {
    fields: Result<YamlNode, YamlFault>,
    pub(in crate::plan) end: usize,
}

const IDS: [&str; 4] = ["id", "task_id", "ticket_id", "phase_id"];
const DEPENDENCIES: [&str; 3] = ["depends_on", "dependencies", "blocked_by"];
const PARALLEL: [&str; 2] = ["parallel_safe", "parallel"];

impl FrontMatter {
    /// Returns the front matter if the text begins with a closed one.
    pub(in crate::plan) fn read(source: &str) -> Option<FrontMatter> {
        let place = front_matter::range(source)?;
        Some(FrontMatter { fields: yaml::read(&source[place.matter], 2), end: place.end })
    }

    /// Returns why the fields cannot be read, if they are not valid YAML.
    pub(in crate::plan) fn fault(&self) -> Option<&YamlFault> {
        self.fields.as_ref().err()
    }

    /// Returns true if the fields are those of a task, not of a document about tasks.
    pub(super) fn is_task(&self) -> bool {
        // Both, because a document about tasks may have an id of its own.
        self.first(&IDS).is_some() && self.has_order()
    }

    /// Returns true if the fields are those of one ticket among others.
    pub(in crate::plan) fn is_ticket(&self) -> bool {
        // The user named the file as a ticket, so one of the two is enough.
        self.first(&IDS).is_some() || self.has_order()
    }

    /// Returns true if a field says when the task can run.
    fn has_order(&self) -> bool {
        self.first(&DEPENDENCIES).is_some() || self.first(&PARALLEL).is_some()
    }

    /// Returns the task's status as written, if there is one.
    pub(in crate::plan) fn status(&self) -> Option<String> {
        self.text(&["status", "state"])
    }

    /// Makes a task of the fields; `title` is the document's first heading.
    pub(in crate::plan) fn draft(
        &self,
        title: Option<&str>,
        body: &str,
        diagnostics: &mut Diagnostics,
    ) -> Draft {
        let id = self.first(&IDS).and_then(|node| Some((node.text()?.to_owned(), node.line)));
        let title = self.text(&["title", "name"]).or(title.map(str::to_owned));
        let id_text = id.as_ref().map(|(text, _)| text.clone()).unwrap_or_default();
        Draft {
            title: value::title(&title.unwrap_or(id_text)),
            id: id.map(|(text, line)| SourceText { text, line }),
            depends_on: self.first(&DEPENDENCIES).map(names),
            parallel_safe: self.parallel_safe(diagnostics),
            alone_because: self.text(&["alone_because"]),
            done: self.status().is_some_and(|status| marks::is_done(&status)),
            files: self.paths(&["files", "file", "scope_files", "allowed_paths"]),
            prompt: body.to_owned(),
            model: self.text(&["model"]),
            agent: self.text(&["agent"]),
            test: self.text(&["test"]),
            run: self.text(&["run"]),
            timeout: self.timeout(diagnostics),
            line: 1,
            ..Draft::default()
        }
    }

    fn first(&self, keys: &[&str]) -> Option<&YamlNode> {
        self.fields.as_ref().ok()?.first(keys)
    }

    fn text(&self, keys: &[&str]) -> Option<String> {
        let texts = self.first(keys)?.texts();
        let text = texts.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(", ");
        (!text.is_empty()).then_some(text)
    }

    fn paths(&self, keys: &[&str]) -> Vec<String> {
        let texts = self.first(keys).map(YamlNode::texts).unwrap_or_default();
        // In backquotes, as paths are marked in prose: here the whole value is a path.
        texts.iter().flat_map(|(text, _)| paths::paths(&format!("`{text}`"))).collect()
    }

    fn parallel_safe(&self, diagnostics: &mut Diagnostics) -> Option<bool> {
        let node = self.first(&PARALLEL)?;
        let text = node.text().unwrap_or_default();
        let safe = value::boolean(text);
        if safe.is_none() {
            let message = format!("invalid value for `parallel_safe`: {text:?}");
            diagnostics.error(node.line, message, "write `true` or `false`");
        }
        safe
    }

    fn timeout(&self, diagnostics: &mut Diagnostics) -> Option<u64> {
        let node = self.first(&["timeout"])?;
        let text = node.text().unwrap_or_default();
        let seconds = value::seconds(text);
        if seconds.is_none() {
            let message = format!("invalid duration for `timeout`: {text:?}");
            diagnostics.error(node.line, message, "write for example `30m`, `1h30m` or `90s`");
        }
        seconds
    }
}

/// Returns the names in a list, or in a text with commas.
fn names(node: &YamlNode) -> Vec<SourceText> {
    // `a, b` on one line is a list too.
    let parts = |(text, line): (&str, usize)| {
        let names =
            text.split(',').map(str::trim).filter(|name| !name.is_empty() && !is_nothing(name));
        names.map(|name| SourceText { text: name.to_owned(), line }).collect::<Vec<_>>()
    };
    node.texts().into_iter().flat_map(parts).collect()
}
