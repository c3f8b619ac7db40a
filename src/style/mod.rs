//! Coding style: from the lines that tasks added to fingerprints, to rows in which tasks differ,
//! and to functions that two tasks wrote alike.
//!
//! Invariant: pure; the same sources give the same answer in the same order. Knowledge of one
//! language is in `queries/<language>.scm` and in [`language`], nowhere else. A doubtful result is
//! left out: a habit needs evidence, and a divergence needs two habits.

pub(crate) mod copies;
mod divergence;
mod function;
mod habit;
mod imports;
pub(crate) mod language;
mod name;
mod parse;
mod reader;
pub(crate) mod row;
pub(crate) mod sentences;
mod skip;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

pub(crate) use copies::{SimilarFunction, SimilarPair};
pub(crate) use divergence::ComparedRow;
pub(crate) use function::Function;
pub(crate) use habit::Cell;
pub(crate) use language::Language;
pub(crate) use reader::SourceReader;
pub(crate) use skip::{FileSkip, why_skipped};

/// Line numbers, counted from 1; the end is excluded.
pub(crate) type LineRange = std::ops::Range<u32>;

/// A file at the end of a task.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile<'a> {
    /// The path relative to the top level, with `/`.
    pub path: &'a str,
    pub text: &'a str,
    /// The lines that the task added, in order; empty for a file that only shows the code around
    /// it.
    pub added: &'a [LineRange],
    /// The task created the file.
    pub is_new: bool,
    /// Lines that the task removed anywhere, without surrounding spaces: code that it only moved is
    /// not its own.
    pub removed: &'a HashSet<String>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CodeLocation {
    pub path: String,
    pub line: u32,
}

impl std::fmt::Display for CodeLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// Something in a file that is evidence of a habit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The position of its row in [`row::ROWS`].
    pub row: usize,
    pub value: String,
    pub line: u32,
    /// The name of the type that it concerns.
    about: Option<String>,
}

/// The observations and functions of one file.
#[derive(Debug, Clone)]
pub(crate) struct FileFingerprint {
    pub path: String,
    pub language: Language,
    /// A hash of the text, to find identical files.
    text: u64,
    /// Observations in the code that the task added.
    pub own: Vec<Observation>,
    /// Observations in the code that was there before.
    pub around: Vec<Observation>,
    /// The functions that the task added, without tests themselves.
    pub functions: Vec<Function>,
    /// Names of types with fields.
    concrete: HashSet<String>,
}

/// The fingerprints of one task's files.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskCode {
    /// Files that the task changed.
    pub changed: Vec<FileFingerprint>,
    /// Unchanged files in the same folders.
    pub beside: Vec<FileFingerprint>,
}

/// The result of comparing tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StyleReport {
    /// In the order of languages and of [`row::ROWS`]; each with one cell per task, in the caller's
    /// order.
    pub lines: Vec<ComparedRow>,
    /// The most similar pairs first.
    pub alike: Vec<SimilarPair>,
}

impl StyleReport {
    /// Returns the rows in which tasks that should agree do not.
    pub(crate) fn divergences(&self) -> impl Iterator<Item = &ComparedRow> {
        self.lines.iter().filter(|line| line.diverges)
    }
}

/// Compares the code that tasks added.
pub(crate) fn compare(works: &[TaskCode]) -> StyleReport {
    let functions = works.iter().enumerate().flat_map(|(task, work)| {
        let of_file = |reading: &'_ FileFingerprint| reading.functions.len();
        let all = work.changed.iter().filter(move |reading| of_file(reading) > 0);
        all.flat_map(move |reading| reading.functions.iter().map(move |f| (task, reading, f)))
    });
    StyleReport {
        lines: divergence::lines(works),
        alike: copies::find(&functions.collect::<Vec<_>>()),
    }
}

/// The observed values of one row, each with its places.
type ObservedValues = BTreeMap<String, Vec<CodeLocation>>;

/// Returns true if one of the ranges, which are in order, contains the line.
fn within(ranges: &[LineRange], line: u32) -> bool {
    let index = ranges.partition_point(|range| range.end <= line);
    ranges.get(index).is_some_and(|range| range.start <= line)
}
