//! Explains commits on the integration branch that this run did not publish, before anything is
//! built on them.
//!
//! Invariant: the caller holds the checkout's lock. An agent's commits are backed up and taken off;
//! a person's are kept when they have passed the tests; nothing else is built on.

use anyhow::bail;
use serde::{Deserialize, Serialize};

use super::proof::{CandidateTest, TestResult};
use super::publish::why_waits;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::integration::Origin;
use crate::domain::snapshot::{Kept, Run, Snapshot};
use crate::git::Git;
use crate::git::command;
use crate::git::database::refs::Swap;
use crate::journal::Journal;
use crate::journal::settings::require_of_git;
use crate::run::Drive;
use crate::run::folder::{RunFolder, read_json, write_json};
use crate::run::integration::{BranchLook, look};
use crate::system::crash;
use crate::system::process::StopSwitch;

/// At most this often the branch moves while it is being explained.
const MAX_MOVES: u32 = 20;

/// How explaining the branch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Explained {
    /// The run may build on this tip of the branch; what was done about it, a sentence each.
    Ready {
        tip: Oid,
        done: Vec<String>,
    },
    /// Nothing may be built on it yet, because of this.
    Waits(String),
    Stopped,
}

/// A person's commit that failed the tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Failure {
    tip: Oid,
    text: String,
}

/// Explains everything that the run did not put on its branch.
pub(super) fn explain(drive: &Drive, name: &str, stop: &StopSwitch) -> anyhow::Result<Explained> {
    let mut journal = Journal::new(&drive.git, name);
    let mut done = Vec::new();
    for _ in 0..MAX_MOVES {
        let snapshot = journal.newest()?.snapshot;
        // Before every merge: git runs filters and merge drivers, and tests follow.
        require_of_git(&drive.git, &snapshot.run)?;
        let Some(found) = look(&drive.git, &drive.folder, &snapshot)? else {
            bail!("the branch '{}' is gone", snapshot.run.integration);
        };
        let run = &snapshot.run;
        match &found.origin {
            Origin::Run => return Ok(Explained::Ready { tip: found.tip, done }),
            Origin::Agent(id) => match put_back(&drive.git, run, &found)? {
                PutBack::Done(backup) => {
                    let why = put_back_text(run, &found, id, &backup);
                    journal.amend(&why, |run| run)?;
                    done.push(why);
                }
                PutBack::Moved => {}
                PutBack::Waits(why) => return Ok(Explained::Waits(why)),
            },
            Origin::Person => match keep(drive, &journal, &snapshot, &found, stop)? {
                Explained::Ready { done: kept, .. } => done.extend(kept),
                other => return Ok(other),
            },
            Origin::Running(_) | Origin::Lost(_) => {
                let why = found.trouble(&snapshot).unwrap_or_default();
                return Ok(Explained::Waits(why));
            }
        }
    }
    Ok(Explained::Waits(format!("the branch of run '{name}' keeps moving")))
}

fn put_back_text(run: &Run, found: &BranchLook, id: &TaskId, backup: &str) -> String {
    format!(
        "the agent of task '{id}' had moved {} to {}; it was put back to {} (backup: {backup})",
        run.integration,
        found.tip.short(),
        found.published.short()
    )
}

/// Keeps a person's commits if they pass the tests.
fn keep(
    drive: &Drive,
    journal: &Journal,
    snapshot: &Snapshot,
    found: &BranchLook,
    stop: &StopSwitch,
) -> anyhow::Result<Explained> {
    let (run, folder) = (&snapshot.run, &drive.folder);
    let setup_log = folder.finish_setup_log();
    let trial = CandidateTest {
        drive,
        run,
        commands: drive.settings.test.iter().map(String::as_str).collect(),
        task: None,
        log: folder.finish_log(),
        see_setup: format!("'{}'", setup_log.display()),
        setup_log,
        stop,
    };
    let failed = |text: String| {
        let text = format!(
            "{} has commits that this run did not make ({}..{}), and with them {text}",
            run.integration,
            found.published.short(),
            found.tip.short()
        );
        let failure = Failure { tip: found.tip.clone(), text: text.clone() };
        // For `status` alone; the next look finds it out again.
        let _ = write_json(&folder.failed_branch(), &failure);
        Ok(Explained::Waits(text))
    };
    let passed = match trial.of(&found.tip)? {
        TestResult::Passed { runs: 0 } => "",
        TestResult::Passed { .. } => ", which passed the tests",
        TestResult::Failed { text, .. } | TestResult::NoPlace(text) => return failed(text),
        TestResult::Disturbed => {
            return Ok(Explained::Ready { tip: found.tip.clone(), done: Vec::new() });
        }
        TestResult::Stopped => return Ok(Explained::Stopped),
    };
    let text = format!(
        "keep commits of others on {} ({}..{}){passed}",
        run.integration,
        found.published.short(),
        found.tip.short()
    );
    let without = lost_merges(&drive.git, snapshot, &found.tip);
    let kept = Kept { commit: found.tip.clone(), without };
    journal.amend(&text, |run| Run { kept: Some(kept.clone()), ..run })?;
    Ok(Explained::Ready { tip: found.tip.clone(), done: vec![text] })
}

