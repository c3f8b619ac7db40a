//! The end of a run: its work is merged, proposed as a pull request, kept or discarded.
//!
//! Invariant: exactly the commit that passed the tests is published on the base branch; nothing is
//! forced. The decision is in the journal before anything is removed, and what git could not
//! restore is in a backup before that: after a kill at any moment, the same command continues.

pub(crate) mod clean;
pub(crate) mod free_name;
pub(crate) mod pull_request;
pub(crate) mod remote_branches;

use anyhow::Context;

use super::Drive;
use super::folder::end_leftover;
use super::merge::proof::{self, CandidateTest, TestResult};
use super::merge::publish::{Published, publish, why_waits};
use crate::domain::oid::Oid;
use crate::domain::snapshot::{FinishChoice, FinishRecord, Run, Snapshot};
use crate::domain::task::conflict::PathConflict;
use crate::git::merge::TreeMerge;
use crate::git::merge::commit::MergeCommit;
use crate::journal::Journal;
use crate::system::clock;
use crate::system::process::StopSwitch;

/// At most this often a merge starts again because the base branch moved meanwhile.
const MAX_RACES: u32 = 100;

/// The result of testing a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    Passed,
    /// After a failure: the tests are flaky.
    PassedAgain,
    /// No test command is set.
    Untested,
    Failed(String),
    Stopped,
}

/// What a merge into the base branch would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MergePreview {
    /// Nothing: the base branch, at this commit, contains the work.
    UpToDate(Oid),
    /// Move the base branch to this commit.
    FastForward(Oid),
    /// Write a merge commit with this tree: both branches have new commits.
    MergeCommit(Oid),
    /// Fail, because these paths conflict; what no file shows is said of them.
    Conflict(Vec<String>),
    /// Fail, because git refuses to merge at all.
    Impossible(String),
}

/// How a merge into the base branch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MergeResult {
    /// The base branch, at this commit, contains the work; with what a person should know of it.
    Done(Oid, Vec<String>),
    Conflict(Vec<String>),
    /// The merge commit fails the tests, although the integration branch passed them.
    Failed(String),
    /// Nothing was merged, for this reason.
    Waits(String),
    Stopped,
}

/// The tips of the two branches.
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
    // Tests of a killed controller may still run in the checkout.
    end_leftover(&drive.folder.tester(), &run.name)?;
    let setup_log = drive.folder.finish_setup_log();
    let trial = CandidateTest {
        drive,
        run,
        commands: vec![test],
        task: None,
        log: drive.folder.finish_log(),
        see_setup: format!("'{}'", setup_log.display()),
        setup_log,
        stop,
    };
    for _ in 0..MAX_RACES {
        match trial.of(commit)? {
            TestResult::Passed { runs: 2.. } => return Ok(Proof::PassedAgain),
            TestResult::Passed { .. } => return Ok(Proof::Passed),
            TestResult::Failed { text, .. } | TestResult::NoPlace(text) => {
                return Ok(Proof::Failed(text));
            }
            TestResult::Stopped => return Ok(Proof::Stopped),
            TestResult::Disturbed => {}
        }
    }
    Ok(Proof::Failed("another process keeps changing the run's checkout".into()))
}

/// Returns what a merge into the base branch would do now.
pub(crate) fn preview(drive: &Drive, run: &Run) -> anyhow::Result<MergePreview> {
    preview_of(drive, run, &tips(drive, run)?)
}

fn tips(drive: &Drive, run: &Run) -> anyhow::Result<Tips> {
    let find = |name: &str| {
        let found = drive.git.find_branch(name)?;
        found.with_context(|| format!("there is no branch '{name}'"))
    };
    Ok(Tips { base: find(&run.base_branch)?, integration: find(&run.integration)? })
}

