//! Headings that are tasks: `Task <number>`, a separator and a title.
//!
//! Invariant: a text is read the same way wherever it stands; the caller knows whether
//! it is a heading at all.

use std::fmt;

/// What a heading says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    Task {
        number: Number,
        title: String,
    },
    /// Begins like a task, but is none.
    Almost(Almost),
    Other,
}

/// What a heading lacks to be a task's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Almost {
    Number,
    Separator,
    /// It names several tasks at once.
    Range,
}

/// The number in a task's heading: `3`, `1.2` or `8b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number {
    parts: Vec<u32>,
    letter: Option<char>,
}

impl Number {
    /// Reads a whole text as a number.
    pub(super) fn parse(text: &str) -> Option<Number> {
        let (number, rest) = Number::split(text)?;
        rest.is_empty().then_some(number)
    }

    /// Reads a number at the start of a text and returns what follows it.
    fn split(text: &str) -> Option<(Number, &str)> {
        let (first, mut rest) = digits(text)?;
        let mut parts = vec![first];
        while let Some((part, after)) = rest.strip_prefix('.').and_then(digits) {
            parts.push(part);
            rest = after;
        }
        let mut after = rest.chars();
        let letter = after.next().filter(char::is_ascii_lowercase);
        let is_word = after.clone().next().is_some_and(char::is_alphanumeric);
        match letter {
            Some(_) if is_word => None,
            Some(_) => Some((Number { parts, letter }, after.as_str())),
            None if rest.starts_with(char::is_alphanumeric) => None,
            None => Some((Number { parts, letter }, rest)),
        }
    }

    /// Returns whether a task of this number can come right after one of the number `before`.
    pub(super) fn follows(&self, before: &Number) -> bool {
        let (Some((last, head)), Some((mine, parent))) =
            (before.parts.split_last(), self.parts.split_last())
        else {
            return false;
        };
        let next_letter = self.parts == before.parts && self.letter > before.letter;
        let next_sibling = parent == head && *mine == last + 1;
        let next_parent =
            self.parts[0] == before.parts[0] + 1 && self.parts[1..].iter().all(|p| *p <= 1);
        let first_child = parent == before.parts && *mine <= 1;
        next_letter || (self.letter.is_none() && (next_sibling || next_parent || first_child))
    }

    /// Returns whether a plan can begin with it.
    pub(super) fn is_first(&self) -> bool {
        self.parts.iter().all(|part| *part <= 1)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts.iter().map(u32::to_string).collect();
        write!(f, "{}", parts.join("."))?;
        self.letter.map_or(Ok(()), |letter| write!(f, "{letter}"))
    }
}

/// Reads the text of a heading.
pub(super) fn read(text: &str) -> Reading {
    let marks = ["[ ]", "[x]", "[X]"];
    let text = marks.iter().fold(text.trim(), |text, mark| text.trim_start_matches(mark));
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    match strip_word(text, "task") {
        Some(rest) => numbered(rest.trim_start()),
        None => Reading::Other,
    }
}

/// Reads the cell of a table that names a task, where `T1 — title` and `1: title` do too.
pub(super) fn read_cell(text: &str) -> Reading {
    let text = text.trim();
    let short = text.strip_prefix(['T', 't', '#']).unwrap_or(text);
    if short.starts_with(|c: char| c.is_ascii_digit()) { numbered(short) } else { read(text) }
}

/// Reads what stands behind the word `Task`.
fn numbered(rest: &str) -> Reading {
    let Some((number, rest)) = Number::split(rest.trim_start_matches('#')) else {
        // `Task : title`, and `Task A: title`.
        let is_bare = rest.starts_with([':', '：']) && rest.chars().nth(1).is_some();
        let is_almost = is_bare || is_lettered(rest);
        return if is_almost { Reading::Almost(Almost::Number) } else { Reading::Other };
    };
    let rest = rest.trim_start();
    let Some(title) = rest.strip_prefix([':', '.', '-', '–', '—', '：']) else {
        let title = String::new();
        return match rest.is_empty() {
            true => Reading::Task { number, title },
            false if is_range(rest) => Reading::Almost(Almost::Range),
            false => Reading::Almost(Almost::Separator),
        };
    };
    let is_dash = rest.starts_with(['-', '–', '—']);
    if is_dash && Number::split(title.trim_start()).is_some_and(|(_, after)| ends_number(after)) {
        return Reading::Almost(Almost::Range);
    }
    Reading::Task { number, title: crate::domain::plan::value::title(title) }
}

