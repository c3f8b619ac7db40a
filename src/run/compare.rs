//! Comparing how the tasks of a run are written: reads what each of them added, from git.
//!
//! Invariant: reads only. Of a task counts what it did itself: from where it left the integration
//! branch to its own tip, without what it merged from elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context as _;
use rayon::prelude::*;

use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Record, Stage, State};
use crate::git::Git;
use crate::git::added_lines::AddedFile;
use crate::git::merge::TreeMerge;
use crate::style::language::is_test;
use crate::style::{self, Findings, Language, Reader, Reading, Skip, Source, Work, why_skipped};

/// How many files that lie beside a changed one are read, to know what is custom there.
const BESIDE: usize = 6;
const GENERATED: &str = "linguist-generated";
const VENDORED: &str = "linguist-vendored";

/// What a comparison of a run's tasks found.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// The tasks that were compared, in plan order; what is found names them by their place.
    pub tasks: Vec<Compared>,
    /// Tasks that are not finished, or have committed nothing.
    pub left_out: Vec<TaskId>,
    pub findings: Findings,
}

/// One task that was compared.
#[derive(Debug, Clone)]
pub(crate) struct Compared {
    pub id: TaskId,
    /// Where its work begins, and its tip.
    pub from: Oid,
    pub to: Oid,
    /// How many files were read, and how many lines were added to them.
    pub files: usize,
    pub added: usize,
    /// Files that were not read.
    pub skipped: BTreeMap<Skip, usize>,
}

/// The work of one task, as commits: from where it left the others to its tip.
struct Reach {
    id: TaskId,
    from: Oid,
    to: Oid,
}

/// The same, as the trees whose difference it is.
struct Span {
    reach: Reach,
    trees: (Oid, Oid),
}

impl Comparison {
    /// Returns the ids of the tasks, in the order in which findings name them.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.tasks.iter().map(|task| task.id.as_str()).collect()
    }
}

/// Compares these tasks, or all where none is named; fails where nothing can be compared.
pub(crate) fn compare(
    git: &Git,
    snapshot: &Snapshot,
    only: &[TaskId],
) -> anyhow::Result<Comparison> {
    let integration = git.find_branch(&snapshot.run.integration)?;
    let records: Vec<(&TaskId, &Record)> =
        snapshot.tasks().map(|(task, record)| (&task.id, record)).collect();
    let found = on_all_cores(git, records, |git, (id, record)| {
        let reach = reach(&git, id, record, integration.as_ref());
        Ok((id, reach.with_context(|| format!("cannot find out what task '{id}' did"))?))
    })?;
    let tips: HashSet<Oid> =
        found.iter().flat_map(|(_, reach)| reach).map(|reach| reach.to.clone()).collect();
    let wanted = found.into_iter().filter(|(id, _)| only.is_empty() || only.contains(id));
    let (mut left_out, mut reaches) = (Vec::new(), Vec::new());
    for (id, reach) in wanted {
        match reach {
            Some(reach) => reaches.push(reach),
            None => left_out.push(id.clone()),
        }
    }
    if reaches.is_empty() {
        return Err(nothing_finished(snapshot, only));
    }
    let spans = on_all_cores(git, reaches, |git, reach| {
        let base = without_others(&git, &reach, &tips)?;
        let trees = (base, git.tree_of(&reach.to)?);
        Ok(Span { reach, trees })
    })?;
    let (tasks, works) = read(git, spans, integration.as_ref())?;
    Ok(Comparison { tasks, left_out, findings: style::compare(&works) })
}

/// Does the same for each, in order; a handle on the repository serves one thread at a time.
fn on_all_cores<T: Send, R: Send>(
    git: &Git,
    all: Vec<T>,
    work: impl Fn(Git, T) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let all: Vec<(Git, T)> = all.into_iter().map(|one| (git.clone(), one)).collect();
    all.into_par_iter().map(|(git, one)| work(git, one)).collect()
}

fn nothing_finished(snapshot: &Snapshot, only: &[TaskId]) -> anyhow::Error {
    let what = match only {
        [] => format!("no task of run '{}' is finished yet", snapshot.run.name),
        [one] => format!("task '{one}' is not finished, or committed nothing"),
        _ => "none of these tasks is finished, or none committed anything".to_owned(),
    };
    failure(what, "git orchestrate status   # where everything stands")
}

/// Finds out what a task did; `None` where it is not finished or committed nothing.
fn reach(
    git: &Git,
    id: &TaskId,
    record: &Record,
    integration: Option<&Oid>,
) -> anyhow::Result<Option<Reach>> {
    let merged = record.state.merge().map(|merge| git.parents(merge)).transpose()?;
    let (into, to) = match merged.as_deref() {
        Some([into, to]) => (Some(into.clone()), to.clone()),
        _ => match tip(git, record)? {
            Some(tip) => (integration.cloned(), tip),
            None => return Ok(None),
        },
    };
    let from = start(git, record, into.as_ref(), &to)?.filter(|from| *from != to);
    Ok(from.map(|from| Reach { id: id.clone(), from, to }))
}

