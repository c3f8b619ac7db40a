//! What a plan says outside its tasks: goal, architecture, constraints.
//!
//! Invariant: a [`Preamble`] that exists is not empty, and its texts have no space at their ends.
//! The constraints are passed on whole; of the rest every prompt holds the beginning.

use serde::Serialize;

/// At most this many bytes of the text are in a prompt; the constraints do not count.
const MAX_EXCERPT: usize = 2048;
/// At most this many constraints, each with at most this many characters, are in a summary.
const MAX_NAMED: usize = 3;
const MAX_NAME: usize = 60;

/// The part of a plan that holds for all of its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Preamble {
    /// What every task must keep to, as written, without headings.
    pub constraints: String,
    /// Everything else before the tasks: goal, architecture, tech stack, interfaces.
    pub text: String,
}

impl Preamble {
    /// Returns the preamble of these texts; `None` if there is nothing in them.
    pub(crate) fn new(constraints: &str, text: &str) -> Option<Preamble> {
        let owned = |text: &str| text.trim().replace("\r\n", "\n").replace('\r', "\n");
        let preamble = Preamble { constraints: owned(constraints), text: owned(text) };
        (preamble != Preamble::default()).then_some(preamble)
    }

    /// Returns the number of bytes of both texts.
    pub(crate) fn len(&self) -> usize {
        self.constraints.len() + self.text.len()
    }

    /// Returns the beginning of the text, whole lines if possible, and true if that is not all.
    pub(crate) fn excerpt(&self) -> (&str, bool) {
        if self.text.len() <= MAX_EXCERPT {
            return (&self.text, false);
        }
        let mut end = MAX_EXCERPT;
        // The limit may fall into the middle of a character.
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let start = &self.text[..end];
        (start.rfind('\n').map_or(start, |at| &start[..at]).trim_end(), true)
    }

    /// Returns both texts as one document.
    pub(crate) fn whole(&self) -> String {
        let heading = if self.constraints.is_empty() { "" } else { "## Constraints\n\n" };
        format!("{heading}{}\n\n{}", self.constraints, self.text).trim().to_owned() + "\n"
    }

    /// Returns the first constraints, shortened, for a summary in one line; "" if there are none.
    pub(crate) fn named_constraints(&self) -> String {
        let marks = |c: char| c.is_whitespace() || matches!(c, '-' | '*' | '+' | '#');
        // An indented line continues the constraint above it.
        let lines = self.constraints.lines().filter(|line| !line.starts_with([' ', '\t']));
        let lines: Vec<&str> =
            lines.map(|line| line.trim_matches(marks)).filter(|line| !line.is_empty()).collect();
        let short = |line: &&str| {
            let line = line.replace("**", "");
            match line.char_indices().nth(MAX_NAME) {
                Some((end, _)) => format!("{}...", line[..end].trim_end()),
                None => line,
            }
        };
        let more = lines.len().saturating_sub(MAX_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        lines.iter().take(MAX_NAMED).map(short).chain(more).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_at_a_line_and_says_if_it_is_all() {
        let short = Preamble::new("", "\n**Goal:** x\r\ny\n").expect("a text");
        assert_eq!(short.excerpt(), ("**Goal:** x\ny", false));
        let long = "a line of the plan\n".repeat(500);
        let long = Preamble::new("c", &long).expect("a text");
        let (text, is_cut) = long.excerpt();
        assert!(is_cut && text.len() <= MAX_EXCERPT && text.ends_with("the plan"), "{text}");
        let one_line = Preamble::new("", &"ä".repeat(5000)).expect("a text");
        assert_eq!(one_line.excerpt().0.len(), MAX_EXCERPT);
        assert_eq!(Preamble::new(" \n", "\n"), None);
    }

    #[test]
    fn a_summary_names_the_first_constraints() {
        let text = "- Node 18\n  or later\n- No `eval`\n* **Strict** types\n- Four\n- Five\n";
        let preamble = Preamble::new(text, "").expect("a text");
        let named = "Node 18; No `eval`; Strict types; and 2 more";
        assert_eq!(preamble.named_constraints(), named);
        assert_eq!(preamble.whole(), format!("## Constraints\n\n{}\n", text.trim()));
    }
}
