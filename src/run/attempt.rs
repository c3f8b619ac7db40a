//! One attempt, from its claim in the journal to its outcome: what `git-orchestrate exec` runs.
//!
//! Invariant: the claim comes first, so that of two supervisors for one attempt only one
//! goes on; the agent is launched nowhere but in a worktree whose top level was checked;
//! the outcome is written down before the journal is told, so that it survives anything.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::dispatch::Spec;
use super::folder::{AttemptFolder, RunFolder, read_json, write_json};
use super::judge;
use crate::clock;
use crate::crash;
use crate::git::command::LOCAL_VARIABLES;
use crate::git::refs::Swap;
use crate::git::status::{self, Dirt};
use crate::git::worktree::{LOCK, Shows, is_whole, is_worktree, same_path};
use crate::git::{Git, command};
use crate::oid::Oid;
use crate::process::{self, Job, Program, StopSwitch, Streams};
use crate::report;
use crate::store::{Journal, is_illegal};
use crate::task::{Block, Ending, Event, Outcome, Reason, Stage};

/// How much of a log's end is searched for the agent's last words (1 MiB).
const TAIL: u64 = 1 << 20;

struct Attempt {
    spec: Spec,
    folder: AttemptFolder,
    git: Git,
    journal: Journal,
    stop: StopSwitch,
}

/// Runs the attempt that a folder describes; returns when its outcome is in the journal.
pub fn supervise(folder: AttemptFolder) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
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
    let attempt = Attempt { spec, folder, git, journal, stop };
    let Some(base) = attempt.claim()? else { return Ok(()) };
    let finished = attempt.work(&base);
    // Where it cannot be written, the journal may still take it.
    let _ = write_json(&attempt.folder.outcome(), &finished);
    attempt.journal.append(&attempt.spec.task, &finished)
}

/// From the first moment on a signal stops the agent, and not this process.
fn stop_on_signals() -> anyhow::Result<StopSwitch> {
    let signals = [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT];
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    let stop = StopSwitch::default();
    let switch = stop.clone();
    std::thread::spawn(move || signals.forever().for_each(|_| switch.stop()));
    Ok(stop)
}

