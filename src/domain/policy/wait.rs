//! Decides when `wait` ends, and how.
//!
//! Invariant: pure, and a function of two snapshots: it does not depend on how often it is asked.

use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Record, TaskStatus};

/// What a caller waits for.
#[derive(Debug, Clone)]
pub(crate) struct Awaited {
    pub tasks: Vec<TaskId>,
    /// The wait ends with the first change of any of these tasks, not with the end of all.
    pub any: bool,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitEnd {
    /// All of them are merged.
    Merged,
    /// One of them changed, and none that changed needs a person.
    Changed,
    /// One of them needs a person.
    Attention,
    /// No process works on the run, so nothing will change.
    Nothing,
}

impl WaitEnd {
    /// Returns the name, as in the JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            WaitEnd::Merged => "merged",
            WaitEnd::Changed => "changed",
            WaitEnd::Attention => "attention",
            WaitEnd::Nothing => "nothing",
        }
    }
}

impl Awaited {
    /// Returns the indices of the tasks whose state differs from before, or which are in the same
    /// state after another attempt.
    pub(crate) fn changed(&self, before: &Snapshot, now: &Snapshot) -> Vec<usize> {
        let is_other = |index: &usize| {
            let (id, record) = (now.dag.id(*index), now.at(*index).1);
            let is_other_record = |(_, before): (_, &Record)| {
                before.state != record.state || before.attempts.len() != record.attempts.len()
            };
            status_of(before, id) != Some(now.status(*index))
                || before.find(id).is_some_and(is_other_record)
        };
        self.places(now).into_iter().filter(is_other).collect()
    }

    /// Returns the indices of the tasks; one that was removed from the plan is left out.
    fn places(&self, now: &Snapshot) -> Vec<usize> {
        self.tasks.iter().filter_map(|id| now.dag.index(id)).collect()
    }

    /// Returns how the wait ends; `None` while there is something to wait for.
    ///
    /// `before` is what the caller knows; `driven` says that a controller drives the run.
    pub(crate) fn look(&self, before: &Snapshot, now: &Snapshot, driven: bool) -> Option<WaitEnd> {
        if self.any {
            let changed = self.changed(before, now);
            if !changed.is_empty() {
                let needs_person = changed.iter().any(|index| needs_person(now, *index));
                return Some(if needs_person { WaitEnd::Attention } else { WaitEnd::Changed });
            }
        }
        let places = self.places(now);
        let all = |holds: fn(&Snapshot, usize) -> bool| places.iter().all(|i| holds(now, *i));
        if all(is_merged) {
            return Some(WaitEnd::Merged);
        }
        if all(|now, index| is_merged(now, index) || is_held_up(now, index)) {
            return Some(WaitEnd::Attention);
        }
        let at_work = driven || now.active().any(|index| is_running(now, index));
        (!at_work).then_some(WaitEnd::Nothing)
    }
}

/// Returns the status of a task; `None` if the plan did not have it.
pub(crate) fn status_of(snapshot: &Snapshot, id: &TaskId) -> Option<TaskStatus> {
    snapshot.dag.index(id).map(|index| snapshot.status(index))
}

fn is_merged(now: &Snapshot, index: usize) -> bool {
    now.at(index).1.state.is_done()
}

fn is_running(now: &Snapshot, index: usize) -> bool {
    matches!(now.at(index).1.state, crate::domain::task::State::Running { .. })
}

fn needs_person(now: &Snapshot, index: usize) -> bool {
    let state = &now.at(index).1.state;
    state.is_blocked() || state.pause().is_some_and(|pause| pause.until.is_none())
}

