//! What a Markdown plan says outside its tasks.
//!
//! Invariant: text is taken by whole lines, as written. Everything is read, before, between and after
//! the tasks, except the title, comments, sections about the order of tasks, which the scheduler
//! reads elsewhere, and notes to the program that executes the plan. A section of such notes is
//! reported.

use std::ops::Range;

use super::line_start;
use super::outline::{NodeKind, Outline, OutlineNode, TextLine};
use crate::domain::plan::Preamble;
use crate::plan::diagnostic::Diagnostics;

/// Sections for the scheduler, which reads them elsewhere.
const ABOUT_ORDER: [&str; 5] = [
    "dependency graph",
    "task dependencies",
    "wave analysis",
    "task overview",
    "table of contents",
];
/// A longer heading or key is prose that happens to name constraints.
const MAX_WORDS: usize = 5;

/// Where a part of the document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Constraints,
    Nowhere,
}

/// Reads the preamble; `tasks` are the nodes of the tasks, with their headings, in order.
pub(super) fn read(
    outline: &Outline,
    source: &str,
    tasks: Vec<Range<usize>>,
    diagnostics: &mut Diagnostics,
) -> Option<Preamble> {
    let nodes = &outline.nodes;
    let first_task = tasks.first().map_or(nodes.len(), |task| task.start);
    let mut in_task = vec![false; nodes.len()];
    for task in tasks {
        in_task[task].fill(true);
    }
    let is_title = |node: &OutlineNode| matches!(node.kind, NodeKind::Heading { level: 1, .. });
    // Only before the tasks: below them a heading of level 1 begins a section.
    let title = nodes[..first_task].iter().position(is_title);
    let mut collector = Collector::new();
    for (at, node) in nodes.iter().enumerate() {
        if in_task[at] {
            collector.section(Part::Text, 0);
            collector.pending.clear();
            continue;
        }
        let next = nodes.get(at + 1).map_or(source.len(), |next| next.range.start);
        // By whole lines, because the ranges of the parser leave out list marks and indentation.
        let start = line_start(source, node.range.start);
        let end = if at + 1 < nodes.len() { line_start(source, next) } else { next };
        let text = &source[start..end.max(start)];
        if title != Some(at) {
            collector.take(node, text, diagnostics);
        }
    }
    Preamble::new(&collector.constraints, &collector.text)
}

struct Collector<'a> {
    constraints: String,
    text: String,
    /// Headings of the text that have nothing below them yet.
    pending: Vec<(u8, &'a str)>,
    /// Where the open section goes, and the level of its heading; 0 if it has none.
    section: (Part, u8),
    /// A key such as `**Constraints:**` is open.
    in_key: bool,
}

impl<'a> Collector<'a> {
    fn new() -> Collector<'a> {
        Collector {
            constraints: String::new(),
            text: String::new(),
            pending: Vec::new(),
            section: (Part::Text, 0),
            in_key: false,
        }
    }

    fn section(&mut self, part: Part, level: u8) {
        (self.section, self.in_key) = ((part, level), false);
    }

    fn take(&mut self, node: &OutlineNode, text: &'a str, diagnostics: &mut Diagnostics) {
        match &node.kind {
            // `**Goal:** ...` above `---` is a heading for CommonMark, but not for the author.
            NodeKind::Heading { underlined: true, lines, .. }
                if lines.len() > 1 || lines.iter().any(|line| key(line).is_some()) =>
            {
                for (line, text) in lines.iter().zip(text.split_inclusive('\n')) {
                    self.line(line, text);
                }
            }
            NodeKind::Heading { level, text: heading, .. } => {
                self.heading(*level, heading, text);
                if self.section.0 == Part::Nowhere && is_handoff(heading) {
                    let message = format!(
                        "ignored the section {heading:?}: it is for the program that executes the plan"
                    );
                    diagnostics.warning(
                        node.line,
                        message,
                        "give it another heading if agents need it",
                    );
                }
            }
            NodeKind::Line(line) => self.line(line, text),
            NodeKind::Rule => self.in_key = false,
            NodeKind::Aside { .. } if is_for_programs(text) => {}
            NodeKind::Aside { .. } | NodeKind::Code { .. } | NodeKind::Table(_) => self.push(text),
        }
    }

    fn heading(&mut self, level: u8, heading: &str, text: &'a str) {
        let (part, open) = self.section;
        let is_inside = open > 0 && level > open;
        // A heading such as `Coding rules` inside the constraints is only a part of them.
        if is_constraints(heading) && !(is_inside && part == Part::Constraints) {
            self.section(Part::Constraints, level);
            return self.constraints.push('\n');
        }
        self.in_key = false;
        if is_inside && part != Part::Text {
            return self.push(text);
        }
        let lower = heading.trim().to_lowercase();
        let is_order = ABOUT_ORDER.contains(&lower.as_str()) || super::is_justification(heading);
        let part = if is_order || is_handoff(heading) { Part::Nowhere } else { Part::Text };
        self.section(part, level);
        // A heading that is followed by another of its level has nothing to say.
        self.pending.retain(|(above, _)| *above < level);
        if part == Part::Text {
            self.pending.push((level, text));
        }
    }

    fn line(&mut self, line: &TextLine, text: &'a str) {
        // In a list, `Constraints: ...` is only one of the items.
        if line.depth == 0 && self.section.0 == Part::Text {
            let name = key(line);
            let opens = name.is_some_and(is_constraints);
            self.in_key = opens || (self.in_key && name.is_none());
            if opens {
                self.constraints.push('\n');
            }
        }
        self.push(text);
    }

    fn push(&mut self, text: &str) {
        match self.section.0 {
            Part::Constraints => self.constraints.push_str(text),
            Part::Text if self.in_key => self.constraints.push_str(text),
            Part::Text => {
                self.pending.drain(..).for_each(|(_, heading)| self.text.push_str(heading));
                self.text.push_str(text);
            }
            Part::Nowhere => {}
        }
    }
}

