//! `start --dry-run`: what would be done now.
//!
//! Invariant: writes nothing; what it prints comes from the function that decides for a real run.

use std::collections::HashSet;

use crate::cli::view::rows::progress;
use crate::domain::config::Settings;
use crate::domain::plan::TaskId;
use crate::domain::policy::schedule::{Action, Limits, decide};
use crate::domain::snapshot::Snapshot;
use crate::domain::text::span;
use crate::system::clock;

/// Returns the time limit of an attempt, and those of the stages that have their own.
fn limits_of(settings: &Settings) -> String {
    let own = settings.timeouts.named().map(|(stage, limit)| (format!(" for {stage}"), limit));
    let all = std::iter::once((String::new(), settings.timeout)).chain(own);
    let shown = |(what, limit): (String, u64)| {
        format!("{}{what}", span(i64::try_from(limit).unwrap_or(i64::MAX / 1000) * 1000))
    };
    all.map(shown).collect::<Vec<_>>().join(", ")
}

pub(super) fn text(
    verb: &str,
    settings: &Settings,
    snapshot: &Snapshot,
    only: Option<HashSet<TaskId>>,
) -> String {
    if snapshot.is_finished() {
        return format!("run '{}' is finished: nothing to do", snapshot.run.name);
    }
    let jobs = settings.jobs as usize;
    let (launched, defaults, now) = (HashSet::new(), settings.defaults(), Some(clock::now_ms()));
    let limits = Limits { jobs, only, launched, new_worktrees: usize::MAX, defaults, now };
    let opening = progress::opening(snapshot, settings.jobs);
    let mut text = format!("would {verb} {opening}\n");
    for action in decide(snapshot, &limits) {
        text += &match action {
            Action::Start(id) => format!("would start {id} on {}\n", settings.branch_of(&id)),
            Action::StartAlone(id) => format!("would run {id} alone, in the foreground\n"),
            Action::Merge(id) => format!("would merge {id}\n"),
        };
    }
    let or_none = |command: &Option<String>| command.clone().unwrap_or_else(|| "none".into());
    text += &format!("agent: {}\ntest: {}\n", or_none(&settings.agent), or_none(&settings.test));
    text + &format!("limits: {}\n", limits_of(settings))
}
