//! The templates in force: those that the program brings along, and the ones of a repository.
//!
//! Invariant: pure. A template that was checked renders; what is wrong with one is told with
//! its file, line and the variables that it may name.

use std::collections::BTreeMap;
use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, UndefinedBehavior};
use serde::Serialize;

use super::sample;
use super::template::{PIECES, Template};

/// Where a repository keeps templates of its own, relative to the top level.
pub(crate) const FOLDER: &str = ".orchestrate/prompts";

/// Which texts take the place of templates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Templates {
    own: BTreeMap<Template, String>,
}

/// Why a template is no good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// As a person calls it, relative to the top level.
    pub file: String,
    /// Counted from 1.
    pub line: Option<usize>,
    pub text: String,
    /// The variables that the template may name.
    pub known: Vec<String>,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

impl std::error::Error for TemplateError {}

impl Templates {
    /// Takes a text in the place of the template that the program brings along.
    pub(crate) fn replace(&mut self, template: Template, text: String) {
        self.own.insert(template, text);
    }

    /// Returns the texts that take the place of others, with their files relative to the top level.
    pub(crate) fn own(&self) -> impl Iterator<Item = (String, &str)> {
        self.own.iter().map(|(template, text)| (file_of(*template), text.as_str()))
    }

    /// Fails where one of the repository's own templates would not render, or names what it is
    /// not told; returns the first such mistake.
    pub(crate) fn check(&self) -> Result<(), TemplateError> {
        self.own.iter().try_for_each(|(template, text)| check(*template, text))
    }

    /// Returns the text that the facts make of a template.
    pub(super) fn render(
        &self,
        template: Template,
        facts: &impl Serialize,
    ) -> Result<String, TemplateError> {
        let text = self.own.get(&template).map_or(template.built_in(), String::as_str);
        render(template, text, facts)
    }
}

/// Returns the path of the file that takes the place of a template.
fn file_of(template: Template) -> String {
    format!("{FOLDER}/{}.md", template.name())
}

fn render(template: Template, text: &str, facts: &impl Serialize) -> Result<String, TemplateError> {
    let made = environment().and_then(|environment| {
        environment.template_from_named_str(&file_of(template), text)?.render(Serde(facts))
    });
    made.map_err(|error| mistake(template, &error))
}

/// Knows the shared parts, and every template that the program brings along by its name.
fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    // A misspelt variable is an error, and not a gap in a prompt that nobody notices.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    // A line with nothing but a tag leaves no empty line behind.
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    for (name, text) in PIECES {
        environment.add_template(name, text)?;
    }
    for template in Template::ALL {
        environment.add_template(template.name(), template.built_in())?;
    }
    Ok(environment)
}

/// Renders with all that a template may be told, and with as little; a name that stands where
/// neither comes by is found by reading.
fn check(template: Template, text: &str) -> Result<(), TemplateError> {
    let unknown = |error: Error| mistake(template, &error);
    let environment = environment().map_err(unknown)?;
    let file = file_of(template);
    let parsed = environment.template_from_named_str(&file, text).map_err(unknown)?;
    let known = sample::variables(template);
    let named = parsed.undeclared_variables(false).into_iter();
    let global = |name: &String| environment.globals().any(|(global, _)| global == name.as_str());
    let mut strange: Vec<(usize, String)> = named
        .filter(|name| !known.contains(name) && !global(name))
        .map(|name| (line_of(text, &name), name))
        .collect();
    strange.sort();
    if let Some((line, name)) = strange.into_iter().next() {
        let text = format!("there is no variable '{name}' in this template");
        return Err(TemplateError { file, line: Some(line), text, known });
    }
    let mut samples = sample::all(template).into_iter();
    samples.try_for_each(|facts| parsed.render(facts).map(drop)).map_err(unknown)
}

/// Returns the first line that names a variable inside of a tag.
fn line_of(text: &str, name: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(open) = text[at..].find(['{']).map(|open| at + open) {
        let tag = &text[open..];
        let end = match tag.get(..2) {
            Some("{{") => tag.find("}}"),
            Some("{%") => tag.find("%}"),
            _ => None,
        };
        if let Some(end) = end {
            let found = tag[..end].split(|c| !is_word(c)).find(|word| *word == name);
            if let Some(word) = found {
                // The word is a slice of the text, so its address says where it is.
                let at = word.as_ptr() as usize - text.as_ptr() as usize;
                return text[..at].matches('\n').count() + 1;
            }
        }
        at = open + 1;
    }
    1
}

fn mistake(template: Template, error: &Error) -> TemplateError {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let file = file_of(template);
    // What stands in a shared part is the fault of where it is included.
    let text = match error.name().filter(|name| *name != file) {
        Some(part) => format!("in the part '{part}': {what}"),
        None => what,
    };
    TemplateError { file, line: error.line(), text, known: sample::variables(template) }
}
