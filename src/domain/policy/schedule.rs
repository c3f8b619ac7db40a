//! Decides what a run does next.
//!
//! Invariant: [`decide`] is a pure function of a snapshot and the limits. It never exceeds the limits
//! and never names a task with an unmet dependency. It names an action whenever a task is ready, has
//! room and nothing is active, so a run cannot stand still.

use std::collections::HashSet;

use crate::domain::config::Defaults;
use crate::domain::plan::TaskId;
use crate::domain::policy::choice::Choice;
use crate::domain::policy::limits::{UsageLimit, UsageLimits};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::State;

/// What bounds a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How many agents may run at once.
    pub jobs: usize,
    /// The tasks that may run; `None` for all.
    pub only: Option<HashSet<TaskId>>,
    /// Tasks that were handed to a supervisor, which has not claimed them in the journal yet.
    pub launched: HashSet<TaskId>,
    /// How many more worktrees there is room for, beside those of launched tasks.
    pub new_worktrees: usize,
    /// The settings for tasks that name no agent, model or reviews.
    pub defaults: Defaults,
    /// Milliseconds since 1970: usage limits that ended before hold nothing back. `None` if no
    /// limit does, because nothing is launched.
    pub now: Option<i64>,
}

impl Limits {
    /// Returns the same, with room for any number of worktrees.
    pub(crate) fn with_room(&self) -> Limits {
        Limits { new_worktrees: usize::MAX, ..self.clone() }
    }

    fn wants(&self, id: &TaskId) -> bool {
        !self.launched.contains(id) && self.only.as_ref().is_none_or(|only| only.contains(id))
    }
}

/// An action that is possible now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Launch an attempt in a worktree of its own.
    Start(TaskId),
    /// Run it alone, in the integration checkout, with the terminal.
    StartAlone(TaskId),
    /// Merge its finished work.
    Merge(TaskId),
}

/// Returns all actions that are possible now; the longest remaining path comes first.
///
/// Only the first merge of the queue is named: the next one depends on the branch that this one
/// leaves.
pub(crate) fn decide(snapshot: &Snapshot, limits: &Limits) -> Vec<Action> {
    let merge = merge_queue(snapshot).into_iter().next().map(Action::Merge);
    merge.into_iter().chain(starts(snapshot, limits)).collect()
}

/// Returns the tasks that wait to be merged, in order of arrival.
pub(crate) fn merge_queue(snapshot: &Snapshot) -> Vec<TaskId> {
    let arrival = |index: usize| match snapshot.at(index).1.state {
        State::Merging { arrived, .. } => Some((arrived, index)),
        State::Waiting
        | State::Running { .. }
        | State::Pending { .. }
        | State::Done { .. }
        | State::Paused { .. }
        | State::Blocked(_) => None,
    };
    let mut queue: Vec<(i64, usize)> = (0..snapshot.len()).filter_map(arrival).collect();
    // Two may arrive in the same millisecond; then the plan decides, and the order is the same at
    // each look.
    queue.sort_unstable();
    queue.into_iter().map(|(_, index)| snapshot.dag.id(index).clone()).collect()
}

fn starts(snapshot: &Snapshot, limits: &Limits) -> Vec<Action> {
    let launched = |index: &usize| limits.launched.contains(snapshot.dag.id(*index));
    let runs = |index: &usize| {
        launched(index) || matches!(snapshot.at(*index).1.state, State::Running { .. })
    };
    let everyone = 0..snapshot.len();
    let mut active: Vec<usize> =
        everyone.filter(|i| launched(i) || snapshot.at(*i).1.state.is_active()).collect();
    let mut free = limits.jobs.saturating_sub(active.iter().filter(|i| runs(i)).count());
    let mut room = limits.new_worktrees;
    let reached = reached_limits(snapshot, limits);
    let is_limited = |index: &usize| limit_of(snapshot, limits, &reached, *index).is_some();
    let mut actions = Vec::new();
    // A task that has begun is finished before another one begins: it holds a worktree, and others
    // wait for its merge.
    for index in between_stages(snapshot, limits).filter(|i| !is_limited(i)).take(free) {
        free -= 1;
        actions.push(start(snapshot, index));
    }
    for index in by_priority(snapshot, limits).into_iter().filter(|i| !is_limited(i)) {
        if free == 0 {
            break;
        }
        if active.iter().any(|other| snapshot.bars(*other, index).is_some()) {
            continue;
        }
        let (_, record) = snapshot.at(index);
        if !snapshot.is_alone(index) && record.worktree.is_none() {
            // Not `break`: a later task may have its worktree already.
            if room == 0 {
                continue;
            }
            room -= 1;
        }
        // From here on it bars others as if it ran: all actions of one call are performed.
        active.push(index);
        free -= 1;
        actions.push(start(snapshot, index));
    }
    actions
}

