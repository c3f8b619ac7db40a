//! Which rows diverge: where tasks that should agree have different habits.
//!
//! Invariant: a habit needs [`Row::least`] places and four of five alike. A task that does
//! as the code around it did before, or which is of two minds, is not to blame; where both of two
//! are not, nothing is said.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::row::{ROWS, Row};
use super::{Language, Place, Reading, Seen, Values, Work};

/// Which part of all places makes a habit, in hundredths.
const HABIT_PERCENT: usize = 80;
/// How often a row must be seen in the code around for there to be a custom, and which part of it
/// is custom enough to do the same.
const CUSTOM_LEAST: usize = 3;
const CUSTOM_PERCENT: usize = 30;

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
    let types = Types::new(works);
    let languages: BTreeSet<Language> =
        works.iter().flat_map(|work| &work.changed).map(|reading| reading.language).collect();
    let mut lines = Vec::new();
    for language in languages {
        let seen: Vec<Vec<Whose>> =
            works.iter().map(|work| count(work, language, &types)).collect();
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

/// What is known of the types that tasks return. Whether a pointer is returned is decided type
/// by type, so it tells of an author only where the type is the task's own, or shared.
struct Types<'a> {
    /// Types with fields, not interfaces.
    concrete: HashSet<&'a str>,
    /// Types that more than one task returns.
    shared: HashSet<&'a str>,
}

impl<'a> Types<'a> {
    fn new(works: &'a [Work]) -> Types<'a> {
        let readings = works.iter().flat_map(|work| work.changed.iter().chain(&work.beside));
        let concrete = readings.flat_map(|reading| reading.concrete.iter().map(String::as_str));
        let mut tasks: HashMap<&str, HashSet<usize>> = HashMap::new();
        for (task, work) in works.iter().enumerate() {
            for about in named(work, "structs") {
                tasks.entry(about).or_default().insert(task);
            }
        }
        let shared = tasks.into_iter().filter(|(_, tasks)| tasks.len() > 1);
        Types { concrete: concrete.collect(), shared: shared.map(|(about, _)| about).collect() }
    }

    /// Returns true where something was seen of a type with fields, or of no type.
    fn knows(&self, seen: &Seen) -> bool {
        let is_of_types = ROWS[seen.row].id == "structs";
        !is_of_types || seen.about.as_deref().is_none_or(|about| self.concrete.contains(about))
    }

    /// Returns true where that tells of the author too.
    fn tells(&self, seen: &Seen, made: &HashSet<&str>) -> bool {
        let is_of_types = ROWS[seen.row].id == "structs";
        let is_theirs = |about: &str| made.contains(about) || self.shared.contains(about);
        self.knows(seen) && (!is_of_types || seen.about.as_deref().is_none_or(is_theirs))
    }
}

/// Returns the types that a row of a task is about.
fn named<'a>(work: &'a Work, row: &'a str) -> impl Iterator<Item = &'a str> {
    let own = work.changed.iter().flat_map(|reading| &reading.own);
    own.filter(move |seen| ROWS[seen.row].id == row).filter_map(|seen| seen.about.as_deref())
}

/// What was seen in a row: in what the task added, and around it.
#[derive(Default)]
struct Whose {
    own: Values,
    around: BTreeMap<String, usize>,
}

fn count(work: &Work, language: Language, types: &Types<'_>) -> Vec<Whose> {
    let mut rows: Vec<Whose> = ROWS.iter().map(|_| Whose::default()).collect();
    let made: HashSet<&str> = named(work, "types").collect();
    let tells = |seen: &&Seen| types.tells(seen, &made);
    let of_language = |reading: &&Reading| reading.language == language;
    for reading in work.changed.iter().filter(of_language) {
        for seen in reading.own.iter().filter(tells) {
            let place = Place { path: reading.path.clone(), line: seen.line };
            rows[seen.row].own.entry(seen.value.clone()).or_default().push(place);
        }
    }
    let all = work.changed.iter().chain(&work.beside).filter(of_language);
    for seen in all.flat_map(|reading| &reading.around).filter(|seen| types.knows(seen)) {
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
