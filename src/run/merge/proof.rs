//! Testing a commit in the run's own detached worktree.
//!
//! Invariant: whoever tests holds the checkout's lock. What passed is the very commit that was
//! asked for: the checkout still shows it afterwards.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Run;
use crate::domain::steps::shell::shell;
use crate::domain::task::{Ending, Worker};
use crate::git::status;
use crate::run::Drive;
use crate::run::folder::{read_json, write_json};
use crate::run::setup::{self, Setup, SetupOutcome};
use crate::system::process::{self, Job, Program, StopSwitch, Streams};

/// How often a commit is tested before it has failed: a flaky test gets a second chance.
const TESTS: u32 = 2;

/// How the test of a commit ended.
pub(crate) enum Tested {
    /// In the last of so many rounds; 0 where there are no tests.
    Passed {
        runs: u32,
    },
    Failed {
        text: String,
        command: String,
    },
    /// The checkout could not be set up.
    NoPlace(String),
    /// It passed, and then the checkout showed something else.
    Disturbed,
    Stopped,
}

/// What is tested with what, and where it is written down.
pub(crate) struct Trial<'a> {
    pub(crate) drive: &'a Drive,
    pub(crate) run: &'a Run,
    pub(crate) commands: Vec<&'a str>,
    /// The task whose merge it is; `None` where it is the run as a whole.
    pub(crate) task: Option<&'a TaskId>,
    /// Where the commands print.
    pub(crate) log: PathBuf,
    /// Where `setup` prints, and what a person sees that in.
    pub(crate) setup_log: PathBuf,
    pub(crate) see_setup: String,
    pub(crate) stop: &'a StopSwitch,
}

/// Ends a test that nobody waits for any more; returns whether there was one. While somebody
/// merges, its test is its own.
pub(crate) fn end_orphaned(drive: &Drive, run: &str) -> anyhow::Result<bool> {
    if !drive.folder.tester().exists() {
        return Ok(false);
    }
    let lock = drive.folder.checkout_lock()?;
    if lock.try_hold("")? { end_left(drive, run) } else { Ok(false) }
}

/// Ends a test that a controller left running when it was killed; returns whether there was one.
pub(crate) fn end_left(drive: &Drive, run: &str) -> anyhow::Result<bool> {
    let file = drive.folder.tester();
    let Some(worker) = read_json::<Worker>(&file).unwrap_or_default() else { return Ok(false) };
    let was_there = !process::is_group_gone(&worker, run);
    process::end_group_of(&worker, run);
    std::fs::remove_file(&file)?;
    Ok(was_there)
}

impl Trial<'_> {
    /// Tests a commit.
    pub(crate) fn of(&self, commit: &Oid) -> anyhow::Result<Tested> {
        if self.commands.is_empty() {
            return Ok(Tested::Passed { runs: 0 });
        }
        let mut failure = None;
        for run in 1..=TESTS {
            if let Some(ended) = self.show(commit)? {
                return Ok(ended);
            }
            match self.run_all(run > 1)? {
                Some(failed @ Tested::Failed { .. }) => failure = Some(failed),
                Some(other) => return Ok(other),
                None if !self.shows(commit)? => return Ok(Tested::Disturbed),
                None => return Ok(Tested::Passed { runs: run }),
            }
        }
        failure.context("a test neither passed nor failed")
    }

    /// Returns true where the checkout still shows what the tests were meant to see.
    fn shows(&self, commit: &Oid) -> anyhow::Result<bool> {
        Ok(status::head(Path::new(&self.run.checkout))?.1 == *commit)
    }

    /// Makes the checkout show the commit; `None` where the tests may run in it.
    fn show(&self, commit: &Oid) -> anyhow::Result<Option<Tested>> {
        let (git, place) = (&self.drive.git, Path::new(&self.run.checkout));
        let log = self.setup_log.clone();
        if let Some(reason) = git.in_the_way(place)? {
            return Ok(Some(Tested::NoPlace(format!("where its merge is tested, {reason}"))));
        }
        let made = git.show_commit(&self.run.name, place, commit)?;
        setup::append_log(&log, made.remarks)?;
        let setup = self.drive.settings.setup.as_deref();
        let ended = Setup {
            git,
            place,
            setup,
            environment: self.environment()?,
            timeout: self.drive.settings.setup_limit(),
            log,
            worker: self.drive.folder.tester(),
            stop: self.stop,
        };
        Ok(match ended.run()? {
            SetupOutcome::Ready => None,
            SetupOutcome::Stopped => Some(Tested::Stopped),
            SetupOutcome::Failed(ending) => {
                let text = setup::failure_text(setup.unwrap_or_default(), ending, &self.see_setup);
                Some(Tested::NoPlace(format!("where its merge is tested, {text}")))
            }
        })
    }

    fn environment(&self) -> anyhow::Result<Vec<(String, OsString)>> {
        let variable = |name: &str, value: &str| (format!("ORCHESTRATE_{name}"), value.into());
        let slot = self.drive.git.slot(Path::new(&self.run.checkout))?;
        let task = self.task.map(|id| variable("TASK", id.as_str()));
        let others = [
            variable("RUN", &self.run.name),
            variable("STAGE", "test"),
            variable("SLOT", &slot.to_string()),
        ];
        Ok(others.into_iter().chain(task).collect())
    }

    /// Runs the tests; `None` where all of them pass.
    fn run_all(&self, again: bool) -> anyhow::Result<Option<Tested>> {
        for command in &self.commands {
            if self.stop.is_stopped() {
                return Ok(Some(Tested::Stopped));
            }
            match self.run_one(command, again)? {
                Ending::Exited(0) => {}
                Ending::Stopped => return Ok(Some(Tested::Stopped)),
                ending => {
                    let text =
                        format!("the tests failed {TESTS} times, last '{command}' ({ending})");
                    let command = (*command).to_owned();
                    return Ok(Some(Tested::Failed { text, command }));
                }
            }
        }
        Ok(None)
    }

    fn run_one(&self, line: &str, again: bool) -> anyhow::Result<Ending> {
        std::fs::create_dir_all(self.log.parent().context("a log needs a folder")?)?;
        let mut options = File::options();
        let options = options.create(true).append(again).write(true).truncate(!again);
        let mut log = options.open(&self.log)?;
        if again {
            writeln!(log, "\n--- test {TESTS} of {TESTS}: {line} ---")?;
        }
        let streams = Streams::Files { input: None, output: log };
        let environment = self.environment()?;
        let job = Job::start(Program::new(shell(line), &self.run.checkout, environment, streams));
        let job = job.with_context(|| format!("cannot run '{line}'"))?;
        if let Some(worker) = process::worker(job.pid()) {
            write_json(&self.drive.folder.tester(), &worker)?;
        }
        self.stop.watch(Some(job.stopper()));
        let ending = job.wait(Some(Duration::from_secs(self.drive.settings.test_limit())));
        self.stop.watch(None);
        let _ = std::fs::remove_file(self.drive.folder.tester());
        Ok(ending)
    }
}
