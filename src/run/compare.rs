//! Compares the coding style of a run's tasks: reads from git what each task added.
//!
//! Invariant: reads only. Only a task's own work counts: from where it left the integration branch
//! to its tip, without what it merged from other tasks.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context as _;
use rayon::prelude::*;

use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::Step;
use crate::domain::task::{Record, Stage, State};
use crate::git::Git;
use crate::git::added_lines::AddedFile;
use crate::git::merge::TreeMerge;
use crate::style::language::is_test;
use crate::style::{
    self, FileFingerprint, FileSkip, Language, SourceFile, SourceReader, StyleReport, TaskCode,
    why_skipped,
};

/// At most about this many unchanged files of a folder are read, to know the custom there.
const BESIDE: usize = 6;
const GENERATED: &str = "linguist-generated";
const VENDORED: &str = "linguist-vendored";

/// The comparison of a run's tasks.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// The compared tasks, in plan order; findings refer to tasks by their index here.
    pub tasks: Vec<ComparedTask>,
    /// Tasks that are not finished, or committed nothing.
    pub left_out: Vec<TaskId>,
    pub findings: StyleReport,
}

/// A task in a comparison.
#[derive(Debug, Clone)]
pub(crate) struct ComparedTask {
    pub id: TaskId,
    /// The start of its work, and its tip.
    pub from: Oid,
    pub to: Oid,
    /// The number of files that were read, and of lines added to them.
    pub files: usize,
    pub added: usize,
    /// The numbers of files that were not read, by reason.
    pub skipped: BTreeMap<FileSkip, usize>,
}

/// The work of one task, as commits: from where it left the integration branch to its tip.
struct CommitRange {
    id: TaskId,
    from: Oid,
    to: Oid,
}

/// The work of one task, as two trees.
struct TreeDiff {
    range: CommitRange,
    trees: (Oid, Oid),
}

impl Comparison {
    /// Returns the ids of the tasks, by the indexes that findings use.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.tasks.iter().map(|task| task.id.as_str()).collect()
    }
}

/// Compares these tasks, or all if none is named; fails if no task can be compared.
pub(crate) fn compare(
    git: &Git,
    snapshot: &Snapshot,
    only: &[TaskId],
) -> anyhow::Result<Comparison> {
    let integration = git.find_branch(&snapshot.run.integration)?;
    let records: Vec<(&TaskId, &Record)> =
        snapshot.tasks().map(|(task, record)| (&task.id, record)).collect();
    let found = on_all_cores(git, records, |git, (id, record)| {
        let range = range(&git, id, record, integration.as_ref());
        Ok((id, range.with_context(|| format!("cannot find the commits of task '{id}'"))?))
    })?;
    let tips: HashSet<Oid> =
        found.iter().flat_map(|(_, range)| range).map(|range| range.to.clone()).collect();
    let wanted = found.into_iter().filter(|(id, _)| only.is_empty() || only.contains(id));
    let (mut left_out, mut ranges) = (Vec::new(), Vec::new());
    for (id, range) in wanted {
        match range {
            Some(range) => ranges.push(range),
            None => left_out.push(id.clone()),
        }
    }
    if ranges.is_empty() {
        return Err(nothing_finished(snapshot, only));
    }
    let diffs = on_all_cores(git, ranges, |git, range| {
        let base = without_others(&git, &range, &tips)?;
        let trees = (base, git.tree_of(&range.to)?);
        Ok(TreeDiff { range, trees })
    })?;
    let (tasks, works) = read(git, diffs, integration.as_ref())?;
    Ok(Comparison { tasks, left_out, findings: style::compare(&works) })
}

/// Calls `work` for each item on all cores, and returns the results in order. Each call gets its
/// own handle of the repository, because a handle serves one thread at a time.
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
        _ => "these tasks are not finished, or committed nothing".to_owned(),
    };
    failure(what, Step::status().to("See the state of all tasks"))
}

/// Returns the commits of a task; `None` if it is not finished or committed nothing.
fn range(
    git: &Git,
    id: &TaskId,
    record: &Record,
    integration: Option<&Oid>,
) -> anyhow::Result<Option<CommitRange>> {
    let merged = record.state.merge().map(|merge| git.parents(merge)).transpose()?;
    let (into, to) = match merged.as_deref() {
        Some([into, to]) => (Some(into.clone()), to.clone()),
        _ => match tip(git, record)? {
            Some(tip) => (integration.cloned(), tip),
            None => return Ok(None),
        },
    };
    let from = start(git, record, into.as_ref(), &to)?.filter(|from| *from != to);
    Ok(from.map(|from| CommitRange { id: id.clone(), from, to }))
}

