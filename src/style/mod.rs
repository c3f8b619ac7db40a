//! How code is written: from the lines that tasks added to fingerprints, rows in which tasks
//! differ, and functions that two of them wrote alike.
//!
//! Invariant: pure; the same sources give the same answer in the same order. What is said of one
//! language stands in `queries/<language>.scm` and in [`language`], nowhere else. It rather
//! says nothing than something doubtful: a habit needs evidence, a row needs two habits.

pub(crate) mod copies;
mod diverge;
mod function;
mod habit;
mod imports;
pub(crate) mod language;
mod name;
mod parse;
mod read;
pub(crate) mod row;
pub(crate) mod said;
mod skip;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

pub(crate) use copies::{Alike, End};
pub(crate) use diverge::Line;
pub(crate) use function::Function;
pub(crate) use habit::Cell;
pub(crate) use language::Language;
pub(crate) use read::Reader;
pub(crate) use skip::{Skip, why_skipped};

/// Line numbers, counted from 1; the end is not in it.
pub(crate) type Lines = std::ops::Range<u32>;

/// A file as it is at the end of a task.
#[derive(Debug, Clone)]
pub(crate) struct Source<'a> {
    /// Relative to the top level, with `/`.
    pub path: &'a str,
    pub text: &'a str,
    /// What the task added of it, in order. Empty for a file that only shows what stands around.
    pub added: &'a [Lines],
    /// The task made the file.
    pub is_new: bool,
    /// Lines that the task took away anywhere, without the space around them: what it only moved
    /// is not its own.
    pub removed: &'a HashSet<String>,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub path: String,
    pub line: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// Something that was seen in a file and tells of a habit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its place in [`row::ROWS`].
    pub row: usize,
    pub value: String,
    pub line: u32,
    /// The name of the type that it is about.
    about: Option<String>,
}

/// What one file says.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub path: String,
    pub language: Language,
    /// Tells whether two files have the same text.
    text: u64,
    /// Seen in what the task added.
    pub own: Vec<Seen>,
    /// Seen in what was there before.
    pub around: Vec<Seen>,
    /// The functions that the task added, tests themselves left out.
    pub functions: Vec<Function>,
    /// Names of types with fields.
    concrete: HashSet<String>,
}

/// What the files of one task say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// Files that it changed.
    pub changed: Vec<Reading>,
    /// Files that lie beside them and that it did not change.
    pub beside: Vec<Reading>,
}

/// What a comparison of tasks found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Findings {
    /// In the order of languages and of [`row::ROWS`]; a cell for each task, in the order given.
    pub lines: Vec<Line>,
    /// The most alike first.
    pub alike: Vec<Alike>,
}

impl Findings {
    /// Returns the rows in which tasks that should agree do not.
    pub(crate) fn divergences(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.diverges)
    }
}

/// Compares what tasks have added.
pub(crate) fn compare(works: &[Work]) -> Findings {
    let functions = works.iter().enumerate().flat_map(|(task, work)| {
        let of_file = |reading: &'_ Reading| reading.functions.len();
        let all = work.changed.iter().filter(move |reading| of_file(reading) > 0);
        all.flat_map(move |reading| reading.functions.iter().map(move |f| (task, reading, f)))
    });
    Findings { lines: diverge::lines(works), alike: copies::find(&functions.collect::<Vec<_>>()) }
}

/// What was seen of one row: each value with its places, or only how often.
type Values = BTreeMap<String, Vec<Place>>;

/// Returns true where one of the ranges, which are in order, holds the line.
fn within(ranges: &[Lines], line: u32) -> bool {
    let index = ranges.partition_point(|range| range.end <= line);
    ranges.get(index).is_some_and(|range| range.start <= line)
}
