//! Which task takes over the worktree of a task that it depends on.
//!
//! Invariant: pure. Only a task that alone can begin takes one over, so that two tasks never want
//! the same worktree, and only before it has one of its own.

use super::schedule::{Limits, by_priority};
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::Record;

/// A task that may begin in the worktree of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handover {
    pub to: TaskId,
    /// Merged tasks that it depends on, the one that ended last first.
    pub from: Vec<TaskId>,
}

/// Returns the only task that can begin now, if a task that it depends on leaves a worktree.
pub(crate) fn handover(snapshot: &Snapshot, limits: &Limits) -> Option<Handover> {
    let [index] = by_priority(snapshot, limits)[..] else { return None };
    let (task, record) = snapshot.at(index);
    if snapshot.is_alone(index) || record.worktree.is_some() || !record.attempts.is_empty() {
        return None;
    }
    let has_place = |record: &Record| {
        record.worktree.as_ref().is_some_and(|place| *place != snapshot.run.checkout)
    };
    let ended = |index: &usize| {
        let last = snapshot.at(*index).1.last_attempt();
        std::cmp::Reverse(last.and_then(|attempt| attempt.ended))
    };
    let before = snapshot.dag.dependencies(index).iter().copied();
    let mut from: Vec<usize> = before.filter(|it| has_place(snapshot.at(*it).1)).collect();
    from.sort_by_key(ended);
    let from: Vec<TaskId> = from.into_iter().map(|it| snapshot.dag.id(it).clone()).collect();
    (!from.is_empty()).then(|| Handover { to: task.id.clone(), from })
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::domain::config::Defaults;
    use crate::domain::oid::Oid;
    use crate::domain::snapshot::{Flags, Run};
    use crate::domain::task::State;
    use crate::plan::{Source, parse};

    fn id(name: &str) -> TaskId {
        TaskId::new(name).expect("an id")
    }

    /// The run of a plan in which these tasks are done, each in a worktree of its own.
    fn snapshot(plan: &str, done: &[&str]) -> Snapshot {
        let parsed = parse(&Source { name: "p.toml", bytes: plan.as_bytes() }).expect("a plan");
        let record = |name: &&str| {
            let state = State::Done { merge: None };
            (id(name), Record { state, worktree: Some(format!("/w/{name}")), ..Record::default() })
        };
        let records: HashMap<TaskId, Record> = done.iter().map(record).collect();
        let run = Run {
            name: "p".into(),
            base_branch: "main".into(),
            base: Oid::from_hex(&"0f".repeat(20)).expect("an id"),
            integration: "feat/p".into(),
            checkout: "/c".into(),
            created: 0,
            flags: Flags::default(),
            closed: None,
            kept: None,
            settings: None,
        };
        Snapshot::new(run, parsed.plan, records).expect("sound")
    }

    fn task(name: &str, depends_on: &[&str], more: &str) -> String {
        format!("[[task]]\nid = '{name}'\ndepends_on = {depends_on:?}\nprompt = 'x'\n{more}\n")
    }

    fn of(snapshot: &Snapshot) -> Option<(String, Vec<String>)> {
        let limits = Limits {
            jobs: 8,
            only: None,
            launched: HashSet::new(),
            new_worktrees: 8,
            defaults: Defaults::default(),
            now: None,
        };
        let found = handover(snapshot, &limits)?;
        Some((found.to.to_string(), found.from.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn the_only_ready_task_takes_over_the_worktree_of_a_dependency() {
        let chain = task("a", &[], "") + &task("b", &["a"], "") + &task("c", &["b"], "");
        assert_eq!(of(&snapshot(&chain, &[])), None, "nothing is left by anyone");
        assert_eq!(of(&snapshot(&chain, &["a"])), Some(("b".into(), vec!["a".into()])));
        let fork = task("a", &[], "") + &task("b", &["a"], "") + &task("c", &["a"], "");
        assert_eq!(of(&snapshot(&fork, &["a"])), None, "two tasks can begin");
        assert_eq!(of(&snapshot(&fork, &["a", "b"])), Some(("c".into(), vec!["a".into()])));
        let alone = task("a", &[], "") + &task("b", &["a"], "parallel_safe = false");
        assert_eq!(of(&snapshot(&alone, &["a"])), None, "it needs no worktree");
    }
}
