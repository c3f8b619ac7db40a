//! Near-copies: similar functions that two tasks wrote independently.
//!
//! Invariant: only functions that share rare runs of tokens are compared, so a hundred tasks take
//! seconds. A function is reported with its best match in another task, not with every match.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use similar::{Algorithm, DiffOp};

use super::{CodeLocation, FileFingerprint, Function};

/// The fewest tokens of a function that is compared; smaller ones are not worth sharing.
const MIN_TOKENS: usize = 40;
/// A function with fewer tokens than this counts as small.
const SMALL_TOKENS: usize = 80;
/// The least similarity of functions, and of small functions.
const ALIKE: f64 = 0.85;
const SMALL_ALIKE: f64 = 0.90;
/// The part of their foreign names that two functions must share: `FindUser` and `FindOrder` have
/// the same structure, but are about different things.
const SHARED_NAMES: f64 = 0.70;
/// The length of a run of tokens, and the number of runs in a function's sketch.
const RUN: usize = 5;
const SKETCH: usize = 24;
/// The number of runs that two functions must share to be compared.
const SHARED: usize = 3;
/// A run that more functions than this have is no hint.
const COMMON: usize = 200;

/// One function of a similar pair.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SimilarFunction {
    /// The position of the task among those that are compared.
    pub task: usize,
    pub place: CodeLocation,
    pub name: String,
}

/// Two similar functions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SimilarPair {
    pub one: SimilarFunction,
    pub other: SimilarFunction,
    /// The similarity; 1 if only names differ.
    pub ratio: f64,
    /// The number of tokens of the smaller function.
    pub tokens: usize,
}

/// The position of a task, a file of it, and a function in the file.
pub(super) type ComparedFunction<'a> = (usize, &'a FileFingerprint, &'a Function);

/// Returns the similar functions of different tasks, the most similar first.
pub(super) fn find(all: &[ComparedFunction<'_>]) -> Vec<SimilarPair> {
    let large = |(_, _, function): &&ComparedFunction<'_>| function.tokens.len() >= MIN_TOKENS;
    let all: Vec<ComparedFunction<'_>> = all.iter().filter(large).copied().collect();
    let pairs: Vec<(usize, usize)> = pairs(&all).into_iter().collect();
    let compared = pairs.par_iter().filter_map(|(a, b)| Some((*a, *b, alike(&all[*a], &all[*b])?)));
    let mut compared: Vec<(usize, usize, f64)> = compared.collect();
    compared.sort_by(|x, y| y.2.total_cmp(&x.2).then((x.0, x.1).cmp(&(y.0, y.1))));
    let mut reported = HashSet::new();
    let best = compared.into_iter().filter(|(a, b, _)| {
        let is_new = !reported.contains(a) || !reported.contains(b);
        reported.extend([*a, *b]);
        is_new
    });
    best.map(|(a, b, ratio)| pair(&all[a], &all[b], ratio)).collect()
}

fn pair(one: &ComparedFunction<'_>, other: &ComparedFunction<'_>, ratio: f64) -> SimilarPair {
    let tokens = one.2.tokens.len().min(other.2.tokens.len());
    SimilarPair { one: end(one), other: end(other), ratio, tokens }
}

fn end((task, reading, function): &ComparedFunction<'_>) -> SimilarFunction {
    let place = CodeLocation { path: reading.path.clone(), line: function.lines.0 };
    SimilarFunction { task: *task, place, name: function.name.clone() }
}

/// Returns the pairs that may be similar: those that share rare runs of tokens.
fn pairs(all: &[ComparedFunction<'_>]) -> Vec<(usize, usize)> {
    let sketches: Vec<Vec<u64>> = all.par_iter().map(|(_, _, f)| sketch(&f.tokens)).collect();
    let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, sketch) in sketches.iter().enumerate() {
        sketch.iter().for_each(|run| having.entry(*run).or_default().push(index));
    }
    let near = |index: usize| {
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        let rare = sketches[index].iter().filter_map(|run| having.get(run));
        for others in rare.filter(|others| others.len() <= COMMON) {
            for other in others.iter().filter(|other| **other > index) {
                *shared.entry(*other).or_default() += 1;
            }
        }
        let may_be = move |(other, count): (usize, usize)| {
            let (one, two) = (&all[index], &all[other]);
            // The same file in both tasks has one author: both took over the same commit.
            let same_file = (&one.1.path, one.1.text) == (&two.1.path, two.1.text);
            let fits = one.0 != two.0 && one.1.language == two.1.language && !same_file;
            (count >= SHARED && fits).then_some((index, other))
        };
        shared.into_iter().filter_map(may_be).collect::<Vec<_>>()
    };
    (0..all.len()).into_par_iter().flat_map_iter(near).collect()
}

/// Returns the smallest hashes of a function's runs (a MinHash sketch): the part of them that two
/// functions share estimates the part that they share of all runs.
fn sketch(tokens: &[u64]) -> Vec<u64> {
    let mix =
        |hash: u64, token: &u64| (hash ^ token).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
    let mut runs: Vec<u64> = tokens.windows(RUN).map(|run| run.iter().fold(0, mix)).collect();
    runs.sort_unstable();
    runs.dedup();
    runs.truncate(SKETCH);
    runs
}

/// Returns the similarity of two functions, if it is high enough.
fn alike(one: &ComparedFunction<'_>, other: &ComparedFunction<'_>) -> Option<f64> {
    // The cheap checks come first, because most pairs fail here and the diff is expensive.
    if shared_part(&one.2.foreign, &other.2.foreign) < SHARED_NAMES {
        return None;
    }
    let (a, b) = (&one.2.tokens, &other.2.tokens);
    let (small, large) = (a.len().min(b.len()), a.len().max(b.len()));
    let least = if small < SMALL_TOKENS { SMALL_ALIKE } else { ALIKE };
    let total = (small + large) as f64;
    if 2.0 * (small as f64) < least * total || 2.0 * (common(a, b) as f64) < least * total {
        return None;
    }
    let same = |op: DiffOp| match op {
        DiffOp::Equal { len, .. } => len,
        DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => 0,
    };
    let equal: usize =
        similar::capture_diff_slices(Algorithm::Myers, a, b).into_iter().map(same).sum();
    let ratio = 2.0 * equal as f64 / total;
    (ratio >= least).then_some(ratio)
}

/// Returns the part of all names that two functions share; the names are sorted and unique.
fn shared_part(a: &[u64], b: &[u64]) -> f64 {
    let shared = a.iter().filter(|name| b.binary_search(name).is_ok()).count();
    shared as f64 / (a.len() + b.len() - shared).max(1) as f64
}

/// Returns how many tokens two functions have in common, in any order: an upper bound for the diff.
fn common(a: &[u64], b: &[u64]) -> usize {
    let mut left: HashMap<u64, usize> = HashMap::new();
    a.iter().for_each(|token| *left.entry(*token).or_default() += 1);
    let mut take = |token: &&u64| match left.get_mut(token) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    b.iter().filter(|token| take(token)).count()
}
