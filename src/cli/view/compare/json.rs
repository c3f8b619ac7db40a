//! `compare --json`: the facts of the text, with every place.
//!
//! Invariant: `schema` grows when a field changes its meaning or goes; a new field does not.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::oid::Oid;
use crate::run::compare::{ComparedTask, Comparison};
use crate::style::{Cell, CodeLocation, ComparedRow, FileSkip, SimilarFunction, SimilarPair};

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    run: &'a str,
    tasks: Vec<TaskOf<'a>>,
    /// Tasks that are not finished, or committed nothing.
    left_out: Vec<&'a str>,
    rows: Vec<RowOf<'a>>,
    alike: Vec<Pair<'a>>,
}

#[derive(Serialize)]
struct TaskOf<'a> {
    id: &'a str,
    /// The commit that its work starts from, and its tip.
    base: &'a Oid,
    commit: &'a Oid,
    files: usize,
    lines: usize,
    /// Files that were not looked at.
    skipped: &'a BTreeMap<FileSkip, usize>,
}

#[derive(Serialize)]
struct RowOf<'a> {
    language: &'a str,
    row: &'a str,
    title: &'a str,
    diverges: bool,
    /// The tasks in which something was seen.
    tasks: Vec<CellOf<'a>>,
}

#[derive(Serialize)]
struct CellOf<'a> {
    id: &'a str,
    /// What it does as a rule; null where there is no rule.
    habit: Option<&'a str>,
    /// The code around it was like that before.
    follows: bool,
    values: Vec<ValueOf<'a>>,
}

#[derive(Serialize)]
struct ValueOf<'a> {
    value: &'a str,
    count: usize,
    places: Vec<Where<'a>>,
}

#[derive(Serialize)]
struct Where<'a> {
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct Pair<'a> {
    ratio: f64,
    tokens: usize,
    functions: [EndOf<'a>; 2],
}

#[derive(Serialize)]
struct EndOf<'a> {
    task: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
}

/// Returns the JSON of a comparison.
pub(crate) fn json(run: &str, comparison: &Comparison) -> serde_json::Result<String> {
    let findings = &comparison.findings;
    serde_json::to_string(&Report {
        schema: 1,
        run,
        tasks: comparison.tasks.iter().map(task).collect(),
        left_out: comparison.left_out.iter().map(crate::domain::plan::id::TaskId::as_str).collect(),
        rows: findings.lines.iter().map(|line| row(comparison, line)).collect(),
        alike: findings.alike.iter().map(|alike| pair(comparison, alike)).collect(),
    })
}

fn task(task: &ComparedTask) -> TaskOf<'_> {
    TaskOf {
        id: task.id.as_str(),
        base: &task.from,
        commit: &task.to,
        files: task.files,
        lines: task.added,
        skipped: &task.skipped,
    }
}

fn row<'a>(comparison: &'a Comparison, line: &'a ComparedRow) -> RowOf<'a> {
    let seen = comparison.tasks.iter().zip(&line.cells);
    let seen = seen.filter(|(_, cell)| !cell.values.is_empty());
    RowOf {
        language: line.language.name(),
        row: line.row().id,
        title: line.row().title,
        diverges: line.diverges,
        tasks: seen.map(|(task, cell)| cell_of(task, cell)).collect(),
    }
}

fn cell_of<'a>(task: &'a ComparedTask, cell: &'a Cell) -> CellOf<'a> {
    let value = |(value, places): &'a (String, Vec<CodeLocation>)| ValueOf {
        value,
        count: places.len(),
        places: places.iter().map(|place| Where { file: &place.path, line: place.line }).collect(),
    };
    CellOf {
        id: task.id.as_str(),
        habit: cell.habit.as_deref(),
        follows: cell.follows,
        values: cell.values.iter().map(value).collect(),
    }
}

fn pair<'a>(comparison: &'a Comparison, alike: &'a SimilarPair) -> Pair<'a> {
    let end = |end: &'a SimilarFunction| EndOf {
        task: comparison.tasks[end.task].id.as_str(),
        name: &end.name,
        file: &end.place.path,
        line: end.place.line,
    };
    // Rounded down: only functions that differ in nothing but names have 1.
    let ratio = (alike.ratio * 1000.0).floor() / 1000.0;
    Pair { ratio, tokens: alike.tokens, functions: [end(&alike.one), end(&alike.other)] }
}
