//! The integration branch as this run knows it, and what others put on it.
//!
//! Invariant: changes nothing. What the run published is in the journal; every other commit on the
//! branch needs an explanation before anything is built on it.

pub(crate) mod attribution;
pub(crate) mod merged_by_others;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::folder::RunFolder;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::integration::{BranchFacts, Origin, origin};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, OutsideChange, Reason, Record, State};
use crate::git::Git;
use crate::git::trace;
use attribution::CommandTrail;

/// The integration branch at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BranchLook {
    pub tip: Oid,
    /// The newest commit on it that this run published or kept.
    pub published: Oid,
    pub origin: Origin,
}

impl BranchLook {
    /// Returns the commit that new work may begin on.
    pub(crate) fn base(&self) -> &Oid {
        if self.origin == Origin::Run { &self.tip } else { &self.published }
    }

    /// Returns why nothing may be built on the tip; `None` if it is the run's own, or a person's.
    pub(crate) fn trouble(&self, snapshot: &Snapshot) -> Option<String> {
        let (branch, tip) = (&snapshot.run.integration, self.tip.short());
        match &self.origin {
            Origin::Run | Origin::Person => None,
            Origin::Agent(id) => Some(format!(
                "the agent of task '{id}' moved {branch} to {tip}, which is to be put back to {}",
                self.published.short()
            )),
            Origin::Running(id) => Some(format!(
                "the agent of task '{id}' seems to have moved {branch} to {tip}: this is settled \
                 when its attempt ends"
            )),
            Origin::Lost(merges) => Some(lost_text(snapshot, branch, merges)),
        }
    }
}

fn lost_text(snapshot: &Snapshot, branch: &str, merges: &[Oid]) -> String {
    let of = |merge: &Oid| {
        let task = snapshot.tasks().find(|(_, record)| record.state.merge() == Some(merge));
        task.map_or_else(|| merge.short().to_owned(), |(task, _)| format!("'{}'", task.id))
    };
    let names: Vec<String> = merges.iter().map(of).collect();
    let newest = merges.first().map_or("", Oid::short);
    format!(
        "somebody took merged work out of {branch}: {}. To have it there again, merge {newest} into \
         {branch}; to leave it out, run 'git merge -s ours {newest}' there",
        names.join(", ")
    )
}

/// Looks at the integration branch of a run; `None` if it does not exist.
pub(crate) fn look(
    git: &Git,
    folder: &RunFolder,
    snapshot: &Snapshot,
) -> anyhow::Result<Option<BranchLook>> {
    let run = &snapshot.run;
    let Some(tip) = git.find_branch(&run.integration)? else { return Ok(None) };
    let merges: HashSet<&Oid> =
        snapshot.tasks().filter_map(|(_, record)| record.state.merge()).collect();
    let without = run.kept.iter().flat_map(|kept| &kept.without).collect::<HashSet<_>>();
    let kept = run.kept.as_ref().map(|kept| &kept.commit);
    let chain = git.first_parents(&run.base, &tip)?;
    let is_known = |commit: &Oid| merges.contains(commit) || kept == Some(commit);
    let on_chain: HashSet<&Oid> = chain.iter().map(|(commit, _)| commit).collect();
    let foreign: Vec<&(Oid, Vec<Oid>)> =
        chain.iter().take_while(|(commit, _)| !is_known(commit)).collect();
    let published = chain.get(foreign.len()).map_or(&run.base, |(commit, _)| commit).clone();
    let mut lost: Vec<Oid> = Vec::new();
    for commit in merges.iter().copied().chain(kept) {
        let is_there = on_chain.contains(commit) || without.contains(commit);
        if !is_there && *commit != run.base && !git.is_ancestor(commit, &tip).unwrap_or(false) {
            lost.push(commit.clone());
        }
    }
    sort_newest_first(git, &mut lost);
    let mut facts = BranchFacts { is_published: foreign.is_empty(), ..BranchFacts::default() };
    if facts.is_published && lost.is_empty() {
        let origin = origin(facts);
        return Ok(Some(BranchLook { tip, published, origin }));
    }
    facts.has_content = lost.iter().all(|merge| git.is_content_in(merge, &tip).unwrap_or(false));
    facts.lost = lost;
    let queue: Vec<&Oid> = snapshot.tasks().filter_map(|(_, record)| queued(record)).collect();
    let is_merge_of_queue = |(_, parents): &&(Oid, Vec<Oid>)| matches!(parents.as_slice(), [_, work] if queue.contains(&work));
    facts.is_merge_of_queue = foreign.iter().all(is_merge_of_queue);
    let change = BranchChange { git, folder, snapshot, published: &published, tip: &tip };
    facts.of_blocked = change.of_blocked();
    facts.of_running = change.of_running()?;
    Ok(Some(BranchLook { origin: origin(facts), tip, published }))
}

