//! Whether tests fail because of a task's work, or would fail without it.
//!
//! Invariant: the work is to blame unless the same command ends the same way on the commit that it
//! would be merged into. The caller holds the checkout's lock.

use std::path::Path;

use super::proof::{CandidateTest, TestResult, last_round};
use crate::domain::oid::Oid;
use crate::domain::task::Ending;

/// A candidate that failed its tests.
pub(super) struct Failure {
    /// What happened, as one line.
    pub(super) text: String,
    pub(super) command: String,
    pub(super) ending: Ending,
}

/// What the failure comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Culprit {
    Work,
    /// The test command, or what was there before the work, for this reason.
    Command(String),
    /// The run is being stopped.
    Stopped,
}

/// Finds out what a failure comes from; `test` is the test that found it.
///
/// A branch that moved since `base` passed its tests, so only what a shell says of a command that
/// it cannot run (exit 126 or 127) is tried there: the setting may be newer than the last merge.
pub(super) fn culprit(
    test: CandidateTest<'_>,
    failed: &Failure,
    tip: &Oid,
    base: &Oid,
) -> anyhow::Result<Culprit> {
    let cannot_run = matches!(failed.ending, Ending::Exited(126 | 127));
    let Some(task) = test.task.filter(|_| cannot_run || tip == base) else {
        return Ok(Culprit::Work);
    };
    let log = test.drive.folder.test_log_without(task);
    let with_work = test.log.clone();
    let without = CandidateTest { log: log.clone(), ..test };
    let (command, ending) = match without.once(tip)? {
        TestResult::Failed { command, ending, .. } => (command, ending),
        TestResult::Stopped => return Ok(Culprit::Stopped),
        TestResult::Passed { .. } | TestResult::NoPlace(_) | TestResult::Disturbed => {
            return Ok(Culprit::Work);
        }
    };
    let is_same = command == failed.command && ending == failed.ending;
    if !is_same || !(cannot_run || prints_the_same(&with_work, &log, &command)) {
        return Ok(Culprit::Work);
    }
    Ok(Culprit::Command(if cannot_run {
        format!("the test command '{command}' cannot be run ({ending})")
    } else {
        format!("'{command}' fails in the same way without this work ({ending})")
    }))
}

/// Returns true if the last round with the work printed what the one round without it did, apart
/// from numbers: times and process ids differ each time.
fn prints_the_same(with_work: &Path, without: &Path, command: &str) -> bool {
    let text = |path: &Path| {
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok()
    };
    let (Some(with_work), Some(without)) = (text(with_work), text(without)) else { return false };
    let last = with_work.rsplit_once(&last_round(command)).map(|(_, last)| last);
    without_numbers(last.unwrap_or(&with_work)) == without_numbers(&without)
}

fn without_numbers(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_round_is_compared_and_no_numbers() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let twice = format!("ran in 12 ms\n\n{}\nran in 7 ms\n", last_round("make"));
        let (twice, once) = (write("twice", &twice), write("once", "ran in 340 ms\n"));
        assert!(prints_the_same(&twice, &once, "make"));
        assert!(!prints_the_same(&twice, &write("other", "no rule for 'all'\n"), "make"));
        assert!(!prints_the_same(&twice, &folder.path().join("gone"), "make"));
    }
}
