//! The loop that drives a run: looks at the journal, asks `schedule` what to do, does it, looks
//! again. `start`, `start --manual` and `merge` are modes of this one loop.
//!
//! Invariant: it waits in one place, for messages and the journal alone. Whatever takes long
//! (agents, merges, cleaning, the network) runs elsewhere and sends a message when it ends.

mod agents;
mod branch;
pub(crate) mod by_hand;
pub(crate) mod controller;
mod handover;
mod lane;
mod merges;
mod proposals;
pub(crate) mod space;
pub(crate) mod stop;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::cleanup::{self, CleanReport};
use super::merge::MergeEnd;
use super::merge::explain::Explained;
use super::{Drive, End, Progress, recover};
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::schedule::{Action, Limits, decide, next_time};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Record, State};
use crate::journal::Journal;
use crate::system::clock;
use crate::system::process::descriptors;
use agents::Supervisors;
use branch::BranchWatch;
use by_hand::HandOut;
use lane::Lane;
use merges::Merges;
use proposals::RemoteJob;
use space::Space;

/// How often the loop looks whether other processes wrote to the journal (one small file).
const GLANCE: Duration = Duration::from_millis(100);
/// How often the loop asks the process table for lost supervisors, and tries a delayed merge again.
const SLOW_GLANCE: Duration = Duration::from_millis(1000);

/// What the loop does with tasks that are ready, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DriveMode {
    /// It launches agents, until nothing is left to do.
    Agents,
    /// It hands ready tasks out to the caller, who launches agents, and does not wait for these.
    ByHand,
    /// It only merges the tasks that it was given.
    Merge,
}

/// Drives a run as far as the mode goes, with these tasks alone if any are named.
///
/// The caller holds the controller's lock, but for [`DriveMode::Merge`], which may run beside a
/// controller.
pub(crate) fn drive(
    drive: &Drive,
    mut journal: Journal,
    mode: DriveMode,
    only: Option<HashSet<TaskId>>,
    on_event: &mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<End> {
    descriptors::close_inherited();
    let (sender, receiver) = channel();
    forward_signals(sender.clone())?;
    let tip = journal.newest()?;
    let limits = Limits {
        jobs: drive.settings.jobs as usize,
        only,
        launched: HashSet::new(),
        new_worktrees: usize::MAX,
        defaults: drive.settings.defaults(),
        now: None,
    };
    std::thread::scope(|scope| {
        let mut driver = Loop {
            drive,
            journal,
            mode,
            limits,
            on_event,
            scope,
            sender,
            tip: tip.commit,
            snapshot: Arc::new(tip.snapshot),
            branch: BranchWatch::default(),
            supervisors: Supervisors::default(),
            merges: Merges::default(),
            cleaning: Lane::default(),
            held_back: Vec::new(),
            remote: Lane::default(),
            hand_outs: Lane::default(),
            stopping: None,
            last_slow: Instant::now(),
            space: Space::new(drive),
            said_no_room: false,
            said_rest: None,
        };
        let end = driver.run(&receiver);
        // The threads of a scope are joined: what they wait for must end.
        driver.stop_lanes();
        end
    })
}

/// What a thread tells the loop.
enum Message {
    SupervisorEnded(TaskId, u32),
    /// The integration branch was explained, or not.
    Explained(anyhow::Result<Explained>),
    MergeEnded(TaskId, anyhow::Result<MergeEnd>),
    Cleaned(TaskId, anyhow::Result<CleanReport>),
    HandedOut(TaskId, anyhow::Result<()>),
    /// What the user should know about the remote.
    RemoteEnded(anyhow::Result<Vec<String>>),
    Signal(i32),
}

/// What the loop does next.
enum Turn {
    /// These actions, if any; then it waits for what is under way.
    Act(Vec<Action>),
    /// Nothing, until this time (milliseconds since 1970).
    Rest(i64),
    End(End),
}

struct Loop<'a, 's, 'env> {
    drive: &'env Drive,
    journal: Journal,
    mode: DriveMode,
    limits: Limits,
    on_event: &'a mut dyn FnMut(Progress<'_>),
    scope: &'s std::thread::Scope<'s, 'env>,
    sender: Sender<Message>,
    /// The commit of the journal that `snapshot` was read from.
    tip: Oid,
    snapshot: Arc<Snapshot>,
    branch: BranchWatch,
    supervisors: Supervisors,
    merges: Merges,
    /// Merged tasks whose worktree and branch are removed.
    cleaning: Lane<TaskId>,
    /// Merged tasks whose worktree another task may take over.
    held_back: Vec<TaskId>,
    remote: Lane<RemoteJob>,
    hand_outs: Lane<HandOut>,
    /// The signal that asked the loop to end.
    stopping: Option<i32>,
    last_slow: Instant,
    space: Space,
    /// `NoRoom` was already reported.
    said_no_room: bool,
    /// `Rests` was already reported for this time.
    said_rest: Option<i64>,
}

