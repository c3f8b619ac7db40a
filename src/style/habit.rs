//! The habits of one task, row by row, and the customs of the code around its work.
//!
//! Invariant: a habit needs [`RowDefinition::least`] places, and four of five must agree. The
//! custom is that of the folders in which the places are: a library beside a program has ways of
//! its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::row::{ROWS, RowDefinition};
use super::{CodeLocation, FileFingerprint, Language, Observation, ObservedValues, TaskCode};

/// The part of all places that makes a habit, in hundredths.
const HABIT_PERCENT: usize = 80;
/// The number of observations in the code around that make a custom.
const CUSTOM_LEAST: usize = 3;
/// A task that does what at least this part of the code around does, in hundredths, follows it.
const CUSTOM_PERCENT: usize = 30;
/// The value for ignored errors. They count for no other habit: they do not show how the task
/// passes errors on.
pub(super) const IGNORED: &str = "ignored";

/// The observations of one task in one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell {
    /// Each value with its places, the most common first.
    pub values: Vec<(String, Vec<CodeLocation>)>,
    /// The task's habit, if it has one.
    pub habit: Option<String>,
    /// The habit is that of the code around it.
    pub follows: bool,
    /// The task has no habit, and almost nothing of another task's habit.
    pub avoids: bool,
}

/// The types that tasks return.
///
/// Whether a type is returned as a pointer is decided once for each type, so it is evidence of an
/// author's habit only if the task made the type, or several tasks return it.
pub(super) struct ReturnedTypes<'a> {
    /// Types with fields, which interfaces are not.
    concrete: HashSet<&'a str>,
    /// Types that several tasks return.
    shared: HashSet<&'a str>,
}

impl<'a> ReturnedTypes<'a> {
    pub(super) fn new(works: &'a [TaskCode]) -> ReturnedTypes<'a> {
        let readings = works.iter().flat_map(|work| work.changed.iter().chain(&work.beside));
        let concrete = readings.flat_map(|reading| reading.concrete.iter().map(String::as_str));
        let mut tasks: HashMap<&str, HashSet<usize>> = HashMap::new();
        for (task, work) in works.iter().enumerate() {
            for about in types_of(work, "structs") {
                tasks.entry(about).or_default().insert(task);
            }
        }
        let shared = tasks.into_iter().filter(|(_, tasks)| tasks.len() > 1);
        ReturnedTypes {
            concrete: concrete.collect(),
            shared: shared.map(|(about, _)| about).collect(),
        }
    }

    /// Returns true if an observation concerns a type with fields, or no type.
    fn knows(&self, seen: &Observation) -> bool {
        let is_of_types = ROWS[seen.row].id == "structs";
        !is_of_types || seen.about.as_deref().is_none_or(|about| self.concrete.contains(about))
    }

    /// Returns true if an observation is evidence of the author's habit.
    fn tells(&self, seen: &Observation, made: &HashSet<&str>) -> bool {
        let is_of_types = ROWS[seen.row].id == "structs";
        let is_theirs = |about: &str| made.contains(about) || self.shared.contains(about);
        self.knows(seen) && (!is_of_types || seen.about.as_deref().is_none_or(is_theirs))
    }
}

/// Returns the types that a row of a task concerns.
fn types_of<'a>(work: &'a TaskCode, row: &'a str) -> impl Iterator<Item = &'a str> {
    let own = work.changed.iter().flat_map(|reading| &reading.own);
    own.filter(move |seen| ROWS[seen.row].id == row).filter_map(|seen| seen.about.as_deref())
}

/// The observations in one row: in the code that the task added, and around it by folder.
#[derive(Default)]
pub(super) struct TaskObservations {
    own: ObservedValues,
    around: BTreeMap<String, BTreeMap<String, usize>>,
}

/// Returns the observations of a task in one language, row by row.
pub(super) fn count(
    work: &TaskCode,
    language: Language,
    types: &ReturnedTypes<'_>,
) -> Vec<TaskObservations> {
    let mut rows: Vec<TaskObservations> =
        ROWS.iter().map(|_| TaskObservations::default()).collect();
    let made: HashSet<&str> = types_of(work, "types").collect();
    let tells = |seen: &&Observation| types.tells(seen, &made);
    let of_language = |reading: &&FileFingerprint| reading.language == language;
    for reading in work.changed.iter().filter(of_language) {
        for seen in reading.own.iter().filter(tells) {
            let place = CodeLocation { path: reading.path.clone(), line: seen.line };
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

impl TaskObservations {
    /// Returns the task's values, and whether one of them is a habit.
    pub(super) fn cell(&self, row: &RowDefinition) -> Cell {
        let mut values: Vec<(String, Vec<CodeLocation>)> = self.own.clone().into_iter().collect();
        values.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
        let total: usize = values.iter().map(|(_, places)| places.len()).sum();
        let ignored = self.own.get(IGNORED).map_or(0, Vec::len);
        let habit = values.iter().find(|(value, places)| {
            // An ignored error is passed on in no way, so it makes no other habit less clear.
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

    /// Returns which part of the code around all of the task's places has this value, in
    /// hundredths.
    pub(super) fn custom_of_all(&self, value: &str) -> Option<usize> {
        self.custom(value, self.own.values().flatten())
    }

    /// Returns which part of the code around these places has this value, in hundredths. If there
    /// is too little code in their folders, all code around the task's work counts.
    fn custom<'p>(
        &self,
        value: &str,
        places: impl IntoIterator<Item = &'p CodeLocation>,
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
