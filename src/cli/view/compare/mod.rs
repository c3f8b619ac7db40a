//! `compare`: the fingerprints of tasks side by side, the rows that diverge, what is alike.
//!
//! Invariant: pure, and at most as wide as asked: tasks stand in columns if they fit, else
//! each row says which tasks do what. Text and JSON hold the same facts.

mod json;

pub(crate) use json::json;

use std::collections::BTreeMap;

use crate::cli::ui::{BOLD, DIM, YELLOW, paint};
use crate::domain::text::{counted, printable};
use crate::run::compare::{ComparedTask, Comparison};
use crate::style::sentences::{self, abridged};
use crate::style::{Cell, ComparedRow, FileSkip};

/// How many tasks of one habit are named.
const TASKS: usize = 4;
/// How many values stand in one cell.
const VALUES: usize = 3;

/// Returns all that a comparison found, for people.
pub(crate) fn text(run: &str, comparison: &Comparison, width: usize) -> String {
    let mut text = heading(run, comparison);
    let lines = &comparison.findings.lines;
    for group in lines.chunk_by(|a, b| a.language == b.language) {
        let table = columns(comparison, group).filter(|table| fits(table, width));
        text += "\n";
        text += &table.unwrap_or_else(|| sentences(comparison, group, width));
    }
    let found = sentences::all(&comparison.findings, &comparison.ids());
    if found.is_empty() {
        return text + "\nno row diverges, and no two functions are alike\n";
    }
    text += "\n";
    for line in found.iter().flat_map(|finding| finding.lines()).map(printable) {
        // What is not indented opens a finding.
        if line.starts_with(' ') {
            text += &format!("{line}\n");
        } else {
            text += &format!("{}\n", paint(YELLOW, &line));
        }
    }
    text
}

fn heading(run: &str, comparison: &Comparison) -> String {
    let tasks = &comparison.tasks;
    let sum = |of: fn(&ComparedTask) -> usize| tasks.iter().map(of).sum::<usize>();
    let mut text = format!(
        "run {}: {} compared, {} added in {}\n",
        paint(BOLD, run),
        counted(tasks.len(), "task"),
        counted(sum(|task| task.added), "line"),
        counted(sum(|task| task.files), "file"),
    );
    let mut skipped: BTreeMap<FileSkip, usize> = BTreeMap::new();
    for (skip, count) in tasks.iter().flat_map(|task| &task.skipped) {
        *skipped.entry(*skip).or_default() += count;
    }
    let skipped: Vec<String> =
        skipped.iter().map(|(skip, count)| format!("{count} {}", skip.name())).collect();
    if !skipped.is_empty() {
        text += &format!("files not looked at: {}\n", skipped.join(", "));
    }
    let names: Vec<&str> =
        comparison.left_out.iter().map(crate::domain::plan::id::TaskId::as_str).collect();
    if !names.is_empty() {
        text += &format!("not finished, or nothing committed: {}\n", abridged(&names, 2 * TASKS));
    }
    text
}

fn mark(line: &ComparedRow) -> char {
    if line.diverges { '!' } else { ' ' }
}

fn title(line: &ComparedRow) -> String {
    format!("{} {}", mark(line), line.row().title)
}

/// Returns the rows with a column for each task.
fn columns(comparison: &Comparison, lines: &[ComparedRow]) -> Option<String> {
    let head = lines.first()?.language.name().to_owned();
    let ids = comparison.tasks.iter().map(|task| task.id.to_string());
    let mut rows = vec![std::iter::once(head).chain(ids).collect::<Vec<_>>()];
    for line in lines {
        rows.push(std::iter::once(title(line)).chain(line.cells.iter().map(cell)).collect());
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let text = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text: Vec<String> = rows.iter().map(text).collect();
    text[0] = paint(DIM, &text[0]);
    Some(text.join("\n") + "\n")
}

fn fits(table: &str, width: usize) -> bool {
    // Without the head, whose colour codes would count as width.
    table.lines().skip(1).all(|line| line.chars().count() <= width)
}

/// Returns `wrapped 7, raw 1`.
fn cell(cell: &Cell) -> String {
    let counts = cell.values.iter().map(|(value, places)| format!("{value} {}", places.len()));
    let counts: Vec<String> = counts.collect();
    match counts.len() {
        0 => "-".to_owned(),
        _ => abridged(&counts.iter().map(String::as_str).collect::<Vec<_>>(), VALUES),
    }
}

/// Returns the rows as sentences: each value, how often it was seen, and in which tasks.
fn sentences(comparison: &Comparison, lines: &[ComparedRow], width: usize) -> String {
    let indent = lines.iter().map(|line| title(line).chars().count()).max().unwrap_or(0) + 2;
    let head = lines.first().map_or("", |line| line.language.name());
    let mut text = format!("{}\n", paint(DIM, head));
    for line in lines {
        let mut values: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
        for (task, cell) in comparison.tasks.iter().zip(&line.cells) {
            for (value, places) in &cell.values {
                let all = values.entry(value).or_default();
                all.0 += places.len();
                all.1.push(task.id.as_str());
            }
        }
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        let values = values
            .iter()
            .map(|(value, (count, tasks))| format!("{value} {count} ({})", some_or_count(tasks)));
        let sentence = values.collect::<Vec<_>>().join(", ");
        text += &wrapped(&title(line), &sentence, indent, width);
    }
    text
}

fn some_or_count(tasks: &[&str]) -> String {
    match tasks.len() {
        0..=TASKS => tasks.join(", "),
        count => counted(count, "task"),
    }
}

/// Breaks a text into lines that start at a column, the first one after a title.
fn wrapped(title: &str, text: &str, indent: usize, width: usize) -> String {
    let mut lines = vec![format!("{title:indent$}")];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is one");
        let is_first = last.chars().count() == indent;
        if !is_first && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("{:indent$}{word}", ""));
        } else {
            last.push_str(if is_first { "" } else { " " });
            last.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
