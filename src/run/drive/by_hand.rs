//! A run whose agents somebody else launches: `start --manual`, `report`, `stop`.
//!
//! Invariant: one call is one turn: what is finished is merged, what is ready gets its branch,
//! worktree and prompt, and nothing is launched. Between the turns nobody has to run.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context;

use super::space::Space;
use crate::domain::config::Defaults;
use crate::domain::error::failure;
use crate::domain::plan::TaskId;
use crate::domain::policy::proposal;
use crate::domain::policy::schedule::{Action, Limits, decide};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::Step;
use crate::domain::task::{Block, Ending, Event, Finished, Outcome, Reason, Record, State};
use crate::git::worktree::is_whole;
use crate::journal::Journal;
use crate::run::attempt::ManualResult;
use crate::run::brief::brief;
use crate::run::brief::spec::LaunchMode;
use crate::run::cleanup::{self, CleanOptions};
use crate::run::folder::AttemptFolder;
use crate::run::merge::propose;
use crate::run::merge::{self, By, Integrated, integrate};
use crate::run::{Drive, Progress, recover};
use crate::run::{attempt, setup};
use crate::system::clock;
use crate::system::process::{self, StopSwitch};

/// Takes one turn; returns the tasks that were handed out. The caller holds the controller's lock.
///
/// `stop` ends what runs meanwhile, and the turn.
pub(crate) fn turn(
    drive: &Drive,
    journal: Journal,
    only: Option<HashSet<TaskId>>,
    stop: &StopSwitch,
    on_event: &mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<Vec<TaskId>> {
    let snapshot = load(journal)?;
    recover::ensure_integration(drive, &snapshot.1)?;
    let (journal, before) = snapshot;
    recover::settle(drive, &journal, &before)?;
    for text in propose::look(drive, &before, stop)?.remarks {
        on_event(Progress::Remote { text: &text });
    }
    merge::complete_notes(drive, &before)?;
    let jobs = drive.settings.jobs as usize;
    let limits = Limits {
        jobs,
        only,
        launched: HashSet::new(),
        new_worktrees: usize::MAX,
        // Whoever works here has no program with a limit.
        defaults: Defaults::default(),
        now: i64::MAX,
    };
    let waiting = HashSet::new();
    let mut turn = Turn { drive, journal, limits, stop, on_event, seen: before, waiting };
    turn.look()?;
    turn.merge_all()?;
    turn.mend_torn()?;
    let handed = turn.hand_out_all()?;
    turn.propose_all()?;
    Ok(handed)
}

fn load(mut journal: Journal) -> anyhow::Result<(Journal, Snapshot)> {
    let tip = journal.load()?.context("the run's journal is gone")?;
    Ok((journal, tip.snapshot))
}

struct Turn<'a> {
    drive: &'a Drive,
    journal: Journal,
    limits: Limits,
    stop: &'a StopSwitch,
    on_event: &'a mut dyn FnMut(Progress<'_>),
    seen: Snapshot,
    /// Merges that cannot go on now.
    waiting: HashSet<TaskId>,
}