impl Attempt {
    /// Claims the attempt; `None` where another supervisor has it.
    fn claim(&self) -> anyhow::Result<Option<Oid>> {
        let base = self.git.find_branch(&self.spec.integration)?;
        let base =
            base.with_context(|| format!("there is no branch '{}'", self.spec.integration))?;
        let claim = Event::Started {
            attempt: self.spec.attempt,
            stage: Stage::Implement,
            base: base.clone(),
            branch: self.spec.branch.clone(),
            worktree: self.spec.worktree.display().to_string(),
            worker: process::myself(),
            at: clock::now_ms(),
        };
        match self.journal.append(&self.spec.task, &claim) {
            Ok(()) => Ok(Some(base)),
            Err(error) if is_illegal(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the worktree, runs the agent, judges what it left, and leaves.
    fn work(&self, base: &Oid) -> Event {
        let event = self.attempt(base);
        match self.leave() {
            Ok(()) => event,
            Err(error) => self.blocked(Ending::Lost, Reason::Worktree, &error),
        }
    }

    fn attempt(&self, base: &Oid) -> Event {
        if let Err(error) = self.prepare(base) {
            return self.blocked(Ending::NotLaunched, Reason::Worktree, &error);
        }
        let ending = match self.run_agent() {
            Ok(ending) => ending,
            Err(error) => {
                let program = self.spec.argv.first().map(String::as_str).unwrap_or_default();
                let error = error.context(format!("'{program}' could not be launched"));
                return self.blocked(Ending::NotLaunched, Reason::Agent, &error);
            }
        };
        self.conclude(ending).unwrap_or_else(|error| {
            let error = error.context("its worktree is broken");
            self.blocked(ending, Reason::Escaped, &error)
        })
    }

    /// Unlocks the worktree; gives the shared checkout back on no branch, with what could not be
    /// committed in a backup.
    fn leave(&self) -> anyhow::Result<()> {
        let place = &self.spec.worktree;
        if !is_worktree(place) {
            return Ok(());
        }
        if !self.spec.alone {
            return self.git.unlock_worktree(place);
        }
        if !status::dirt(place)?.is_clean() {
            let held = self.git.snapshot_worktree(place, "what the task left uncommitted")?;
            self.back_up(&held.commit)?;
        }
        let (branch, head) = status::head(place)?;
        if branch.is_none() && !self.git.is_ancestor(&head, &self.tip()?)? {
            self.back_up(&head)?;
        }
        command::git(place).args(["checkout", "--quiet", "--force", "--detach"]).bytes().map(drop)
    }

    fn back_up(&self, commit: &Oid) -> anyhow::Result<String> {
        self.git.back_up(&self.spec.run, self.spec.task.as_str(), commit)
    }

    fn blocked(&self, ending: Ending, reason: Reason, error: &anyhow::Error) -> Event {
        self.finished(ending, Outcome::Blocked(Block::new(reason, format!("{error:#}"))))
    }

    fn finished(&self, ending: Ending, outcome: Outcome) -> Event {
        Event::Finished {
            attempt: self.spec.attempt,
            ending,
            commit: self.tip().ok(),
            committed_for_agent: false,
            report: None,
            outcome,
            at: clock::now_ms(),
        }
    }

    fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.spec.branch)
    }

    fn tip(&self) -> anyhow::Result<Oid> {
        let found = self.git.find_branch(&self.spec.branch)?;
        found.with_context(|| format!("its branch '{}' is gone", self.spec.branch))
    }

    /// Makes the branch and the worktree, or takes up those of an earlier attempt.
    fn prepare(&self, base: &Oid) -> anyhow::Result<()> {
        let (path, branch) = (&self.spec.worktree, self.spec.branch.as_str());
        self.prepare_branch(base)?;
        if self.spec.alone {
            self.git.show_commit(&self.spec.run, path, base)?;
            command::git(path).args(["checkout", "--quiet", branch, "--"]).bytes()?;
        } else if !is_whole(path) {
            self.discard_torn(path)?;
            let owner = format!("{}/{}", self.spec.run, self.spec.task);
            self.git.add_worktree(path, Shows::Branch(branch), &owner)?;
        }
        self.check_place()?;
        self.catch_up(base)?;
        match self.spec.alone {
            true => Ok(()),
            false => self.git.lock_worktree(path, &self.lock_reason()),
        }
    }

    /// Takes away a worktree of an earlier attempt that has no index: a crash came while its
    /// files were checked out, or the agent broke it. What it holds is backed up.
    fn discard_torn(&self, path: &Path) -> anyhow::Result<()> {
        let is_own =
            || status::head(path).is_ok_and(|(name, _)| name.as_ref() == Some(&self.spec.branch));
        if self.spec.attempt == 1 || !is_worktree(path) || !is_own() {
            return Ok(());
        }
        let held = self.git.snapshot_worktree(path, "what a torn worktree held")?;
        self.back_up(&held.commit)?;
        self.git.discard_worktree(path)
    }

    fn lock_reason(&self) -> String {
        let Spec { run, task, attempt, .. } = &self.spec;
        format!("{LOCK}{run}/{task} attempt {attempt} (pid {})", std::process::id())
    }

    /// A branch that exists before the first attempt is somebody else's.
    fn prepare_branch(&self, base: &Oid) -> anyhow::Result<()> {
        if self.spec.attempt > 1 && self.git.find_ref(&self.branch_ref())?.is_some() {
            return Ok(());
        }
        match self.git.create_ref(&self.branch_ref(), base, "begin task")? {
            Swap::Done => Ok(()),
            Swap::Moved => bail!("the branch '{}' exists and is not this run's", self.spec.branch),
            Swap::Locked => Err(self.git.stale_lock(&self.branch_ref())),
        }
    }

    /// The worktree is its own top level, on its own branch.
    fn check_place(&self) -> anyhow::Result<()> {
        let top = status::top_level(&self.spec.worktree)?;
        if !same_path(&top, &self.spec.worktree) {
            let (want, got) = (self.spec.worktree.display(), top.display());
            bail!("'{want}' is not a worktree of its own: git takes it for '{got}'");
        }
        match status::head(&self.spec.worktree)?.0 {
            Some(branch) if branch == self.spec.branch => Ok(()),
            Some(other) => bail!("it is on branch '{other}', not on '{}'", self.spec.branch),
            None => bail!("its HEAD is on no branch, not on '{}'", self.spec.branch),
        }
    }

    /// A branch without work of its own begins from where the others are now.
    fn catch_up(&self, base: &Oid) -> anyhow::Result<()> {
        let tip = self.tip()?;
        let is_behind = tip != *base && self.git.is_ancestor(&tip, base)?;
        match is_behind && status::dirt(&self.spec.worktree)?.is_clean() {
            true => self.git.fast_forward(&self.spec.worktree, &self.spec.branch, base),
            false => Ok(()),
        }
    }

    fn run_agent(&self) -> anyhow::Result<Ending> {
        let program = self.agent()?;
        if self.stop.is_stopped() {
            return Ok(Ending::Stopped);
        }
        if self.spec.terminal {
            // A person is there: no time limit, and Ctrl-C is the agent's, which shares our group.
            let ending = process::run_beside(program)?;
            return Ok(if self.stop.is_stopped() { Ending::Stopped } else { ending });
        }
        let job = Job::start(program)?;
        self.stop.watch(Some(job.stopper()));
        if let Some(worker) = process::worker(job.pid()) {
            // It only helps to end the agent should this process be killed.
            let _ = write_json(&self.folder.agent(), &worker);
        }
        Ok(job.wait(Some(Duration::from_secs(self.spec.timeout))))
    }

    fn agent(&self) -> anyhow::Result<Program> {
        let base = self.tip()?.to_string();
        let facts = [
            ("RUN", self.spec.run.as_str()),
            ("TASK", self.spec.task.as_str()),
            ("STAGE", Stage::Implement.name()),
            ("ATTEMPT", &self.spec.attempt.to_string()),
            ("BASE", &base),
            ("BRANCH", &self.spec.branch),
            ("TITLE", &self.spec.title),
        ];
        let variable = |(name, value): (&str, &str)| (format!("ORCHESTRATE_{name}"), value.into());
        let mut environment: Vec<_> = facts.into_iter().map(variable).collect();
        environment.push(("ORCHESTRATE_PROMPT".into(), self.folder.prompt().into()));
        let streams = match self.spec.terminal {
            true => Streams::Inherited,
            false => Streams::Files {
                input: Some(self.folder.prompt()),
                output: File::create(self.folder.log())?,
            },
        };
        Ok(Program {
            argv: self.spec.argv.clone(),
            directory: self.spec.worktree.clone(),
            environment,
            unset: [LOCAL_VARIABLES, crash::VARIABLES].concat(),
            streams,
        })
    }

    /// Judges what the agent left, and commits for it what it forgot to commit.
    fn conclude(&self, ending: Ending) -> anyhow::Result<Event> {
        let escaped = self.check_place().err().map(|error| format!("{error:#}"));
        let dirt = match escaped {
            None => status::dirt(&self.spec.worktree)?,
            Some(_) => Dirt::default(),
        };
        let output = report::read(self.spec.format, &self.tail());
        let reported = self.journal.record(&self.spec.task)?;
        let reported = reported.last_attempt().and_then(|attempt| attempt.report.clone());
        let facts = judge::Facts {
            ending,
            is_command: self.spec.is_command,
            report: reported.or(output.report.clone()),
            output,
            escaped,
            unmerged: dirt.unmerged.clone(),
            nested: dirt.nested(&self.spec.worktree),
        };
        let trouble = judge::trouble(&facts, self.spec.timeout);
        let keeps_place =
            facts.escaped.is_none() && facts.unmerged.is_empty() && facts.nested.is_empty();
        // The checkout that tasks share must be clean for the next; work of others waits in theirs.
        let commits = !dirt.is_clean() && keeps_place && (trouble.is_none() || self.spec.alone);
        if commits {
            self.commit_leftovers()?;
        }
        let tip = self.tip()?;
        let outcome = match trouble {
            Some(Outcome::Blocked(block)) if !commits && !dirt.is_clean() => {
                let text = format!("{} (its worktree holds uncommitted work)", block.text);
                Outcome::Blocked(Block { text, ..block })
            }
            Some(outcome) => outcome,
            None => judge::result(&facts, tip.clone(), self.has_work(&tip)?),
        };
        Ok(Event::Finished {
            attempt: self.spec.attempt,
            ending,
            commit: Some(tip),
            committed_for_agent: commits,
            report: facts.report,
            outcome,
            at: clock::now_ms(),
        })
    }

    /// Commits what the agent left; again, where a `git gc` took the commit before the branch
    /// held it. The files are still there, so nothing is lost.
    fn commit_leftovers(&self) -> anyhow::Result<()> {
        let (place, message) = (&self.spec.worktree, self.message());
        loop {
            let mark = self.git.outlast_gc();
            let before = self.tip()?;
            self.git.patiently(|| status::commit_all(place, &message))?;
            let commit = self.tip()?;
            if !self.git.gc_since(&mark) || self.git.is_stored(&commit) {
                return Ok(());
            }
            self.git.swap_ref(&self.branch_ref(), Some(&commit), &before, "commit again")?;
            command::git(place).args(["read-tree", "HEAD"]).bytes()?;
        }
    }

    fn message(&self) -> String {
        format!("{}\n\nTask: {}\n", self.spec.title, self.spec.task)
    }

    /// Returns true where the branch has a commit that the integration branch has not.
    fn has_work(&self, tip: &Oid) -> anyhow::Result<bool> {
        let integration = self.git.find_branch(&self.spec.integration)?;
        Ok(!self.git.is_ancestor(tip, &integration.context("the integration branch is gone")?)?)
    }

    fn tail(&self) -> String {
        read_tail(&self.folder.log()).unwrap_or_default()
    }
}

fn read_tail(path: &Path) -> std::io::Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
