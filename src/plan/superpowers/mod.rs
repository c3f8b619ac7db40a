//! Plans in Markdown, as superpowers and its relatives write them.
//!
//! Invariant: the structure is CommonMark's, never a guess from lines. What a careful
//! reader would find is found, and what is not understood is said. The rules:
//!
//! A task is a heading that reads `Task <number>`, a separator and a title. Its body runs
//! to the next task, or to the next heading of the same or a higher level; to the next task
//! alone where a code block in it ended too early. Its metadata
//! stand in the lines below the heading. Dependencies may also stand in a table.

mod dependencies;
pub(super) mod front;
mod head;
mod heading;
mod hidden;
mod key;
mod outline;
mod tables;

use std::ops::Range;

use super::draft::{Draft, Written};
use super::finding::Findings;
use dependencies::Names;
use head::Head;
use heading::{Almost, Number, Reading};
use outline::{Kind, Lines, Node, Outline};

/// What a document holds.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The first heading that is no task.
    pub(super) title: Option<String>,
    pub(super) drafts: Vec<Draft>,
    /// The text of the section `Parallelism analysis`.
    pub(super) justification: Option<String>,
}

/// More dependencies than this are a mistake, such as `all previous tasks` in every task.
const MAX_DEPENDENCIES: usize = 1_000_000;

/// Reads a plan; `source` has no byte order mark.
pub(super) fn parse(source: &str, findings: &mut Findings) -> Document {
    let lines = Lines::new(source);
    let front = front::Front::read(source);
    let start = front.as_ref().map_or(0, |front| front.end);
    let outline = outline::read(source, start, &lines);
    let title = title(&outline);
    let justification = justification(&outline, source);
    let sections = sections(&outline, source, findings);
    let numbers: Vec<_> = sections.iter().map(|s| (s.number.clone(), s.line)).collect();
    hidden::check(source, &lines, &outline, &numbers, findings);
    if let Some(fault) =
        front.as_ref().and_then(|front| front.fault()).filter(|_| sections.is_empty())
    {
        let message = format!("the front matter is not YAML: {}", fault.why);
        findings.warning(fault.line, message, "put the value into quotes");
    }
    let mut drafts = match front.filter(|front| sections.is_empty() && front.is_task()) {
        Some(front) => vec![front.draft(title.as_deref(), &source[start..], findings)],
        None => read_tasks(&outline, source, sections, findings),
    };
    if drafts.is_empty() {
        drafts = tables::drafts(&outline.nodes, findings);
    }
    if drafts.len() <= super::draft::MAX_TASKS {
        tables::apply(&outline.nodes, &mut drafts, findings);
        say_what_is_not_read(&outline, &drafts, findings);
        say_who_is_silent(&drafts, findings);
    }
    Document { title, drafts, justification }
}

/// A task's place in the document.
struct Section {
    number: Number,
    title: String,
    line: usize,
    /// The nodes below the heading.
    nodes: Range<usize>,
    /// The text below the heading.
    body: Range<usize>,
}

/// Finds the tasks and where each ends.
fn sections(outline: &Outline, source: &str, findings: &mut Findings) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    // The level of the task that is open.
    let mut open: Option<u8> = None;
    let mut torn = Torn::default();
    for (at, node) in outline.nodes.iter().enumerate() {
        if let Kind::Code { inner: Some(inner), .. } = node.kind {
            torn.block.get_or_insert((node.line, inner));
        }
        let Kind::Heading { level, text, .. } = &node.kind else { continue };
        let reading = heading::read(text);
        let is_task = matches!(reading, Reading::Task { .. });
        let would_end = open.is_some_and(|open| *level <= open && !is_part(node));
        if is_task || (would_end && !torn.keeps(text, node.line, findings)) {
            if let Some(last) = sections.last_mut().filter(|_| open.is_some()) {
                last.nodes.end = at;
                last.body.end = line_start(source, node.range.start).max(last.body.start);
            }
            open = None;
        }
        match reading {
            Reading::Task { number, title } => {
                let body = line_end(source, node.range.end)..source.len();
                let nodes = at + 1..outline.nodes.len();
                sections.push(Section { number, title, line: node.line, nodes, body });
                (open, torn) = (Some(*level), Torn::default());
            }
            Reading::Almost(what) => almost(what, text, node.line, findings),
            Reading::Other => {}
        }
    }
    sections
}

/// A code block of the task that ended too early, since it holds another with the same fence.
///
/// Headings that follow may have been meant as its text, and a prompt that holds too much
/// is better than one that lacks its end.
#[derive(Debug, Default)]
struct Torn {
    /// The lines of the block and of the one in it.
    block: Option<(usize, usize)>,
    is_told: bool,
}

impl Torn {
    /// Returns whether a heading stays in the task, and says so the first time.
    fn keeps(&mut self, heading: &str, line: usize, findings: &mut Findings) -> bool {
        let Some((block, inner)) = self.block else { return false };
        if is_justification(heading) {
            return false;
        }
        if !std::mem::replace(&mut self.is_told, true) {
            let message = format!(
                "the heading {heading:?} is taken for text of the task above: the code block of \
                 line {block} holds another (line {inner}) with the same fence, and so ends too early"
            );
            findings.warning(line, message, "give the outer block a longer fence, like ````");
        }
        true
    }
}

/// Returns whether a heading begins the section that says why tasks run alone.
fn is_justification(heading: &str) -> bool {
    heading.trim().to_lowercase().starts_with("parallelism analysis")
}

