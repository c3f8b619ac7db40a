//! One attempt, from its claim in the journal to its outcome: what `git-orchestrate exec` runs.
//!
//! Invariant: the claim comes first, so that of two supervisors of one attempt only one continues;
//! the agent is launched only in a worktree whose top level was checked; the outcome is written
//! to a file before it is appended to the journal, so that a crash between the two loses nothing.

mod baseline;
pub(crate) mod fix;
pub(crate) mod insiders;
pub(crate) mod isolation;
pub(crate) mod launch;
mod own_work;
pub(crate) mod planning;
pub(crate) mod review;
pub(crate) mod silence;
pub(crate) mod ticket;
mod tickets;
pub(crate) mod work;
pub(crate) mod worktree;

use anyhow::Context;

use super::brief::spec::Spec;
use super::folder::{AttemptFolder, RunFolder, read_json, write_json};
use crate::domain::error::one_line;
use crate::domain::oid::Oid;
use crate::domain::policy::verdicts;
use crate::domain::report::Report;
use crate::domain::review::Verdict;
use crate::domain::steps::{Part, Scope, Step};
use crate::domain::task::{
    AttemptEnd, AttemptStart, Block, Ending, Event, Outcome, Reason, Stage, Worker,
};
use crate::git::Git;
use crate::git::worktree::same_path;
use crate::journal::settings::require_of_git;
use crate::journal::{Journal, is_illegal};
use crate::run::setup::SetupOutcome;
use crate::system::clock;
use crate::system::process::descriptors;
use crate::system::process::signals::Signals;
use crate::system::process::{self, StopSwitch};

/// The result of an attempt that has no supervisor: the user reports it with `report`.
#[derive(Debug, Clone)]
pub(crate) enum ManualResult {
    Report(Report),
    Verdict(Verdict),
}

struct Attempt {
    spec: Spec,
    folder: AttemptFolder,
    git: Git,
    journal: Journal,
    stop: StopSwitch,
    /// An earlier attempt may have made the branch and the worktree, so both may exist.
    has_begun: bool,
}

/// Runs the attempt that the folder describes; returns when its outcome is in the journal.
pub(crate) fn supervise(folder: AttemptFolder) -> anyhow::Result<()> {
    // First of all: a signal that comes earlier would kill this process without an outcome.
    let stop = Signals::listen()?.stop;
    descriptors::close_inherited();
    let spec: Spec = read_json(&folder.spec())?.context("there is no such attempt")?;
    if !spec.launch.terminal {
        process::leave_session();
    }
    let git = Git::at(&spec.place.repository)?;
    refuse_elsewhere(&git, &folder, &spec)?;
    let journal = Journal::new(&git, &spec.task.run);
    // The supervisor holds the lock of the shared checkout itself: a lock of the controller would
    // end with the controller, while the agent works on.
    let lock = RunFolder::new(&git, &spec.task.run).checkout_lock()?;
    if spec.is_alone() {
        lock.hold()?;
    }
    let has_begun = spec.task.attempt > 1;
    let attempt = Attempt { spec, folder, git, journal, stop, has_begun };
    attempt.check_settings()?;
    let Some(base) = attempt.claim(Some(process::myself()))? else { return Ok(()) };
    let finished = attempt.work(&base)?;
    // If the file cannot be written, the journal may still accept the outcome.
    let _ = write_json(&attempt.folder.outcome(), &finished);
    attempt.journal.append(&attempt.spec.task.id, &finished)
}

/// Fails unless the folder is the attempt's own: a description of an attempt that lies elsewhere was
/// not written by the process that drives the run.
fn refuse_elsewhere(git: &Git, folder: &AttemptFolder, spec: &Spec) -> anyhow::Result<()> {
    let own = RunFolder::new(git, &spec.task.run).attempt(&spec.task.id, spec.task.attempt);
    if same_path(&own.0, &folder.0) {
        Ok(())
    } else {
        anyhow::bail!("'{}' is not the folder of this attempt", folder.0.display())
    }
}

/// Claims an attempt that the user works on by hand, and makes its worktree.
///
/// If the worktree cannot be made, the task is blocked and the journal says why.
pub(crate) fn hand_out(git: &Git, folder: AttemptFolder, stop: &StopSwitch) -> anyhow::Result<()> {
    let attempt = Attempt { stop: stop.clone(), ..Attempt::outside(git, folder)? };
    match attempt.claim(None)? {
        Some(base) => attempt.prepare_outside(&base),
        None => Ok(()),
    }
}

