//! Whether a branch contains the work of a task that this run did not merge.
//!
//! Invariant: git is asked, and an error from git means no, so that nothing counts as merged by
//! mistake.

use crate::domain::oid::Oid;
use crate::domain::task::{Record, State};
use crate::git::Git;

/// Returns the tip of a task's branch if somebody else merged it into the history of `tip`.
///
/// Only work of an attempt counts: a branch without a commit of its own, or set back to the base,
/// is an ancestor too, but nothing was merged. A branch with further commits is not merged. The
/// work of a blocked task may also have been rebased or squashed: then its content counts.
pub(crate) fn merged_by_others(
    git: &Git,
    record: &Record,
    tip: &Oid,
) -> anyhow::Result<Option<Oid>> {
    let (State::Waiting | State::Paused { .. } | State::Blocked(_)) = record.state else {
        return Ok(None);
    };
    let Some(branch) = &record.branch else { return Ok(None) };
    let Some(work) = work_of(git, record) else { return Ok(None) };
    let commit = git.find_branch(branch)?.unwrap_or(work.clone());
    let has = |part: &Oid, whole: &Oid| {
        is_in(git, part, whole)
            || (record.state.is_blocked() && git.is_content_in(part, whole).unwrap_or(false))
    };
    let is_merged = has(&work, tip) && has(&work, &commit) && has(&commit, tip);
    Ok(is_merged.then_some(commit))
}

/// Returns the newest commit of an attempt that is not in the attempt's base.
fn work_of(git: &Git, record: &Record) -> Option<Oid> {
    record.attempts.iter().rev().find_map(|attempt| {
        let commit = attempt.commit.as_ref()?;
        (!is_in(git, commit, &attempt.base)).then(|| commit.clone())
    })
}

/// Returns true if the history contains the commit; false if git has lost the commit.
fn is_in(git: &Git, commit: &Oid, history: &Oid) -> bool {
    git.is_ancestor(commit, history).unwrap_or(false)
}
