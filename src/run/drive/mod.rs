//! The loop: looks at the journal, asks `schedule` what to do, does it, looks again.
//!
//! Invariant: it waits in one place, for messages and the journal alone; what takes long
//! (agents, merges, cleaning) goes on elsewhere and sends a message when it ends.

pub(crate) mod by_hand;
pub(crate) mod driver;
pub(crate) mod proposals;
pub(crate) mod space;
pub(crate) mod stop;

use std::collections::{HashMap, HashSet, VecDeque};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::schedule::{Action, Limits, decide, next_time};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::State;
use crate::journal::Journal;
use crate::system::clock;
use crate::system::process::{self, StopSwitch};

use super::cleanup;
use super::cleanup::{CleanOptions, CleanReport};
use super::merge::{By, Integrated};
use super::{Drive, End, Progress, brief, merge, recover};
use proposals::Talk;
use space::Space;

/// How often the journal is looked at for what other processes wrote (one small file).
const GLANCE: Duration = Duration::from_millis(100);
/// How often the process table is asked whether supervisors live, and a merge that waits is tried.
const SLOW_GLANCE: Duration = Duration::from_millis(1000);
/// How often a supervisor may end without having claimed its attempt.
const MAX_UNCLAIMED: u32 = 3;

/// Drives a run to its end. The caller holds the controller's lock.
pub(crate) fn drive(
    drive: &Drive,
    journal: Journal,
    only: Option<HashSet<TaskId>>,
    on_event: &mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<End> {
    let (sender, receiver) = channel();
    forward_signals(sender.clone())?;
    let jobs = drive.settings.jobs as usize;
    let (launched, defaults, now) = (HashSet::new(), drive.settings.defaults(), clock::now_ms());
    let limits = Limits { jobs, only, launched, new_worktrees: usize::MAX, defaults, now };
    std::thread::scope(|scope| {
        let mut control = Control {
            drive,
            journal,
            limits,
            on_event,
            scope,
            sender,
            test: StopSwitch::default(),
            seen: None,
            unclaimed: HashMap::new(),
            merging: None,
            waiting: HashMap::new(),
            cleaning: None,
            to_clean: VecDeque::new(),
            talks: StopSwitch::default(),
            talking: false,
            to_talk: VecDeque::new(),
            terminal: None,
            stopping: None,
            last_slow: Instant::now(),
            space: Space::new(drive),
            is_short: false,
            rests_until: None,
        };
        let end = control.run(&receiver);
        control.test.stop();
        control.talks.stop();
        end
    })
}

enum Message {
    SupervisorEnded(TaskId, u32),
    Integrated(TaskId, anyhow::Result<Integrated>),
    Cleaned(TaskId, anyhow::Result<CleanReport>),
    /// What the user should know of the remote.
    Talked(anyhow::Result<Vec<String>>),
    Signal(i32),
}

fn forward_signals(sender: Sender<Message>) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // A closed terminal is no reason to stop: SIGHUP is taken and left alone.
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        let asks_to_end = |signal: &i32| *signal != SIGHUP;
        for signal in signals.forever().filter(asks_to_end) {
            if sender.send(Message::Signal(signal)).is_err() {
                break;
            }
        }
    });
    Ok(())
}

/// The newest state, and the commit it was read from.
struct Seen {
    commit: Oid,
    snapshot: Arc<Snapshot>,
}

struct Control<'a, 's, 'env> {
    drive: &'env Drive,
    journal: Journal,
    limits: Limits,
    on_event: &'a mut dyn FnMut(Progress<'_>),
    scope: &'s std::thread::Scope<'s, 'env>,
    sender: Sender<Message>,
    test: StopSwitch,
    seen: Option<Seen>,
    /// Supervisors that ended before their claim.
    unclaimed: HashMap<TaskId, u32>,
    merging: Option<TaskId>,
    /// Merges that could not go on, and when they were tried.
    waiting: HashMap<TaskId, (Instant, String)>,
    /// The merged task whose worktree is being removed, and those whose turn comes.
    cleaning: Option<TaskId>,
    to_clean: VecDeque<TaskId>,
    /// Ends what is said to a remote.
    talks: StopSwitch,
    talking: bool,
    to_talk: VecDeque<Talk>,
    /// The task that has the terminal.
    terminal: Option<TaskId>,
    stopping: Option<i32>,
    last_slow: Instant,
    space: Space,
    /// It was told that there is no room for more worktrees.
    is_short: bool,
    /// It was told that nothing goes on before this time (milliseconds since 1970).
    rests_until: Option<i64>,
}