/// Returns the commit of a task that waits to be merged.
fn queued(record: &Record) -> Option<&Oid> {
    match &record.state {
        State::Merging { commit, .. } => Some(commit),
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Done { .. }
        | State::Paused { .. }
        | State::Blocked(_) => None,
    }
}

/// Sorts commits so that none comes before one that contains it.
fn sort_newest_first(git: &Git, commits: &mut [Oid]) {
    let time = |commit: &Oid| git.time_of(commit).unwrap_or_default();
    let contains = |one: &Oid| {
        let is_in = |other: &&Oid| git.is_ancestor(other, one).unwrap_or(false);
        commits.iter().filter(is_in).count()
    };
    let mut ordered: Vec<(usize, i64, Oid)> =
        commits.iter().map(|it| (contains(it), time(it), it.clone())).collect();
    ordered.sort_by_key(|(contains, time, _)| std::cmp::Reverse((*contains, *time)));
    for (place, (_, _, commit)) in commits.iter_mut().zip(ordered) {
        *place = commit;
    }
}

/// A change of the branch that the run did not make.
struct BranchChange<'a> {
    git: &'a Git,
    folder: &'a RunFolder,
    snapshot: &'a Snapshot,
    published: &'a Oid,
    tip: &'a Oid,
}

impl BranchChange<'_> {
    /// Returns the tasks that were blocked because their agents moved the branch to a commit that
    /// it still holds, and that the run never published.
    fn of_blocked(&self) -> Vec<TaskId> {
        let is_in =
            |commit: &Oid, whole: &Oid| self.git.is_ancestor(commit, whole).unwrap_or(false);
        let branch = &self.snapshot.run.integration;
        let moved_it = |moved: &OutsideChange| match moved {
            OutsideChange::Branch { name, to: Some(to), .. } if name == branch => {
                is_in(to, self.tip) && !is_in(to, self.published)
            }
            _ => false,
        };
        let is_culprit = |record: &Record| {
            let block = record.state.block().filter(|block| block.reason == Reason::Escaped);
            block.is_some_and(|block| block.moved.iter().any(moved_it))
        };
        let tasks = self.snapshot.tasks().filter(|(_, record)| is_culprit(record));
        tasks.map(|(task, _)| task.id.clone()).collect()
    }

    /// Returns the running tasks whose agents made one of the commits, or ran a command that moved
    /// the branch.
    fn of_running(&self) -> anyhow::Result<Vec<TaskId>> {
        let running =
            |record: &Record| matches!(record.state, State::Running { worker: Some(_), .. });
        let mut found = Vec::new();
        for (task, record) in self.snapshot.tasks().filter(|(_, record)| running(record)) {
            let Some(attempt) = record.last_attempt() else { continue };
            if self.has_commit_of(record, attempt)?
                || self.is_moved_by(&task.id, record, attempt)?
            {
                found.push(task.id.clone());
            }
        }
        Ok(found)
    }

    /// Returns true if the branch got a commit that the task's branch got in this attempt: nobody
    /// merges the half of a work that is under way.
    fn has_commit_of(&self, record: &Record, attempt: &Attempt) -> anyhow::Result<bool> {
        let branch = record.branch.as_deref().unwrap_or_default();
        let Some(own_tip) = self.git.find_branch(branch)? else { return Ok(false) };
        let since = attempt.tip.as_ref().unwrap_or(&attempt.base);
        let own = self.git.commits(since, &own_tip)?;
        let new = self.git.commits(self.published, self.tip)?;
        let new: HashSet<&Oid> = new.iter().map(|(commit, _)| commit).collect();
        Ok(own.iter().any(|(commit, _)| new.contains(commit)))
    }

    fn is_moved_by(&self, id: &TaskId, record: &Record, attempt: &Attempt) -> anyhow::Result<bool> {
        let trace = self.folder.attempt(id, attempt.number).trace();
        let text = std::fs::read(trace).unwrap_or_default();
        let own = Path::new(record.worktree.as_deref().unwrap_or_default());
        let worktrees = self.git.worktrees()?;
        let name = &self.snapshot.run.integration;
        let shown = worktrees.iter().find(|it| it.branch.as_ref() == Some(name));
        let moved = OutsideChange::Branch {
            name: name.clone(),
            from: Some(self.published.clone()),
            to: Some(self.tip.clone()),
            place: shown.map(|it| it.path.display().to_string()),
        };
        let paths: Vec<PathBuf> = worktrees.into_iter().map(|it| it.path).collect();
        let calls = trace::calls(&String::from_utf8_lossy(&text));
        Ok(CommandTrail::new(calls, own, &paths).culprit(&moved).is_some())
    }
}
