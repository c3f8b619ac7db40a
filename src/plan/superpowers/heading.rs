//! Headings of tasks: `Task <number>`, a separator and a title.
//!
//! Invariant: a text is read the same way wherever it is found; the caller knows whether it is a
//! heading at all.

use std::fmt;

use crate::plan::marks;

/// The kind of a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HeadingKind {
    Task {
        number: TaskNumber,
        title: String,
        /// A mark says that it is done.
        done: bool,
    },
    /// Begins like the heading of a task, but is not one.
    NearMiss(HeadingFlaw),
    Other,
}

/// Why a heading that begins like a task's is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadingFlaw {
    NoNumber,
    /// The title comes right after the word `Task`.
    OnlyTitle,
    NoSeparator,
    /// It names several tasks.
    Range,
}

/// The number in a task's heading: `3`, `1.2` or `8b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TaskNumber {
    parts: Vec<u32>,
    letter: Option<char>,
}

impl TaskNumber {
    /// Reads a whole text as a number.
    pub(super) fn parse(text: &str) -> Option<TaskNumber> {
        let (number, rest) = TaskNumber::split(text)?;
        rest.is_empty().then_some(number)
    }

    /// Reads a number at the start of a text and returns what follows it.
    fn split(text: &str) -> Option<(TaskNumber, &str)> {
        let (first, mut rest) = digits(text)?;
        let mut parts = vec![first];
        while let Some((part, after)) = rest.strip_prefix('.').and_then(digits) {
            parts.push(part);
            rest = after;
        }
        let mut after = rest.chars();
        let letter = after.next().filter(char::is_ascii_lowercase);
        // `8b` is a number with a letter, `3rd` is a word.
        let is_word = after.clone().next().is_some_and(char::is_alphanumeric);
        match letter {
            Some(_) if is_word => None,
            Some(_) => Some((TaskNumber { parts, letter }, after.as_str())),
            None if rest.starts_with(char::is_alphanumeric) => None,
            None => Some((TaskNumber { parts, letter }, rest)),
        }
    }

    /// Returns true if a task with this number can come right after one with the number `before`.
    pub(super) fn follows(&self, before: &TaskNumber) -> bool {
        let (Some((last, head)), Some((mine, parent))) =
            (before.parts.split_last(), self.parts.split_last())
        else {
            return false;
        };
        let next_letter = self.parts == before.parts && self.letter > before.letter;
        let next_sibling = parent == head && *mine == last + 1;
        // After `1.7` comes `2`, `2.0` or `2.1`.
        let next_parent =
            self.parts[0] == before.parts[0] + 1 && self.parts[1..].iter().all(|p| *p <= 1);
        let first_child = parent == before.parts && *mine <= 1;
        next_letter || (self.letter.is_none() && (next_sibling || next_parent || first_child))
    }

    /// Returns true if a plan can begin with this number.
    pub(super) fn is_first(&self) -> bool {
        self.parts.iter().all(|part| *part <= 1)
    }
}

impl fmt::Display for TaskNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts.iter().map(u32::to_string).collect();
        write!(f, "{}", parts.join("."))?;
        self.letter.map_or(Ok(()), |letter| write!(f, "{letter}"))
    }
}

/// Reads the text of a heading.
pub(super) fn read(text: &str) -> HeadingKind {
    let (text, is_marked) = marks::split(text);
    // Authors put emoji and other signs in front of the word.
    let text = text.trim_start_matches("[ ]").trim_start_matches(|c: char| !c.is_alphanumeric());
    match strip_word(text, "task").map(|rest| numbered(rest.trim_start())) {
        Some(HeadingKind::Task { number, title, done }) => {
            HeadingKind::Task { number, title, done: done || is_marked }
        }
        Some(other) => other,
        None => HeadingKind::Other,
    }
}

/// Reads the cell of a table that names a task; besides headings it may read `T1 — title` or
/// `1: title`.
pub(super) fn read_cell(text: &str) -> HeadingKind {
    let text = text.trim();
    let short = text.strip_prefix(['T', 't', '#']).unwrap_or(text);
    if short.starts_with(|c: char| c.is_ascii_digit()) { numbered(short) } else { read(text) }
}

