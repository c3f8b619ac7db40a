//! The results as sentences, for people and for the reviewer of a whole branch.
//!
//! Invariant: tasks are named by the caller's ids; no colour, no width.

use super::{CodeLocation, ComparedRow, SimilarFunction, SimilarPair, StyleReport};

/// At most this many places, and this many tasks of one habit, are named.
const PLACES: usize = 3;
const TASKS: usize = 4;

/// Returns a text for each row that diverges and each similar pair; the lines of a text after the
/// first are indented.
pub(crate) fn all(findings: &StyleReport, ids: &[&str]) -> Vec<String> {
    let rows = findings.divergences().map(|line| divergence(line, ids).join("\n"));
    rows.chain(findings.alike.iter().map(|pair| alike(pair, ids))).collect()
}

/// Returns the lines that describe a divergence: which task does what, and where.
pub(crate) fn divergence(line: &ComparedRow, ids: &[&str]) -> Vec<String> {
    let mut text = vec![format!("{}, {} diverges:", line.language.name(), line.row().title)];
    for (habit, tasks) in line.habits() {
        for task in tasks.iter().take(TASKS) {
            let cell = &line.cells[*task];
            let total: usize = cell.values.iter().map(|(_, places)| places.len()).sum();
            let places = cell.values.first().map_or(&[][..], |(_, places)| places);
            let (id, count) = (ids[*task], places.len());
            text.push(format!("  {habit}: {id}, {count} of {total}: {}", some_places(places)));
        }
        if tasks.len() > TASKS {
            let more = tasks.len() - TASKS;
            let tasks = if more == 1 { "task" } else { "tasks" };
            text.push(format!("  {habit}: {more} more {tasks}"));
        }
    }
    for (task, cell) in line.cells.iter().enumerate().filter(|(_, cell)| cell.avoids).take(TASKS) {
        let counts = cell.values.iter().map(|(value, places)| format!("{value} {}", places.len()));
        text.push(format!("  mixed: {}, {}", ids[task], counts.collect::<Vec<_>>().join(", ")));
    }
    text
}

/// Returns the sentence about two similar functions.
pub(crate) fn alike(alike: &SimilarPair, ids: &[&str]) -> String {
    let end = |end: &SimilarFunction| format!("{} in {} ({})", end.name, ids[end.task], end.place);
    // Rounded down: only functions that differ in nothing but names have 100 %.
    let percent = (alike.ratio * 100.0).floor();
    format!("alike, {percent} %: {} and {}", end(&alike.one), end(&alike.other))
}

fn some_places(places: &[CodeLocation]) -> String {
    let names: Vec<String> = places.iter().map(CodeLocation::to_string).collect();
    abridged(&names.iter().map(String::as_str).collect::<Vec<_>>(), PLACES)
}

/// Returns at most `most` names, and the number of the others.
pub(crate) fn abridged(names: &[&str], most: usize) -> String {
    let (shown, rest) = names.split_at(names.len().min(most));
    match rest.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
