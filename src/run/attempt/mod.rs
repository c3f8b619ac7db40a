//! One attempt, from its claim in the journal to its outcome: what `git-orchestrate exec` runs.
//!
//! Invariant: the claim comes first, so that of two supervisors for one attempt only one
//! goes on; the agent is launched nowhere but in a worktree whose top level was checked;
//! the outcome is written down before the journal is told, so that it survives anything.

pub(crate) mod blame;
pub(crate) mod fix;
pub(crate) mod isolation;
pub(crate) mod launch;
pub(crate) mod planning;
pub(crate) mod review;
pub(crate) mod silence;
pub(crate) mod ticket;
pub(crate) mod work;
pub(crate) mod worktree;

use anyhow::Context;

use super::brief::Spec;
use super::folder::{AttemptFolder, RunFolder, read_json, write_json};
use crate::domain::oid::Oid;
use crate::domain::policy::verdicts;
use crate::domain::report::Report;
use crate::domain::review::Verdict;
use crate::domain::task::{
    Block, Ending, Event, Finished, Outcome, Reason, Stage, Started, Worker,
};
use crate::git::Git;
use crate::journal::{Journal, is_illegal};
use crate::run::furnish::Ended;
use crate::system::clock;
use crate::system::process::signals::Signals;
use crate::system::process::{self, StopSwitch};

/// What somebody outside says of an attempt.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    Report(Report),
    Verdict(Verdict),
}

struct Attempt {
    spec: Spec,
    folder: AttemptFolder,
    git: Git,
    journal: Journal,
    stop: StopSwitch,
    /// Its branch and worktree may be there already.
    begun: bool,
}

/// Runs the attempt that a folder describes; returns when its outcome is in the journal.
pub(crate) fn supervise(folder: AttemptFolder) -> anyhow::Result<()> {
    let stop = Signals::listen()?.stop;
    let spec: Spec = read_json(&folder.spec())?.context("there is no such attempt")?;
    if !spec.terminal {
        process::leave_session();
    }
    let git = Git::at(&spec.repository)?;
    let journal = Journal::new(&git, &spec.run);
    // Who works in the shared checkout holds its lock, so that it lasts as long as the work.
    let lock = RunFolder::new(&git, &spec.run).checkout_lock()?;
    if spec.alone {
        lock.hold()?;
    }
    let begun = spec.attempt > 1;
    let attempt = Attempt { spec, folder, git, journal, stop, begun };
    let Some(base) = attempt.claim(Some(process::myself()))? else { return Ok(()) };
    let finished = attempt.work(&base);
    // Where it cannot be written, the journal may still take it.
    let _ = write_json(&attempt.folder.outcome(), &finished);
    attempt.journal.append(&attempt.spec.task, &finished)
}

/// Claims an attempt for somebody outside, and makes its worktree.
///
/// Where that fails the task is blocked, and the journal says why.
pub(crate) fn hand_out(git: &Git, folder: AttemptFolder, stop: &StopSwitch) -> anyhow::Result<()> {
    let attempt = Attempt { stop: stop.clone(), ..Attempt::outside(git, folder)? };
    match attempt.claim(None)? {
        Some(base) => attempt.prepare_outside(&base),
        None => Ok(()),
    }
}

/// Makes the worktree of an attempt that was claimed for somebody outside, where a crash came
/// before it was whole.
pub(crate) fn hand_out_again(
    git: &Git,
    folder: AttemptFolder,
    base: &Oid,
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let stop = stop.clone();
    Attempt { begun: true, stop, ..Attempt::outside(git, folder)? }.prepare_outside(base)
}

/// Judges what somebody outside left, by what they say and by git.
pub(crate) fn take_back(git: &Git, folder: AttemptFolder, said: Said) -> anyhow::Result<()> {
    let attempt = Attempt::outside(git, folder)?;
    let finished = attempt.concluded(Ending::ByHand, Some(said));
    let finished = attempt.checked(attempt.remembered(), finished);
    attempt.git.unlock_worktree(&attempt.spec.worktree)?;
    attempt.journal.append(&attempt.spec.task, &finished)
}

/// Judges what an agent left that has reported and ended, and whose supervisor is gone; `None`
/// where its word is not enough: of a command the exit code counts, a review is done again, and
/// the shared checkout is given back by who works in it.
pub(crate) fn conclude_left(
    git: &Git,
    folder: AttemptFolder,
    report: Report,
) -> anyhow::Result<Option<Event>> {
    let attempt = Attempt::outside(git, folder)?;
    let spec = &attempt.spec;
    let counts = !spec.is_command && !spec.alone && spec.stage.is_work();
    Ok(counts.then(|| attempt.concluded(Ending::ByHand, Some(Said::Report(report)))))
}

impl Attempt {
    /// Opens an attempt that has no supervisor.
    fn outside(git: &Git, folder: AttemptFolder) -> anyhow::Result<Attempt> {
        let spec: Spec = read_json(&folder.spec())?.context("there is no such attempt")?;
        let (git, journal, begun) = (git.clone(), Journal::new(git, &spec.run), spec.attempt > 1);
        Ok(Attempt { spec, folder, git, journal, stop: StopSwitch::default(), begun })
    }

    fn prepare_outside(&self, base: &Oid) -> anyhow::Result<()> {
        match self.make_ready(base) {
            None => self.remember_around(),
            Some(ended) => {
                self.leave()?;
                self.journal.append(&self.spec.task, &ended)
            }
        }
    }

