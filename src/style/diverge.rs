//! Which rows diverge: where tasks that should agree have different habits.
//!
//! Invariant: a habit needs [`Row::least`] places and four of five alike. A task that does
//! as the code around it did before is not to blame; where both of two do, nothing is said.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::row::{ROWS, Row};
use super::{Language, Place, Reading, Values, Work};

/// Which part of all places makes a habit, in hundredths.
const HABIT_PERCENT: usize = 80;
/// How often the code around must do something for it to be the custom there, and which part.
const CUSTOM_LEAST: usize = 3;
const CUSTOM_PERCENT: usize = 60;

/// One row of one language, over all tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub language: Language,
    /// See [`ROWS`].
    pub row: usize,
    /// A cell for each task.
    pub cells: Vec<Cell>,
    /// Tasks that should agree do not.
    pub diverges: bool,
}

/// What one task does in one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// Each value with its places, the most frequent first.
    pub values: Vec<(String, Vec<Place>)>,
    /// What it does as a rule, where there is one.
    pub habit: Option<String>,
    /// It does as the code around it.
    pub follows: bool,
}

impl Line {
    pub fn row(&self) -> &'static Row {
        &ROWS[self.row]
    }

    /// Returns the habits, the most frequent first, each with the tasks that have it.
    pub fn habits(&self) -> Vec<(&str, Vec<usize>)> {
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

/// Returns the rows in which something was seen.
pub(super) fn lines(works: &[Work]) -> Vec<Line> {
    let readings = || works.iter().flat_map(|work| work.changed.iter().chain(&work.beside));
    let concrete: HashSet<&str> =
        readings().flat_map(|reading| reading.concrete.iter().map(String::as_str)).collect();
    let languages: BTreeSet<Language> =
        works.iter().flat_map(|work| &work.changed).map(|reading| reading.language).collect();
    let mut lines = Vec::new();
    for language in languages {
        let seen: Vec<Vec<Whose>> =
            works.iter().map(|work| count(work, language, &concrete)).collect();
        for row in 0..ROWS.len() {
            let cells: Vec<Cell> = seen.iter().map(|rows| cell(&ROWS[row], &rows[row])).collect();
            if cells.iter().any(|cell| !cell.values.is_empty()) {
                let diverges = diverges(&cells);
                lines.push(Line { language, row, cells, diverges });
            }
        }
    }
    lines
}

/// What was seen in a row: in what the task added, and around it.
#[derive(Default)]
struct Whose {
    own: Values,
    around: BTreeMap<String, usize>,
}

fn count(work: &Work, language: Language, concrete: &HashSet<&str>) -> Vec<Whose> {
    let mut rows: Vec<Whose> = ROWS.iter().map(|_| Whose::default()).collect();
    let is_known =
        |needs: &Option<String>| needs.as_ref().is_none_or(|name| concrete.contains(name.as_str()));
    let of_language = |reading: &&Reading| reading.language == language;
    for reading in work.changed.iter().filter(of_language) {
        for seen in reading.own.iter().filter(|seen| is_known(&seen.needs)) {
            let place = Place { path: reading.path.clone(), line: seen.line };
            rows[seen.row].own.entry(seen.value.clone()).or_default().push(place);
        }
    }
    let all = work.changed.iter().chain(&work.beside).filter(of_language);
    for seen in all.flat_map(|reading| &reading.around).filter(|seen| is_known(&seen.needs)) {
        *rows[seen.row].around.entry(seen.value.clone()).or_default() += 1;
    }
    rows
}

fn cell(row: &Row, whose: &Whose) -> Cell {
    let mut values: Vec<(String, Vec<Place>)> = whose.own.clone().into_iter().collect();
    values.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    let total: usize = values.iter().map(|(_, places)| places.len()).sum();
    let habit = values.first().filter(|(_, places)| {
        let enough = row.least.is_some_and(|least| places.len() >= least);
        enough && places.len() * 100 >= total * HABIT_PERCENT
    });
    let habit = habit.map(|(value, _)| value.clone());
    let around: usize = whose.around.values().sum();
    let same = habit.as_ref().and_then(|habit| whose.around.get(habit)).copied().unwrap_or(0);
    let follows = around >= CUSTOM_LEAST && same * 100 >= around * CUSTOM_PERCENT;
    Cell { values, habit, follows }
}

fn diverges(cells: &[Cell]) -> bool {
    let habits: Vec<(&String, bool)> =
        cells.iter().filter_map(|cell| Some((cell.habit.as_ref()?, cell.follows))).collect();
    habits.iter().any(|(habit, follows)| !follows && habits.iter().any(|(other, _)| other != habit))
}
