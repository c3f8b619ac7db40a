//! What the next attempt is told of how the one before ended.
//!
//! Invariant: pure; of what a program printed only the end, in lines and in bytes.

use crate::domain::task::{Block, Reason};

/// Returns what the next attempt should know of a block.
pub(crate) fn after(block: &Block, integration: &str) -> String {
    let text = &block.text;
    match block.reason {
        Reason::Conflict => format!(
            "Your work conflicts with {} in {}: run `git merge {}`, keep the intent of both sides, \
             leave no conflict markers, and commit.",
            integration,
            block.files.join(", "),
            integration
        ),
        Reason::Tests => format!(
            "Your work failed the tests after it was merged with {integration}: {text}. Run `git \
             merge {integration}` first, so that you see what was tested, then fix it and commit."
        ),
        Reason::Leftovers => format!(
            "The previous attempt left files that nobody wants in the repository: {text}. Remove \
             them, from the commits of this branch too, if they are not part of the task."
        ),
        Reason::TestCommand => format!("Your work is not merged yet: {text}."),
        Reason::Approval => "A person read your plan and sent it back.".into(),
        Reason::Timeout
        | Reason::NeedsContext
        | Reason::Agent
        | Reason::Permission
        | Reason::NoChanges
        | Reason::Escaped
        | Reason::Worktree
        | Reason::Stopped
        | Reason::ReviewLimit => {
            let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
            format!("The previous attempt ended as {}: {text}{stop}", block.reason)
        }
    }
}

/// How much of the output of failed tests is passed on, in lines and in bytes.
const LINES: usize = 50;
const BYTES: usize = 4000;

/// Returns the end of what the tests printed, as a block of its own.
pub(crate) fn end_of_output(text: &str) -> String {
    let end = end(text);
    if end.trim().is_empty() {
        String::new()
    } else {
        format!("\n\n  Their last lines of output:\n\n{}\n", indented(&end, "      "))
    }
}

/// Returns the end of what a command printed, as a code block of Markdown.
pub(super) fn quoted_end(text: &str) -> String {
    let end = end(text);
    if end.trim().is_empty() { "    (it printed nothing)".into() } else { indented(&end, "    ") }
}

fn end(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut end = lines[lines.len().saturating_sub(LINES)..].join("\n");
    // Lines are dropped at the front, because what failed is named at the end.
    while end.len() > BYTES {
        end = end.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned());
    }
    end
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_long_output_is_passed_on() {
        let long: String = (1..=200).map(|number| format!("line {number}\n")).collect();
        let end = end_of_output(&long);
        assert!(end.contains("line 151\n") && end.contains("line 200"), "{end}");
        assert!(!end.contains("line 150\n"));
        assert_eq!(end_of_output(""), "");
        assert!(end_of_output(&"x".repeat(100_000)).len() < BYTES);
        assert_eq!(quoted_end(" \n"), "    (it printed nothing)");
        assert_eq!(quoted_end("a\n b\n"), "    a\n     b");
    }
}
