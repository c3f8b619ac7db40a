//! The templates that a repository brings along: files in `.orchestrate/prompts/`.
//!
//! Invariant: only reads. A template with a mistake is refused before anything is launched, and so
//! is a file whose name is not a template's, because no agent would ever get its text.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;

use crate::domain::error::{WithHint, failure};
use crate::domain::prompt::{FOLDER, Template, TemplateError, Templates};
use crate::domain::steps::{Remedy, Step};
use crate::git::Git;

/// Reads and checks the templates. A bare repository has none, nor has one without the folder.
pub(crate) fn read(git: &Git) -> anyhow::Result<Templates> {
    let mut templates = Templates::default();
    let Some(top) = git.top_level() else { return Ok(templates) };
    for name in names(&top.join(FOLDER))? {
        let template = Template::from_name(&name).ok_or_else(|| unknown(&name))?;
        templates.replace(template, text(top, &name)?);
    }
    templates.check().map_err(mistake_error)?;
    Ok(templates)
}

/// Returns the names of the files that end in `.md`, without that, in order.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let unread = || format!("cannot read the folder {FOLDER}");
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(unread),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.with_context(unread)?.file_name();
        names.extend(name.to_string_lossy().strip_suffix(".md").map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

fn text(top: &Path, name: &str) -> anyhow::Result<String> {
    let file = format!("{FOLDER}/{name}.md");
    let bytes = std::fs::read(top.join(&file)).with_context(|| format!("cannot read '{file}'"))?;
    String::from_utf8(bytes)
        .with_context(|| format!("'{file}' is not UTF-8"))
        .hint("save it as UTF-8, or remove it: then the program's own prompt is used")
}

fn unknown(name: &str) -> anyhow::Error {
    let known = Template::ALL.map(Template::name).join(", ");
    failure(
        format!("{FOLDER}/{name}.md: there is no prompt of this name to replace"),
        format!("name it after one of these, with .md, or move it aside: {known}"),
    )
}

fn mistake_error(mistake: TemplateError) -> anyhow::Error {
    let known = mistake.known.join(", ");
    failure(
        mistake.to_string(),
        Remedy::from(format!("it may name: {known}"))
            .or(Step::Help("prompts").to("See what they hold")),
    )
}