/// Returns the name of the key that a line begins with: `**Goal:** ...`, `**Goal**`, or
/// `Constraints: ...`.
fn key(line: &TextLine) -> Option<&str> {
    let (bold, rest) = line.text.split_at_checked(line.bold)?;
    let plain = || line.text.split_once(':').map(|(name, _)| name).filter(|it| is_constraints(it));
    if bold.is_empty() {
        return plain();
    }
    let is_key = bold.trim_end().ends_with(':') || rest.is_empty() || rest.starts_with(':');
    is_key.then(|| bold.trim_end().trim_end_matches(':'))
}

/// Returns true for the name of something that every task must keep to: `Global Constraints`,
/// `Rules`.
fn is_constraints(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let is_rules = words.last().is_some_and(|word| *word == "rules");
    words.len() <= MAX_WORDS
        && (is_rules || words.iter().any(|word| ["constraint", "constraints"].contains(word)))
}

/// Returns true for the heading of a section that says how to execute the plan: an agent that did
/// one task and followed it would execute the whole plan.
fn is_handoff(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    heading.split(|c: char| !c.is_alphanumeric()).any(|word| word == "handoff")
}

/// Returns true for a comment, and for the note to the program that executes the plan: an
/// implementer that followed it would start to execute the whole plan.
fn is_for_programs(text: &str) -> bool {
    let start = text.trim_start_matches([' ', '\t', '>', '*', '_']).to_lowercase();
    let notes = ["for agentic workers", "for claude", "for agents", "for ai agents"];
    text.trim_start().starts_with("<!--")
        || notes.iter().any(|note| start.starts_with(note))
        || text.to_lowercase().contains("required sub-skill")
}

#[cfg(test)]
mod tests {
    use crate::domain::plan::Preamble;
    use crate::plan::{Source, parse};

    fn preamble(text: &str) -> Option<Preamble> {
        parse(&Source { name: "p.md", bytes: text.as_bytes() }).expect("a plan").plan.preamble
    }

    const TASKS: &str = "### Task 1: A\n\n**Goal:** of a\n\nDo.\n\n### Task 2: B\n\nDo.\n";

    #[test]
    fn the_head_of_a_plan_is_read_without_title_and_notes_to_programs() {
        let head = "# Greeting Implementation Plan\n\n\
            > **For agentic workers:** REQUIRED SUB-SKILL: use executing-plans.\n\n\
            **Goal:** Greet people.\n\n**Architecture:** Two modules.\n\n**Tech Stack:** Node 18\n\n\
            **Spec:** `docs/specs/greeting.md`\n\n<!-- draft -->\n\n## Global Constraints\n\n\
            - No dependencies\n- Names are at most 40 characters\n\n### Why\n\nSize.\n\n---\n\n\
            ## Interfaces\n\n```js\n# not a heading\ngreet(name)\n```\n\n\
            ## Dependency graph\n\nTask 1 first.\n\n## Tasks\n\n";
        let read = preamble(&format!("{head}{TASKS}")).expect("a preamble");
        assert_eq!(
            read.constraints,
            "- No dependencies\n- Names are at most 40 characters\n\n### Why\n\nSize."
        );
        let text = "**Goal:** Greet people.\n\n**Architecture:** Two modules.\n\n\
            **Tech Stack:** Node 18\n\n**Spec:** `docs/specs/greeting.md`\n\n## Interfaces\n\n\
            ```js\n# not a heading\ngreet(name)\n```";
        assert_eq!(read.text, text);
    }