/// Reads a line of Markdown source as a heading, for text that is not parsed as Markdown.
pub(super) fn read_source(line: &str) -> Reading {
    let line = line.trim_start_matches([' ', '>', '-', '*', '+']);
    let text = line.trim_start_matches('#');
    match line.len() - text.len() {
        1..=6 if text.starts_with([' ', '\t']) => read(text),
        _ => Reading::Other,
    }
}

fn digits(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    // Nine digits always fit and leave room for the next number.
    let number = text[..end].parse().ok().filter(|_| end <= 9)?;
    Some((number, &text[end..]))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    let ends = rest.starts_with([' ', '\t', '#', '\u{a0}']);
    (start.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// `A: title`, `T1 - title`: a short name where a number should be.
fn is_lettered(rest: &str) -> bool {
    let word = rest.split([':', ' ', '—', '–']).next().unwrap_or_default();
    let is_short = word.len() == 1 || word.contains(|c: char| c.is_ascii_digit());
    let is_named = word.starts_with(|c: char| c.is_ascii_uppercase()) && is_short;
    is_named && rest[word.len()..].trim_start().starts_with([':', '-', '–', '—'])
}

fn is_range(rest: &str) -> bool {
    ["and ", "& ", "to ", ", "].iter().any(|word| {
        rest.strip_prefix(word)
            .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
    })
}

fn ends_number(after: &str) -> bool {
    after.is_empty() || after.starts_with([':', ' ', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(text: &str) -> Option<(String, String)> {
        match read(text) {
            Reading::Task { number, title } => Some((number.to_string(), title)),
            _ => None,
        }
    }

    #[test]
    fn tasks_have_a_number_a_separator_and_a_title() {
        let cases = [
            ("Task 1: Add a model", "1", "Add a model"),
            ("Task 0 — (core) start", "0", "(core) start"),
            ("TASK 1.2. Nested", "1.2", "Nested"),
            ("Task 8b - Late", "8b", "Late"),
            ("Task 3 – `x` [low]", "3", "`x` [low]"),
            ("[x] Task 3: Done before", "3", "Done before"),
            ("✅ Task 3：宽", "3", "宽"),
            ("Task #4: Hash", "4", "Hash"),
            ("Task 5: 3 retries", "5", "3 retries"),
            ("Task 6:", "6", ""),
            ("Task 6", "6", ""),
        ];
        for (text, number, title) in cases {
            assert_eq!(task(text), Some((number.into(), title.into())), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_task_is_told_apart() {
        for text in [
            "Task groups",
            "Tasks",
            "Tasks 1-3",
            "Taskbar 1: x",
            "Task Structure: how",
            "Step 1: x",
        ] {
            assert_eq!(read(text), Reading::Other, "{text}");
        }
        assert_eq!(read("Task 1 results"), Reading::Almost(Almost::Separator));
        assert_eq!(read("Task : Setup"), Reading::Almost(Almost::Number));
        assert_eq!(read("Task A: Setup"), Reading::Almost(Almost::Number));
        assert_eq!(read("Task T1 — Setup"), Reading::Almost(Almost::Number));
        assert_eq!(read("Task 1-3: Many"), Reading::Almost(Almost::Range));
        assert_eq!(read("Task 1 and 2: Two"), Reading::Almost(Almost::Range));
    }

    #[test]
    fn numbers_follow_each_other() {
        let follows = |a, b| Number::parse(b).unwrap().follows(&Number::parse(a).unwrap());
        for (a, b) in [
            ("1", "2"),
            ("8", "8b"),
            ("8b", "8c"),
            ("8b", "9"),
            ("1.2", "1.3"),
            ("1.2", "2.1"),
            ("1", "1.1"),
        ] {
            assert!(follows(a, b), "{b} after {a}");
        }
        for (a, b) in [("1", "1"), ("1", "3"), ("2", "1"), ("1.2", "1.4"), ("3", "4b")] {
            assert!(!follows(a, b), "{b} after {a}");
        }
        assert_eq!(Number::parse("99999999999"), None);
    }
}