/// Reads the text after the word `Task`.
fn numbered(rest: &str) -> HeadingKind {
    // Some plans number their tasks as issues: `Task #4`.
    let Some((number, rest)) = TaskNumber::split(rest.trim_start_matches('#')) else {
        // `Task: title`, and `Task A: title`.
        let title = rest.strip_prefix([':', '：', '-', '–', '—']);
        let is_bare = title.is_some_and(|title| !title.trim().is_empty());
        return match (is_bare, is_lettered(rest)) {
            (true, _) => HeadingKind::NearMiss(HeadingFlaw::OnlyTitle),
            (false, true) => HeadingKind::NearMiss(HeadingFlaw::NoNumber),
            (false, false) => HeadingKind::Other,
        };
    };
    let rest = rest.trim_start();
    let Some(title) = rest.strip_prefix([':', '.', '-', '–', '—', '：']) else {
        let title = String::new();
        return match rest.is_empty() {
            true => HeadingKind::Task { number, title, done: false },
            false if is_range(rest) => HeadingKind::NearMiss(HeadingFlaw::Range),
            false => HeadingKind::NearMiss(HeadingFlaw::NoSeparator),
        };
    };
    let is_dash = rest.starts_with(['-', '–', '—']);
    // `Task 1 - 3: title` names a range, `Task 1 - 3D view` has a title.
    if is_dash && TaskNumber::split(title.trim_start()).is_some_and(|(_, after)| ends_number(after))
    {
        return HeadingKind::NearMiss(HeadingFlaw::Range);
    }
    let (title, done) = marks::split(title);
    HeadingKind::Task { number, title: crate::domain::plan::value::title(title), done }
}

/// Reads a line of Markdown source as a heading, for text that the Markdown parser does not see as
/// one.
pub(super) fn read_source(line: &str) -> HeadingKind {
    // In a quote or a list the heading comes after other marks.
    let line = line.trim_start_matches([' ', '>', '-', '*', '+']);
    let text = line.trim_start_matches('#');
    match line.len() - text.len() {
        1..=6 if text.starts_with([' ', '\t']) => read(text),
        _ => HeadingKind::Other,
    }
}

fn digits(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    // Nine digits always fit into a u32, and so does the number after them.
    let number = text[..end].parse().ok().filter(|_| end <= 9)?;
    Some((number, &text[end..]))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    // `Taskbar 1` begins with the same letters.
    let ends = rest.starts_with([' ', '\t', '#', '\u{a0}', ':', '：']);
    (start.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// Returns true if a short name is in the place of the number: `A: title`, `T1 - title`.
fn is_lettered(rest: &str) -> bool {
    let word = rest.split([':', ' ', '—', '–']).next().unwrap_or_default();
    // `Task A:` is meant as a task, `Task Structure:` is a section.
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
            HeadingKind::Task { number, title, .. } => Some((number.to_string(), title)),
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
    fn headings_that_only_look_like_tasks_are_near_misses() {
        for text in [
            "Task groups",
            "Tasks",
            "Tasks 1-3",
            "Taskbar 1: x",
            "Task Structure: how",
            "Step 1: x",
        ] {
            assert_eq!(read(text), HeadingKind::Other, "{text}");
        }
        assert_eq!(read("Task 1 results"), HeadingKind::NearMiss(HeadingFlaw::NoSeparator));
        for text in ["Task : Setup", "Task: Setup", "Task：宽", "Task — Setup", "task - x"] {
            assert_eq!(read(text), HeadingKind::NearMiss(HeadingFlaw::OnlyTitle), "{text}");
        }
        assert_eq!(read("Task A: Setup"), HeadingKind::NearMiss(HeadingFlaw::NoNumber));
        assert_eq!(read("Task T1 — Setup"), HeadingKind::NearMiss(HeadingFlaw::NoNumber));
        assert_eq!(read("Task 1-3: Many"), HeadingKind::NearMiss(HeadingFlaw::Range));
        assert_eq!(read("Task 1 and 2: Two"), HeadingKind::NearMiss(HeadingFlaw::Range));
    }

    #[test]
    fn numbers_follow_each_other() {
        let follows = |a, b| TaskNumber::parse(b).unwrap().follows(&TaskNumber::parse(a).unwrap());
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
        assert_eq!(TaskNumber::parse("99999999999"), None);
    }
}