fn start(snapshot: &Snapshot, index: usize) -> Action {
    let id = snapshot.dag.id(index).clone();
    if snapshot.is_alone(index) { Action::StartAlone(id) } else { Action::Start(id) }
}

/// Returns the tasks whose next stage has not begun yet; they have their worktrees.
fn between_stages(snapshot: &Snapshot, limits: &Limits) -> impl Iterator<Item = usize> {
    (0..snapshot.len()).filter(|index| {
        let is_launched = limits.launched.contains(snapshot.dag.id(*index));
        matches!(snapshot.at(*index).1.state, State::Pending { .. }) && !is_launched
    })
}

/// Returns the ready tasks: the longest remaining path first, then in plan order. Tasks that must run
/// alone come last, so that they do not hold up tasks that could run beside each other.
pub(super) fn by_priority(snapshot: &Snapshot, limits: &Limits) -> Vec<usize> {
    let is_paused = |index: &usize| {
        snapshot.at(*index).1.state.pause().is_some() && snapshot.missing(*index).is_empty()
    };
    let can_begin = |index: &usize| snapshot.is_ready(*index) || is_paused(index);
    let mut ready: Vec<usize> = (0..snapshot.len())
        .filter(|index| can_begin(index) && limits.wants(snapshot.dag.id(*index)))
        .collect();
    let key = |index: &usize| {
        let (_, record) = snapshot.at(*index);
        // A paused task holds a worktree already, so it goes first.
        let (alone, is_new) = (snapshot.is_alone(*index), record.state.pause().is_none());
        (alone, is_new, std::cmp::Reverse(snapshot.dag.remaining(*index)), *index)
    };
    ready.sort_by_key(key);
    ready
}

/// Returns when the first task can begin that waits for nothing but the end of a usage limit, in
/// milliseconds since 1970; `None` if no task does, or if it is not known when the limit ends.
pub(crate) fn next_time(snapshot: &Snapshot, limits: &Limits) -> Option<i64> {
    let reached = reached_limits(snapshot, limits);
    let between = between_stages(snapshot, limits);
    let waiting = between.chain(by_priority(snapshot, limits));
    waiting.filter_map(|index| limit_of(snapshot, limits, &reached, index)?.until).min()
}

fn reached_limits(snapshot: &Snapshot, limits: &Limits) -> UsageLimits {
    limits.now.map(|now| UsageLimits::of(snapshot, now)).unwrap_or_default()
}

/// Returns the usage limit that keeps the next attempt at a task from beginning.
fn limit_of(
    snapshot: &Snapshot,
    limits: &Limits,
    reached: &UsageLimits,
    index: usize,
) -> Option<UsageLimit> {
    // Nearly always nothing is limited, and a plan may have thousands of tasks to choose for.
    if reached.is_empty() {
        return None;
    }
    let (task, record) = snapshot.at(index);
    let choice = Choice::of(task, record, &limits.defaults);
    reached.of_program(choice.program().as_deref())
}

