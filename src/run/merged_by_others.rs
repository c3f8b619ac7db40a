//! Whether the work of a task is in a branch already, although this run did not merge it.
//!
//! Invariant: git is asked, and an error from git means no: nothing counts as merged by mistake.

use crate::domain::oid::Oid;
use crate::domain::task::{Record, State};
use crate::git::Git;

/// Returns what a task's branch holds, where somebody else has merged it into a history that
/// ends at `tip`.
///
/// Only work that an attempt left counts: a branch that is in the integration branch because
/// it never left it, or was set back, says nothing. One that holds more than what was merged
/// is not merged. A blocked task may also have been rebased or squashed there.
pub(super) fn merged_by_others(
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

/// Returns the newest commit that an attempt left beyond where it began.
fn work_of(git: &Git, record: &Record) -> Option<Oid> {
    record.attempts.iter().rev().find_map(|attempt| {
        let commit = attempt.commit.as_ref()?;
        (!is_in(git, commit, &attempt.base)).then(|| commit.clone())
    })
}

/// A commit that git does not have any more is in nothing.
fn is_in(git: &Git, commit: &Oid, history: &Oid) -> bool {
    git.is_ancestor(commit, history).unwrap_or(false)
}