impl Turn<'_> {
    /// Reads the journal, and tells what has changed.
    fn look(&mut self) -> anyhow::Result<()> {
        let now = self.journal.load()?.context("the run's journal is gone")?.snapshot;
        let before = std::mem::replace(&mut self.seen, now);
        for index in 0..before.len() {
            let (was, is) = (before.at(index).1, self.seen.at(index).1);
            if is.went_on_since(was) {
                (self.on_event)(Progress::Changed { snapshot: &self.seen, index, before: was });
            }
        }
        Ok(())
    }

    fn merge_all(&mut self) -> anyhow::Result<()> {
        while let Some(id) = self.next_merge().filter(|_| !self.stop.is_stopped()) {
            self.merge(&id).with_context(|| format!("cannot merge task '{id}'"))?;
        }
        Ok(())
    }

    /// Shows conflicts elsewhere, after all that others wait for is done.
    fn propose_all(&mut self) -> anyhow::Result<()> {
        for id in proposal::wanted(&self.seen, self.drive.settings.on_conflict) {
            propose::propose(self.drive, &self.seen, &id, self.stop)?;
        }
        self.look()
    }

    fn next_merge(&self) -> Option<TaskId> {
        decide(&self.seen, &self.limits).into_iter().find_map(|action| match action {
            Action::Merge(id) => (!self.waiting.contains(&id)).then_some(id),
            Action::Start(_) | Action::StartAlone(_) => None,
        })
    }

    fn merge(&mut self, id: &TaskId) -> anyhow::Result<()> {
        let (task, _) = self.seen.find(id).context("the plan has no such task")?;
        let ended = integrate(self.drive, &self.seen.run, task, self.stop, By::Controller)?;
        self.look()?;
        match ended {
            Integrated::Waits(why) => {
                (self.on_event)(Progress::Waits { task: id, why: &why });
                self.waiting.insert(id.clone());
            }
            Integrated::Settled => self.clean(id)?,
            Integrated::Stopped => {}
        }
        Ok(())
    }

    fn clean(&mut self, id: &TaskId) -> anyhow::Result<()> {
        let is_done = self.seen.find(id).is_some_and(|(_, record)| record.state.is_done());
        if is_done && !self.drive.settings.keep {
            let cleaned = cleanup::clean_task(self.drive, &self.seen, id, CleanOptions::default())?;
            (self.on_event)(Progress::Cleaned(&cleaned));
        }
        Ok(())
    }

    /// Makes whole what an earlier turn claimed and did not finish making.
    fn mend_torn(&mut self) -> anyhow::Result<()> {
        let is_torn = |record: &Record| {
            let place = record.worktree.as_deref().map(Path::new);
            let setup = self.drive.settings.setup.as_deref();
            record.state.is_by_hand() && !place.is_some_and(|place| is_ready(place, setup))
        };
        for (task, record) in self.seen.tasks().filter(|(_, record)| is_torn(record)) {
            if self.stop.is_stopped() {
                break;
            }
            let attempt = record.last_attempt().context("a task runs without an attempt")?;
            // A `setup` that was left running works where the next one will.
            let folder = self.drive.folder.attempt(&task.id, attempt.number);
            for worker in recover::workers_of(self.drive, &task.id, &folder) {
                process::end_group_of(&worker, &self.seen.run.name);
            }
            let folder = folder_of(self.drive, &self.seen, &task.id, attempt.number)?;
            attempt::hand_out_again(&self.drive.git, folder, &attempt.base, self.stop)?;
        }
        self.look()
    }

    fn hand_out_all(&mut self) -> anyhow::Result<Vec<TaskId>> {
        let mut handed = Vec::new();
        self.limits.new_worktrees = Space::new(self.drive).room(self.drive, &self.seen, 0);
        for action in decide(&self.seen, &self.limits) {
            let (Action::Start(id) | Action::StartAlone(id)) = action else { continue };
            if self.stop.is_stopped() {
                break;
            }
            let number = self.seen.find(&id).map_or(1, |(_, record)| record.next_attempt());
            let (folder, _) = brief(self.drive, &self.seen, &id, number, LaunchMode::ByHand)?;
            attempt::hand_out(&self.drive.git, folder, self.stop)
                .with_context(|| format!("task '{id}'"))?;
            handed.push(id);
        }
        self.look()?;
        let is_out = |id: &TaskId| self.seen.find(id).is_some_and(|(_, r)| r.state.is_by_hand());
        handed.retain(is_out);
        Ok(handed)
    }
}

/// Returns true where a worktree is whole, and has all that a new one is given.
fn is_ready(place: &Path, setup: Option<&str>) -> bool {
    is_whole(place) && setup::is_done(place, setup).unwrap_or(false)
}

/// Returns the folder of an attempt by hand, written anew where somebody deleted it.
fn folder_of(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    number: u32,
) -> anyhow::Result<AttemptFolder> {
    let folder = drive.folder.attempt(id, number);
    if folder.spec().exists() {
        Ok(folder)
    } else {
        Ok(brief(drive, snapshot, id, number, LaunchMode::ByHand)?.0)
    }
}

/// Takes a task back from whoever did it: what they say is judged by git.
pub(crate) fn take_back(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    said: ManualResult,
) -> anyhow::Result<()> {
    let (_, record) = snapshot.find(id).context("the plan has no such task")?;
    let number = record.last_attempt().context("a task runs without an attempt")?.number;
    // Of two that report at once, one judges and commits.
    let lock = drive.folder.report_lock(id)?;
    lock.hold()?;
    let now = Journal::new(&drive.git, &snapshot.run.name).record(id)?;
    let is_same = now.last_attempt().is_some_and(|attempt| attempt.number == number);
    if !now.state.is_by_hand() || !is_same {
        return Err(failure(
            format!("somebody else has reported task '{id}', or given it up"),
            Step::show(id).to("See where it stands"),
        ));
    }
    let folder = folder_of(drive, snapshot, id, number)?;
    attempt::take_back(&drive.git, folder, said)
}

/// Takes a task back unfinished. Its branch and worktree stay as they are.
pub(crate) fn give_up(
    drive: &Drive,
    journal: &Journal,
    id: &TaskId,
    why: &str,
) -> anyhow::Result<()> {
    let record = journal.record(id)?;
    let attempt = record.last_attempt().context("a task runs without an attempt")?.number;
    if let Some(place) = &record.worktree {
        drive.git.unlock_worktree(Path::new(place))?;
    }
    let commit = record.branch.as_deref().map(|name| drive.git.find_branch(name)).transpose()?;
    let outcome = Outcome::Blocked(Block::new(Reason::Stopped, why));
    let finished = Finished::new(attempt, Ending::Stopped, outcome, clock::now_ms());
    let finished = Event::Finished(Finished { commit: commit.flatten(), ..finished });
    match record.state {
        State::Running { worker: None, .. } => journal.append(id, &finished),
        _ => Ok(()),
    }
}