    /// Claims the attempt for a supervisor, or for somebody outside; `None` where another has it.
    fn claim(&self, worker: Option<Worker>) -> anyhow::Result<Option<Oid>> {
        let base = self.git.find_branch(&self.spec.integration)?;
        let base =
            base.with_context(|| format!("there is no branch '{}'", self.spec.integration))?;
        let claim = Event::Started(Started {
            attempt: self.spec.attempt,
            stage: self.spec.stage,
            base: base.clone(),
            tip: self.stands_on(&base)?,
            branch: self.spec.branch.clone(),
            worktree: self.spec.worktree.display().to_string(),
            agent: self.spec.agent.clone().filter(|_| worker.is_some()),
            model: self.spec.model.clone().filter(|_| worker.is_some()),
            worker,
            at: clock::now_ms(),
        });
        match self.journal.append(&self.spec.task, &claim) {
            Ok(()) => Ok(Some(base)),
            Err(error) if is_illegal(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the commit that the attempt begins on; `None` before its branch is made.
    fn stands_on(&self, base: &Oid) -> anyhow::Result<Option<Oid>> {
        if let Some(candidate) = self.spec.candidate() {
            return Ok(Some(candidate.clone()));
        }
        let tip = self.git.find_branch(&self.spec.branch)?.filter(|_| self.begun);
        Ok(match (self.spec.stage, tip) {
            // What has no work of its own is brought up to the base before it is read.
            (Stage::Plan | Stage::FinalReview, None) => Some(base.clone()),
            (Stage::Plan | Stage::FinalReview, Some(tip))
                if self.git.is_ancestor(&tip, base)? =>
            {
                Some(base.clone())
            }
            (_, tip) => tip,
        })
    }

    /// Makes the worktree, runs the agent, judges what it left, and leaves.
    fn work(&self, base: &Oid) -> Event {
        let event = self.attempt(base);
        match self.leave() {
            Ok(()) => event,
            Err(error) => self.blocked(Ending::Lost, Reason::Worktree, &error),
        }
    }

    /// Makes the worktree and gives it what a new one needs; `None` where the work may begin, else
    /// how the attempt ends.
    fn make_ready(&self, base: &Oid) -> Option<Event> {
        let blocked = |error| Some(self.blocked(Ending::NotLaunched, Reason::Worktree, &error));
        let ready = self.prepare(base).and_then(|()| self.write_diffs());
        // What `setup` did to the worktree must not lead the agent into another one.
        let furnished = ready.and_then(|()| self.furnish()).and_then(|ended| match ended {
            Ended::Ready => self.check_place().map(|()| ended),
            Ended::Stopped | Ended::Failed(_) => Ok(ended),
        });
        match furnished {
            Ok(Ended::Ready) => None,
            Ok(Ended::Stopped) => Some(self.finished(Ending::Stopped, self.broken_off())),
            Ok(Ended::Failed(ending)) => {
                let setup = self.spec.setup.as_deref().unwrap_or_default();
                let log = format!("git orchestrate log {} --setup", self.spec.task);
                blocked(anyhow::anyhow!(crate::run::furnish::failure_text(setup, ending, &log)))
            }
            Err(error) => blocked(error),
        }
    }

    /// What it means that the work was ended before the agent began.
    fn broken_off(&self) -> Outcome {
        if self.folder.stop().exists() {
            Outcome::Blocked(Block::new(Reason::Stopped, verdicts::HALTED))
        } else {
            Outcome::Again
        }
    }

    fn attempt(&self, base: &Oid) -> Event {
        if let Some(ended) = self.make_ready(base) {
            return ended;
        }
        let before = match self.look_around() {
            Ok(before) => before,
            Err(error) => return self.blocked(Ending::NotLaunched, Reason::Worktree, &error),
        };
        let ran = match self.run_agent() {
            Ok(ran) => ran,
            Err(error) => {
                let program = self.spec.argv.first().map(String::as_str).unwrap_or_default();
                let error = error.context(format!("'{program}' could not be launched"));
                return self.blocked(Ending::NotLaunched, Reason::Agent, &error);
            }
        };
        self.checked(Some(before), self.concluded(ran.ending, None)).with_remarks(ran.remarks)
    }

    fn concluded(&self, ending: Ending, said: Option<Said>) -> Event {
        let (report, verdict) = match said {
            Some(Said::Report(report)) => (Some(report), None),
            Some(Said::Verdict(verdict)) => (None, Some(verdict)),
            None => (None, None),
        };
        let concluded = match (self.spec.stage.review(), self.spec.stage) {
            (Some(review), _) => self.conclude_review(review, ending, verdict),
            (None, Stage::Plan) => self.conclude_plan(ending, report),
            (None, _) => self.conclude_work(ending, report),
        };
        concluded.unwrap_or_else(|error| {
            let error = error.context("its worktree is broken");
            self.blocked(ending, Reason::Escaped, &error)
        })
    }

    fn blocked(&self, ending: Ending, reason: Reason, error: &anyhow::Error) -> Event {
        self.finished(ending, Outcome::Blocked(Block::new(reason, format!("{error:#}"))))
    }

    fn finished(&self, ending: Ending, outcome: Outcome) -> Event {
        let finished = Finished::new(self.spec.attempt, ending, outcome, clock::now_ms());
        Event::Finished(Finished { commit: self.tip().ok(), ..finished })
    }

    fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.spec.branch)
    }

    fn tip(&self) -> anyhow::Result<Oid> {
        let found = self.git.find_branch(&self.spec.branch)?;
        found.with_context(|| format!("its branch '{}' is gone", self.spec.branch))
    }
}
