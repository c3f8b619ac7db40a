//! What one task does as a rule, row by row, and what is custom around its work.
//!
//! Invariant: a habit needs [`Row::least`] places and four of five alike; without places there is
//! none. Custom is told by the folders in which the places are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::row::{ROWS, Row};
use super::{Language, Place, Reading, Seen, Values, Work};

/// Which part of all places makes a habit, in hundredths.
const HABIT_PERCENT: usize = 80;
/// How often a row must be seen in the code around for there to be a custom.
const CUSTOM_LEAST: usize = 3;
/// Which part of it is custom enough to do the same.
const CUSTOM_PERCENT: usize = 30;
/// Who ignores an error passes none on, which says nothing of how it is done.
pub(super) const IGNORED: &str = "ignored";

/// What one task does in one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell {
    /// Each value with its places, the most frequent first.
    pub values: Vec<(String, Vec<Place>)>,
    /// What it does as a rule, where there is one.
    pub habit: Option<String>,
    /// It does as the code around it.
    pub follows: bool,
    /// It has no habit, and next to nothing of what is the habit of another one.
    pub avoids: bool,
}

/// What is known of the types that tasks return. Whether a pointer is returned is decided type
/// by type, so it tells of an author only where the type is the task's own, or shared.
pub(super) struct Types<'a> {
    /// Types with fields, not interfaces.
    concrete: HashSet<&'a str>,
    /// Types that more than one task returns.
    shared: HashSet<&'a str>,
}

impl<'a> Types<'a> {
    pub(super) fn new(works: &'a [Work]) -> Types<'a> {
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

/// What was seen in a row: in what the task added, and around it, folder by folder.
#[derive(Default)]
pub(super) struct Whose {
    own: Values,
    around: BTreeMap<String, BTreeMap<String, usize>>,
}

/// Returns what was seen of a task in one language, row by row.
pub(super) fn count(work: &Work, language: Language, types: &Types<'_>) -> Vec<Whose> {
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
    for reading in work.changed.iter().chain(&work.beside).filter(of_language) {
        for seen in reading.around.iter().filter(|seen| types.knows(seen)) {
            let folder = rows[seen.row].around.entry(folder(&reading.path).to_owned());
            *folder.or_default().entry(seen.value.clone()).or_default() += 1;
        }
    }
    rows
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Whose {
    /// Returns what the task does, and whether that is a habit.
    pub(super) fn cell(&self, row: &Row) -> Cell {
        let mut values: Vec<(String, Vec<Place>)> = self.own.clone().into_iter().collect();
        values.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
        let total: usize = values.iter().map(|(_, places)| places.len()).sum();
        let ignored = self.own.get(IGNORED).map_or(0, Vec::len);
        let habit = values.iter().find(|(value, places)| {
            let total = if value == IGNORED { total } else { total - ignored };
            let enough = row.least.is_some_and(|least| places.len() >= least);
            enough && places.len() * 100 >= total * HABIT_PERCENT
        });
        let follows = habit.is_some_and(|(value, places)| {
            self.custom(value, places).is_some_and(|percent| percent >= CUSTOM_PERCENT)
        });
        let habit = habit.map(|(value, _)| value.clone());
        Cell { values, habit, follows, avoids: false }
    }

    /// Returns which part of the code around all that the task did does this, in hundredths.
    pub(super) fn custom_of_all(&self, value: &str) -> Option<usize> {
        self.custom(value, self.own.values().flatten())
    }

    /// Returns which part of the code around these places does this; where there is too little in
    /// their folders, all that lay around the task's work counts.
    fn custom<'p>(
        &self,
        value: &str,
        places: impl IntoIterator<Item = &'p Place>,
    ) -> Option<usize> {
        let folders: BTreeSet<&str> = places.into_iter().map(|at| folder(&at.path)).collect();
        let percent = |is_meant: &dyn Fn(&str) -> bool| {
            let near = self.around.iter().filter(|(folder, _)| is_meant(folder));
            let counts: Vec<(&String, &usize)> = near.flat_map(|(_, counts)| counts).collect();
            let total: usize = counts.iter().map(|(_, count)| **count).sum();
            let same = counts.iter().filter(|(other, _)| *other == value);
            let same: usize = same.map(|(_, count)| **count).sum();
            (total >= CUSTOM_LEAST).then(|| same * 100 / total)
        };
        percent(&|folder| folders.contains(folder)).or_else(|| percent(&|_| true))
    }
}
