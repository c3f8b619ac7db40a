//! What an attempt changed outside of its own worktree and branch: found by a picture of the
//! repository before and after, and never undone here.
//!
//! Invariant: a task is blocked as `escaped` only on evidence, so that it never loses its work to
//! the mistake of somebody else. The user commits, stashes and edits in the main checkout while
//! agents run, and other agents run too; git does not record which process moved a ref. So:
//!
//! - what a git command of the agent itself did (git records these commands, see `git::trace`) is
//!   certain: the task is blocked, and nothing is merged;
//! - what moved without such a command, while the task's branch got no commit, is probably the
//!   missing work: `escaped` replaces `no-changes`;
//! - anything else that moved is a remark on the attempt, which `show` prints.
//!
//! Branches of runs move all the time and count only in the first case.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::Attempt;
use crate::domain::error::one_line;
use crate::domain::oid::Oid;
use crate::domain::policy::integration::Origin;
use crate::domain::policy::verdicts::escape::{self, Movement};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Event, OutsideChange};
use crate::git::picture::{Checkout, Picture, STASH, checkout};
use crate::git::status;
use crate::git::trace;
use crate::journal::{Journal, run_names};
use crate::run::folder::{RunFolder, read_json, write_json};
use crate::run::integration::attribution::CommandTrail;
use crate::run::integration::{BranchLook, look};
use crate::run::merge::explain::{PutBack, put_back};

/// A checkout that a merge moves forward may look changed for this long.
const NAP: std::time::Duration = std::time::Duration::from_millis(200);

impl Attempt {
    /// Takes the picture that [`Attempt::check_isolation`] compares with.
    pub(super) fn take_picture(&self) -> anyhow::Result<Picture> {
        self.git.picture(&self.git.checkouts_of_user(&self.spec.place.base_branch)?)
    }

    /// Writes the picture to a file: an attempt by hand has no process that could keep it.
    pub(super) fn write_picture(&self) -> anyhow::Result<()> {
        write_json(&self.folder.picture(), &self.take_picture()?)
    }

    /// Returns the picture of an attempt by hand, if its file can be read.
    pub(super) fn read_picture(&self) -> Option<Picture> {
        read_json(&self.folder.picture()).ok().flatten()
    }

    /// Returns the end of the attempt, with everything that moved outside of it.
    ///
    /// `taken` is what was found before: a movement of the integration branch, which is put back.
    pub(super) fn check_isolation(
        &self,
        before: Option<Picture>,
        event: Event,
        taken: anyhow::Result<Option<Movement>>,
    ) -> Event {
        let Event::Finished(finished) = event else { return event };
        let Some(before) = before else { return Event::Finished(finished) };
        let found = taken.and_then(|taken| {
            let mut found = self.moved_since(&before)?;
            let is_known = |it: &Movement| taken.as_ref().is_some_and(|own| own.is_same_branch(it));
            found.retain(|it| !is_known(it));
            found.extend(taken);
            Ok(found)
        });
        match found {
            Ok(found) => Event::Finished(escape::judge(finished, found)),
            Err(error) => {
                let remark =
                    format!("could not check what else the agent changed: {}", one_line(&error));
                Event::Finished(finished).with_remarks(vec![remark])
            }
        }
    }

    fn moved_since(&self, before: &Picture) -> anyhow::Result<Vec<Movement>> {
        let places: Vec<PathBuf> = before.checkouts.iter().map(|it| it.place.clone()).collect();
        let after = self.git.picture(&places)?;
        let strayed = self.strayed();
        // The usual case, which needs no look at all worktrees and journals.
        if after == *before && strayed.is_none() {
            return Ok(Vec::new());
        }
        let worktrees = self.git.worktrees()?;
        let place_of = |name: &str| {
            let listed = worktrees.iter().find(|it| it.branch.as_deref() == Some(name))?;
            Some(listed.path.display().to_string())
        };
        let paths: Vec<PathBuf> = worktrees.iter().map(|it| it.path.clone()).collect();
        let trail = CommandTrail::new(self.calls(), &self.spec.place.worktree, &paths);
        let of_runs = self.branches_of_runs(before)?;
        let mut found = Vec::new();
        let mut add = |moved: OutsideChange, is_usual: bool| {
            let culprit = trail.culprit(&moved);
            if culprit.is_some() || !is_usual {
                found.push(Movement { moved, culprit, put_back: None });
            }
        };
        // The branch to which the worktree strayed is part of that finding, not one of its own.
        let found_branch = match &strayed {
            Some(OutsideChange::Strayed { found, .. }) => found.clone(),
            _ => None,
        };
        for (name, from, to) in differences(&before.refs, &after.refs) {
            let branch = name.strip_prefix("refs/heads/");
            let is_own = branch.is_some()
                && (branch == Some(&self.spec.place.branch) || branch == found_branch.as_deref());
            if !is_own {
                let is_usual = branch.is_some_and(|branch| of_runs.contains(branch));
                add(moved_ref(name, from, to, branch.and_then(place_of)), is_usual);
            }
        }
        for was in &before.checkouts {
            if let Some(is) = after.checkouts.iter().find(|it| it.place == was.place) {
                self.moved_in(was, is).into_iter().for_each(|moved| add(moved, false));
            }
        }
        // Certain without a command: only the agent works in this worktree.
        found.extend(strayed.map(|moved| Movement {
            moved,
            culprit: Some(String::new()),
            put_back: None,
        }));
        Ok(found)
    }

    /// Returns the integration branch as the newest journal explains it.
    pub(super) fn look_at_branch(&self) -> anyhow::Result<Option<BranchLook>> {
        let run = &self.spec.task.run;
        let snapshot = Journal::new(&self.git, run).newest()?.snapshot;
        look(&self.git, &RunFolder::new(&self.git, run), &snapshot)
    }

