//! The repository itself: git, its refs, who the user is, what HEAD is, and room on the disk.

use super::{Finding, Place, Severity};
use crate::run::begin::{base, storage};
use crate::system::disk;

/// Fewer free inodes than this and a few worktrees may use them up.
const FEW: u64 = 20_000;

pub(super) fn look(place: &Place<'_>) -> Vec<Finding> {
    let git = place.git;
    let must_hold = [
        ("git-version", git.check_version()),
        ("identity", git.check_identity()),
        ("ref-storage", git.check_ref_storage()),
        ("first-commit", git.head().map(drop)),
        ("operation", base::check_head(git)),
        ("room", storage::check(git, place.settings)),
    ];
    let failed = must_hold
        .into_iter()
        .filter_map(|(check, held)| Some(Finding::of(check, held.err().as_ref()?)));
    failed.chain(base_of(place)).chain(low(place)).collect()
}

/// What the next run would begin without.
fn base_of(place: &Place<'_>) -> Vec<Finding> {
    let git = place.git;
    let Ok((branch, _)) = git.head() else { return Vec::new() };
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

fn low(place: &Place<'_>) -> Option<Finding> {
    let worktrees = place.git.home().join(&place.settings.worktrees);
    let left = disk::free_space(&worktrees)?;
    let remedy = "git orchestrate clean   # and git gc; every task has a worktree of its own";
    if left.bytes < place.settings.min_free {
        let megabytes = left.bytes >> 20;
        let text = format!("only {megabytes} MiB are free where the worktrees would be");
        return Some(Finding::warning("room", text, remedy));
    }
    let text = || format!("only {} more files fit where the worktrees would be", left.files);
    (left.counts_files && left.files < FEW).then(|| Finding::warning("room", text(), remedy))
}