/// Returns true if the task, or one that it depends on, cannot continue without a person.
fn is_held_up(now: &Snapshot, index: usize) -> bool {
    let mut seen = vec![false; now.len()];
    let mut queue = vec![index];
    while let Some(index) = queue.pop() {
        if needs_person(now, index) {
            return true;
        }
        // What a merged task depends on does not matter any more.
        if !std::mem::replace(&mut seen[index], true) && !is_merged(now, index) {
            queue.extend(now.dag.dependencies(index));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::oid::Oid;
    use crate::domain::snapshot::{Flags, Run};
    use crate::domain::task::{Block, Reason, Record, Stage, State};
    use crate::plan::{Source, parse};

    /// `b` depends on `a`; `c` on nothing.
    fn snapshot(states: [State; 3]) -> Snapshot {
        let text = "[[task]]\nid = 'a'\ntitle = 'A'\ndepends_on = []\n[[task]]\nid = 'b'\n\
                    title = 'B'\ndepends_on = ['a']\n[[task]]\nid = 'c'\ntitle = 'C'\ndepends_on = []\n";
        let plan = parse(&Source { name: "p.toml", bytes: text.as_bytes() }).expect("sound").plan;
        let record = |(id, state): (&str, State)| {
            let id = TaskId::new(id).expect("an id");
            (id, Record { state, ..Record::default() })
        };
        let records: HashMap<_, _> = ["a", "b", "c"].into_iter().zip(states).map(record).collect();
        let oid = Oid::from_hex(&"0f".repeat(20)).expect("an id");
        let run = Run {
            name: "p".into(),
            base_branch: "main".into(),
            base: oid,
            integration: "feat/p".into(),
            checkout: "/c".into(),
            created: 0,
            flags: Flags::default(),
            kept: None,
            settings: None,
            closed: None,
        };
        Snapshot::new(run, plan, records).expect("no cycle")
    }

    fn running() -> State {
        State::Running { stage: Stage::Implement, worker: None }
    }

    fn done() -> State {
        State::Done { merge: None }
    }

    fn blocked() -> State {
        State::Blocked(Block::new(Reason::Agent, "no"))
    }

    fn all() -> Awaited {
        let ids = ["a", "b", "c"].map(|id| TaskId::new(id).expect("an id"));
        Awaited { tasks: ids.to_vec(), any: false }
    }

    fn any() -> Awaited {
        Awaited { any: true, ..all() }
    }

    #[test]
    fn all_are_awaited_until_each_is_merged_or_held_up() {
        let look = |states| {
            let now = snapshot(states);
            all().look(&now, &now, false)
        };
        assert_eq!(look([running(), State::Waiting, done()]), None);
        assert_eq!(look([done(), done(), done()]), Some(WaitEnd::Merged));
        // b cannot begin before a is mended, so nothing more will come.
        assert_eq!(look([blocked(), State::Waiting, done()]), Some(WaitEnd::Attention));
        assert_eq!(look([blocked(), State::Waiting, running()]), None);
        assert_eq!(look([done(), State::Waiting, done()]), Some(WaitEnd::Nothing));
    }

    #[test]
    fn whoever_drives_will_begin_what_is_ready() {
        let now = snapshot([done(), State::Waiting, done()]);
        assert_eq!(all().look(&now, &now, true), None);
    }

    #[test]
    fn any_change_is_told_apart() {
        let before = snapshot([running(), State::Waiting, running()]);
        let look = |states| any().look(&before, &snapshot(states), true);
        assert_eq!(look([running(), State::Waiting, running()]), None);
        assert_eq!(look([done(), State::Waiting, running()]), Some(WaitEnd::Changed));
        assert_eq!(look([running(), State::Waiting, blocked()]), Some(WaitEnd::Attention));
        // Blocked, let run again, and blocked anew.
        let once = snapshot([blocked(), State::Waiting, running()]);
        let anew = State::Blocked(Block::new(Reason::Agent, "again no"));
        let twice = snapshot([anew, State::Waiting, running()]);
        assert_eq!(any().look(&once, &twice, true), Some(WaitEnd::Attention));
        let changed = any().changed(&before, &snapshot([done(), State::Waiting, running()]));
        assert_eq!(changed, [0, 1], "b is ready now");
    }
}
