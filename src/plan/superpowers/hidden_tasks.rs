//! Headings of tasks that CommonMark hides in a code block, a quote or a comment.
//!
//! Invariant: a hidden heading is never a task. The author is warned if a hidden heading continues
//! the numbers of the tasks, since a fence that ends too early, or never, swallows what follows
//! without a sign.

use std::collections::HashSet;

use super::heading::{self, HeadingKind, TaskNumber};
use super::outline::{LineIndex, NodeKind, Outline, OutlineNode};
use crate::plan::diagnostic::Diagnostics;

/// Reports hidden headings; `tasks` are the visible tasks with their lines.
pub(super) fn check(
    source: &str,
    lines: &LineIndex,
    outline: &Outline,
    tasks: &[(TaskNumber, usize)],
    diagnostics: &mut Diagnostics,
) {
    let seen: HashSet<&TaskNumber> = tasks.iter().map(|(number, _)| number).collect();
    // The last hidden task, and the number of visible tasks before it.
    let mut last_hidden: Option<(TaskNumber, usize)> = None;
    for node in &outline.nodes {
        let (NodeKind::Code { closed, .. } | NodeKind::Aside { closed }) = &node.kind else {
            continue;
        };
        let before = tasks.partition_point(|(_, line)| *line < node.line);
        let last_seen = before.checked_sub(1).map(|i| tasks[i].0.clone());
        // Two blocks in a row may both hide tasks, whose numbers continue from one block to the
        // next.
        let hidden_since = last_hidden.clone().filter(|(_, seen)| *seen == before);
        let last = hidden_since.map(|(number, _)| number).or(last_seen);
        let swallowed = swallowed(source, lines, node, last, &seen);
        if let Some(found) = swallowed.last() {
            last_hidden = Some((found.number.clone(), before));
        }
        match (swallowed.as_slice(), closed) {
            ([], false) => diagnostics.warning(
                node.line,
                "this block is never closed, so everything below belongs to it",
                "close it where it should end",
            ),
            ([], true) => {}
            (found, false) => unclosed_block(node, found, diagnostics),
            (found, true) => closed_block(node, found, diagnostics),
        }
    }
}

/// A hidden heading that continues the numbers of the tasks.
struct HiddenTask {
    number: TaskNumber,
    line: usize,
}

fn swallowed(
    source: &str,
    lines: &LineIndex,
    node: &OutlineNode,
    mut last: Option<TaskNumber>,
    seen: &HashSet<&TaskNumber>,
) -> Vec<HiddenTask> {
    let mut found = Vec::new();
    let mut offset = node.range.start;
    for text in source[node.range.clone()].split_inclusive('\n') {
        let HeadingKind::Task { number, .. } = heading::read_source(text.trim_end()) else {
            offset += text.len();
            continue;
        };
        // Examples in a plan have tasks too; one that has the next number is more likely a real
        // one.
        let continues = last.as_ref().map_or(number.is_first(), |last| number.follows(last));
        if continues && !seen.contains(&number) {
            last = Some(number.clone());
            found.push(HiddenTask { number, line: lines.at(offset) });
        }
        offset += text.len();
    }
    found
}

fn unclosed_block(node: &OutlineNode, found: &[HiddenTask], diagnostics: &mut Diagnostics) {
    let tasks: Vec<String> =
        found.iter().map(|found| format!("task {} (line {})", found.number, found.line)).collect();
    let what = if matches!(node.kind, NodeKind::Code { .. }) { "code block" } else { "comment" };
    let message = format!("this {what} is never closed and swallows {}", tasks.join(", "));
    let remedy =
        "close it before the next task; a block that contains ``` needs a longer fence, like ````";
    diagnostics.error(node.line, message, remedy);
}

fn closed_block(node: &OutlineNode, found: &[HiddenTask], diagnostics: &mut Diagnostics) {
    let (what, remedy) = match node.kind {
        NodeKind::Code { .. } => (
            "code block",
            "if it is a task, close the block before it; a block that contains ``` needs a longer fence, like ````",
        ),
        _ => ("quote, comment or list", "if it is a task, move its heading to the start of a line"),
    };
    let message = match found {
        [task] => {
            format!(
                "ignored `Task {}`: it is inside the {what} opened at line {}",
                task.number, node.line
            )
        }
        _ => {
            let tasks: Vec<String> = found
                .iter()
                .map(|found| format!("`Task {}` (line {})", found.number, found.line))
                .collect();
            let tasks = tasks.join(", ");
            format!("ignored {tasks}: they are inside the {what} opened at line {}", node.line)
        }
    };
    let line = found.first().map_or(node.line, |found| found.line);
    diagnostics.warning(line, message, remedy);
}
