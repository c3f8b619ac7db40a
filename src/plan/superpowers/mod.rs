//! Plans in Markdown, in the format of superpowers and its relatives.
//!
//! Invariant: the structure is CommonMark's, never a guess from lines. Whatever a careful reader
//! would understand is read, and whatever is ignored is reported. The rules:
//!
//! A task is a heading that reads `Task <number>`, a separator and a title. Its body runs to the
//! next task, or to the next heading of the same or a higher level; if a code block in it ended too
//! early, only to the next task. Its metadata are in the lines below the heading. Dependencies may
//! also be in a table.

mod dependencies;
pub(super) mod front_matter;
mod head;
mod heading;
mod hidden_tasks;
mod key;
mod outline;
mod preamble;
mod tables;

use std::ops::Range;

use super::diagnostic::Diagnostics;
use super::draft::{Draft, SourceText};
use crate::domain::plan::Preamble;
use dependencies::Names;
use head::Head;
use heading::{HeadingFlaw, HeadingKind, TaskNumber};
use outline::{LineIndex, NodeKind, Outline, OutlineNode};

/// The contents of a Markdown plan.
#[derive(Debug, Default)]
pub(super) struct MarkdownPlan {
    /// The first heading of level 1, unless it is a task.
    pub(super) title: Option<String>,
    pub(super) drafts: Vec<Draft>,
    pub(super) preamble: Option<Preamble>,
    /// The text of the section `Parallelism analysis`.
    pub(super) justification: Option<String>,
}

/// At most this many dependencies in one plan. More are a mistake, such as `all previous tasks` in
/// every one of thousands of tasks.
const MAX_DEPENDENCIES: usize = 1_000_000;

/// Reads a plan; `source` has no byte order mark.
pub(super) fn parse(source: &str, diagnostics: &mut Diagnostics) -> MarkdownPlan {
    let lines = LineIndex::new(source);
    let front = front_matter::FrontMatter::read(source);
    let start = front.as_ref().map_or(0, |front| front.end);
    let outline = outline::read(source, start, &lines);
    let title = title(&outline);
    let justification = justification(&outline, source);
    let sections = sections(&outline, source, diagnostics);
    let bodies: Vec<_> = sections.iter().map(|section| section.nodes.clone()).collect();
    let numbers: Vec<_> = sections.iter().map(|s| (s.number.clone(), s.line)).collect();
    hidden_tasks::check(source, &lines, &outline, &numbers, diagnostics);
    // Beside tasks with headings, the front matter is about the document and not needed.
    if let Some(fault) =
        front.as_ref().and_then(|front| front.fault()).filter(|_| sections.is_empty())
    {
        let message = format!("the front matter is not valid YAML: {}", fault.why);
        diagnostics.warning(fault.line, message, "put the value in quotes");
    }
    let tasks = bodies.iter().map(|body| body.start.saturating_sub(1)..body.end).collect();
    let mut preamble = None;
    let mut drafts = match front.filter(|front| sections.is_empty() && front.is_task()) {
        // The whole document is the text of the task.
        Some(front) => vec![front.draft(title.as_deref(), &source[start..], diagnostics)],
        None => read_tasks(&outline, source, sections, diagnostics),
    };
    if !bodies.is_empty() {
        preamble = preamble::read(&outline, source, tasks, diagnostics);
    } else if drafts.is_empty() {
        drafts = tables::drafts(&outline.nodes, diagnostics);
        let table = tables::of_tasks(&outline.nodes).filter(|_| !drafts.is_empty());
        preamble = table.and_then(|at| {
            let tasks = std::iter::once(at..at + 1).collect();
            preamble::read(&outline, source, tasks, diagnostics)
        });
    }
    if drafts.len() <= super::draft::MAX_TASKS {
        tables::apply(&outline.nodes, &mut drafts, diagnostics);
        warn_of_ignored_sections(&outline, &drafts, diagnostics);
        warn_of_undeclared_dependencies(&drafts, diagnostics);
    }
    MarkdownPlan { title, drafts, preamble, justification }
}

