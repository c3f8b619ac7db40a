//! Reads plans: text in, a sound plan or every mistake out.
//!
//! Invariant: a [`Plan`] that exists is sound. Ids are unique and safe in a branch name, every
//! dependency names a task, and there is no cycle; everything wrong with a text is reported as
//! [`Diagnostic`]s, all at once. Nothing here reads a file.

pub(crate) mod analysis;
pub(crate) mod backlog;
pub(crate) mod change;
mod diagnostic;
mod draft;
mod final_review;
mod inputs;
mod justification;
mod marks;
pub(crate) mod rematch;
mod superpowers;
pub(crate) mod syntax;
pub(crate) mod toml;

#[cfg(test)]
mod tests;

pub(crate) use backlog::SkippedTicket;
pub(crate) use diagnostic::{Diagnostic, Level};

use std::collections::HashSet;

use crate::domain::plan::{Plan, Preamble, TaskId, name};
use diagnostic::Diagnostics;

/// A plan before it is read: its name and its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The name that the user typed; `-` for standard input.
    pub name: &'a str,
    pub bytes: &'a [u8],
}

/// A sound plan, and the warnings about its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedPlan {
    pub plan: Plan,
    pub warnings: Vec<Diagnostic>,
    /// What the plan says about why tasks must run alone: its section `Parallelism analysis`, and
    /// the remarks of the tasks.
    pub justification: Option<String>,
    /// Open tickets of a backlog that are not in this batch.
    pub left_out: Vec<SkippedTicket>,
    /// For each task the number of the file that holds it, if several files are read together.
    pub sources: Vec<usize>,
    /// The ids that are written in the plan; the others are numbers of headings.
    pub written_ids: HashSet<TaskId>,
}

/// A larger file is not a plan; the limit keeps a mistyped path from filling the memory.
const MAX_BYTES: usize = 64 << 20;

/// Reads a plan: TOML if the name ends in `.toml`, a list of another program if the content is one,
/// else Markdown.
///
/// If the plan has mistakes, returns all of them together with the warnings, sorted by line.
pub fn parse(source: &Source) -> Result<ParsedPlan, Vec<Diagnostic>> {
    parse_tagged(source, None)
}

/// Reads a plan as [`parse`] does; `tag` chooses among the lists of a task-master file.
pub(crate) fn parse_tagged(
    source: &Source,
    tag: Option<&str>,
) -> Result<ParsedPlan, Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::new(source.name);
    let read = text(source.bytes, &mut diagnostics)
        .and_then(|text| read_text(source.name, text, tag, &mut diagnostics));
    finish(read, diagnostics)
}

/// Reads ticket files, each of which declares one task in its front matter; `name` is the run's.
pub(crate) fn parse_tickets(name: &str, sources: &[Source]) -> Result<ParsedPlan, Vec<Diagnostic>> {
    let mut diagnostics =
        Diagnostics::of_files(sources.iter().map(|s| s.name.to_owned()).collect());
    let texts = sources.iter().enumerate().filter_map(|(number, source)| {
        diagnostics.set_file(number);
        Some((number, source.name, text(source.bytes, &mut diagnostics)?))
    });
    let texts: Vec<_> = texts.collect();
    let drafts = inputs::tickets::read(&texts, &mut diagnostics);
    let is_ticket = texts.iter().any(|(_, _, text)| inputs::tickets::has_front_matter(text));
    let read = DraftPlan {
        drafts,
        name: Some(name.to_owned()),
        preamble: None,
        justification: None,
        no_tasks_remedy: if is_ticket { OPEN_TASKS } else { BEGIN_TICKETS },
    };
    finish(Some(read), diagnostics)
}

/// The tasks of a text, not checked yet.
struct DraftPlan {
    drafts: Vec<draft::Draft>,
    name: Option<String>,
    preamble: Option<Preamble>,
    justification: Option<String>,
    /// The remedy if there are no tasks.
    no_tasks_remedy: &'static str,
}

/// The remedy if a Markdown or TOML plan has no tasks.
const BEGIN_TASKS: &str = "begin each task with a heading like `### Task 1: title`, \
    or in a .toml file with `[[task]]`";

/// The remedy if none of several files is a ticket.
const BEGIN_TICKETS: &str = "name one plan, or files of tickets: each begins with front matter, \
    `---`, `id: name`, `---`";

/// The remedy if a list of another program has no open item.
const OPEN_TASKS: &str =
    "all its items are done, deferred, or groups of others: use a list with open items";

/// Checks the tasks and makes a plan of them.
fn finish(
    read: Option<DraftPlan>,
    mut diagnostics: Diagnostics,
) -> Result<ParsedPlan, Vec<Diagnostic>> {
    let Some(DraftPlan { drafts, name, preamble, justification, no_tasks_remedy }) = read else {
        return Err(diagnostics.into_sorted());
    };
    if drafts.is_empty() {
        // Other errors explain better why no task was found.
        if !diagnostics.has_errors() {
            diagnostics.error(0, "no tasks found", no_tasks_remedy);
        }
        return Err(diagnostics.into_sorted());
    }
    let written = drafts.iter().filter_map(|draft| TaskId::new(&draft.id.as_ref()?.text).ok());
    let written_ids = written.collect();
    let sources = drafts.iter().map(|draft| draft.file).collect();
    let justification = with_reasons(justification, &drafts);
    let name = name.unwrap_or_else(|| name::DEFAULT.to_owned());
    match draft::plan(name, drafts, &mut diagnostics) {
        Some(plan) if !diagnostics.has_errors() => {
            let plan = Plan { preamble, ..plan };
            warn_of_marks(&plan, &mut diagnostics);
            warn_of_solo_tasks(&plan, justification.as_deref(), &mut diagnostics);
            let (warnings, left_out) = (diagnostics.into_sorted(), Vec::new());
            Ok(ParsedPlan { plan, warnings, justification, left_out, sources, written_ids })
        }
        _ => Err(diagnostics.into_sorted()),
    }
}

