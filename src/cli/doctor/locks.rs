//! Lock files that a killed git may have left behind.
//!
//! Invariant: reported, never removed, because a git may still be running on another machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Finding, Repository};
use crate::domain::steps::program;
use crate::domain::text::span;

/// git holds a lock for moments; an older one was probably left behind.
const OLD: Duration = Duration::from_secs(5 * 60);

pub(super) fn check(repo: &Repository<'_>) -> Vec<Finding> {
    let common = repo.git.common_dir();
    let mut files = locks_in(common);
    collect(&common.join("refs"), &mut files);
    // Each worktree has an index and a HEAD of its own, and their locks.
    for worktree in entries(&common.join("worktrees")) {
        files.extend(locks_in(&worktree));
    }
    files.sort();
    files.iter().filter_map(|file| old(file)).collect()
}

fn old(file: &Path) -> Option<Finding> {
    let age = file.metadata().ok()?.modified().ok()?.elapsed().ok()?;
    let shown = file.display().to_string();
    let since = span(i64::try_from(age.as_millis()).ok()?);
    (age >= OLD).then(|| {
        let text =
            format!("'{shown}' is {since} old: if no git is running, a killed one left it, and others wait for it");
        let remedy = program("rm").word(&shown);
        Finding::warning("locks", text, remedy)
    })
}

fn is_lock(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "lock")
}

fn locks_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|file| is_lock(file) && file.is_file()).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in entries(folder) {
        if entry.is_dir() {
            collect(&entry, files);
        } else if is_lock(&entry) {
            files.push(entry);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
