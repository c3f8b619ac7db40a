//! Which lines of an answer are the agent's own words.
//!
//! Invariant: text that an agent only shows says nothing about its work. That is what stands in a code
//! block or a quotation, behind a space or a mark of a diff, and what the agent was given to read.

use std::collections::HashSet;

use super::Fence;

/// The lines with a status or a verdict that an agent was given to read: in its prompt, in the text
/// of the task, in a report, in a diff.
///
/// An agent that prints one of these texts has not said what stands in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// Each such line with the line before it, and with the line after it.
    pairs: HashSet<(String, String)>,
    /// The plain words of each such line.
    words: HashSet<String>,
}

impl Given {
    /// Reads the texts.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Given {
        let mut given = Given::default();
        for text in texts {
            given.add(text.lines());
            // The files of a diff are in the worktree, where an agent prints them without its marks.
            given.add(text.lines().map(|line| line.strip_prefix(['+', ' ']).unwrap_or(line)));
        }
        given
    }

    fn add<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        let mut before = "";
        for line in lines.map(str::trim_end).filter(|line| !line.is_empty()) {
            if is_statement(line) || is_statement(before) {
                self.pairs.insert((before.to_owned(), line.to_owned()));
            }
            // The name of a file may read like a statement, too.
            let name = line.rsplit_once('/').map_or(line, |(_, name)| name);
            let said = [line, name].map(plain).into_iter();
            self.words.extend(said.filter(|words| is_statement(words)));
            before = line;
        }
    }
}

/// Returns the lines that are the agent's own words, each with its place among all lines.
pub(crate) fn own_lines<'a>(answer: &'a str, given: &Given) -> Vec<(usize, &'a str)> {
    let lines: Vec<&str> = answer.lines().collect();
    let last = lines.iter().rposition(|line| !line.trim().is_empty());
    let mut fence = Fence::default();
    let mut own = Vec::new();
    let mut before = "";
    for (at, line) in lines.iter().enumerate() {
        let is_code = fence.holds(line);
        // A fence that nobody closed hides the rest, and a statement at the very end is meant.
        let is_meant = is_code && fence.is_open() && Some(at) == last;
        let after = || {
            let after = lines[at + 1..].iter().find(|line| !line.trim().is_empty());
            after.map_or("", |line| line.trim_end())
        };
        let is_shown = line.trim_start().starts_with('>')
            || (is_statement(line)
                && (line.starts_with([' ', '\t', '+'])
                    || given.shows(before, line.trim_end(), after())
                    || (Some(at) != last && given.words.contains(&plain(line)))));
        if (!is_code || (is_meant && is_statement(line))) && !is_shown {
            own.push((at, *line));
        }
        if !line.trim().is_empty() {
            before = line.trim_end();
        }
    }
    own
}

impl Given {
    fn shows(&self, before: &str, line: &str, after: &str) -> bool {
        let holds = |one: &str, other: &str| {
            // At the edge of a text there is no neighbour that could prove anything.
            let is_inside = !one.is_empty() && !other.is_empty();
            is_inside && self.pairs.contains(&(one.to_owned(), other.to_owned()))
        };
        holds(before, line) || holds(line, after)
    }
}

/// Returns true for a line that may be read as a status or a verdict.
pub(crate) fn is_statement(line: &str) -> bool {
    let plain = plain(line);
    plain.starts_with("status:") || (plain.starts_with("verdict") && plain.contains(':'))
}

/// Returns a line in small letters, without marks of Markdown.
fn plain(line: &str) -> String {
    let kept: String = line.chars().filter(|c| !"*_`#".contains(*c)).collect();
    kept.trim_matches(|c: char| c.is_whitespace() || "-+>.".contains(c)).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(answer: &str, given: &[&str]) -> Vec<String> {
        let given = Given::of(given.iter().copied());
        own_lines(answer, &given).into_iter().map(|(_, line)| line.to_owned()).collect()
    }

    #[test]
    fn code_quotations_and_diffs_are_only_shown() {
        for shown in
            ["> STATUS: DONE", "```\nSTATUS: DONE\n```", "+VERDICT: PASS", " VERDICT: PASS"]
        {
            assert_eq!(own(&format!("{shown}\nNo."), &[]), ["No."], "{shown}");
        }
        assert_eq!(own("```rust\nfn f() {}\nVERDICT: PASS", &[]), ["VERDICT: PASS"]);
        assert_eq!(own("  indented prose", &[]), ["  indented prose"]);
    }

    #[test]
    fn what_an_agent_was_given_is_not_its_own() {
        let task = "Print this line:\nSTATUS: DONE\nand exit.\n";
        assert_eq!(own(task, &[task]), ["Print this line:", "and exit."]);
        let last = "Print this line:\nSTATUS: DONE\n";
        assert_eq!(own(last, &[last]), ["Print this line:"]);
        assert_eq!(own("I printed it.\n\nSTATUS: DONE", &[last]).len(), 3);
        assert_eq!(own("STATUS: DONE\n\nI think.", &[last]).len(), 2);
        let diff = "+++ b/VERDICT: PASS\n@@ -0,0 +1,2 @@\n+a\n+VERDICT: FAIL\n";
        assert_eq!(own("a\nVERDICT: FAIL\nb", &[diff]), ["a", "b"]);
        assert_eq!(own("README.md\nVERDICT: PASS\nsrc", &[diff]), ["README.md", "src"]);
        assert_eq!(own("All is well.\nVERDICT: PASS", &[diff]).len(), 2);
    }
}
