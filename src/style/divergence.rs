//! Divergence: rows in which tasks that should agree have different habits.
//!
//! Invariant: a task that follows the code around it, or that has no clear habit, is not to blame,
//! unless it has nothing at all of a habit that another task has. If neither of two tasks is to
//! blame, nothing is reported.

use std::collections::{BTreeMap, BTreeSet};

use super::habit::{self, Cell, IGNORED, ReturnedTypes, TaskObservations};
use super::row::{self, ROWS, RowDefinition};
use super::{CodeLocation, Language, TaskCode};

/// A task without a habit avoids another task's habit if at most this part of its places, in
/// hundredths, shows it, over at least this many times [`RowDefinition::least`] places.
const NOTHING_PERCENT: usize = 10;
const NOTHING_TIMES: usize = 2;
/// A habit is custom around a task from this part on, in hundredths; then the task should follow
/// it.
const CUSTOM_PERCENT: usize = 50;

/// One row of one language, over all tasks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ComparedRow {
    pub language: Language,
    /// See [`ROWS`].
    pub row: usize,
    /// One cell for each task.
    pub cells: Vec<Cell>,
    /// Tasks that should agree do not agree.
    pub diverges: bool,
}

impl ComparedRow {
    pub(crate) fn row(&self) -> &'static RowDefinition {
        &ROWS[self.row]
    }

    /// Returns the habits, the most common first, each with the tasks that have it.
    pub(crate) fn habits(&self) -> Vec<(&str, Vec<usize>)> {
        let mut habits: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (task, cell) in self.cells.iter().enumerate() {
            if let Some(habit) = &cell.habit {
                habits.entry(habit).or_default().push(task);
            }
        }
        let mut habits: Vec<_> = habits.into_iter().collect();
        habits.sort_by_key(|(_, tasks)| std::cmp::Reverse(tasks.len()));
        habits
    }
}

/// Returns the rows with observations.
pub(super) fn lines(works: &[TaskCode]) -> Vec<ComparedRow> {
    let types = ReturnedTypes::new(works);
    let languages: BTreeSet<Language> =
        works.iter().flat_map(|work| &work.changed).map(|reading| reading.language).collect();
    let mut lines = Vec::new();
    for language in languages {
        let counts = works.iter().map(|work| habit::count(work, language, &types));
        let seen: Vec<Vec<TaskObservations>> = counts.collect();
        for row in 0..ROWS.len() {
            let whose: Vec<&TaskObservations> = seen.iter().map(|rows| &rows[row]).collect();
            let cells: Vec<Cell> = whose.iter().map(|whose| whose.cell(&ROWS[row])).collect();
            // A row in which no task has anything would only lengthen the table.
            if cells.iter().any(|cell| !cell.values.is_empty()) {
                lines.push(judge(language, row, cells, &whose));
            }
        }
    }
    lines
}

/// Finds out whether tasks that should agree do not, and which tasks avoid another task's habit.
fn judge(
    language: Language,
    row: usize,
    mut cells: Vec<Cell>,
    whose: &[&TaskObservations],
) -> ComparedRow {
    let habits: Vec<Habit> = cells.iter().filter_map(|cell| Habit::of(row, cell)).collect();
    let may_be_one = |one: &str, other: &str| row::may_be_one(row, language, one, other);
    let differ = |one: &Habit, other: &Habit| {
        !may_be_one(&one.value, &other.value) && one.meets(&other.scopes)
    };
    // A task that follows the code around it is not to blame; the one that differs from it is.
    let is_alone = |one: &Habit| !one.follows && habits.iter().any(|other| differ(one, other));
    let mut diverges = habits.iter().any(is_alone);
    let without = cells.iter_mut().zip(whose).filter(|(cell, _)| cell.habit.is_none());
    for (cell, whose) in without {
        let all = cell.values.iter().filter(|(value, _)| value != IGNORED);
        let total: usize = all.map(|(_, places)| places.len()).sum();
        let scopes = cell.values.iter().flat_map(|(_, places)| scopes(row, places)).collect();
        let has_nothing = |one: &&Habit| {
            let same = cell.values.iter().filter(|(value, _)| may_be_one(&one.value, value));
            let same: usize = same.map(|(_, places)| places.len()).sum();
            one.meets(&scopes) && same * 100 <= total * NOTHING_PERCENT
        };
        let is_custom = |value: &str| {
            whose.custom_of_all(value).is_some_and(|percent| percent >= CUSTOM_PERCENT)
        };
        // Having nothing of a habit is weaker evidence than having another one, so it takes more of
        // it.
        let is_enough = ROWS[row].least.is_some_and(|least| total >= least * NOTHING_TIMES);
        let mut missing = habits.iter().filter(has_nothing);
        cell.avoids = is_enough && missing.any(|one| !one.follows || is_custom(&one.value));
        diverges |= cell.avoids;
    }
    ComparedRow { language, row, cells, diverges }
}

/// A task's habit in one row.
struct Habit {
    value: String,
    follows: bool,
    scopes: BTreeSet<String>,
}

impl Habit {
    fn of(row: usize, cell: &Cell) -> Option<Habit> {
        let value = cell.habit.clone()?;
        let (_, places) = cell.values.iter().find(|(other, _)| *other == value)?;
        Some(Habit { value, follows: cell.follows, scopes: scopes(row, places) })
    }

    /// Returns true if both concern the same part of the project.
    fn meets(&self, scopes: &BTreeSet<String>) -> bool {
        self.scopes.iter().any(|scope| scopes.contains(scope))
    }
}

/// Returns the parts of a project within which tasks should agree: for [`RowDefinition::per_crate`]
/// the folders with a `src`, for other rows the whole project.
fn scopes(row: usize, places: &[CodeLocation]) -> BTreeSet<String> {
    let scope = |place: &CodeLocation| {
        if ROWS[row].per_crate() {
            // With a slash in front, so that a `src` at the top level is found too.
            format!("/{}", place.path).split("/src/").next().unwrap_or_default().to_owned()
        } else {
            String::new()
        }
    };
    places.iter().map(scope).collect()
}
