//! The repository itself: the version of git, identity, refs, HEAD, and free disk space.
//!
//! Invariant: the checks are those that `start` makes, so both always agree.

use super::{Finding, Repository, Severity};
use crate::domain::steps::{Remedy, Step, git};
use crate::run::begin::{base, storage};
use crate::system::disk;

/// With fewer free inodes than this, a few worktrees could use them up.
const FEW: u64 = 20_000;

pub(super) fn check(repo: &Repository<'_>) -> Vec<Finding> {
    let git = repo.git;
    let must_hold = [
        ("git-version", git.check_version()),
        ("identity", git.check_identity()),
        ("ref-storage", git.check_ref_storage()),
        ("first-commit", git.head().map(drop)),
        ("operation", base::check_head(git)),
        ("room", storage::check(git, repo.settings)),
    ];
    let failed = must_hold
        .into_iter()
        .filter_map(|(check, held)| Some(Finding::of(check, held.err().as_ref()?)));
    failed.chain(base_of(repo)).chain(low(repo)).collect()
}

/// Returns what the next run would start without: uncommitted changes, commits of the upstream.
fn base_of(repo: &Repository<'_>) -> Vec<Finding> {
    let git = repo.git;
    let Ok((branch, _)) = git.head() else { return Vec::new() };
    // `check` has reported it.
    if base::check_head(git).is_err() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for remark in base::beside_head(git).unwrap_or_default() {
        let severity = match git.operation() {
            Some(_) => Severity::Warning,
            None => Severity::Note,
        };
        found.push(Finding { severity, ..Finding::note("base", remark.text, remark.remedy) });
    }
    let behind = branch.and_then(|branch| base::behind(git, &branch).ok().flatten());
    found.extend(behind.map(|remark| Finding::warning("base", remark.text, remark.remedy)));
    found
}

fn low(repo: &Repository<'_>) -> Option<Finding> {
    let worktrees = repo.git.home().join(&repo.settings.worktrees);
    let left = disk::free_space(&worktrees)?;
    let remedy = Remedy::from([Step::Clean { id: None, force: false }, git("gc").into()]);
    if left.bytes < repo.settings.min_free {
        let megabytes = left.bytes >> 20;
        let text = format!("only {megabytes} MiB are free for worktrees, and every task needs one");
        return Some(Finding::warning("room", text, remedy));
    }
    let text = || {
        format!(
            "the disk has room for only {} more files, and every task needs a worktree",
            left.files
        )
    };
    (left.counts_files && left.files < FEW).then(|| Finding::warning("room", text(), remedy))
}
