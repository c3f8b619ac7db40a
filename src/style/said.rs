//! What was found, as sentences: for people and for whoever reads a whole branch.
//!
//! Invariant: tasks are named as they are given, by their place; no colour, no width.

use super::{Alike, End, Findings, Line, Place};

/// How many places, and how many tasks of one habit, are named.
const PLACES: usize = 3;
const TASKS: usize = 4;

/// Returns each row that diverges and each pair that is alike; the lines below the first one of a
/// text are indented.
pub(crate) fn all(findings: &Findings, ids: &[&str]) -> Vec<String> {
    let rows = findings.divergences().map(|line| divergence(line, ids).join("\n"));
    rows.chain(findings.alike.iter().map(|pair| alike(pair, ids))).collect()
}

/// Returns what a row that diverges says, in lines: who does what, and where.
pub(crate) fn divergence(line: &Line, ids: &[&str]) -> Vec<String> {
    let mut said = vec![format!("{}, {} diverges:", line.language.name(), line.row().title)];
    for (habit, tasks) in line.habits() {
        for task in tasks.iter().take(TASKS) {
            let cell = &line.cells[*task];
            let total: usize = cell.values.iter().map(|(_, places)| places.len()).sum();
            let places = cell.values.first().map_or(&[][..], |(_, places)| places);
            let (id, count) = (ids[*task], places.len());
            said.push(format!("  {habit}: {id}, {count} of {total}: {}", some_places(places)));
        }
        if tasks.len() > TASKS {
            let more = tasks.len() - TASKS;
            let tasks = if more == 1 { "task" } else { "tasks" };
            said.push(format!("  {habit}: {more} more {tasks}"));
        }
    }
    for (task, cell) in line.cells.iter().enumerate().filter(|(_, cell)| cell.avoids).take(TASKS) {
        let counts = cell.values.iter().map(|(value, places)| format!("{value} {}", places.len()));
        said.push(format!("  mixed: {}, {}", ids[task], counts.collect::<Vec<_>>().join(", ")));
    }
    said
}

/// Returns which two functions are alike, and how much.
pub(crate) fn alike(alike: &Alike, ids: &[&str]) -> String {
    let end = |end: &End| format!("{} in {} ({})", end.name, ids[end.task], end.place);
    let percent = (alike.ratio * 100.0).floor();
    format!("alike, {percent} %: {} and {}", end(&alike.one), end(&alike.other))
}

fn some_places(places: &[Place]) -> String {
    let names: Vec<String> = places.iter().map(Place::to_string).collect();
    some(&names.iter().map(String::as_str).collect::<Vec<_>>(), PLACES)
}

/// Names so many, and counts the others.
pub(crate) fn some(names: &[&str], most: usize) -> String {
    let (shown, rest) = names.split_at(names.len().min(most));
    match rest.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