    #[test]
    fn constraints_are_found_as_a_key_and_after_the_tasks() {
        let head =
            "**Goal:** x\n**Constraints:**\n- No `eval`\n- Tabs\n\n**Tech Stack:** y\n---\n\n";
        let after = "\n## Project Rules\n\nBe kind.\n";
        let read = preamble(&format!("{head}{TASKS}{after}")).expect("a preamble");
        assert_eq!(read.constraints, "**Constraints:**\n- No `eval`\n- Tabs\n\n\nBe kind.");
        assert_eq!(read.text, "**Goal:** x\n**Tech Stack:** y");
    }

    #[test]
    fn what_stands_between_and_after_the_tasks_is_read() {
        let text = "# Plan\n\n## Phase 1\n\n### Task 1: A\n\nDo a.\n\n---\n\n\
            ## Phase 2: API\n\nAnswers are JSON.\n\n### Task 2: B\n\nDo b.\n\n\
            ## Notes\n\nSee `docs/api.md`.\n\n## Wave analysis\n\n1, 2\n\n\
            ## Execution Handoff\n\nExecute the plan now.\n\n### How\n\nWith care.\n";
        let parsed = parse(&Source { name: "p.md", bytes: text.as_bytes() }).expect("a plan");
        let read = parsed.plan.preamble.expect("a preamble");
        assert_eq!(
            read.text,
            "## Phase 2: API\n\nAnswers are JSON.\n\n## Notes\n\nSee `docs/api.md`."
        );
        let warnings = format!("{:?}", parsed.warnings);
        assert!(warnings.contains("ignored the section \\\"Execution Handoff\\\""), "{warnings}");
    }

    #[test]
    fn a_plan_whose_tasks_stand_in_a_table_has_a_preamble_too() {
        let text = "# Plan\n\n**Goal:** Greet.\n\n## Constraints\n\n- Tabs\n\n## Tasks\n\n\
            | Task | Depends on | Files |\n|---|---|---|\n| Task 1: A | | `a` |\n\
            | Task 2: B | Task 1 | `b` |\n\n## Terms\n\n| Word | Meaning |\n|---|---|\n\
            | a | b |\n";
        let read = preamble(text).expect("a preamble");
        assert_eq!(read.constraints, "- Tabs");
        let terms = "## Terms\n\n| Word | Meaning |\n|---|---|\n| a | b |";
        assert_eq!(read.text, format!("**Goal:** Greet.\n\n{terms}"));
    }

    #[test]
    fn text_of_a_task_is_not_in_it() {
        let inside = "# Plan\n\n## Task 1: A\n\nDo.\n\n### Constraints\n\nOf this task.\n";
        assert_eq!(preamble(inside), None);
        assert_eq!(preamble(TASKS), None);
    }

    #[test]
    fn toml_has_it_as_a_text_or_as_a_table() {
        let read = |key: &str| {
            let text = format!("{key}\n[[task]]\nid = 'a'\nprompt = 'x'\n");
            parse(&Source { name: "p.toml", bytes: text.as_bytes() }).map(|it| it.plan.preamble)
        };
        let wanted = Preamble::new("- Tabs", "**Goal:** x");
        let text = "preamble = '''\n**Goal:** x\n\n## Constraints\n\n- Tabs\n'''";
        assert_eq!(read(text), Ok(wanted.clone()));
        let table = "preamble.constraints = '- Tabs'\npreamble.text = '**Goal:** x'";
        assert_eq!(read(table), Ok(wanted));
        assert_eq!(read("preamble = ' '"), Ok(None));
        assert_eq!(read("preamble = 3").expect_err("a number").len(), 1);
        assert_eq!(read("preamble.rule = ''").expect_err("no such key").len(), 1);
    }
}