/// Returns the tip of a task that is finished, as far as an agent is concerned.
fn tip(git: &Git, record: &Record) -> anyhow::Result<Option<Oid>> {
    let last = || record.attempts.iter().rev().find_map(|attempt| attempt.commit.clone());
    let on_branch = || match record.branch.as_deref() {
        Some(name) => git.find_branch(name),
        None => Ok(None),
    };
    Ok(match &record.state {
        State::Merging { commit, .. } | State::Pending { commit, .. } => Some(commit.clone()),
        State::Done { .. } => last(),
        State::Blocked(_) => on_branch()?.or_else(last),
        State::Running { stage: Stage::Implement, .. }
        | State::Paused { stage: Stage::Implement, .. }
        | State::Waiting => None,
        State::Running { .. } | State::Paused { .. } => last(),
    })
}

/// Returns where a task's own work begins: where it left what it is merged into, or else the
/// commit that it was begun from.
fn start(git: &Git, record: &Record, into: Option<&Oid>, to: &Oid) -> anyhow::Result<Option<Oid>> {
    let left = into.map(|into| git.merge_base(into, to)).transpose()?.flatten();
    // Where the tip is in the branch already, that it left it there says nothing.
    Ok(left.filter(|left| left != to).or_else(|| record.base().cloned()))
}

/// Returns the tree that a task's work is held against: where it began, with the newest that it
/// took over from the branch of another task, as far as git merges that by itself.
fn without_others(git: &Git, reach: &Reach, tips: &HashSet<Oid>) -> anyhow::Result<Oid> {
    let commits = git.commits(&reach.from, &reach.to)?;
    let mut merged: HashSet<&Oid> = HashSet::new();
    for parent in commits.iter().flat_map(|(_, parents)| parents.iter().skip(1)) {
        for tip in tips.iter().filter(|tip| **tip != reach.to) {
            if git.is_ancestor(parent, tip)? {
                merged.insert(parent);
            }
        }
    }
    let is_other = |id: &Oid| *id != reach.to && (tips.contains(id) || merged.contains(id));
    if let Some((other, _)) = commits.iter().find(|(id, _)| is_other(id))
        && let TreeMerge::Clean(tree) = git.try_merge(&reach.from, other)?
    {
        return Ok(tree);
    }
    git.tree_of(&reach.from)
}

/// Reads what tasks added.
fn read(
    git: &Git,
    spans: Vec<Span>,
    integration: Option<&Oid>,
) -> anyhow::Result<(Vec<Compared>, Vec<Work>)> {
    let pairs: Vec<(Oid, Oid)> = spans.iter().map(|span| span.trees.clone()).collect();
    let changes = git.added(&pairs)?;
    let told = told_by_attributes(git, &spans, &changes, integration)?;
    let reader = Reader::default();
    let asked: Vec<(Span, Vec<AddedFile>)> = spans.into_iter().zip(changes).collect();
    let around = beside(git, &reader, &asked)?;
    let works = on_all_cores(git, asked, |git, (span, files)| {
        let changed = Changed { git: &git, reader: &reader, told: &told };
        let (compared, mut work) = changed.read(span.reach, &files)?;
        let near = folders(&files).filter_map(|place| around.get(&place));
        work.beside = near.flatten().cloned().collect();
        Ok((compared, work))
    })?;
    Ok(works.into_iter().unzip())
}

/// Asks the attributes, as the integration branch has them.
fn told_by_attributes(
    git: &Git,
    spans: &[Span],
    changes: &[Vec<AddedFile>],
    integration: Option<&Oid>,
) -> anyhow::Result<HashMap<(String, String), bool>> {
    let paths: HashSet<&str> = changes.iter().flatten().map(|file| file.path.as_str()).collect();
    let Some(last) = spans.last() else { return Ok(HashMap::new()) };
    let paths: Vec<&str> = paths.into_iter().collect();
    let tree = integration.map(|commit| git.tree_of(commit)).transpose()?;
    git.attributes(tree.as_ref().unwrap_or(&last.trees.1), &[GENERATED, VENDORED], &paths)
}

/// What is needed to read the files that a task changed.
struct Changed<'a> {
    git: &'a Git,
    reader: &'a Reader,
    told: &'a HashMap<(String, String), bool>,
}

