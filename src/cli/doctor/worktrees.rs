//! Worktrees: whether git ignores them, whether they exist, and what they would lack.

use super::files::{is_tracked_text, text_of};
use super::{Finding, Repository};
use crate::domain::steps::{Remedy, Step, git};
use crate::git::worktree::{LOCK, ListedWorktree};
use crate::system::process::{find_program, worker};

pub(super) fn check(repo: &Repository<'_>) -> Vec<Finding> {
    let listed = repo.git.worktrees().unwrap_or_default();
    let known = listed.iter().filter_map(stale);
    known.chain(excluded(repo)).chain(submodules(repo)).chain(lfs(repo)).collect()
}

fn stale(listed: &ListedWorktree) -> Option<Finding> {
    let shown = listed.path.display().to_string();
    let unlock = git("worktree unlock").word(&shown);
    if !listed.path.exists() {
        let text = format!("the folder of the worktree '{shown}' is gone, but git still lists it");
        return Some(match &listed.locked {
            None => Finding::warning("worktrees", text, git("worktree prune")),
            Some(_) => {
                Finding::warning("worktrees", text, Step::from(unlock).and(git("worktree prune")))
            }
        });
    }
    // Locks of the user and of other programs are theirs to judge.
    let reason = listed.locked.as_deref().filter(|reason| reason.starts_with(LOCK))?;
    let (_, pid) = reason.rsplit_once("(pid ")?;
    let pid = pid.trim_end_matches(')').parse().ok()?;
    worker(pid).is_none().then(|| {
        let text =
            format!("the worktree '{shown}' is locked by process {pid}, which no longer runs");
        Finding::warning("worktrees", text, unlock)
    })
}

/// Only a note, because `start` fixes it by itself.
fn excluded(repo: &Repository<'_>) -> Option<Finding> {
    let folder = repo.nested()?;
    let is_hidden = repo.git.ignores(&repo.git.home(), &format!("{folder}/x")).ok()?;
    (!is_hidden).then(|| {
        let text = format!(
            "{folder} is not ignored yet; the first 'start' will add it to .git/info/exclude"
        );
        Finding::note("exclude", text, Step::exclude(format!("/{folder}/")))
    })
}

fn submodules(repo: &Repository<'_>) -> Option<Finding> {
    let has_setup = || {
        let pairs = repo.git.config().unwrap_or_default();
        pairs.iter().any(|(key, _)| key == "setup")
    };
    text_of(repo.top_level()?, ".gitmodules").filter(|text| text.contains("path"))?;
    (!has_setup()).then(|| {
        let text = "the folders of submodules are empty in a new worktree";
        let setup = "git submodule update --init --recursive";
        let remedy = git("config orchestrate.setup").word(setup);
        Finding::note("submodules", text, remedy)
    })
}

fn lfs(repo: &Repository<'_>) -> Option<Finding> {
    let uses = is_tracked_text(repo, "filter=lfs", &[".gitattributes", "**/.gitattributes"]);
    let is_set_up = repo.git.has_config("filter.lfs.process");
    let (text, remedy) = match (uses, find_program("git-lfs").is_some(), is_set_up) {
        (false, ..) | (true, true, true) => return None,
        (true, false, _) => (
            "git-lfs is not installed, so worktrees would have pointers instead of files",
            Remedy::from(
                git("lfs install").to("Install git-lfs (https://git-lfs.com), then set it up"),
            ),
        ),
        (true, true, false) => (
            "git-lfs is not set up, so worktrees would have pointers instead of files",
            git("lfs install").into(),
        ),
    };
    Some(Finding::error("lfs", text, remedy))
}