/// Returns the tip of a task whose implementer has finished.
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

/// Returns the start of a task's own work: the merge base with the branch that it is merged into,
/// or else the base of its first attempt.
fn start(git: &Git, record: &Record, into: Option<&Oid>, to: &Oid) -> anyhow::Result<Option<Oid>> {
    let left = into.map(|into| git.merge_base(into, to)).transpose()?.flatten();
    // If the branch already contains the tip, the merge base is the tip itself.
    Ok(left.filter(|left| left != to).or_else(|| record.base().cloned()))
}

/// Returns the tree to compare a task's work with: its start, merged with the newest commit that it
/// took from the branch of another task, if git can merge the two without conflict.
fn without_others(git: &Git, range: &CommitRange, tips: &HashSet<Oid>) -> anyhow::Result<Oid> {
    let commits = git.commits(&range.from, &range.to)?;
    let mut merged: HashSet<&Oid> = HashSet::new();
    for parent in commits.iter().flat_map(|(_, parents)| parents.iter().skip(1)) {
        for tip in tips.iter().filter(|tip| **tip != range.to) {
            if git.is_ancestor(parent, tip)? {
                merged.insert(parent);
            }
        }
    }
    let is_other = |id: &Oid| *id != range.to && (tips.contains(id) || merged.contains(id));
    if let Some((other, _)) = commits.iter().find(|(id, _)| is_other(id))
        && let TreeMerge::Clean(tree) = git.try_merge(&range.from, other)?
    {
        return Ok(tree);
    }
    git.tree_of(&range.from)
}

/// Reads the lines that the tasks added.
fn read(
    git: &Git,
    diffs: Vec<TreeDiff>,
    integration: Option<&Oid>,
) -> anyhow::Result<(Vec<ComparedTask>, Vec<TaskCode>)> {
    let pairs: Vec<(Oid, Oid)> = diffs.iter().map(|diff| diff.trees.clone()).collect();
    let changes = git.added(&pairs)?;
    let attributes = read_attributes(git, &diffs, &changes, integration)?;
    let reader = SourceReader::default();
    let asked: Vec<(TreeDiff, Vec<AddedFile>)> = diffs.into_iter().zip(changes).collect();
    let around = beside(git, &reader, &asked)?;
    let works = on_all_cores(git, asked, |git, (diff, files)| {
        let changed = FileReader { git: &git, reader: &reader, attributes: &attributes };
        let (compared, mut work) = changed.read(diff.range, &files)?;
        let near = groups(&files).filter_map(|place| around.get(&place));
        work.beside = near.flatten().cloned().collect();
        Ok((compared, work))
    })?;
    Ok(works.into_iter().unzip())
}

/// Reads the git attributes of the changed files, as of the integration branch.
fn read_attributes(
    git: &Git,
    diffs: &[TreeDiff],
    changes: &[Vec<AddedFile>],
    integration: Option<&Oid>,
) -> anyhow::Result<HashMap<(String, String), bool>> {
    let paths: HashSet<&str> = changes.iter().flatten().map(|file| file.path.as_str()).collect();
    let Some(last) = diffs.last() else { return Ok(HashMap::new()) };
    let paths: Vec<&str> = paths.into_iter().collect();
    // The newest tree: a task may have been the one that added `.gitattributes`.
    let tree = integration.map(|commit| git.tree_of(commit)).transpose()?;
    git.attributes(tree.as_ref().unwrap_or(&last.trees.1), &[GENERATED, VENDORED], &paths)
}

/// Reads the files that a task changed.
struct FileReader<'a> {
    git: &'a Git,
    reader: &'a SourceReader,
    attributes: &'a HashMap<(String, String), bool>,
}

