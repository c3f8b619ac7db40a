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
use super::attribution::CommandTrail;
use crate::domain::oid::Oid;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Block, Event, Finished, Moved, Outcome, Reason};
use crate::git::picture::{Checkout, Picture, STASH, checkout};
use crate::git::status;
use crate::git::trace;
use crate::journal::{Journal, run_names};
use crate::run::folder::{read_json, write_json};

/// At most this many changes are named.
const MAX_NAMED: usize = 8;
/// A checkout that a merge moves forward may look changed for this long.
const NAP: std::time::Duration = std::time::Duration::from_millis(200);

impl Attempt {
    /// Takes the picture that [`Attempt::check_isolation`] compares with.
    pub(super) fn take_picture(&self) -> anyhow::Result<Picture> {
        self.git.picture(&self.git.checkouts_of_user(&self.spec.base_branch)?)
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
    pub(super) fn check_isolation(&self, before: Option<Picture>, event: Event) -> Event {
        let Event::Finished(finished) = event else { return event };
        let Some(before) = before else { return Event::Finished(finished) };
        match self.moved_since(&before) {
            Ok(found) => Event::Finished(judged(finished, found)),
            Err(error) => {
                let remark = format!("could not check what else the agent changed: {error:#}");
                Event::Finished(finished).with_remarks(vec![remark])
            }
        }
    }

    fn moved_since(&self, before: &Picture) -> anyhow::Result<Vec<Found>> {
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
        let trail = CommandTrail::new(self.calls(), &self.spec.worktree, &paths);
        let of_runs = self.branches_of_runs(before)?;
        let mut found = Vec::new();
        let mut add = |moved: Moved, is_usual: bool| {
            let culprit = trail.culprit(&moved);
            if culprit.is_some() || !is_usual {
                found.push(Found { moved, culprit });
            }
        };
        // The branch to which the worktree strayed is part of that finding, not one of its own.
        let found_branch = match &strayed {
            Some(Moved::Strayed { found, .. }) => found.clone(),
            _ => None,
        };
        for (name, from, to) in differences(&before.refs, &after.refs) {
            let branch = name.strip_prefix("refs/heads/");
            let is_own = branch.is_some()
                && (branch == Some(&self.spec.branch) || branch == found_branch.as_deref());
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
        found.extend(strayed.map(|moved| Found { moved, culprit: Some(String::new()) }));
        Ok(found)
    }

    fn calls(&self) -> Vec<trace::GitCall> {
        let text = std::fs::read(self.folder.trace()).unwrap_or_default();
        trace::calls(&String::from_utf8_lossy(&text))
    }

    /// Returns a finding if the worktree shows another branch than the task's.
    fn strayed(&self) -> Option<Moved> {
        let place = &self.spec.worktree;
        let (found, _) = status::head(place).ok()?;
        (found.as_ref() != Some(&self.spec.branch)).then(|| Moved::Strayed {
            place: place.display().to_string(),
            branch: self.spec.branch.clone(),
            found,
        })
    }

    /// Returns what differs in a checkout of the user.
    fn moved_in(&self, was: &Checkout, is: &Checkout) -> Vec<Moved> {
        let place = was.place.display().to_string();
        if was.branch != is.branch || (was.branch.is_none() && was.commit != is.commit) {
            return vec![Moved::Head { place, from: shows(was), to: shows(is) }];
        }
        let mut files = changed(was, is);
        if !files.is_empty() && is.branch.as_ref() == Some(&self.spec.integration) {
            // A merge moves the branch first and the files after it; the picture may have been
            // taken in between.
            std::thread::sleep(NAP);
            files = checkout(&was.place).map(|again| changed(was, &again)).unwrap_or_default();
        }
        if files.is_empty() { Vec::new() } else { vec![Moved::Files { place, files }] }
    }

    /// Returns the integration and task branches of all runs, including runs that were removed since
    /// `before`.
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

/// A change outside of the attempt, and the agent's git command that made it, if that is certain.
struct Found {
    moved: Moved,
    culprit: Option<String>,
}

impl Found {
    fn told(&self) -> String {
        match self.culprit.as_deref().filter(|culprit| !culprit.is_empty()) {
            Some(culprit) => format!("{} by the agent's '{culprit}'", self.moved),
            None => self.moved.to_string(),
        }
    }
}

/// Returns the end of an attempt during which these changes were made.
fn judged(finished: Finished, found: Vec<Found>) -> Finished {
    let (certain, other): (Vec<Found>, Vec<Found>) =
        found.into_iter().partition(|found| found.culprit.is_some());
    let has_nothing = matches!(&finished.outcome,
        Outcome::Blocked(block) if block.reason == Reason::NoChanges);
    if certain.is_empty() && has_nothing && !other.is_empty() {
        let told = list(&other);
        let text = format!("the branch has no commit of its own; while the agent ran: {told}");
        return escaped(finished, text, other);
    }
    let remarks = other.iter().take(MAX_NAMED);
    let remarks = remarks.map(|found| format!("while the agent ran: {}", found.moved));
    let mut finished = finished;
    finished.remarks.extend(remarks);
    if certain.is_empty() {
        finished
    } else {
        let text = list(&certain);
        escaped(finished, text, certain)
    }
}

fn escaped(finished: Finished, text: String, found: Vec<Found>) -> Finished {
    let mut block = match finished.outcome {
        // The block already describes what is wrong with the worktree.
        Outcome::Blocked(block) if block.reason == Reason::Escaped => match found.as_slice() {
            [Found { moved: Moved::Strayed { .. }, .. }] => block,
            _ => Block { text, ..block },
        },
        _ => Block::new(Reason::Escaped, text),
    };
    block.files = found.iter().flat_map(|found| found.moved.files().to_vec()).collect();
    block.moved = found.into_iter().map(|found| found.moved).collect();
    Finished { outcome: Outcome::Blocked(block), ..finished }
}

fn list(found: &[Found]) -> String {
    let named: Vec<String> = found.iter().take(MAX_NAMED).map(Found::told).collect();
    let more = found.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    named.join("; ") + &more
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

fn moved_ref(name: &str, from: Option<Oid>, to: Option<Oid>, place: Option<String>) -> Moved {
    let short = |prefix: &str| name.strip_prefix(prefix).map(str::to_owned);
    match (name == STASH, short("refs/tags/")) {
        (true, _) => Moved::Stash { from, to },
        (false, Some(name)) => Moved::Tag { name, from, to },
        (false, None) => {
            let name = short("refs/heads/").unwrap_or_else(|| name.to_owned());
            Moved::Branch { name, from, to, place }
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