impl Control<'_, '_, '_> {
    fn run(&mut self, receiver: &Receiver<Message>) -> anyhow::Result<End> {
        self.refresh()?;
        self.recover()?;
        self.begin_talks()?;
        loop {
            self.limits.now = clock::now_ms();
            self.refresh()?;
            self.tidy()?;
            self.talk()?;
            if let Some(end) = self.end()? {
                return Ok(end);
            }
            let actions = match self.stopping {
                None => self.decide()?,
                Some(_) => Vec::new(),
            };
            for action in actions {
                self.perform(action)?;
            }
            self.wait(receiver)?;
        }
    }

    fn seen(&self) -> anyhow::Result<&Seen> {
        self.seen.as_ref().context("the run has no journal")
    }

    /// Reads the journal when it has changed, and tells what did.
    fn refresh(&mut self) -> anyhow::Result<()> {
        let tip = self.journal.tip()?;
        if self.seen.as_ref().is_some_and(|seen| Some(&seen.commit) == tip.as_ref()) {
            return Ok(());
        }
        let tip = self.journal.load()?.context("the run's journal is gone")?;
        let new = Arc::new(tip.snapshot);
        let old = self.seen.replace(Seen { commit: tip.commit, snapshot: new.clone() });
        let mut blocked = Vec::new();
        for index in 0..new.len() {
            let (task, record) = new.at(index);
            let is_to_begin = matches!(
                record.state,
                State::Waiting | State::Pending { .. } | State::Paused { .. }
            );
            if !is_to_begin {
                self.limits.launched.remove(&task.id);
                self.unclaimed.remove(&task.id);
            }
            let Some(before) = old.as_ref().map(|old| old.snapshot.at(index).1) else { continue };
            if let (State::Running { worker: Some(worker), .. }, Some(_)) =
                (&record.state, self.stopping)
            {
                // It was launched before the signal and has claimed its attempt only now.
                process::terminate(worker);
            }
            if record.went_on_since(before) {
                (self.on_event)(Progress::Changed { snapshot: &new, index, before });
                if record.state.is_done() {
                    self.waiting.remove(&task.id);
                    self.to_clean.push_back(task.id.clone());
                }
                if record.state.is_blocked() && !before.state.is_blocked() {
                    blocked.push(task.id.clone());
                }
            }
        }
        blocked.iter().try_for_each(|id| self.talk_about(id))
    }

    /// Takes away the worktree and branch of a task that was merged, in a thread of its own:
    /// removing many files takes a while, and nothing has to wait for it.
    fn tidy(&mut self) -> anyhow::Result<()> {
        if self.drive.settings.keep {
            self.to_clean.clear();
        }
        if self.cleaning.is_some() {
            return Ok(());
        }
        let Some(id) = self.to_clean.pop_front() else { return Ok(()) };
        let snapshot = self.seen()?.snapshot.clone();
        let (own, sender) = (self.drive.clone(), self.sender.clone());
        self.cleaning = Some(id.clone());
        self.scope.spawn(move || {
            let cleaned = cleanup::clean_task(&own, &snapshot, &id, CleanOptions::default());
            let _ = sender.send(Message::Cleaned(id, cleaned));
        });
        Ok(())
    }

    fn recover(&mut self) -> anyhow::Result<()> {
        let seen = self.seen()?;
        recover::ensure_integration(self.drive, &seen.snapshot)?;
        recover::settle(self.drive, &self.journal, &seen.snapshot)?;
        self.refresh()?;
        let snapshot = self.seen()?.snapshot.clone();
        merge::complete_notes(self.drive, &snapshot)?;
        // It holds those that were just found to be merged, too.
        self.to_clean = cleanup::tasks_to_clean(self.drive, &snapshot)?.into();
        Ok(())
    }

    /// Returns how it ended, when nothing is under way and nothing can be begun.
    fn end(&mut self) -> anyhow::Result<Option<End>> {
        let snapshot = self.seen()?.snapshot.clone();
        let runs =
            |i: usize| matches!(snapshot.at(i).1.state, State::Running { worker: Some(_), .. });
        let busy = snapshot.active().any(runs) || self.merging.is_some() || self.cleaning.is_some();
        let busy = busy || self.talking;
        if busy || !self.limits.launched.is_empty() {
            return Ok(None);
        }
        let has_more = !self.to_clean.is_empty() || !self.to_talk.is_empty();
        if has_more && self.stopping.is_none() {
            return Ok(None);
        }
        if let Some(signal) = self.stopping {
            return Ok(Some(End::Stopped(signal)));
        }
        let wanted = |id: &TaskId| self.limits.only.as_ref().is_none_or(|only| only.contains(id));
        let all_done =
            snapshot.tasks().all(|(task, record)| !wanted(&task.id) || record.state.is_done());
        if all_done {
            return Ok(Some(End::Finished));
        }
        let can_go_on = |action: &Action| match action {
            Action::Merge(id) => !self.waiting.contains_key(id),
            Action::Start(_) | Action::StartAlone(_) => true,
        };
        // A disk that is full now may have room later.
        if decide(&snapshot, &self.limits.with_room()).iter().any(can_go_on) {
            self.rests_until = None;
            return Ok(None);
        }
        let Some(until) = next_time(&snapshot, &self.limits) else { return Ok(Some(End::Stuck)) };
        if self.rests_until.replace(until) != Some(until) {
            (self.on_event)(Progress::Rests { until: clock::at(until) });
        }
        Ok(None)
    }

    /// Asks what to do next, as far as there is room for it.
    fn decide(&mut self) -> anyhow::Result<Vec<Action>> {
        let snapshot = self.seen()?.snapshot.clone();
        self.limits.new_worktrees =
            self.space.room(self.drive, &snapshot, self.limits.launched.len());
        let actions = decide(&snapshot, &self.limits);
        let wanted = decide(&snapshot, &self.limits.with_room());
        let is_short = actions.len() < wanted.len() && self.limits.new_worktrees == 0;
        if is_short && !self.is_short && self.limits.launched.is_empty() {
            (self.on_event)(Progress::NoRoom { why: &self.space.why() });
            self.is_short = true;
        }
        self.is_short &= self.limits.new_worktrees == 0;
        Ok(actions)
    }

    fn perform(&mut self, action: Action) -> anyhow::Result<()> {
        match action {
            Action::Start(id) => self.start(id, false),
            Action::StartAlone(id) => self.start(id, true),
            Action::Merge(id) => self.merge(id),
        }
    }

    fn start(&mut self, id: TaskId, alone: bool) -> anyhow::Result<()> {
        if alone {
            self.terminal = Some(id.clone());
            (self.on_event)(Progress::Terminal { task: &id, taken: true });
        }
        let launched = brief::launch(self.drive, &self.seen()?.snapshot, &id, alone);
        let (child, number) = launched.with_context(|| format!("task '{id}'"))?;
        self.limits.launched.insert(id.clone());
        self.reap(id, number, child);
        Ok(())
    }

    /// Waits for a supervisor in a thread of its own, so that none becomes a zombie.
    fn reap(&self, id: TaskId, number: u32, mut child: Child) {
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let _ = child.wait();
            let _ = sender.send(Message::SupervisorEnded(id, number));
        });
    }

    fn merge(&mut self, id: TaskId) -> anyhow::Result<()> {
        let waits = self.waiting.get(&id).is_some_and(|(tried, _)| tried.elapsed() < SLOW_GLANCE);
        if self.merging.is_some() || waits {
            return Ok(());
        }
        let snapshot = &self.seen()?.snapshot;
        let (task, _) = snapshot.find(&id).context("the plan has no such task")?;
        let (task, run, test) = (task.clone(), snapshot.run.clone(), self.test.clone());
        let (own, sender) = (self.drive.clone(), self.sender.clone());
        self.merging = Some(id);
        self.scope.spawn(move || {
            let ended = merge::integrate(&own, &run, &task, &test, By::Controller);
            let _ = sender.send(Message::Integrated(task.id, ended));
        });
        Ok(())
    }

    fn wait(&mut self, receiver: &Receiver<Message>) -> anyhow::Result<()> {
        match receiver.recv_timeout(GLANCE) {
            Ok(Message::SupervisorEnded(id, number)) => self.after_supervisor(&id, number),
            Ok(Message::Integrated(id, ended)) => self.after_merge(id, ended),
            Ok(Message::Cleaned(id, cleaned)) => self.after_cleaning(&id, cleaned),
            Ok(Message::Talked(ended)) => self.after_talk(ended),
            Ok(Message::Signal(signal)) => self.stop(signal),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.tick(),
        }
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        if self.last_slow.elapsed() >= SLOW_GLANCE {
            self.last_slow = Instant::now();
            let seen = self.seen()?;
            recover::settle_lost(self.drive, &self.journal, &seen.snapshot)?;
        }
        if let Some(seen) = self.seen.as_ref().filter(|_| self.terminal.is_none()) {
            (self.on_event)(Progress::Tick(&seen.snapshot));
        }
        Ok(())
    }

    /// A supervisor ended: its outcome is in the journal, or it is lost.
    fn after_supervisor(&mut self, id: &TaskId, number: u32) -> anyhow::Result<()> {
        if self.terminal.take_if(|task| task == id).is_some() {
            (self.on_event)(Progress::Terminal { task: id, taken: false });
        }
        self.refresh()?;
        let snapshot = self.seen()?.snapshot.clone();
        recover::settle_lost(self.drive, &self.journal, &snapshot)?;
        self.limits.launched.remove(id);
        let (_, record) = snapshot.find(id).context("the plan has no such task")?;
        if record.next_attempt() > number || self.stopping.is_some() {
            return Ok(());
        }
        let count = self.unclaimed.entry(id.clone()).or_default();
        *count += 1;
        if *count >= MAX_UNCLAIMED {
            let log = self.drive.folder.attempt(id, number).supervisor_log();
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("the supervisor of task '{id}' does not start: {}", said.trim());
        }
        Ok(())
    }

    fn after_merge(&mut self, id: TaskId, ended: anyhow::Result<Integrated>) -> anyhow::Result<()> {
        self.merging = None;
        match ended.with_context(|| format!("cannot merge task '{id}'"))? {
            Integrated::Settled | Integrated::Stopped => {
                self.waiting.remove(&id);
            }
            Integrated::Waits(why) => {
                let known = self.waiting.insert(id.clone(), (Instant::now(), why.clone()));
                if known.is_none_or(|(_, before)| before != why) {
                    (self.on_event)(Progress::Waits { task: &id, why: &why });
                }
            }
        }
        Ok(())
    }

    fn after_cleaning(
        &mut self,
        id: &TaskId,
        cleaned: anyhow::Result<CleanReport>,
    ) -> anyhow::Result<()> {
        self.cleaning = None;
        // Whatever git has against it: what cannot be removed stays, and the run goes on.
        let cleaned = cleaned.unwrap_or_else(|error| CleanReport::kept_because(id, &error));
        (self.on_event)(Progress::Cleaned(&cleaned));
        Ok(())
    }

    /// The first signal stops agents gently, the second kills them.
    fn stop(&mut self, signal: i32) -> anyhow::Result<()> {
        (self.on_event)(Progress::Stopping { again: self.stopping.is_some() });
        self.stopping = Some(signal);
        self.test.stop();
        self.talks.stop();
        self.refresh()?;
        for (_, record) in self.seen()?.snapshot.tasks() {
            if let State::Running { worker: Some(worker), .. } = &record.state {
                process::terminate(worker);
            }
        }
        Ok(())
    }
}