/// Reads a text that is a preamble as a whole.
pub(super) fn preamble(source: &str) -> Option<Preamble> {
    let outline = outline::read(source, 0, &LineIndex::new(source));
    preamble::read(&outline, source, Vec::new(), &mut Diagnostics::new(""))
}

/// A task's place in the document.
struct TaskSection {
    number: TaskNumber,
    title: String,
    /// The heading has a mark that says so.
    done: bool,
    line: usize,
    /// The nodes below the heading.
    nodes: Range<usize>,
    /// The text below the heading.
    body: Range<usize>,
}

/// Returns the tasks, each with the range of its body.
fn sections(outline: &Outline, source: &str, diagnostics: &mut Diagnostics) -> Vec<TaskSection> {
    let mut sections: Vec<TaskSection> = Vec::new();
    // The level of the heading of the task whose end is not found yet.
    let mut open: Option<u8> = None;
    let mut broken = BrokenBlock::default();
    for (at, node) in outline.nodes.iter().enumerate() {
        if let NodeKind::Code { inner: Some(inner), .. } = node.kind {
            broken.block.get_or_insert((node.line, inner));
        }
        let NodeKind::Heading { level, text, .. } = &node.kind else { continue };
        let heading = heading::read(text);
        let is_task = matches!(heading, HeadingKind::Task { .. });
        let would_end = open.is_some_and(|open| *level <= open && !is_part(node));
        // A task ends the one before even behind a broken block: otherwise it would be no task at
        // all.
        if is_task || (would_end && !broken.keeps(text, node.line, diagnostics)) {
            if let Some(last) = sections.last_mut().filter(|_| open.is_some()) {
                last.nodes.end = at;
                last.body.end = line_start(source, node.range.start).max(last.body.start);
            }
            open = None;
        }
        match heading {
            HeadingKind::Task { number, title, done } => {
                let body = line_end(source, node.range.end)..source.len();
                let nodes = at + 1..outline.nodes.len();
                sections.push(TaskSection { number, title, done, line: node.line, nodes, body });
                (open, broken) = (Some(*level), BrokenBlock::default());
            }
            // The title of a plan may well be called a task: `# Task: log in`.
            HeadingKind::NearMiss(HeadingFlaw::OnlyTitle) if *level == 1 && sections.is_empty() => {
            }
            HeadingKind::NearMiss(flaw) => warn_of_near_miss(flaw, text, node.line, diagnostics),
            HeadingKind::Other => {}
        }
    }
    sections
}

/// A code block of the task that ended too early, because it contains another one with the same
/// fence.
///
/// The headings after it may have been meant as its text, and a prompt that contains too much is
/// better than one that lacks its end.
#[derive(Debug, Default)]
struct BrokenBlock {
    /// The line of the block and the line of the inner block.
    block: Option<(usize, usize)>,
    is_reported: bool,
}

impl BrokenBlock {
    /// Returns true if a heading stays in the task, and warns of the first one.
    fn keeps(&mut self, heading: &str, line: usize, diagnostics: &mut Diagnostics) -> bool {
        let Some((block, inner)) = self.block else { return false };
        if is_justification(heading) {
            return false;
        }
        if !std::mem::replace(&mut self.is_reported, true) {
            let message = format!(
                "the heading {heading:?} is read as text of the task above: the code block opened at \
                 line {block} contains another one (line {inner}) with the same fence, so it ends too early"
            );
            diagnostics.warning(line, message, "give the outer block a longer fence, like ````");
        }
        true
    }
}

/// Returns true if a heading begins the section that explains why tasks run alone.
fn is_justification(heading: &str) -> bool {
    heading.trim().to_lowercase().starts_with("parallelism analysis")
}