/// Returns these tasks and all that they depend on.
pub(crate) fn with_dependencies(snapshot: &Snapshot, ids: &[TaskId]) -> HashSet<TaskId> {
    let mut found = HashSet::new();
    let mut queue: Vec<usize> = ids.iter().filter_map(|id| snapshot.dag.index(id)).collect();
    while let Some(index) = queue.pop() {
        if found.insert(snapshot.dag.id(index).clone()) {
            queue.extend(snapshot.dag.dependencies(index));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::oid::Oid;
    use crate::domain::plan::{Mode, Plan, Task};
    use crate::domain::snapshot::{Flags, Run};
    use crate::domain::task::{
        AttemptEnd, AttemptStart, Block, Ending, Event, Outcome, Pause, Reason, Record, Stage,
        Worker,
    };

    fn id(number: usize) -> TaskId {
        TaskId::new(&format!("t{number}")).expect("an id")
    }

    fn oid() -> Oid {
        Oid::from_hex(&"0f".repeat(20)).expect("an id")
    }

    #[derive(Debug, Clone)]
    struct Sketch {
        depends_on: Vec<usize>,
        file: u8,
        parallel_safe: bool,
    }

    /// A plan of up to 12 tasks whose edges point back, with a few shared files.
    fn any_sketch() -> impl Strategy<Value = Vec<Sketch>> {
        let task = (
            prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            0..6_u8,
            prop::bool::weighted(0.85),
        );
        prop::collection::vec(task, 1..12).prop_map(|tasks| {
            let edges = |at: usize, picks: &[prop::sample::Index]| match at {
                0 => Vec::new(),
                _ => picks.iter().map(|pick| pick.index(at)).collect(),
            };
            let sketch = |(at, (picks, file, safe)): (usize, &(Vec<_>, u8, bool))| Sketch {
                depends_on: edges(at, picks),
                file: *file,
                parallel_safe: *safe,
            };
            tasks.iter().enumerate().map(sketch).collect()
        })
    }

    fn plan_of(sketch: &[Sketch]) -> Plan {
        let task = |(at, sketch): (usize, &Sketch)| Task {
            id: id(at),
            number: None,
            title: format!("task {at}"),
            depends_on: sketch.depends_on.iter().map(|dep| id(*dep)).collect(),
            parallel_safe: sketch.parallel_safe,
            done: false,
            // File 0 stands for "says nothing".
            files: (sketch.file > 0).then(|| format!("f{}", sketch.file)).into_iter().collect(),
            reads: Vec::new(),
            prompt: String::new(),
            run: None,
            model: None,
            agent: None,
            test: None,
            timeout: None,
            plan_first: false,
            criteria: Vec::new(),
            ticket: None,
            final_review: false,
            reviews: None,
            line: 1,
        };
        let tasks = sketch.iter().enumerate().map(task).collect();
        Plan { name: "p".into(), mode: Mode::Dag, preamble: None, tasks }
    }

    fn snapshot_of(sketch: &[Sketch], states: &[State]) -> Snapshot {
        let record = |(at, state): (usize, &State)| {
            (id(at), Record { state: state.clone(), ..Record::default() })
        };
        let records: HashMap<TaskId, Record> = states.iter().enumerate().map(record).collect();
        let run = Run {
            name: "p".into(),
            base_branch: "main".into(),
            base: oid(),
            integration: "feat/p".into(),
            checkout: "/c".into(),
            created: 0,
            flags: Flags::default(),
            kept: None,
            settings: None,
            closed: None,
        };
        Snapshot::new(run, plan_of(sketch), records).expect("edges point back")
    }

    fn running() -> State {
        State::Running {
            stage: Stage::Implement,
            worker: Some(Worker { pid: 1, began: "1".into() }),
        }
    }

    fn limits(jobs: usize) -> Limits {
        let (only, launched, defaults) = (None, HashSet::new(), agent("claude"));
        Limits { jobs, only, launched, new_worktrees: usize::MAX, defaults, now: Some(1000) }
    }

    fn agent(name: &str) -> Defaults {
        Defaults { agent: Some(name.into()), ..Defaults::default() }
    }

    /// Drives a run with the scheduler alone; `blocks` says which tasks fail.
    fn simulate(
        sketch: &[Sketch],
        jobs: usize,
        order: &[prop::sample::Index],
        blocks: u16,
    ) -> Vec<State> {
        let mut states = vec![State::Waiting; sketch.len()];
        let mut step = 0;
        loop {
            let snapshot = snapshot_of(sketch, &states);
            let actions = decide(&snapshot, &limits(jobs));
            let place = |id: &TaskId| snapshot.dag.index(id).expect("known");
            for action in &actions {
                match action {
                    Action::Start(id) | Action::StartAlone(id) => states[place(id)] = running(),
                    Action::Merge(id) => states[place(id)] = State::Done { merge: None },
                }
            }
            check_bounds(sketch, &states, jobs);
            let runs: Vec<usize> =
                (0..states.len()).filter(|i| matches!(states[*i], State::Running { .. })).collect();
            if runs.is_empty() {
                if actions.is_empty() {
                    return states;
                }
                continue;
            }
            let pick = runs[order[step % order.len()].index(runs.len())];
            step += 1;
            states[pick] = if blocks & (1 << pick) == 0 {
                State::Merging { commit: oid(), arrived: step as i64 }
            } else {
                State::Blocked(Block::new(Reason::Agent, "no"))
            };
        }
    }

    fn check_bounds(sketch: &[Sketch], states: &[State], jobs: usize) {
        let active: Vec<usize> = (0..states.len()).filter(|i| states[*i].is_active()).collect();
        let runs = |i: &&usize| matches!(states[**i], State::Running { .. });
        assert!(active.iter().filter(runs).count() <= jobs, "more than {jobs} at once");
        for one in &active {
            for other in active.iter().filter(|other| *other != one) {
                assert!(sketch[*one].parallel_safe, "{one} must be alone, {other} is active");
                let (a, b) = (sketch[*one].file, sketch[*other].file);
                assert!(a == 0 || a != b, "{one} and {other} write the same file");
            }
            for dep in &sketch[*one].depends_on {
                assert!(states[*dep].is_done(), "{one} began before {dep} was merged");
            }
        }
    }

    proptest! {
        #[test]
        fn a_run_never_stands_still(
            sketch in any_sketch(),
            jobs in 1..4_usize,
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
            blocks in any::<u16>(),
            all_pass in any::<bool>(),
        ) {
            let blocks = if all_pass { 0 } else { blocks };
            let states = simulate(&sketch, jobs, &order, blocks);
            for (at, state) in states.iter().enumerate() {
                let waits = sketch[at].depends_on.iter().any(|dep| !states[*dep].is_done());
                let settled = state.is_done() || state.is_blocked();
                prop_assert!(settled || (waits && *state == State::Waiting), "{at}: {state:?}");
                prop_assert!(!all_pass || state.is_done());
            }
        }
    }

    fn sketch(depends_on: &[usize]) -> Sketch {
        Sketch { depends_on: depends_on.to_vec(), file: 0, parallel_safe: true }
    }

    #[test]
    fn the_longest_path_goes_first() {
        let tasks = [sketch(&[]), sketch(&[]), sketch(&[1])];
        let snapshot = snapshot_of(&tasks, &[]);
        assert_eq!(decide(&snapshot, &limits(1)), [Action::Start(id(1))]);
    }

    #[test]
    fn merges_come_in_order_of_arrival() {
        let merging = |arrived| State::Merging { commit: oid(), arrived };
        let tasks = [sketch(&[]), sketch(&[])];
        let snapshot = snapshot_of(&tasks, &[merging(20), merging(10)]);
        assert_eq!(decide(&snapshot, &limits(2)), [Action::Merge(id(1))]);
    }

    #[test]
    fn what_was_launched_counts_as_running() {
        let tasks = [sketch(&[]), sketch(&[])];
        let snapshot = snapshot_of(&tasks, &[]);
        let launched = HashSet::from([id(0)]);
        let limits = Limits { launched, ..limits(1) };
        assert_eq!(decide(&snapshot, &limits), []);
    }

    #[test]
    fn a_full_disk_holds_new_worktrees_back() {
        let tasks = [sketch(&[]), sketch(&[]), sketch(&[])];
        let snapshot = snapshot_of(&tasks, &[]);
        let room = |new_worktrees| Limits { new_worktrees, ..limits(9) };
        assert_eq!(decide(&snapshot, &room(0)), []);
        assert_eq!(decide(&snapshot, &room(2)).len(), 2);
        let alone = [Sketch { parallel_safe: false, ..sketch(&[]) }];
        let snapshot = snapshot_of(&alone, &[]);
        assert_eq!(decide(&snapshot, &room(0)), [Action::StartAlone(id(0))]);
    }

    /// A task whose agent, in its only attempt, reached a limit that ends then.
    fn paused(agent: &str, ended: i64, until: Option<i64>) -> Record {
        let base = oid();
        let started = AttemptStart {
            attempt: 1,
            stage: Stage::Implement,
            base,
            tip: None,
            branch: "b".into(),
            worktree: "/w".into(),
            worker: None,
            agent: Some(agent.into()),
            model: None,
            at: ended - 1,
        };
        let pause = Pause { until, text: "limit".into() };
        let outcome = Outcome::Later(pause);
        let finished = AttemptEnd::new(1, Ending::Limited, outcome, ended);
        let begun = Record::default().apply(&Event::Started(started)).expect("legal");
        begun.apply(&Event::Finished(finished)).expect("legal")
    }

    fn with(tasks: &[Sketch], records: &[(usize, Record)]) -> Snapshot {
        let records = records.iter().map(|(at, record)| (id(*at), record.clone()));
        let run = snapshot_of(tasks, &[]).run;
        Snapshot::new(run, plan_of(tasks), records.collect()).expect("edges point back")
    }

    #[test]
    fn a_limit_holds_back_all_that_use_the_same_program_until_it_ends() {
        let tasks = [sketch(&[]), sketch(&[])];
        let held = with(&tasks, &[(0, paused("claude", 1000, Some(5000)))]);
        assert_eq!(decide(&held, &limits(9)), []);
        assert_eq!(next_time(&held, &limits(9)), Some(5000));
        let later = Limits { now: Some(5000), ..limits(9) };
        assert_eq!(decide(&held, &later), [Action::Start(id(0)), Action::Start(id(1))]);
        assert_eq!(next_time(&held, &later), None);
        let other = Limits { defaults: agent("codex"), ..limits(9) };
        assert_eq!(decide(&held, &other).len(), 2, "with another program nothing is held");
        // What one was told holds for one that was told nothing.
        let both = [(0, paused("claude", 1000, Some(5000))), (1, paused("claude", 1000, None))];
        assert_eq!(next_time(&with(&tasks, &both), &limits(9)), Some(5000));
        assert_eq!(decide(&with(&tasks, &both), &later).len(), 2);
    }

    #[test]
    fn a_limit_without_an_end_is_over_when_a_later_attempt_shows_it() {
        let tasks = [sketch(&[]), sketch(&[])];
        let parked = (0, paused("claude", 1000, None));
        let held = with(&tasks, std::slice::from_ref(&parked));
        assert_eq!((decide(&held, &limits(9)), next_time(&held, &limits(9))), (vec![], None));
        let mut done = paused("claude", 3000, None);
        done.attempts[0].ending = Some(Ending::Exited(0));
        done.state = State::Done { merge: None };
        let proved = with(&tasks, &[parked.clone(), (1, done.clone())]);
        assert_eq!(decide(&proved, &limits(9)), [Action::Start(id(0))]);
        done.attempts[0].started = 999;
        assert_eq!(decide(&with(&tasks, &[parked, (1, done)]), &limits(9)), []);
    }

    #[test]
    fn only_what_is_wanted_runs() {
        let tasks = [sketch(&[]), sketch(&[]), sketch(&[1])];
        let snapshot = snapshot_of(&tasks, &[]);
        let only = Some(with_dependencies(&snapshot, &[id(2)]));
        let limits = Limits { only, ..limits(9) };
        assert_eq!(decide(&snapshot, &limits), [Action::Start(id(1))]);
    }
}
