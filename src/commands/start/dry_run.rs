//! `start --dry-run`: what would be done now.
//!
//! Invariant: writes nothing; what it tells is decided where the real run decides it.

use std::collections::HashSet;

use crate::clock;
use crate::config::Settings;
use crate::plan::TaskId;
use crate::schedule::{Action, Limits, decide};
use crate::snapshot::Snapshot;
use crate::view::progress;

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
    let (launched, agent, now) = (HashSet::new(), settings.agent.clone(), clock::now_ms());
    let limits = Limits { jobs, only, launched, new_worktrees: usize::MAX, agent, now };
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
    text + &format!("agent: {}\ntest: {}\n", or_none(&settings.agent), or_none(&settings.test))
}
