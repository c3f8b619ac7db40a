//! The end of a run: its work is merged, asked to be merged, kept or given up.
//!
//! Invariant: what is published on the base branch has passed the tests as it is; nothing is forced.
//! The decision is in the journal before anything is removed, and what git could not give back is
//! in a backup before that: killed anywhere, the same command goes on.

pub(crate) mod clear;
pub(crate) mod pushed;
pub(crate) mod request;

use anyhow::Context;

use super::Drive;
use super::merge::proof::{self, Tested, Trial};
use super::merge::publish::{Published, publish, why_waits};
use crate::domain::oid::Oid;
use crate::domain::snapshot::{Closed, How, Run, Snapshot};
use crate::git::merge::TreeMerge;
use crate::journal::Journal;
use crate::system::clock;
use crate::system::process::StopSwitch;

/// How often a merge starts over because the base branch moved under it.
const MAX_RACES: u32 = 100;

/// What the tests say of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    Passed,
    /// No test command is set.
    Untested,
    Failed(String),
    Stopped,
}

/// What a merge into the base branch would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// The base branch holds all of it, at this commit.
    Already(Oid),
    /// It only has to be moved.
    Forward(Oid),
    /// Both went on: a merge commit of this tree.
    Commit(Oid),
    /// These paths conflict.
    Conflict(Vec<String>),
    /// git does not even try.
    Impossible(String),
}

/// How a merge into the base branch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Merged {
    /// The base branch held it before, or holds it now, at this commit.
    Done(Oid),
    Conflict(Vec<String>),
    /// The merge commit fails the tests, although the integration branch passes them.
    Failed(String),
    /// Nothing happened, because of this.
    Waits(String),
    Stopped,
}

/// Where the two branches stand.
struct Tips {
    base: Oid,
    integration: Oid,
}

/// Tests a commit in the run's own checkout.
pub(crate) fn prove(
    drive: &Drive,
    run: &Run,
    commit: &Oid,
    stop: &StopSwitch,
) -> anyhow::Result<Proof> {
    let Some(test) = drive.settings.test.as_deref() else { return Ok(Proof::Untested) };
    let lock = drive.folder.checkout_lock()?;
    lock.hold()?;
    proof::end_left(drive, &run.name)?;
    let setup_log = drive.folder.finish_setup_log();
    let trial = Trial {
        drive,
        run,
        commands: vec![test],
        task: None,
        log: drive.folder.finish_log(),
        see_setup: format!(
            "cat {}",
            crate::domain::shell::quoted(&setup_log.display().to_string())
        ),
        setup_log,
        stop,
    };
    for _ in 0..MAX_RACES {
        match trial.of(commit)? {
            Tested::Passed { .. } => return Ok(Proof::Passed),
            Tested::Failed { text, .. } | Tested::NoPlace(text) => return Ok(Proof::Failed(text)),
            Tested::Stopped => return Ok(Proof::Stopped),
            Tested::Disturbed => {}
        }
    }
    Ok(Proof::Failed("somebody else works in its checkout".into()))
}

/// Returns what a merge into the base branch would be now.
pub(crate) fn way(drive: &Drive, run: &Run) -> anyhow::Result<Way> {
    way_of(drive, &tips(drive, run)?)
}

fn tips(drive: &Drive, run: &Run) -> anyhow::Result<Tips> {
    let find = |name: &str| {
        let found = drive.git.find_branch(name)?;
        found.with_context(|| format!("there is no branch '{name}'"))
    };
    Ok(Tips { base: find(&run.base_branch)?, integration: find(&run.integration)? })
}

fn way_of(drive: &Drive, tips: &Tips) -> anyhow::Result<Way> {
    let git = &drive.git;
    if git.is_ancestor(&tips.integration, &tips.base)? {
        return Ok(Way::Already(tips.base.clone()));
    }
    if git.is_ancestor(&tips.base, &tips.integration)? {
        return Ok(Way::Forward(tips.integration.clone()));
    }
    Ok(match git.try_merge(&tips.base, &tips.integration)? {
        TreeMerge::Clean(tree) => Way::Commit(tree),
        TreeMerge::Conflict(files) => Way::Conflict(files),
        TreeMerge::Impossible(why) => Way::Impossible(why),
    })
}

/// Merges the integration branch, which has passed the tests as `proven`, into the base branch.
pub(crate) fn merge(
    drive: &Drive,
    run: &Run,
    proven: &Oid,
    stop: &StopSwitch,
) -> anyhow::Result<Merged> {
    for _ in 0..MAX_RACES {
        let tips = Tips { integration: proven.clone(), ..tips(drive, run)? };
        if let Some(why) = why_waits(&drive.git, &run.base_branch)? {
            return Ok(Merged::Waits(why));
        }
        let candidate = match way_of(drive, &tips)? {
            Way::Already(commit) => return Ok(Merged::Done(commit)),
            Way::Forward(commit) => commit,
            Way::Conflict(files) => return Ok(Merged::Conflict(files)),
            Way::Impossible(why) => {
                return Ok(Merged::Waits(format!("git cannot merge it: {why}")));
            }
            Way::Commit(tree) => {
                let commit = write_merge(drive, run, &tips, &tree)?;
                match prove(drive, run, &commit, stop)? {
                    Proof::Passed | Proof::Untested => commit,
                    Proof::Failed(text) => return Ok(Merged::Failed(text)),
                    Proof::Stopped => return Ok(Merged::Stopped),
                }
            }
        };
        let why = format!("finish run {}", run.name);
        match publish(&drive.git, &run.base_branch, &tips.base, &candidate, &why)? {
            Published::Done => return Ok(Merged::Done(candidate)),
            Published::Moved => {}
            Published::Waits(why) => return Ok(Merged::Waits(why)),
        }
    }
    Ok(Merged::Waits(format!("{} keeps moving", run.base_branch)))
}

fn write_merge(drive: &Drive, run: &Run, tips: &Tips, tree: &Oid) -> anyhow::Result<Oid> {
    let message = format!(
        "Merge run {} into {}\n\nOrchestrate-Run: {}\n",
        run.name, run.base_branch, run.name
    );
    let parents = [tips.base.clone(), tips.integration.clone()];
    drive.git.patiently(|| drive.git.write_commit(tree, &parents, &message))
}

/// Writes down what was decided.
pub(crate) fn close(
    journal: &Journal,
    snapshot: &Snapshot,
    how: How,
    commit: Option<Oid>,
    url: Option<String>,
) -> anyhow::Result<()> {
    let is_same =
        |closed: &Closed| closed.how == how && closed.commit == commit && closed.url == url;
    if snapshot.run.closed.as_ref().is_some_and(is_same) {
        return Ok(());
    }
    let closed = Closed { how, at: clock::now_ms(), commit, url };
    let why = format!("finished ({})", how.name());
    journal.amend(&why, |run| Run { closed: Some(closed.clone()), ..run })
}
