//! Tasks that CommonMark hides: in a code block, a quote or a comment.
//!
//! Invariant: what is hidden is never a task. An author is told where a hidden heading goes
//! on with the numbers of the tasks, since a fence that ends too early, or never, swallows
//! what follows without a sign.

use std::collections::HashSet;

use super::heading::{self, Number, Reading};
use super::outline::{Kind, Lines, Node, Outline};
use crate::plan::finding::Findings;

/// Tells of hidden headings, given the tasks that are seen with their lines.
pub(super) fn check(
    source: &str,
    lines: &Lines,
    outline: &Outline,
    tasks: &[(Number, usize)],
    findings: &mut Findings,
) {
    let seen: HashSet<&Number> = tasks.iter().map(|(number, _)| number).collect();
    // The last task that is hidden, and how many were seen before it.
    let mut last_hidden: Option<(Number, usize)> = None;
    for node in &outline.nodes {
        let (Kind::Code { closed, .. } | Kind::Aside { closed }) = &node.kind else { continue };
        let before = tasks.partition_point(|(_, line)| *line < node.line);
        let last_seen = before.checked_sub(1).map(|i| tasks[i].0.clone());
        let hidden_since = last_hidden.clone().filter(|(_, seen)| *seen == before);
        let last = hidden_since.map(|(number, _)| number).or(last_seen);
        let swallowed = swallowed(source, lines, node, last, &seen);
        if let Some(found) = swallowed.last() {
            last_hidden = Some((found.number.clone(), before));
        }
        match (swallowed.as_slice(), closed) {
            ([], false) => findings.warning(
                node.line,
                "what is opened here is never closed: all that follows belongs to it",
                "close it where it should end",
            ),
            ([], true) => {}
            (found, false) => unclosed(node, found, findings),
            (found, true) => hidden(node, found, findings),
        }
    }
}

/// A hidden heading that continues the tasks.
struct Swallowed {
    number: Number,
    line: usize,
}

fn swallowed(
    source: &str,
    lines: &Lines,
    node: &Node,
    mut last: Option<Number>,
    seen: &HashSet<&Number>,
) -> Vec<Swallowed> {
    let mut found = Vec::new();
    let mut offset = node.range.start;
    for text in source[node.range.clone()].split_inclusive('\n') {
        let Reading::Task { number, .. } = heading::read_source(text.trim_end()) else {
            offset += text.len();
            continue;
        };
        let continues = last.as_ref().map_or(number.is_first(), |last| number.follows(last));
        if continues && !seen.contains(&number) {
            last = Some(number.clone());
            found.push(Swallowed { number, line: lines.at(offset) });
        }
        offset += text.len();
    }
    found
}

fn unclosed(node: &Node, found: &[Swallowed], findings: &mut Findings) {
    let tasks: Vec<String> =
        found.iter().map(|found| format!("task {} (line {})", found.number, found.line)).collect();
    let what = if matches!(node.kind, Kind::Code { .. }) { "code block" } else { "comment" };
    let message = format!("this {what} is never closed and swallows {}", tasks.join(", "));
    let remedy =
        "close it before the next task; a block that holds ``` needs a longer fence, like ````";
    findings.error(node.line, message, remedy);
}

fn hidden(node: &Node, found: &[Swallowed], findings: &mut Findings) {
    let (what, remedy) = match node.kind {
        Kind::Code { .. } => (
            "code block",
            "if it is a task, close the block before it; a block that holds ``` needs a longer fence, like ````",
        ),
        _ => ("quote, comment or list", "if it is a task, move its heading to the start of a line"),
    };
    let tasks: Vec<String> = found
        .iter()
        .map(|found| format!("`Task {}` (line {})", found.number, found.line))
        .collect();
    let (verb, noun) =
        if found.len() == 1 { ("stands", "it is no task") } else { ("stand", "they are no tasks") };
    let message = format!(
        "{} {verb} in the {what} that begins at line {}, so {noun}",
        tasks.join(", "),
        node.line
    );
    let line = found.first().map_or(node.line, |found| found.line);
    findings.warning(line, message, remedy);
}