/// Adds the reasons that the tasks themselves give to the text of the section.
fn with_reasons(section: Option<String>, drafts: &[draft::Draft]) -> Option<String> {
    let reason = |draft: &draft::Draft| {
        let reason = draft.alone_because.as_deref()?.trim();
        let name = match &draft.number {
            // `explains` looks for `Task 3` if the id is only the number of the heading.
            Some(number) if draft.id.is_none() => format!("Task {number}"),
            _ => draft.id_text().to_owned(),
        };
        (!reason.is_empty()).then(|| format!("\n- {name} runs alone because {reason}\n"))
    };
    let reasons: String = drafts.iter().filter_map(reason).collect();
    if reasons.is_empty() { section } else { Some(section.unwrap_or_default() + &reasons) }
}

/// Says which tasks do not run because the plan marks them as done.
fn warn_of_marks(plan: &Plan, diagnostics: &mut Diagnostics) {
    let done: Vec<_> = plan.tasks.iter().filter(|task| task.done).collect();
    let Some(first) = done.first() else { return };
    let names = done.iter().map(|task| format!("`{}`", task.id)).collect::<Vec<_>>().join(", ");
    let message = match done.as_slice() {
        all if all.len() == plan.tasks.len() => {
            "all tasks are marked as done, so nothing runs".to_owned()
        }
        [_] => format!("task {names} is marked as done, so it does not run"),
        _ => format!("tasks {names} are marked as done, so they do not run"),
    };
    diagnostics.warning(first.line, message, "remove the mark of a task that is to run");
}

/// Warns of tasks that must run alone without a reason: every other task waits for them.
fn warn_of_solo_tasks(plan: &Plan, justification: Option<&str>, diagnostics: &mut Diagnostics) {
    // A task that is done does not run, so nothing waits for it.
    for task in plan.tasks.iter().filter(|task| !task.parallel_safe && !task.done) {
        if !justification.is_some_and(|text| justification::explains(text, task)) {
            let message = format!("task `{}` is not parallel safe, and nothing says why", task.id);
            let remedy = "write the reason: `**Parallel-safe:** false (why)` or a section \
                          `Parallelism analysis`; in TOML `alone_because = \"why\"`";
            diagnostics.warning(task.line, message, remedy);
        }
    }
}

fn read_text(
    file: &str,
    text: &str,
    tag: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<DraftPlan> {
    if is_toml(file, text) {
        let document = toml::parse(text, diagnostics);
        let name = document.name.or_else(|| name::of_file(file));
        let (drafts, preamble) = (document.drafts, document.preamble);
        let (justification, no_tasks_remedy) = (None, BEGIN_TASKS);
        return Some(DraftPlan { drafts, name, preamble, justification, no_tasks_remedy });
    }
    if let Some(shape) = inputs::shape(file, text) {
        let drafts = inputs::read(shape, text, tag, diagnostics)?;
        let name = inputs::run_name(shape, file, tag);
        let (preamble, justification, no_tasks_remedy) = (None, None, OPEN_TASKS);
        return Some(DraftPlan { drafts, name, preamble, justification, no_tasks_remedy });
    }
    let document = superpowers::parse(text, diagnostics);
    let name = name::of_file(file).or_else(|| document.title.clone());
    let superpowers::MarkdownPlan { drafts, preamble, justification, .. } = document;
    Some(DraftPlan { drafts, name, preamble, justification, no_tasks_remedy: BEGIN_TASKS })
}

/// Returns the bytes as text without a byte order mark, or reports why they are not text.
fn text<'a>(bytes: &'a [u8], diagnostics: &mut Diagnostics) -> Option<&'a str> {
    let remedy = "use a plan in Markdown or TOML, saved as UTF-8";
    let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    if bytes.len() >= MAX_BYTES {
        let message = format!("{} MB is too large for a plan", bytes.len() >> 20);
        diagnostics.error(0, message, remedy);
    // Before NUL bytes are looked for: UTF-16 is full of them, and would be called binary.
    } else if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        diagnostics.error(0, "the plan is UTF-16", remedy);
    } else if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        diagnostics.error(line_of(at), "a NUL byte: this is a binary file", remedy);
    } else {
        match std::str::from_utf8(bytes) {
            // White space alone would otherwise be reported as a plan without tasks.
            Ok(text) if text.trim_matches(['\u{feff}', ' ', '\n', '\r', '\t']).is_empty() => {
                diagnostics.error(0, "the plan is empty", remedy);
            }
            Ok(text) => return Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                diagnostics.error(line_of(error.valid_up_to()), "the plan is not UTF-8", remedy);
            }
        }
    }
    None
}

/// Returns true if a text is TOML: by its file's name, and for standard input by its content.
fn is_toml(file: &str, text: &str) -> bool {
    if file != "-" {
        return file.to_ascii_lowercase().ends_with(".toml");
    }
    // `#` begins a comment in TOML and a heading in Markdown, so the first other line decides.
    let lines = text.lines().map(str::trim);
    let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with('#'));
    let is_key = |line: &str| {
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        ["name", "task", "\"name\"", "'name'"].contains(&key)
    };
    first.is_some_and(|line| line.starts_with("[[task]]") || is_key(line))
}
