//! Worktrees: hidden from git, all there, and with what a checkout needs beside its files.

use super::files::{is_tracked_text, text_of};
use super::{Finding, Place};
use crate::domain::shell::quoted;
use crate::git::worktree::{LOCK, Listed};
use crate::system::process::{find_program, worker};

pub(super) fn look(place: &Place<'_>) -> Vec<Finding> {
    let listed = place.git.worktrees().unwrap_or_default();
    let known = listed.iter().filter_map(gone_or_left);
    known.chain(excluded(place)).chain(submodules(place)).chain(lfs(place)).collect()
}

fn gone_or_left(listed: &Listed) -> Option<Finding> {
    let shown = listed.path.display().to_string();
    let unlock = format!("git worktree unlock {}", quoted(&shown));
    if !listed.path.exists() {
        let text = format!("the folder of the worktree '{shown}' is gone, and git does not know");
        return Some(match &listed.locked {
            None => Finding::warning("worktrees", text, "git worktree prune"),
            Some(_) => {
                Finding::warning("worktrees", text, format!("{unlock} && git worktree prune"))
            }
        });
    }
    let reason = listed.locked.as_deref().filter(|reason| reason.starts_with(LOCK))?;
    let (_, pid) = reason.rsplit_once("(pid ")?;
    let pid = pid.trim_end_matches(')').parse().ok()?;
    worker(pid).is_none().then(|| {
        let text = format!("the worktree '{shown}' is locked by process {pid}, which is gone");
        Finding::warning("worktrees", text, unlock)
    })
}

/// `start` does it by itself, so it is only good to know.
fn excluded(place: &Place<'_>) -> Option<Finding> {
    let folder = place.nested()?;
    let is_hidden = place.git.ignores(&place.git.home(), &format!("{folder}/x")).ok()?;
    (!is_hidden).then(|| {
        let text = format!("git does not ignore {folder} yet; the first 'start' sees to that");
        let line = quoted(&format!("/{folder}/"));
        let remedy =
            format!("printf '%s\\n' {line} >>\"$(git rev-parse --git-path info/exclude)\"");
        Finding::note("exclude", text, remedy)
    })
}

fn submodules(place: &Place<'_>) -> Option<Finding> {
    let has_setup = || {
        let pairs = place.git.config().unwrap_or_default();
        pairs.iter().any(|(key, _)| key == "setup")
    };
    text_of(place.top_level()?, ".gitmodules").filter(|text| text.contains("path"))?;
    (!has_setup()).then(|| {
        let text = "there are submodules, and their folders are empty in a new worktree";
        let remedy = "git config orchestrate.setup 'git submodule update --init --recursive'";
        Finding::note("submodules", text, remedy)
    })
}

fn lfs(place: &Place<'_>) -> Option<Finding> {
    let uses = is_tracked_text(place, "filter=lfs", &[".gitattributes", "**/.gitattributes"]);
    let is_set_up = place.git.has_config("filter.lfs.process");
    let (text, remedy) = match (uses, find_program("git-lfs").is_some(), is_set_up) {
        (false, ..) | (true, true, true) => return None,
        (true, false, _) => (
            "files are kept with git-lfs, which is not installed: worktrees would hold pointers",
            "install git-lfs (https://git-lfs.com), then: git lfs install",
        ),
        (true, true, false) => (
            "files are kept with git-lfs, which is not set up: worktrees would hold pointers",
            "git lfs install",
        ),
    };
    Some(Finding::error("lfs", text, remedy))
}