impl<'s> Loop<'_, 's, '_> {
    fn run(&mut self, receiver: &Receiver<Message>) -> anyhow::Result<End> {
        self.take_over()?;
        loop {
            // A person who launches agents sees for themselves which of them reached a limit.
            self.limits.now = (self.mode == DriveMode::Agents).then(clock::now_ms);
            self.refresh()?;
            self.watch_branch()?;
            self.clean_next();
            self.next_remote_job();
            self.next_hand_out()?;
            match self.next_turn() {
                Turn::End(end) => return Ok(end),
                Turn::Rest(until) => self.say_rest(until),
                Turn::Act(actions) => {
                    actions.into_iter().try_for_each(|action| self.perform(action))?;
                }
            }
            self.wait(receiver)?;
        }
    }

    /// Settles what earlier processes left, and queues what they did not finish.
    fn take_over(&mut self) -> anyhow::Result<()> {
        recover::settle_all(self.drive, &mut self.journal)?;
        self.refresh()?;
        if self.mode != DriveMode::Merge {
            // The tasks that were just found to be merged are among these.
            self.cleaning.clear();
            let snapshot = self.snapshot.clone();
            let left = cleanup::tasks_to_clean(self.drive, &snapshot)?;
            left.into_iter().for_each(|id| self.clean_later(id));
            self.queue_remote_jobs();
        }
        if self.mode == DriveMode::ByHand {
            self.queue_unfinished_hand_outs();
        }
        Ok(())
    }

    /// Reads the journal if it has changed, and reports the tasks that changed.
    fn refresh(&mut self) -> anyhow::Result<()> {
        // One small file is read ten times a second; the snapshot only after a change.
        if self.journal.tip()?.as_ref() == Some(&self.tip) {
            return Ok(());
        }
        let tip = self.journal.newest()?;
        let new = Arc::new(tip.snapshot);
        let old = std::mem::replace(&mut self.snapshot, new.clone());
        self.tip = tip.commit;
        for index in 0..new.len() {
            let (task, record) = new.at(index);
            let waits_to_begin = matches!(
                record.state,
                State::Waiting | State::Pending { .. } | State::Paused { .. }
            );
            if !waits_to_begin {
                // Claimed: from here on the journal counts it, and it must not count twice.
                self.limits.launched.remove(&task.id);
                self.supervisors.has_claimed(&task.id);
            }
            // Beside `merge`, a controller may take over a plan with other tasks.
            let Some((_, before)) = old.find(&task.id) else { continue };
            self.end_late_claim(record);
            if record.went_on_since(before) {
                (self.on_event)(Progress::Changed { snapshot: &new, index, before });
                self.follow_up(&task.id, record, before);
            }
        }
        Ok(())
    }

    /// Queues what a new state of a task calls for.
    fn follow_up(&mut self, id: &TaskId, record: &Record, before: &Record) {
        if record.state.is_done() {
            self.merges.forget(id);
            if self.is_ours(id) {
                self.clean_later(id.clone());
            }
        }
        if record.state.is_blocked() && !before.state.is_blocked() && self.is_ours(id) {
            self.queue_proposal(id);
        }
    }

    /// Returns true if it is for this process to clean up after a task and to show its conflict: a
    /// `merge` leaves all other tasks to the controller.
    fn is_ours(&self, id: &TaskId) -> bool {
        self.mode != DriveMode::Merge || self.is_wanted(id)
    }

    fn is_wanted(&self, id: &TaskId) -> bool {
        self.limits.only.as_ref().is_none_or(|only| only.contains(id))
    }

    fn next_turn(&mut self) -> Turn {
        let is_busy = self.is_busy();
        if let Some(signal) = self.stopping {
            return if is_busy { Turn::Act(Vec::new()) } else { Turn::End(End::Stopped(signal)) };
        }
        let actions = self.actions();
        if is_busy || self.cleaning.has_work() || self.remote.has_work() {
            return Turn::Act(actions);
        }
        let snapshot = self.snapshot.clone();
        let mut wanted = snapshot.tasks().filter(|(task, _)| self.is_wanted(&task.id));
        if wanted.all(|(_, record)| record.state.is_done()) {
            return Turn::End(End::Finished);
        }
        if self.could_act(&actions) {
            self.said_rest = None;
            return Turn::Act(actions);
        }
        next_time(&snapshot, &self.limits).map_or(Turn::End(End::Stuck), Turn::Rest)
    }

    /// Returns true while something is under way that the loop must wait for.
    fn is_busy(&self) -> bool {
        let runs = |(_, record): (_, &Record)| {
            matches!(record.state, State::Running { worker: Some(_), .. })
        };
        let has_agents = self.mode == DriveMode::Agents && self.snapshot.tasks().any(runs);
        has_agents
            || !self.limits.launched.is_empty()
            || self.merges.is_busy()
            || self.branch.is_busy()
            || self.cleaning.is_busy()
            || self.remote.is_busy()
            || self.hand_outs.has_work()
    }

