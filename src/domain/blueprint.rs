//! The blueprint of one task (a "task plan" to users): how a planning agent wants to do it.
//!
//! Invariant: pure text in, values out. A blueprint has all seven parts of [`PARTS`]; its files are
//! read from the part `File changes` alone.

use crate::domain::plan::paths::paths_of_change;
use crate::domain::text::Fence;

/// The headings of a blueprint, in order, without `## `.
pub(crate) const PARTS: [&str; 7] = [
    "Context summary",
    "File changes",
    "Method signatures",
    "SQL queries",
    "Edge cases",
    "Testing strategy",
    "Open questions",
];
/// The position of the files in [`PARTS`].
const FILES: usize = 1;
/// The position of the open questions in [`PARTS`].
const QUESTIONS: usize = 6;

/// A blueprint with its seven parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blueprint {
    /// The text of each part, without its heading, in the order of [`PARTS`].
    parts: [String; 7],
}

impl Blueprint {
    /// Reads a blueprint from a message; its headings may have any level, number, emphasis and
    /// order.
    ///
    /// Text before the first part and a report at the end are ignored. The error names the parts
    /// that are missing or empty.
    pub(crate) fn read(message: &str) -> Result<Blueprint, Vec<&'static str>> {
        let mut parts: [String; 7] = Default::default();
        let mut open = None;
        for (part, line) in with_headings(message) {
            match part {
                // An agent may print a draft, or repeat the prompt, before its final text: the last
                // occurrence of a part counts.
                Some(part) => {
                    parts[part].clear();
                    open = Some(part);
                }
                None if is_report(line) => {}
                None => open.iter().for_each(|part| parts[*part] += &format!("{line}\n")),
            }
        }
        parts.iter_mut().for_each(|part| *part = without_blank_ends(part).to_owned());
        let missing: Vec<&str> =
            PARTS.iter().zip(&parts).filter(|(_, text)| text.is_empty()).map(|(p, _)| *p).collect();
        if missing.is_empty() { Ok(Blueprint { parts }) } else { Err(missing) }
    }

    /// Returns the blueprint as Markdown, with the headings of [`PARTS`].
    pub(crate) fn text(&self) -> String {
        self.in_order(0..PARTS.len())
    }

    /// Returns the blueprint for the user who approves it: the open questions come first.
    pub(crate) fn for_a_person(&self) -> String {
        self.in_order(std::iter::once(QUESTIONS).chain(0..QUESTIONS))
    }

    fn in_order(&self, order: impl Iterator<Item = usize>) -> String {
        let part = |at: usize| format!("## {}\n\n{}\n", PARTS[at], self.parts[at]);
        order.map(part).collect::<Vec<_>>().join("\n")
    }

    /// Returns the paths that the blueprint declares to change, relative to the top level.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = outside_of_code(&self.parts[FILES])
            .filter_map(item)
            .flat_map(paths_of_change)
            .collect();
        files.sort();
        files.dedup();
        files
    }

    /// Returns the number of open questions.
    pub(crate) fn questions(&self) -> usize {
        let items = outside_of_code(&self.parts[QUESTIONS])
            // An indented item belongs to the question above it.
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(item)
            .filter(|text| !is_nothing(text))
            .count();
        match items {
            0 if is_nothing(&self.parts[QUESTIONS]) => 0,
            // Text without a list is one question.
            0 => 1,
            items => items,
        }
    }
}

/// Returns each line, and for a heading the part that it begins.
fn with_headings(message: &str) -> Vec<(Option<usize>, &str)> {
    let mut fence = Fence::default();
    let heading = |line: &str| PARTS.iter().position(|part| is_heading(line, part));
    message
        .lines()
        .map(|line| if fence.holds(line) { (None, line) } else { (heading(line), line) })
        .collect()
}

fn outside_of_code(text: &str) -> impl Iterator<Item = &str> {
    let mut fence = Fence::default();
    text.lines().filter(move |line| !fence.holds(line))
}

/// Returns true for the heading of a part: `## 2. File Changes:`, `**File changes**` and the like.
fn is_heading(line: &str, part: &str) -> bool {
    let line = line.trim();
    let is_marked = line.starts_with('#') || (line.starts_with("**") && line.contains("**"));
    let words = line.trim_start_matches(|c: char| !c.is_alphabetic());
    let words = words.trim_end_matches(|c: char| !c.is_alphabetic());
    let same = words.eq_ignore_ascii_case(part);
    // A part about one thing is often called `Edge case`.
    let one = part.strip_suffix('s').is_some_and(|one| words.eq_ignore_ascii_case(one));
    is_marked && (same || one)
}