impl FileReader<'_> {
    fn read(
        &self,
        range: CommitRange,
        files: &[AddedFile],
    ) -> anyhow::Result<(ComparedTask, TaskCode)> {
        let mut work = TaskCode::default();
        let (CommitRange { id, from, to }, skipped) = (range, BTreeMap::new());
        let mut compared = ComparedTask { id, from, to, files: 0, added: 0, skipped };
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

    /// Reads a file, or returns why it is skipped.
    fn file(
        &self,
        file: &AddedFile,
        removed: &HashSet<String>,
    ) -> anyhow::Result<Result<FileFingerprint, FileSkip>> {
        let attribute =
            |name: &str| self.attributes.get(&(file.path.clone(), name.to_owned())).copied();
        // An attribute set to false is the user's word that the file is written by hand.
        let is_written = attribute(GENERATED) == Some(false) || attribute(VENDORED) == Some(false);
        if file.is_binary {
            return Ok(Err(FileSkip::Binary));
        }
        for (name, skip) in [(GENERATED, FileSkip::Generated), (VENDORED, FileSkip::Vendored)] {
            if attribute(name) == Some(true) {
                return Ok(Err(skip));
            }
        }
        if let Some(skip) = FileSkip::by_path(&file.path).filter(|_| !is_written) {
            return Ok(Err(skip));
        }
        if Language::of(&file.path).is_none() {
            return Ok(Err(FileSkip::Language));
        }
        let bytes = self.git.read_blob(&file.blob)?;
        let skip = why_skipped(&bytes);
        if let Some(skip) = skip.filter(|skip| !(is_written && *skip == FileSkip::Generated)) {
            return Ok(Err(skip));
        }
        let text = String::from_utf8_lossy(&bytes);
        let (path, added, is_new) = (file.path.as_str(), &file.lines[..], file.is_new);
        let source = SourceFile { path, text: &text, added, is_new, removed };
        Ok(self.reader.read(&source).ok_or(FileSkip::Deep))
    }
}

/// The files of one folder and one language that are tests, or that are not.
type FileGroup = (String, Language, bool);

fn group_of(path: &str) -> Option<FileGroup> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some((folder.to_owned(), Language::of(path)?.shown_as(), is_test(path)))
}

/// Returns the groups of the changed files.
fn groups(files: &[AddedFile]) -> impl Iterator<Item = FileGroup> {
    let groups: HashSet<FileGroup> = files.iter().filter_map(|file| group_of(&file.path)).collect();
    groups.into_iter()
}

/// Reads a few unchanged files of each group, as the first task that worked there found them.
fn beside(
    git: &Git,
    reader: &SourceReader,
    asked: &[(TreeDiff, Vec<AddedFile>)],
) -> anyhow::Result<HashMap<FileGroup, Vec<FileFingerprint>>> {
    let changed: HashSet<&str> =
        asked.iter().flat_map(|(_, files)| files).map(|file| file.path.as_str()).collect();
    let mut wanted: HashMap<FileGroup, &Oid> = HashMap::new();
    for (diff, files) in asked {
        for place in groups(files) {
            wanted.entry(place).or_insert(&diff.trees.0);
        }
    }
    let read = on_all_cores(git, wanted.into_iter().collect(), |git, (place, tree)| {
        let near: Vec<(String, Oid)> = near(&git, tree, &place)?
            .into_iter()
            .filter(|(path, _)| !changed.contains(path.as_str()))
            .collect();
        let mut readings = Vec::new();
        // Spread over the whole folder: the first ones by name may be all of one kind.
        for (path, blob) in near.iter().step_by(near.len().div_ceil(BESIDE).max(1)) {
            readings.extend(read_unchanged(&git, reader, path, blob)?);
        }
        Ok((place, readings))
    })?;
    Ok(read.into_iter().collect())
}

/// Returns the files of a group in a tree.
fn near(git: &Git, tree: &Oid, place: &FileGroup) -> anyhow::Result<Vec<(String, Oid)>> {
    let path = |name: String| match place.0.as_str() {
        "" => name,
        folder => format!("{folder}/{name}"),
    };
    let all = git.files_in(tree, &place.0)?.into_iter().map(|entry| (path(entry.name), entry.id));
    let is_near =
        |path: &str| group_of(path).as_ref() == Some(place) && FileSkip::by_path(path).is_none();
    Ok(all.filter(|(path, _)| is_near(path)).collect())
}

/// Reads a file that no task changed.
fn read_unchanged(
    git: &Git,
    reader: &SourceReader,
    path: &str,
    blob: &Oid,
) -> anyhow::Result<Option<FileFingerprint>> {
    let bytes = git.read_blob(blob)?;
    if why_skipped(&bytes).is_some() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes);
    let removed = HashSet::new();
    let source = SourceFile { path, text: &text, added: &[], is_new: false, removed: &removed };
    Ok(reader.read(&source))
}