    /// Returns the actions that are possible now.
    fn actions(&mut self) -> Vec<Action> {
        // Nothing is built on commits that nobody has explained.
        if !self.branch.is_explained() {
            return Vec::new();
        }
        if self.mode == DriveMode::Merge {
            return self.next_wanted_merge().map(Action::Merge).into_iter().collect();
        }
        let snapshot = self.snapshot.clone();
        let launched = self.limits.launched.len();
        self.limits.new_worktrees = self.space.room(self.drive, &snapshot, launched);
        let mut actions = decide(&snapshot, &self.limits);
        self.say_no_room(&snapshot, &actions);
        if self.mode == DriveMode::ByHand && self.merges_come_first(&actions) {
            actions.retain(|action| matches!(action, Action::Merge(_)));
        }
        actions
    }

    /// Returns true if tasks should be handed out later: they stay in the caller's hands for long,
    /// so each of them begins with all that can be merged before.
    fn merges_come_first(&self, actions: &[Action]) -> bool {
        let is_merge = |action: &Action| match action {
            Action::Merge(id) => !self.merges.is_delayed(id),
            Action::Start(_) | Action::StartAlone(_) => false,
        };
        self.merges.is_busy() || self.is_looking() || actions.iter().any(is_merge)
    }

    /// Returns true if the loop should go on although nothing is under way.
    fn could_act(&self, actions: &[Action]) -> bool {
        if !self.branch.is_explained() {
            return false;
        }
        let can_begin = |action: &Action| match action {
            Action::Merge(id) => !self.merges.is_delayed(id),
            Action::Start(_) | Action::StartAlone(_) => true,
        };
        if self.mode != DriveMode::Agents {
            return actions.iter().any(can_begin);
        }
        // A disk that is full now may have room later.
        decide(&self.snapshot, &self.limits.with_room()).iter().any(can_begin)
    }

    fn say_no_room(&mut self, snapshot: &Snapshot, actions: &[Action]) {
        let has_none = self.limits.new_worktrees == 0;
        let is_short =
            has_none && { actions.len() < decide(snapshot, &self.limits.with_room()).len() };
        if is_short && !self.said_no_room && self.limits.launched.is_empty() {
            (self.on_event)(Progress::NoRoom { why: &self.space.why() });
            self.said_no_room = true;
        }
        self.said_no_room &= has_none;
    }

    fn say_rest(&mut self, until: i64) {
        if self.said_rest.replace(until) != Some(until) {
            (self.on_event)(Progress::Rests { until: clock::at(until) });
        }
    }

    fn perform(&mut self, action: Action) -> anyhow::Result<()> {
        match (action, self.mode) {
            (Action::Merge(id), _) => self.merge(id),
            (Action::Start(id) | Action::StartAlone(id), DriveMode::ByHand) => {
                self.queue_hand_out(id);
                Ok(())
            }
            (Action::Start(id), _) => self.launch(id, false),
            (Action::StartAlone(id), _) => self.launch(id, true),
        }
    }

    /// Does something in a thread of its own, which then sends a message.
    fn in_background(&self, work: impl FnOnce() -> Message + Send + 's) {
        let sender = self.sender.clone();
        self.scope.spawn(move || {
            // The loop may have ended with an error; nobody listens then.
            let _ = sender.send(work());
        });
    }

    fn wait(&mut self, receiver: &Receiver<Message>) -> anyhow::Result<()> {
        match receiver.recv_timeout(GLANCE) {
            Ok(Message::SupervisorEnded(id, number)) => self.after_supervisor(&id, number),
            Ok(Message::Explained(result)) => self.after_explaining(result),
            Ok(Message::MergeEnded(id, result)) => self.after_merge(id, result),
            Ok(Message::Cleaned(id, report)) => {
                self.after_cleaning(&id, report);
                Ok(())
            }
            Ok(Message::HandedOut(id, result)) => self.after_hand_out(&id, result),
            Ok(Message::RemoteEnded(result)) => {
                self.after_remote_job(result);
                Ok(())
            }
            Ok(Message::Signal(signal)) => self.stop(signal),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.tick(),
        }
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        if self.mode == DriveMode::Agents && self.last_slow.elapsed() >= SLOW_GLANCE {
            self.last_slow = Instant::now();
            recover::settle_lost(self.drive, &self.journal, &self.snapshot)?;
        }
        if !self.supervisors.has_terminal() {
            (self.on_event)(Progress::Tick(&self.snapshot));
        }
        Ok(())
    }

    /// Ends what is under way: the first signal stops agents gently, the second kills them.
    fn stop(&mut self, signal: i32) -> anyhow::Result<()> {
        self.stop_lanes();
        self.drop_hand_outs();
        if self.mode == DriveMode::Agents {
            (self.on_event)(Progress::Stopping { again: self.stopping.is_some() });
        }
        self.stopping = Some(signal);
        self.refresh()?;
        self.stop_agents();
        Ok(())
    }

    fn stop_lanes(&self) {
        self.merges.stop();
        self.branch.stop();
        self.remote.stop();
        self.hand_outs.stop();
    }
}

fn forward_signals(sender: Sender<Message>) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // A closed terminal is no reason to stop: SIGHUP is caught, and ignored.
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