/// Returns the text of a list item.
fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if digits.len() < line.len() {
        digits.strip_prefix(['.', ')'])
    } else {
        line.strip_prefix(['-', '*', '+'])
    };
    rest.filter(|rest| rest.starts_with([' ', '\t'])).map(str::trim)
}

fn is_nothing(text: &str) -> bool {
    let word = text.trim().trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    word.is_empty() || ["none", "n/a", "nothing", "no open questions"].contains(&word.as_str())
}

/// Returns true for `STATUS: DONE`, which ends a message and is not part of the blueprint.
fn is_report(line: &str) -> bool {
    line.trim().trim_matches(['*', '_', '`']).starts_with("STATUS:")
}

fn without_blank_ends(text: &str) -> &str {
    // The spaces in front of the first line stay: they may make it code or part of a list.
    let begin = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let begin = text[..begin].rfind('\n').map_or(0, |at| at + 1);
    text[begin..].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> String {
        PARTS.map(|part| format!("## {part}\n\nNone.\n")).join("\n")
    }

    #[test]
    fn a_plan_has_seven_parts_and_is_written_as_it_was_asked_for() {
        let plan = Blueprint::read(&(plain() + "\nSTATUS: DONE\n")).expect("a plan");
        assert_eq!(plan.text(), plain());
        assert!(
            plan.for_a_person().starts_with("## Open questions\n\nNone.\n\n## Context summary")
        );
        assert_eq!(Blueprint::read(&plan.text()), Ok(plan.clone()));
        assert_eq!(Blueprint::read(&plan.for_a_person()), Ok(plan));
    }

    #[test]
    fn headings_are_read_leniently() {
        let text = "I looked around.\n\n# 1. Context Summary\nx\n**2. File changes:**\n- a.rs: x\n\
                    ### METHOD SIGNATURES\n```\n## Edge cases\n```\n## SQL Queries\nNone.\n\
                    ## Edge cases\nx\n### Of time\ny\n## Testing strategy\nx\n## Open questions\n- Q?\n";
        let plan = Blueprint::read(text).expect("a plan");
        assert!(!plan.text().contains("looked around"));
        assert!(plan.text().contains("## Method signatures\n\n```\n## Edge cases\n```\n"));
        assert!(plan.text().contains("## Edge cases\n\nx\n### Of time\ny\n"));
        assert_eq!((plan.files(), plan.questions()), (vec!["a.rs".to_owned()], 1));
    }

    #[test]
    fn what_is_missing_is_named() {
        let some = plain().replace("## SQL queries\n\nNone.", "");
        assert_eq!(Blueprint::read(&some), Err(vec!["SQL queries"]));
        let empty = plain().replace("## Open questions\n\nNone.", "## Open questions\n");
        assert_eq!(Blueprint::read(&empty), Err(vec!["Open questions"]));
        assert_eq!(Blueprint::read("STATUS: DONE").expect_err("nothing").len(), 7);
    }

    #[test]
    fn of_what_was_printed_twice_the_last_counts() {
        let twice = plain().replace("None.", "What is there now.") + &plain();
        assert_eq!(Blueprint::read(&twice).expect("a plan").text(), plain());
    }

    #[test]
    fn its_files_are_paths() {
        let changes = "- `src/a.rs`: adds `find(id)`\n- Create: `tests/it/b.rs` (new)\n\
                       - src/c/d.ts:12-40: more\n- Nothing else changes.\n1. Makefile.am: a rule\n\
                       * ../outside.rs: no\n- /etc/passwd: no\n```\n- e.rs: code\n```";
        let text =
            plain().replace("## File changes\n\nNone.", &format!("## File changes\n\n{changes}"));
        let plan = Blueprint::read(&text).expect("a plan");
        assert_eq!(plan.files(), ["Makefile.am", "src/a.rs", "src/c/d.ts", "tests/it/b.rs"]);
    }

    #[test]
    fn questions_are_counted() {
        let asks = |text: &str| {
            let text = plain()
                .replace("## Open questions\n\nNone.", &format!("## Open questions\n\n{text}"));
            Blueprint::read(&text).expect("a plan").questions()
        };
        assert_eq!((asks("None."), asks("- None"), asks("no open questions")), (0, 0, 0));
        assert_eq!((asks("- A?\n  - yes\n- B?"), asks("Which one?")), (2, 1));
    }

    #[test]
    fn no_text_breaks_it() {
        for text in ["", "#", "**", "```", "~~~\n", "- ", "1.", "é\n## é", "## Context summary"] {
            assert!(Blueprint::read(text).is_err());
        }
    }
}
