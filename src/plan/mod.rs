//! A plan: the tasks and their edges as the author wrote them.
//!
//! Invariant: a [`Plan`] that exists is sound. Ids are unique and fit for a branch
//! name, every dependency names a task, and there is no cycle; whatever is wrong with
//! a text is told as [`Finding`]s, all of them at once. Nothing here reads a file.

pub(crate) mod analysis;
pub(crate) mod backlog;
pub(crate) mod change;
mod draft;
mod final_review;
mod finding;
mod inputs;
mod superpowers;
pub(crate) mod syntax;
pub(crate) mod toml;

#[cfg(test)]
mod tests;

pub(crate) use backlog::LeftOut;
pub(crate) use finding::{Finding, Severity};

use crate::domain::plan::{Plan, name};
use finding::Findings;

/// A plan as it comes: what it is called, and its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// As the user named it; `-` for standard input.
    pub name: &'a str,
    pub bytes: &'a [u8],
}

/// A sound plan, and what is doubtful about its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub plan: Plan,
    pub warnings: Vec<Finding>,
    /// The text of the section `Parallelism analysis`, which says why tasks must run alone.
    pub justification: Option<String>,
    /// Tickets of a backlog that are open and not in this batch.
    pub left_out: Vec<LeftOut>,
    /// For each task the number of the file it stands in, where several are read together.
    pub sources: Vec<usize>,
}

/// Larger files are no plan; the limit keeps a mistaken path from filling the memory.
const MAX_BYTES: usize = 64 << 20;

/// Reads a plan: TOML where the name says so, a list of another program where the content is
/// one, else Markdown.
///
/// On mistakes returns all of them together with the warnings, sorted by line.
pub fn parse(source: &Source) -> Result<Parsed, Vec<Finding>> {
    parse_tagged(source, None)
}

/// As [`parse`]; `tag` chooses among the lists of a task-master file.
pub(crate) fn parse_tagged(source: &Source, tag: Option<&str>) -> Result<Parsed, Vec<Finding>> {
    let mut findings = Findings::new(source.name);
    let read = text(source.bytes, &mut findings)
        .and_then(|text| read_text(source.name, text, tag, &mut findings));
    finish(read, findings)
}

/// Reads files that hold one task each, in their front matter; `name` is the run's.
pub(crate) fn parse_tickets(name: &str, sources: &[Source]) -> Result<Parsed, Vec<Finding>> {
    let mut findings = Findings::of_files(sources.iter().map(|s| s.name.to_owned()).collect());
    let texts = sources.iter().enumerate().filter_map(|(number, source)| {
        findings.go_to(number);
        Some((number, source.name, text(source.bytes, &mut findings)?))
    });
    let texts: Vec<_> = texts.collect();
    let drafts = inputs::tickets::read(&texts, &mut findings);
    let read = Read {
        drafts,
        name: Some(name.to_owned()),
        justification: None,
        without_tasks: OPEN_TASKS,
    };
    finish(Some(read), findings)
}

/// What was read of a text: tasks that are not checked yet.
struct Read {
    drafts: Vec<draft::Draft>,
    name: Option<String>,
    justification: Option<String>,
    /// What to do where there is no task.
    without_tasks: &'static str,
}

/// What to do where a text of ours holds no task.
const BEGIN_TASKS: &str = "begin each task with a heading like `### Task 1: title`, \
    or in a .toml file with `[[task]]`";

/// What to do where a list holds nothing that is open.
const OPEN_TASKS: &str =
    "all that it lists is done, put off, or a group: name a list with open items";

/// Checks what was read, and makes a plan of it.
fn finish(read: Option<Read>, mut findings: Findings) -> Result<Parsed, Vec<Finding>> {
    let Some(Read { drafts, name, justification, without_tasks }) = read else {
        return Err(findings.into_sorted());
    };
    if drafts.is_empty() {
        if !findings.has_errors() {
            findings.error(0, "no task in it", without_tasks);
        }
        return Err(findings.into_sorted());
    }
    let sources = drafts.iter().map(|draft| draft.file).collect();
    let name = name.unwrap_or_else(|| name::DEFAULT.to_owned());
    match draft::plan(name, drafts, &mut findings) {
        Some(plan) if !findings.has_errors() => {
            let (warnings, left_out) = (findings.into_sorted(), Vec::new());
            Ok(Parsed { plan, warnings, justification, left_out, sources })
        }
        _ => Err(findings.into_sorted()),
    }
}

fn read_text(file: &str, text: &str, tag: Option<&str>, findings: &mut Findings) -> Option<Read> {
    if is_toml(file, text) {
        let document = toml::parse(text, findings);
        let name = document.name.or_else(|| name::of_file(file));
        let (drafts, justification) = (document.drafts, None);
        return Some(Read { drafts, name, justification, without_tasks: BEGIN_TASKS });
    }
    if let Some(shape) = inputs::shape(file, text) {
        let drafts = inputs::read(shape, text, tag, findings)?;
        let name = inputs::run_name(shape, file, tag);
        return Some(Read { drafts, name, justification: None, without_tasks: OPEN_TASKS });
    }
    let document = superpowers::parse(text, findings);
    let name = name::of_file(file).or(document.title);
    let (drafts, justification) = (document.drafts, document.justification);
    Some(Read { drafts, name, justification, without_tasks: BEGIN_TASKS })
}

/// Returns the bytes as text without a byte order mark, or tells why they are none.
fn text<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<&'a str> {
    let remedy = "name a plan in Markdown or TOML, saved as UTF-8";
    let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    if bytes.len() >= MAX_BYTES {
        let message = format!("{} MB are too many for a plan", bytes.len() >> 20);
        findings.error(0, message, remedy);
    } else if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        findings.error(0, "it is UTF-16", remedy);
    } else if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        findings.error(line_of(at), "a NUL byte: it is binary", remedy);
    } else {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.trim_matches(['\u{feff}', ' ', '\n', '\r', '\t']).is_empty() => {
                findings.error(0, "it is empty", remedy);
            }
            Ok(text) => return Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                findings.error(line_of(error.valid_up_to()), "it is not UTF-8", remedy);
            }
        }
    }
    None
}

fn is_toml(file: &str, text: &str) -> bool {
    if file != "-" {
        return file.to_ascii_lowercase().ends_with(".toml");
    }
    // A `#` begins a comment here and a heading there: the first other line decides.
    let lines = text.lines().map(str::trim);
    let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with('#'));
    let is_key = |line: &str| {
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        ["name", "task", "\"name\"", "'name'"].contains(&key)
    };
    first.is_some_and(|line| line.starts_with("[[task]]") || is_key(line))
}