fn preview_of(drive: &Drive, run: &Run, tips: &Tips) -> anyhow::Result<MergePreview> {
    let git = &drive.git;
    if git.is_ancestor(&tips.integration, &tips.base)? {
        return Ok(MergePreview::UpToDate(tips.base.clone()));
    }
    if git.is_ancestor(&tips.base, &tips.integration)? {
        return Ok(MergePreview::FastForward(tips.integration.clone()));
    }
    Ok(match git.try_merge(&tips.base, &tips.integration)? {
        TreeMerge::Clean(tree) => MergePreview::MergeCommit(tree),
        TreeMerge::Conflict(files) => {
            let sides = git.sides_at(&tips.base, &tips.integration, &files)?;
            let words = |side: &PathConflict| side.words(&run.base_branch, &run.integration);
            let named = sides.iter().map(|side| words(side).unwrap_or_else(|| side.path.clone()));
            MergePreview::Conflict(named.collect())
        }
        TreeMerge::Unrelated => MergePreview::Impossible("they have no common history".into()),
        TreeMerge::Impossible(why) => MergePreview::Impossible(why),
    })
}

/// Merges `proven`, the tip of the integration branch that passed the tests, into the base branch.
pub(crate) fn merge(
    drive: &Drive,
    run: &Run,
    proven: &Oid,
    stop: &StopSwitch,
) -> anyhow::Result<MergeResult> {
    for _ in 0..MAX_RACES {
        let tips = Tips { integration: proven.clone(), ..tips(drive, run)? };
        // Before the tests: they would run for nothing if the base branch cannot be updated anyway.
        if let Some(why) = why_waits(&drive.git, &run.base_branch)? {
            return Ok(MergeResult::Waits(why));
        }
        let mut remarks = Vec::new();
        let candidate = match preview_of(drive, run, &tips)? {
            MergePreview::UpToDate(commit) => return Ok(MergeResult::Done(commit, Vec::new())),
            MergePreview::FastForward(commit) => commit,
            MergePreview::Conflict(files) => return Ok(MergeResult::Conflict(files)),
            MergePreview::Impossible(why) => {
                return Ok(MergeResult::Waits(format!("git cannot merge it: {why}")));
            }
            // The merge of two tested branches is a new commit, which may fail the tests.
            MergePreview::MergeCommit(tree) => {
                let MergeCommit { commit, unsigned } = write_merge(drive, run, &tips, &tree)?;
                remarks.extend(unsigned);
                match prove(drive, run, &commit, stop)? {
                    Proof::Passed | Proof::Untested => commit,
                    Proof::PassedAgain => {
                        remarks.push(proof::PASSED_AGAIN.to_owned());
                        commit
                    }
                    Proof::Failed(text) => return Ok(MergeResult::Failed(text)),
                    Proof::Stopped => return Ok(MergeResult::Stopped),
                }
            }
        };
        let why = format!("finish run {}", run.name);
        match publish(&drive.git, &run.base_branch, &tips.base, &candidate, &why)? {
            Published::Done => return Ok(MergeResult::Done(candidate, remarks)),
            Published::Moved => {}
            Published::Waits(why) => return Ok(MergeResult::Waits(why)),
        }
    }
    Ok(MergeResult::Waits(format!("branch {} moves too often", run.base_branch)))
}

fn write_merge(drive: &Drive, run: &Run, tips: &Tips, tree: &Oid) -> anyhow::Result<MergeCommit> {
    let message = format!(
        "Merge run {} into {}\n\nOrchestrate-Run: {}\n",
        run.name, run.base_branch, run.name
    );
    let parents = [tips.base.clone(), tips.integration.clone()];
    drive.git.patiently(|| drive.git.write_merge(tree, &parents, &message))
}

/// Writes the decision about a run into its journal, unless it is there.
pub(crate) fn close(
    journal: &Journal,
    snapshot: &Snapshot,
    how: FinishChoice,
    commit: Option<Oid>,
    url: Option<String>,
) -> anyhow::Result<()> {
    let is_same =
        |closed: &FinishRecord| closed.how == how && closed.commit == commit && closed.url == url;
    // A command that was killed after this and runs again finds its own decision.
    if snapshot.run.closed.as_ref().is_some_and(is_same) {
        return Ok(());
    }
    let closed = FinishRecord { how, at: clock::now_ms(), commit, url };
    let why = format!("finished ({})", how.name());
    journal.amend(&why, |run| Run { closed: Some(closed.clone()), ..run })
}
