//! One attempt, from its claim in the journal to its outcome: what `git-orchestrate exec` runs.
//!
//! Invariant: the claim comes first, so that of two supervisors for one attempt only one
//! goes on; the agent is launched nowhere but in a worktree whose top level was checked;
//! the outcome is written down before the journal is told, so that it survives anything.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::conversation;
use super::dispatch::Spec;
use super::folder::{AttemptFolder, RunFolder, read_json, write_json};
use super::furnish::{self, Ended, Furnishing};
use super::judge;
use crate::clock;
use crate::crash;
use crate::git::command::LOCAL_VARIABLES;
use crate::git::create::Shows;
use crate::git::refs::Swap;
use crate::git::status::{self, Dirt};
use crate::git::worktree::{LOCK, is_whole, is_worktree, same_path};
use crate::git::{Git, command};
use crate::oid::Oid;
use crate::process::{self, Job, Program, StopSwitch, Streams};
use crate::report::{self, Report};
use crate::store::{Journal, is_illegal};
use crate::task::{Block, Ending, Event, Outcome, Reason, Stage, Worker};

/// How much of a log's end is searched for the agent's last words (1 MiB).
const TAIL: u64 = 1 << 20;

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
pub fn hand_out(git: &Git, folder: AttemptFolder) -> anyhow::Result<()> {
    let attempt = Attempt::outside(git, folder)?;
    match attempt.claim(None)? {
        Some(base) => attempt.prepare_outside(&base),
        None => Ok(()),
    }
}

/// Makes the worktree of an attempt that was claimed for somebody outside, where a crash came
/// before it was whole.
pub fn hand_out_again(git: &Git, folder: AttemptFolder, base: &Oid) -> anyhow::Result<()> {
    Attempt { begun: true, ..Attempt::outside(git, folder)? }.prepare_outside(base)
}