impl Changed<'_> {
    fn read(&self, reach: Reach, files: &[AddedFile]) -> anyhow::Result<(Compared, Work)> {
        let mut work = Work::default();
        let (Reach { id, from, to }, skipped) = (reach, BTreeMap::new());
        let mut compared = Compared { id, from, to, files: 0, added: 0, skipped };
        let removed: HashSet<String> =
            files.iter().flat_map(|file| file.removed.iter().cloned()).collect();
        for file in files {
            match self.file(file, &removed)? {
                Ok(reading) => {
                    compared.files += 1;
                    compared.added +=
                        file.lines.iter().map(std::iter::ExactSizeIterator::len).sum::<usize>();
                    work.changed.push(reading);
                }
                Err(skip) => *compared.skipped.entry(skip).or_default() += 1,
            }
        }
        Ok((compared, work))
    }

    /// Reads a file, or says why it is left out.
    fn file(
        &self,
        file: &AddedFile,
        removed: &HashSet<String>,
    ) -> anyhow::Result<Result<Reading, Skip>> {
        let told = |name: &str| self.told.get(&(file.path.clone(), name.to_owned())).copied();
        let is_written = told(GENERATED) == Some(false) || told(VENDORED) == Some(false);
        if file.is_binary {
            return Ok(Err(Skip::Binary));
        }
        for (name, skip) in [(GENERATED, Skip::Generated), (VENDORED, Skip::Vendored)] {
            if told(name) == Some(true) {
                return Ok(Err(skip));
            }
        }
        if let Some(skip) = Skip::by_path(&file.path).filter(|_| !is_written) {
            return Ok(Err(skip));
        }
        if Language::of(&file.path).is_none() {
            return Ok(Err(Skip::Language));
        }
        let bytes = self.git.read_blob(&file.blob)?;
        let skip = why_skipped(&bytes);
        if let Some(skip) = skip.filter(|skip| !(is_written && *skip == Skip::Generated)) {
            return Ok(Err(skip));
        }
        let text = String::from_utf8_lossy(&bytes);
        let (path, added, is_new) = (file.path.as_str(), &file.lines[..], file.is_new);
        let source = Source { path, text: &text, added, is_new, removed };
        Ok(self.reader.read(&source).ok_or(Skip::Deep))
    }
}

/// A folder, a language, and whether it is about tests.
type Corner = (String, Language, bool);

fn corner(path: &str) -> Option<Corner> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some((folder.to_owned(), Language::of(path)?.told(), is_test(path)))
}

/// Returns the corners of a repository in which files were changed.
fn folders(files: &[AddedFile]) -> impl Iterator<Item = Corner> {
    let corners: HashSet<Corner> = files.iter().filter_map(|file| corner(&file.path)).collect();
    corners.into_iter()
}

/// Reads a few files that lay beside those that were changed, once each, as the first task that
/// worked there found them.
fn beside(
    git: &Git,
    reader: &Reader,
    asked: &[(Span, Vec<AddedFile>)],
) -> anyhow::Result<HashMap<Corner, Vec<Reading>>> {
    let changed: HashSet<&str> =
        asked.iter().flat_map(|(_, files)| files).map(|file| file.path.as_str()).collect();
    let mut wanted: HashMap<Corner, &Oid> = HashMap::new();
    for (span, files) in asked {
        for place in folders(files) {
            wanted.entry(place).or_insert(&span.trees.0);
        }
    }
    let read = on_all_cores(git, wanted.into_iter().collect(), |git, (place, tree)| {
        let near: Vec<(String, Oid)> = near(&git, tree, &place)?
            .into_iter()
            .filter(|(path, _)| !changed.contains(path.as_str()))
            .collect();
        let mut readings = Vec::new();
        // Some of all of them, not the first ones, which may be of one kind.
        for (path, blob) in near.iter().step_by(near.len().div_ceil(BESIDE).max(1)) {
            readings.extend(bystander(&git, reader, path, blob)?);
        }
        Ok((place, readings))
    })?;
    Ok(read.into_iter().collect())
}

/// Returns the files of a corner, as a tree has them.
fn near(git: &Git, tree: &Oid, place: &Corner) -> anyhow::Result<Vec<(String, Oid)>> {
    let path = |name: String| match place.0.as_str() {
        "" => name,
        folder => format!("{folder}/{name}"),
    };
    let all = git.files_in(tree, &place.0)?.into_iter().map(|entry| (path(entry.name), entry.id));
    let is_near =
        |path: &str| corner(path).as_ref() == Some(place) && Skip::by_path(path).is_none();
    Ok(all.filter(|(path, _)| is_near(path)).collect())
}

/// Reads a file that no task changed.
fn bystander(
    git: &Git,
    reader: &Reader,
    path: &str,
    blob: &Oid,
) -> anyhow::Result<Option<Reading>> {
    let bytes = git.read_blob(blob)?;
    if why_skipped(&bytes).is_some() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes);
    let removed = HashSet::new();
    let source = Source { path, text: &text, added: &[], is_new: false, removed: &removed };
    Ok(reader.read(&source))
}
