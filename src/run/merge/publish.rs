//! Moves a branch to a commit that passed, together with its checkout.
//!
//! Invariant: by compare-and-swap, forward only, and never under uncommitted work: if the branch is
//! checked out, that checkout must be clean, and git moves both.

use crate::domain::oid::Oid;
use crate::git::Git;
use crate::git::database::refs::Swap;
use crate::git::status;

/// The result of moving a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Published {
    Done,
    /// Somebody else moved the branch first.
    Moved,
    /// Nothing happened, for this reason.
    Waits(String),
}

/// Returns why a branch cannot be moved now: it is being rebased, or checked out with uncommitted
/// changes.
pub(crate) fn why_waits(git: &Git, branch: &str) -> anyhow::Result<Option<String>> {
    if let Some(operation) = git.rebase_of(branch)? {
        let why = format!("{branch} is being rebased ({})", operation.display());
        return Ok(Some(format!("{why}: finish that first")));
    }
    let Some(elsewhere) = git.worktree_of(branch)? else { return Ok(None) };
    let dirt = status::dirt(&elsewhere.path)?;
    let is_clean = dirt.changed.is_empty() && dirt.unmerged.is_empty();
    let place = elsewhere.path.display();
    Ok((!is_clean).then(|| {
        format!("{branch} is checked out at {place} with uncommitted changes: commit or stash them")
    }))
}

/// Moves a branch from one commit to a later one, and the checkout it is in.
pub(crate) fn publish(
    git: &Git,
    branch: &str,
    from: &Oid,
    to: &Oid,
    why: &str,
) -> anyhow::Result<Published> {
    if let Some(why) = why_waits(git, branch)? {
        return Ok(Published::Waits(why));
    }
    let name = format!("refs/heads/{branch}");
    let Some(elsewhere) = git.worktree_of(branch)? else {
        return Ok(match git.swap_ref(&name, Some(from), to, why)? {
            Swap::Done => Published::Done,
            Swap::Moved => Published::Moved,
            Swap::Locked => return Err(git.stale_lock(&name)),
        });
    };
    let is_at =
        |commit: &Oid| Ok::<bool, anyhow::Error>(git.find_branch(branch)?.as_ref() == Some(commit));
    // The user may have committed or switched since; `git merge` would merge into whatever is there.
    if !is_at(from)? || status::head(&elsewhere.path)?.0.as_deref() != Some(branch) {
        return Ok(Published::Moved);
    }
    // By git in that checkout: a ref that moves alone would make its files look like a revert.
    let moved = git.fast_forward(&elsewhere.path, branch, to);
    // git may report an error after it moved the branch, for example from a hook.
    if is_at(to)? {
        return Ok(Published::Done);
    }
    if !is_at(from)? {
        return Ok(Published::Moved);
    }
    let cause =
        moved.err().map_or("git gave no reason".into(), |error| error.root_cause().to_string());
    let (place, cause) = (elsewhere.path.display(), cause.replace('\n', " "));
    Ok(Published::Waits(format!(
        "{branch} is checked out at {place}, and git did not update it: {cause}"
    )))
}