/// Returns true if a heading belongs to the task above it, whatever its level: `Step 2: ...`,
/// `Files`, or a paragraph that CommonMark takes for a heading because of the `---` below it.
fn is_part(node: &OutlineNode) -> bool {
    let NodeKind::Heading { text, underlined, lines, .. } = &node.kind else { return false };
    let mut words = text.split([' ', ':', '.']);
    let is_step = words.next().is_some_and(|word| word.eq_ignore_ascii_case("step"))
        && words.next().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let is_key = key::known(text.trim_end_matches(':')).is_some();
    let is_keys =
        lines.iter().filter_map(key::read).any(|entry| entry.key != key::MetadataKey::Unknown);
    is_step || is_key || (*underlined && (lines.len() > 1 || is_keys))
}

fn warn_of_near_miss(flaw: HeadingFlaw, text: &str, line: usize, diagnostics: &mut Diagnostics) {
    let (why, remedy) = match flaw {
        HeadingFlaw::NoNumber | HeadingFlaw::OnlyTitle => {
            ("has no number", "write for example `Task 1: title`")
        }
        HeadingFlaw::NoSeparator => (
            "has no `:` after the number",
            "if it is a task, write `Task 1: title`; otherwise leave out the word `Task`",
        ),
        HeadingFlaw::Range => ("names several tasks", "give each task its own heading"),
    };
    diagnostics.warning(line, format!("ignored the heading {text:?}: it {why}"), remedy);
}

fn read_tasks(
    outline: &Outline,
    source: &str,
    sections: Vec<TaskSection>,
    diagnostics: &mut Diagnostics,
) -> Vec<Draft> {
    let mut drafts = Vec::with_capacity(sections.len());
    let mut heads = Vec::with_capacity(sections.len());
    for section in sections {
        let prompt = source[section.body].to_owned();
        if prompt.trim().is_empty() {
            let message = format!("task {} has only a title", section.number);
            diagnostics.warning(section.line, message, "describe below the heading what to do");
        }
        let number = Some(section.number.to_string());
        let (title, line, done) = (section.title, section.line, section.done);
        let mut draft = Draft { number, title, line, prompt, done, ..Draft::default() };
        heads.push(head::read(&outline.nodes[section.nodes], &mut draft, diagnostics));
        drafts.push(draft);
    }
    if drafts.len() <= super::draft::MAX_TASKS {
        resolve(&mut drafts, &heads, diagnostics);
    }
    warn_of_waves(&drafts, &heads, outline, diagnostics);
    drafts
}

fn resolve(drafts: &mut [Draft], heads: &[Head], diagnostics: &mut Diagnostics) {
    let names = Names::new(drafts);
    let mut total = 0;
    for (i, (draft, head)) in drafts.iter_mut().zip(heads).enumerate() {
        let Some(values) = &head.depends_on else { continue };
        let mut found: Vec<SourceText> = Vec::new();
        for value in values {
            found.extend(dependencies::resolve(value, i, &names, diagnostics));
        }
        total += found.len();
        draft.depends_on = Some(found);
        if total > MAX_DEPENDENCIES {
            let message =
                format!("the tasks up to here have more than {MAX_DEPENDENCIES} dependencies");
            return diagnostics.error(
                draft.line,
                message,
                "leave out dependencies that others imply",
            );
        }
    }
}

/// Warns the author of a plan that has waves instead of dependencies.
///
/// A wave says when the author expects a task to run, not what it needs, so nothing waits for it.
fn warn_of_waves(
    drafts: &[Draft],
    heads: &[Head],
    outline: &Outline,
    diagnostics: &mut Diagnostics,
) {
    let first = heads.iter().find_map(|head| head.wave);
    let has_table = outline.nodes.iter().any(|node| matches!(&node.kind, NodeKind::Table(_)));
    let has_edges = drafts.iter().any(|draft| draft.depends_on.is_some());
    // A table may hold the dependencies, and has warnings of its own.
    if let Some(line) = first.filter(|_| !has_edges && !has_table) {
        let message =
            "waves are not dependencies: without `Depends on`, the tasks run one after another";
        diagnostics.warning(line, message, "write `**Depends on:** Task 1` below the headings");
    }
}