/// Completes the worktree of an attempt by hand that was claimed before a crash.
pub(crate) fn hand_out_again(
    git: &Git,
    folder: AttemptFolder,
    base: &Oid,
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let stop = stop.clone();
    Attempt { has_begun: true, stop, ..Attempt::outside(git, folder)? }.prepare_outside(base)
}

/// Judges an attempt by hand, by its reported result and by git.
pub(crate) fn take_back(
    git: &Git,
    folder: AttemptFolder,
    result: ManualResult,
) -> anyhow::Result<()> {
    let attempt = Attempt::outside(git, folder)?;
    let finished = attempt.conclude(Ending::ByHand, Some(result));
    let finished = attempt.check_isolation(attempt.read_picture(), finished, Ok(None));
    attempt.git.unlock_worktree(&attempt.spec.place.worktree)?;
    attempt.journal.append(&attempt.spec.task.id, &finished)
}

/// Judges the work of an agent that reported and exited after its supervisor was killed.
///
/// Returns `None` if the report is not enough: a command is judged by its exit code, which nobody
/// saw; a review is repeated; and only a supervisor releases the shared checkout.
pub(crate) fn conclude_unsupervised(
    git: &Git,
    folder: AttemptFolder,
    report: Report,
) -> anyhow::Result<Option<Event>> {
    let attempt = Attempt::outside(git, folder)?;
    let spec = &attempt.spec;
    let counts = !spec.launch.is_command && !spec.is_alone() && spec.task.stage.is_work();
    Ok(counts.then(|| attempt.conclude(Ending::ByHand, Some(ManualResult::Report(report)))))
}

impl Attempt {
    /// Opens an attempt that has no supervisor.
    fn outside(git: &Git, folder: AttemptFolder) -> anyhow::Result<Attempt> {
        let spec: Spec = read_json(&folder.spec())?.context("there is no such attempt")?;
        let (git, journal) = (git.clone(), Journal::new(git, &spec.task.run));
        let (stop, has_begun) = (StopSwitch::default(), spec.task.attempt > 1);
        Ok(Attempt { spec, folder, git, journal, stop, has_begun })
    }

    fn prepare_outside(&self, base: &Oid) -> anyhow::Result<()> {
        match self.make_ready(base) {
            None => self.write_picture(),
            Some(ended) => {
                self.release()?;
                self.journal.append(&self.spec.task.id, &ended)
            }
        }
    }