/// Returns whether a heading belongs to the task above it, whatever its level:
/// `Step 2: ...`, `Files`, or a paragraph that a rule below it turned into a heading.
fn is_part(node: &Node) -> bool {
    let Kind::Heading { text, underlined, lines, .. } = &node.kind else { return false };
    let mut words = text.split([' ', ':', '.']);
    let is_step = words.next().is_some_and(|word| word.eq_ignore_ascii_case("step"))
        && words.next().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let is_key = key::known(text.trim_end_matches(':')).is_some();
    let is_keys = lines.iter().filter_map(key::read).any(|entry| entry.key != key::Key::Unknown);
    is_step || is_key || (*underlined && (lines.len() > 1 || is_keys))
}

fn almost(what: Almost, text: &str, line: usize, findings: &mut Findings) {
    let (why, remedy) = match what {
        Almost::Number => ("has no number", "write for example `Task 1: title`"),
        Almost::Separator => (
            "has no `:` behind the number",
            "if it is a task, write `Task 1: title`; else leave the word `Task` out",
        ),
        Almost::Range => ("names several tasks", "give each task a heading of its own"),
    };
    findings.warning(line, format!("the heading {text:?} is no task: it {why}"), remedy);
}

fn read_tasks(
    outline: &Outline,
    source: &str,
    sections: Vec<Section>,
    findings: &mut Findings,
) -> Vec<Draft> {
    let mut drafts = Vec::with_capacity(sections.len());
    let mut heads = Vec::with_capacity(sections.len());
    for section in sections {
        let prompt = source[section.body].to_owned();
        if prompt.trim().is_empty() {
            let message = format!("task {} says nothing besides its title", section.number);
            findings.warning(section.line, message, "write below the heading what is to be done");
        }
        let number = Some(section.number.to_string());
        let (title, line) = (section.title, section.line);
        let mut draft = Draft { number, title, line, prompt, ..Draft::default() };
        heads.push(head::read(&outline.nodes[section.nodes], &mut draft, findings));
        drafts.push(draft);
    }
    if drafts.len() <= super::draft::MAX_TASKS {
        resolve(&mut drafts, &heads, findings);
    }
    waves(&drafts, &heads, outline, findings);
    drafts
}

fn resolve(drafts: &mut [Draft], heads: &[Head], findings: &mut Findings) {
    let names = Names::new(drafts);
    let mut total = 0;
    for (i, (draft, head)) in drafts.iter_mut().zip(heads).enumerate() {
        let Some(values) = &head.depends_on else { continue };
        let mut found: Vec<Written> = Vec::new();
        for value in values {
            found.extend(dependencies::resolve(value, i, &names, findings));
        }
        total += found.len();
        draft.depends_on = Some(found);
        if total > MAX_DEPENDENCIES {
            let message =
                format!("the tasks up to here have more than {MAX_DEPENDENCIES} dependencies");
            return findings.error(draft.line, message, "leave out those that others imply");
        }
    }
}

/// A wave is no dependency; who writes only waves should know.
fn waves(drafts: &[Draft], heads: &[Head], outline: &Outline, findings: &mut Findings) {
    let first = heads.iter().find_map(|head| head.wave);
    let has_table = outline.nodes.iter().any(|node| matches!(&node.kind, Kind::Table(_)));
    let has_edges = drafts.iter().any(|draft| draft.depends_on.is_some());
    if let Some(line) = first.filter(|_| !has_edges && !has_table) {
        let message =
            "waves are no dependencies: without `Depends on` the tasks run one after another";
        findings.warning(line, message, "write `**Depends on:** Task 1` below the headings");
    }
}

/// Tells of a section about dependencies, where no task has any.
fn say_what_is_not_read(outline: &Outline, drafts: &[Draft], findings: &mut Findings) {
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
        let Kind::Heading { text, .. } = &node.kind else { continue };
        if about.contains(&text.trim().to_lowercase().as_str()) {
            let message =
                format!("the section {text:?} is not read: the tasks run one after another");
            let remedy =
                "write `**Depends on:** Task 1` or `**Depends on:** None` below the headings";
            findings.warning(node.line, message, remedy);
        }
    }
}

/// Tells of tasks that start at once only because they say nothing, where others do.
fn say_who_is_silent(drafts: &[Draft], findings: &mut Findings) {
    if drafts.iter().all(|draft| draft.depends_on.is_none()) {
        return;
    }
    // Nobody expects the first task to wait for another.
    let silent = drafts.iter().skip(1).filter(|draft| draft.depends_on.is_none());
    let silent: Vec<&Draft> = silent.collect();
    let Some(first) = silent.first() else { return };
    let names: Vec<&str> = silent.iter().take(10).map(|draft| draft.id_text()).collect();
    let more = if silent.len() > names.len() { ", ..." } else { "" };
    let message = format!(
        "no word on what {} {}{more} depend{} on, so nothing is waited for",
        if silent.len() == 1 { "task" } else { "tasks" },
        names.join(", "),
        if silent.len() == 1 { "s" } else { "" },
    );
    let remedy = "write `**Depends on:** Task 1`, or `**Depends on:** None` where that is meant";
    findings.warning(first.line, message, remedy);
}

fn title(outline: &Outline) -> Option<String> {
    let headings = outline.nodes.iter().filter_map(|node| match &node.kind {
        Kind::Heading { text, level, .. } => Some((text, level)),
        _ => None,
    });
    let (text, _) = headings.into_iter().find(|(_, level)| **level == 1)?;
    (heading::read(text) == Reading::Other).then(|| crate::domain::plan::value::title(text))
}

/// Returns the text of the section that says why tasks run alone.
fn justification(outline: &Outline, source: &str) -> Option<String> {
    let headings = || {
        outline.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Heading { level, text, .. } => Some((node, *level, text)),
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

/// Returns where the line begins that follows a heading's last byte.
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