/// Returns the merges that the branch does not contain although it has their content.
fn lost_merges(git: &Git, snapshot: &Snapshot, tip: &Oid) -> Vec<Oid> {
    let merges = snapshot.tasks().filter_map(|(_, record)| record.state.merge());
    let kept = snapshot.run.kept.iter().flat_map(|kept| kept.without.iter().chain([&kept.commit]));
    let is_lost = |commit: &&Oid| !git.is_ancestor(commit, tip).unwrap_or(false);
    let mut lost: Vec<Oid> = merges.chain(kept).filter(is_lost).cloned().collect();
    lost.sort();
    lost.dedup();
    lost
}

/// How putting the branch back ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PutBack {
    /// It was; this ref holds what was on it.
    Done(String),
    /// It moved meanwhile.
    Moved,
    Waits(String),
}

/// Puts the branch back to what the run published, after a backup.
pub(crate) fn put_back(git: &Git, run: &Run, found: &BranchLook) -> anyhow::Result<PutBack> {
    let backup = git.back_up(&run.name, "@integration", &found.tip)?;
    crash::point();
    if let Some(why) = why_waits(git, &run.integration)? {
        return Ok(PutBack::Waits(why));
    }
    let name = format!("refs/heads/{}", run.integration);
    let Some(place) = git.worktree_of(&run.integration)? else {
        let why = "put back what an agent moved";
        return Ok(match git.swap_ref(&name, Some(&found.tip), &found.published, why)? {
            Swap::Done => PutBack::Done(backup),
            Swap::Moved => PutBack::Moved,
            Swap::Locked => return Err(git.stale_lock(&name)),
        });
    };
    if git.find_branch(&run.integration)?.as_ref() != Some(&found.tip) {
        return Ok(PutBack::Moved);
    }
    // Files and branch together; git refuses to overwrite what is not committed.
    let reset = ["reset", "--quiet", "--keep", found.published.as_str()];
    match command::git(&place.path).args(reset).bytes() {
        Ok(_) => Ok(PutBack::Done(backup)),
        Err(error) => Ok(PutBack::Waits(format!(
            "{} is checked out at {}, and cannot be put back to {}: {error}",
            run.integration,
            place.path.display(),
            found.published.short()
        ))),
    }
}

/// Puts back what agents of blocked tasks moved; returns why that cannot be done now.
pub(crate) fn put_back_all(
    git: &Git,
    folder: &RunFolder,
    snapshot: &Snapshot,
) -> anyhow::Result<Option<String>> {
    for _ in 0..MAX_MOVES {
        let Some(found) = look(git, folder, snapshot)? else { return Ok(None) };
        let Origin::Agent(id) = &found.origin else { return Ok(found.trouble(snapshot)) };
        match put_back(git, &snapshot.run, &found)? {
            PutBack::Done(backup) => {
                let why = put_back_text(&snapshot.run, &found, id, &backup);
                Journal::new(git, &snapshot.run.name).amend(&why, |run| run)?;
            }
            PutBack::Moved => {}
            PutBack::Waits(why) => return Ok(Some(why)),
        }
    }
    Ok(None)
}

/// Returns why the run does not build on its branch now, for `status`.
pub(crate) fn why_not_built_on(
    git: &Git,
    folder: &RunFolder,
    snapshot: &Snapshot,
) -> anyhow::Result<Option<String>> {
    let Some(found) = look(git, folder, snapshot)? else { return Ok(None) };
    if found.origin == Origin::Person {
        let failure: Option<Failure> = read_json(&folder.failed_branch()).unwrap_or_default();
        return Ok(failure.filter(|it| it.tip == found.tip).map(|it| it.text));
    }
    Ok(found.trouble(snapshot))
}