/// Judges what somebody outside left, by what they say and by git.
pub fn take_back(git: &Git, folder: AttemptFolder, report: Report) -> anyhow::Result<()> {
    let attempt = Attempt::outside(git, folder)?;
    let finished = attempt.concluded(Ending::ByHand, Some(report));
    attempt.git.unlock_worktree(&attempt.spec.worktree)?;
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
    /// Opens an attempt that has no supervisor.
    fn outside(git: &Git, folder: AttemptFolder) -> anyhow::Result<Attempt> {
        let spec: Spec = read_json(&folder.spec())?.context("there is no such attempt")?;
        let (git, journal, begun) = (git.clone(), Journal::new(git, &spec.run), spec.attempt > 1);
        Ok(Attempt { spec, folder, git, journal, stop: StopSwitch::default(), begun })
    }

    fn prepare_outside(&self, base: &Oid) -> anyhow::Result<()> {
        match self.make_ready(base) {
            None => Ok(()),
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
        let claim = Event::Started {
            attempt: self.spec.attempt,
            stage: Stage::Implement,
            base: base.clone(),
            branch: self.spec.branch.clone(),
            worktree: self.spec.worktree.display().to_string(),
            worker,
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

    /// Makes the worktree and gives it what a new one needs; `None` where the work may begin, else
    /// how the attempt ends.
    fn make_ready(&self, base: &Oid) -> Option<Event> {
        let blocked = |error| Some(self.blocked(Ending::NotLaunched, Reason::Worktree, &error));
        match self.prepare(base).and_then(|()| self.furnish()) {
            Ok(Ended::Ready) => None,
            Ok(Ended::Stopped) => Some(self.finished(Ending::Stopped, self.broken_off())),
            Ok(Ended::Failed(ending)) => {
                let setup = self.spec.setup.as_deref().unwrap_or_default();
                let log = format!("git orchestrate log {} --setup", self.spec.task);
                blocked(anyhow::anyhow!(furnish::failure_text(setup, ending, &log)))
            }
            Err(error) => blocked(error),
        }
    }

    /// What it means that the work was ended before the agent began.
    fn broken_off(&self) -> Outcome {
        match self.folder.stop().exists() {
            true => Outcome::Blocked(Block::new(Reason::Stopped, judge::HALTED)),
            false => Outcome::Again,
        }
    }

    fn attempt(&self, base: &Oid) -> Event {
        if let Some(ended) = self.make_ready(base) {
            return ended;
        }
        let ending = match self.run_agent() {
            Ok(ending) => ending,
            Err(error) => {
                let program = self.spec.argv.first().map(String::as_str).unwrap_or_default();
                let error = error.context(format!("'{program}' could not be launched"));
                return self.blocked(Ending::NotLaunched, Reason::Agent, &error);
            }
        };
        self.concluded(ending, None)
    }

    fn concluded(&self, ending: Ending, report: Option<Report>) -> Event {
        self.conclude(ending, report).unwrap_or_else(|error| {
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
            let made = self.git.show_commit(&self.spec.run, path, base)?;
            furnish::remark(&self.folder.setup_log(), made.remarks)?;
            command::git(path).args(["checkout", "--quiet", branch, "--"]).bytes()?;
        } else if !is_whole(path) {
            self.discard_torn(path)?;
            let owner = format!("{}/{}", self.spec.run, self.spec.task);
            let made = self.git.add_worktree(path, Shows::Branch(branch), &owner)?;
            furnish::remark(&self.folder.setup_log(), made.remarks)?;
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
        if !self.begun || !is_worktree(path) || !is_own() {
            return Ok(());
        }
        let held = self.git.snapshot_worktree(path, "what a torn worktree held")?;
        self.back_up(&held.commit)?;
        self.git.discard_worktree(path)
    }

    fn lock_reason(&self) -> String {
        let Spec { run, task, attempt, .. } = &self.spec;
        let who = match self.spec.by_hand {
            true => "by hand".to_owned(),
            false => format!("pid {}", std::process::id()),
        };
        format!("{LOCK}{run}/{task} attempt {attempt} ({who})")
    }

    /// A branch that exists before the first attempt is somebody else's.
    fn prepare_branch(&self, base: &Oid) -> anyhow::Result<()> {
        if self.begun && self.git.find_ref(&self.branch_ref())?.is_some() {
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

    /// Gives the worktree what a new one needs.
    fn furnish(&self) -> anyhow::Result<Ended> {
        Furnishing {
            git: &self.git,
            place: &self.spec.worktree,
            setup: self.spec.setup.as_deref(),
            environment: self.environment()?,
            timeout: self.spec.timeout,
            log: self.folder.setup_log(),
            worker: self.folder.agent(),
            stop: &self.stop,
        }
        .run()
    }

    /// Goes on with the conversation that was broken off; begins afresh where there is none, or
    /// where the agent's program does not know it any more.
    fn run_agent(&self) -> anyhow::Result<Ending> {
        if let Some(argv) = &self.spec.resume {
            let ending = self.run_words(argv, &self.folder.resume_prompt())?;
            let is_known = || conversation::of_log(&self.folder.log(), self.spec.format).is_some();
            if !matches!(ending, Ending::Exited(code) if code != 0) || is_known() {
                return Ok(ending);
            }
        }
        self.run_words(&self.spec.argv, &self.folder.prompt())
    }

    fn run_words(&self, argv: &[String], prompt: &Path) -> anyhow::Result<Ending> {
        let program = self.agent(argv, prompt)?;
        if self.stop.is_stopped() {
            return Ok(Ending::Stopped);
        }
        if self.spec.terminal {
            // A person is there: no time limit, and Ctrl-C is the agent's, which shares our group.
            let mut child = program.spawn()?;
            self.write_agent(child.id());
            let ending = process::wait_beside(&mut child);
            return Ok(if self.stop.is_stopped() { Ending::Stopped } else { ending });
        }
        let job = Job::start(program)?;
        self.stop.watch(Some(job.stopper()));
        self.write_agent(job.pid());
        Ok(job.wait(Some(Duration::from_secs(self.spec.timeout))))
    }

    /// Names the agent's process. It only helps to end it, should this process be killed.
    fn write_agent(&self, pid: u32) {
        if let Some(worker) = process::worker(pid) {
            let _ = write_json(&self.folder.agent(), &worker);
        }
    }

    /// The variables that say what the task is.
    fn environment(&self) -> anyhow::Result<Vec<(String, OsString)>> {
        let slot = self.git.slot(&self.spec.worktree)?.to_string();
        let base = self.tip()?.to_string();
        let facts = [
            ("RUN", self.spec.run.as_str()),
            ("TASK", self.spec.task.as_str()),
            ("STAGE", Stage::Implement.name()),
            ("ATTEMPT", &self.spec.attempt.to_string()),
            ("BASE", &base),
            ("BRANCH", &self.spec.branch),
            ("TITLE", &self.spec.title),
            ("SLOT", &slot),
        ];
        let variable = |(name, value): (&str, &str)| (format!("ORCHESTRATE_{name}"), value.into());
        let mut environment: Vec<_> = facts.into_iter().map(variable).collect();
        environment.push(("ORCHESTRATE_PROMPT".into(), self.folder.prompt().into()));
        Ok(environment)
    }

    fn agent(&self, argv: &[String], prompt: &Path) -> anyhow::Result<Program> {
        let streams = match self.spec.terminal {
            true => Streams::Inherited,
            false => Streams::Files {
                input: Some(prompt.to_owned()),
                output: File::create(self.folder.log())?,
            },
        };
        Ok(Program {
            argv: argv.to_vec(),
            directory: self.spec.worktree.clone(),
            environment: self.environment()?,
            unset: [LOCAL_VARIABLES, crash::VARIABLES].concat(),
            streams,
        })
    }

    /// Judges what the agent left, and commits for it what it forgot to commit.
    fn conclude(&self, ending: Ending, report: Option<Report>) -> anyhow::Result<Event> {
        let escaped = self.check_place().err().map(|error| format!("{error:#}"));
        let dirt = match escaped {
            None => status::dirt(&self.spec.worktree)?,
            Some(_) => Dirt::default(),
        };
        let output = report::read(self.spec.format, &self.tail());
        let reported = self.journal.record(&self.spec.task)?;
        let reported =
            report.or_else(|| reported.last_attempt().and_then(|attempt| attempt.report.clone()));
        let facts = judge::Facts {
            ending,
            is_command: self.spec.is_command,
            report: reported.or(output.report.clone()),
            output,
            halted: self.folder.stop().exists(),
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