    /// Claims the attempt for a supervisor, or for work by hand if `worker` is `None`.
    ///
    /// Returns the base, or `None` if another process has the attempt. Base and claim are one
    /// event, so no reader of the journal ever sees a claim without its base.
    fn claim(&self, worker: Option<Worker>) -> anyhow::Result<Option<Oid>> {
        // The base is chosen now, not when the task was launched: the merges since then are in it.
        let found = self.look_at_branch()?;
        let found = found
            .with_context(|| format!("there is no branch '{}'", self.spec.place.integration))?;
        let base = found.base().clone();
        let claim = Event::Started(AttemptStart {
            attempt: self.spec.task.attempt,
            stage: self.spec.task.stage,
            base: base.clone(),
            tip: self.start_commit(&base)?,
            branch: self.spec.place.branch.clone(),
            worktree: self.spec.place.worktree.display().to_string(),
            // By hand nobody knows which agent works, if any.
            agent: self.spec.launch.agent.clone().filter(|_| worker.is_some()),
            model: self.spec.launch.model.clone().filter(|_| worker.is_some()),
            worker,
            at: clock::now_ms(),
        });
        match self.journal.append(&self.spec.task.id, &claim) {
            Ok(()) => Ok(Some(base)),
            // Another supervisor claimed the attempt first, or the task was stopped meanwhile.
            Err(error) if is_illegal(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the commit that the attempt begins on; `None` if its branch does not exist yet.
    fn start_commit(&self, base: &Oid) -> anyhow::Result<Option<Oid>> {
        if let Some(candidate) = self.spec.candidate() {
            return Ok(Some(candidate.clone()));
        }
        let tip = self.git.find_branch(&self.spec.place.branch)?.filter(|_| self.has_begun);
        Ok(match (self.spec.task.stage, tip) {
            // A branch without work of its own is moved to the base before an agent reads it.
            (Stage::Plan | Stage::FinalReview, None) => Some(base.clone()),
            (Stage::Plan | Stage::FinalReview, Some(tip))
                if self.git.is_ancestor(&tip, base)? =>
            {
                Some(base.clone())
            }
            (_, tip) => tip,
        })
    }

    /// Makes the worktree, runs the agent, judges its work, and releases the worktree.
    ///
    /// Fails if settings have changed meanwhile: no git command runs with them. `recover` then treats
    /// the attempt as that of a supervisor that was killed, once a person has seen the settings.
    fn work(&self, base: &Oid) -> anyhow::Result<Event> {
        let event = self.attempt(base)?;
        Ok(match self.release() {
            Ok(()) => event,
            Err(error) => self.blocked(Ending::Lost, Reason::Worktree, &error),
        })
    }

    /// Fails if settings of git have changed since a person last saw them.
    fn check_settings(&self) -> anyhow::Result<()> {
        require_of_git(&self.git, &self.journal.run()?)
    }

    /// Makes the worktree and sets it up; returns `None` if work may begin, else the attempt's end.
    fn make_ready(&self, base: &Oid) -> Option<Event> {
        let blocked = |error| Some(self.blocked(Ending::NotLaunched, Reason::Worktree, &error));
        let ready = self.prepare(base).and_then(|()| self.write_diffs());
        // Checked again after `setup`: if `setup` removed `.git`, every git command of the agent
        // would act on the main worktree instead.
        let outcome = ready.and_then(|()| self.set_up()).and_then(|ended| match ended {
            SetupOutcome::Ready => self.check_place().map(|()| ended),
            SetupOutcome::Stopped | SetupOutcome::Failed(_) => Ok(ended),
        });
        match outcome {
            Ok(SetupOutcome::Ready) => None,
            Ok(SetupOutcome::Stopped) => {
                Some(self.finished(Ending::Stopped, self.interrupted_outcome()))
            }
            Ok(SetupOutcome::Failed(ending)) => {
                let setup = self.spec.place.setup.as_deref().unwrap_or_default();
                let log = Step::log_of(&self.spec.task.id, Part::Setup);
                let log = format!("`{}`", Scope::default().line(&log));
                blocked(anyhow::anyhow!(crate::run::setup::failure_text(setup, ending, &log)))
            }
            Err(error) => blocked(error),
        }
    }

    /// Returns the outcome of an attempt that a signal ended before the agent was launched.
    fn interrupted_outcome(&self) -> Outcome {
        if self.folder.stop().exists() {
            Outcome::Blocked(Block::new(Reason::Stopped, verdicts::HALTED))
        } else {
            Outcome::Again
        }
    }

    fn attempt(&self, base: &Oid) -> anyhow::Result<Event> {
        let ended = self.make_ready(base);
        // `setup` may have changed them.
        self.check_settings()?;
        if let Some(ended) = ended {
            return Ok(ended);
        }
        let before = match self.take_picture() {
            Ok(before) => before,
            Err(error) => return Ok(self.blocked(Ending::NotLaunched, Reason::Worktree, &error)),
        };
        let exit = match self.run_agent() {
            Ok(exit) => exit,
            Err(error) => {
                let program = self.spec.launch.argv.first().map(String::as_str).unwrap_or_default();
                let error = error.context(format!("could not launch '{program}'"));
                return Ok(self.blocked(Ending::NotLaunched, Reason::Agent, &error));
            }
        };
        self.check_settings()?;
        let taken = self.take_back_branch();
        let event = self.conclude(exit.ending, None);
        Ok(self.check_isolation(Some(before), event, taken).with_remarks(exit.remarks))
    }

    /// Judges what the attempt left, by the rules of its stage.
    fn conclude(&self, ending: Ending, result: Option<ManualResult>) -> Event {
        let (report, verdict) = match result {
            Some(ManualResult::Report(report)) => (Some(report), None),
            Some(ManualResult::Verdict(verdict)) => (None, Some(verdict)),
            None => (None, None),
        };
        let concluded = match (self.spec.task.stage.review(), self.spec.task.stage) {
            (Some(review), _) => self.conclude_review(review, ending, verdict),
            (None, Stage::Plan) => self.conclude_plan(ending, report),
            (None, _) => self.conclude_work(ending, report),
        };
        concluded.unwrap_or_else(|error| {
            let error = error.context("the worktree is broken");
            self.blocked(ending, Reason::Escaped, &error)
        })
    }

    fn blocked(&self, ending: Ending, reason: Reason, error: &anyhow::Error) -> Event {
        self.finished(ending, Outcome::Blocked(Block::new(reason, one_line(error))))
    }

    fn finished(&self, ending: Ending, outcome: Outcome) -> Event {
        let finished = AttemptEnd::new(self.spec.task.attempt, ending, outcome, clock::now_ms());
        Event::Finished(AttemptEnd { commit: self.tip().ok(), ..finished })
    }

    fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.spec.place.branch)
    }

    fn tip(&self) -> anyhow::Result<Oid> {
        let found = self.git.find_branch(&self.spec.place.branch)?;
        found.with_context(|| format!("the branch '{}' is gone", self.spec.place.branch))
    }
}