    /// Puts the integration branch back if this agent moved it, before its work is judged by what
    /// the branch lacks.
    pub(super) fn take_back_branch(&self) -> anyhow::Result<Option<Movement>> {
        let Some(found) = self.look_at_branch()? else { return Ok(None) };
        if found.origin != Origin::Running(self.spec.task.id.clone()) {
            return Ok(None);
        }
        let name = self.spec.place.integration.clone();
        let place = self.git.worktree_of(&name)?.map(|it| it.path.display().to_string());
        let (from, to) = (Some(found.published.clone()), Some(found.tip.clone()));
        let moved = OutsideChange::Branch { name, from, to, place };
        let paths = self.git.worktrees()?.into_iter().map(|it| it.path).collect::<Vec<_>>();
        let trail = CommandTrail::new(self.calls(), &self.spec.place.worktree, &paths);
        // Without a command, its own commit on the branch is the proof.
        let culprit = trail.culprit(&moved).unwrap_or_default();
        let snapshot = Journal::new(&self.git, &self.spec.task.run).newest()?.snapshot;
        let put_back = match put_back(&self.git, &snapshot.run, &found)? {
            PutBack::Done(backup) => {
                format!("it was put back to {} (backup: {backup})", found.published.short())
            }
            PutBack::Moved => "it moved again before it could be put back".into(),
            PutBack::Waits(why) => format!("it is not put back yet: {why}"),
        };
        Ok(Some(Movement { moved, culprit: Some(culprit), put_back: Some(put_back) }))
    }

    fn calls(&self) -> Vec<trace::GitCall> {
        let text = std::fs::read(self.folder.trace()).unwrap_or_default();
        trace::calls(&String::from_utf8_lossy(&text))
    }

    /// Returns a finding if the worktree shows another branch than the task's.
    fn strayed(&self) -> Option<OutsideChange> {
        let place = &self.spec.place.worktree;
        let (found, _) = status::head(place).ok()?;
        (found.as_ref() != Some(&self.spec.place.branch)).then(|| OutsideChange::Strayed {
            place: place.display().to_string(),
            branch: self.spec.place.branch.clone(),
            found,
        })
    }

    /// Returns what differs in a checkout of the user.
    fn moved_in(&self, was: &Checkout, is: &Checkout) -> Vec<OutsideChange> {
        let place = was.place.display().to_string();
        if was.branch != is.branch || (was.branch.is_none() && was.commit != is.commit) {
            return vec![OutsideChange::Head { place, from: shows(was), to: shows(is) }];
        }
        let mut files = changed(was, is);
        if !files.is_empty() && is.branch.as_ref() == Some(&self.spec.place.integration) {
            // A merge moves the branch first and the files after it; the picture may have been
            // taken in between.
            std::thread::sleep(NAP);
            files = checkout(&was.place).map(|again| changed(was, &again)).unwrap_or_default();
        }
        if files.is_empty() { Vec::new() } else { vec![OutsideChange::Files { place, files }] }
    }

    /// Returns the integration and task branches of all runs, including runs that were removed
    /// since `before`.
    fn branches_of_runs(&self, before: &Picture) -> anyhow::Result<HashSet<String>> {
        let mut branches = HashSet::new();
        let mut add = |snapshot: &Snapshot| {
            branches.insert(snapshot.run.integration.clone());
            branches.extend(snapshot.tasks().filter_map(|(_, record)| record.branch.clone()));
        };
        let names = run_names(&self.git)?;
        for name in &names {
            if let Some(tip) = Journal::new(&self.git, name).load()? {
                add(&tip.snapshot);
            }
        }
        for (full, commit) in &before.journals {
            let name = full.rsplit('/').next().unwrap_or_default();
            if !names.iter().any(|known| known == name)
                && let Ok(snapshot) = Journal::new(&self.git, name).at(commit)
            {
                add(&snapshot);
            }
        }
        Ok(branches)
    }
}

/// Returns the refs that differ, each with its old and new commit.
fn differences<'a>(
    before: &'a BTreeMap<String, Oid>,
    after: &'a BTreeMap<String, Oid>,
) -> Vec<(&'a str, Option<Oid>, Option<Oid>)> {
    let new = after.keys().filter(|name| !before.contains_key(*name));
    let names = before.keys().chain(new);
    let both = names.map(|name| (name.as_str(), before.get(name), after.get(name)));
    both.filter(|(_, was, is)| was != is)
        .map(|(name, was, is)| (name, was.cloned(), is.cloned()))
        .collect()
}

fn moved_ref(
    name: &str,
    from: Option<Oid>,
    to: Option<Oid>,
    place: Option<String>,
) -> OutsideChange {
    let short = |prefix: &str| name.strip_prefix(prefix).map(str::to_owned);
    match (name == STASH, short("refs/tags/")) {
        (true, _) => OutsideChange::Stash { from, to },
        (false, Some(name)) => OutsideChange::Tag { name, from, to },
        (false, None) => {
            let name = short("refs/heads/").unwrap_or_else(|| name.to_owned());
            OutsideChange::Branch { name, from, to, place }
        }
    }
}

fn shows(checkout: &Checkout) -> String {
    let commit = || checkout.commit.as_ref().map(|commit| commit.short().to_owned());
    checkout.branch.clone().or_else(commit).unwrap_or_else(|| "nothing".into())
}

/// Returns the paths whose uncommitted changes differ.
fn changed(was: &Checkout, is: &Checkout) -> Vec<String> {
    let gone = was.dirt.keys().filter(|path| !is.dirt.contains_key(*path));
    let new = is.dirt.iter().filter(|(path, stamp)| was.dirt.get(*path) != Some(stamp));
    gone.chain(new.map(|(path, _)| path)).cloned().collect()
}