/// Warns of a section about dependencies in a plan whose tasks declare none.
fn warn_of_ignored_sections(outline: &Outline, drafts: &[Draft], diagnostics: &mut Diagnostics) {
    if drafts.len() < 2 || drafts.iter().any(|draft| draft.depends_on.is_some()) {
        return;
    }
    let about = [
        "dependency graph",
        "dependencies",
        "task dependencies",
        "parallelism analysis",
        "wave analysis",
    ];
    for node in &outline.nodes {
        let NodeKind::Heading { text, .. } = &node.kind else { continue };
        if about.contains(&text.trim().to_lowercase().as_str()) {
            let message = format!("ignored the section {text:?}: the tasks run one after another");
            let remedy =
                "write `**Depends on:** Task 1` or `**Depends on:** None` below the headings";
            diagnostics.warning(node.line, message, remedy);
        }
    }
}

/// Warns of tasks that start right away only because they declare no dependencies, in a plan in
/// which other tasks do.
fn warn_of_undeclared_dependencies(drafts: &[Draft], diagnostics: &mut Diagnostics) {
    if drafts.iter().all(|draft| draft.depends_on.is_none()) {
        return;
    }
    // Nobody expects the first task to wait for another.
    let undeclared = drafts.iter().skip(1).filter(|draft| draft.depends_on.is_none());
    let undeclared: Vec<&Draft> = undeclared.collect();
    let Some(first) = undeclared.first() else { return };
    let names: Vec<&str> = undeclared.iter().take(10).map(|draft| draft.id_text()).collect();
    let message = match names.as_slice() {
        [name] => format!("task {name} declares no dependencies, so it starts right away"),
        [before @ .., last] if names.len() == undeclared.len() => format!(
            "tasks {} and {last} declare no dependencies, so they start right away",
            before.join(", ")
        ),
        _ => format!(
            "tasks {}, ... declare no dependencies, so they start right away",
            names.join(", ")
        ),
    };
    let remedy = "write `**Depends on:** Task 1`, or `**Depends on:** None` if that is intended";
    diagnostics.warning(first.line, message, remedy);
}

fn title(outline: &Outline) -> Option<String> {
    let headings = outline.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Heading { text, level, .. } => Some((text, level)),
        _ => None,
    });
    let (text, _) = headings.into_iter().find(|(_, level)| **level == 1)?;
    (!matches!(heading::read(text), HeadingKind::Task { .. }))
        .then(|| crate::domain::plan::value::title(text))
}

/// Returns the text of the section that explains why tasks run alone.
fn justification(outline: &Outline, source: &str) -> Option<String> {
    let headings = || {
        outline.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Heading { level, text, .. } => Some((node, *level, text)),
            _ => None,
        })
    };
    let (node, level, _) = headings().find(|(_, _, text)| is_justification(text))?;
    let start = line_end(source, node.range.end);
    let next = headings().find(|(next, l, _)| next.range.start >= start && *l <= level);
    let end = next.map_or(source.len(), |(next, ..)| line_start(source, next.range.start));
    Some(source[start..end.max(start)].to_owned())
}

fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind(['\n', '\r']).map_or(0, |before| before + 1)
}

/// Returns the start of the line after a heading; `at` is the end of the heading.
fn line_end(source: &str, at: usize) -> usize {
    if source[..at].ends_with(['\n', '\r']) {
        return at;
    }
    let rest = &source[at..];
    match rest.find(['\n', '\r']) {
        Some(end) if rest[end..].starts_with("\r\n") => at + end + 2,
        Some(end) => at + end + 1,
        None => source.len(),
    }
}
