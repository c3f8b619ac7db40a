//! Testing a commit in the run's own detached worktree.
//!
//! Invariant: the caller holds the checkout's lock. A commit has passed only if the checkout still
//! shows it after the tests.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Run;
use crate::domain::steps::shell::shell;
use crate::domain::task::Ending;
use crate::git::status;
use crate::run::Drive;
use crate::run::folder::{end_leftover, write_json};
use crate::run::setup::{self, Setup, SetupOutcome};
use crate::system::private;
use crate::system::process::{self, Job, Program, StopSwitch, Streams};

/// A commit fails after this many rounds of tests: a flaky test gets a second chance.
const TESTS: u32 = 2;

/// The remark on a merge whose tests failed at first.
pub(crate) const PASSED_AGAIN: &str =
    "the tests of the merge failed once, and passed when they ran again";

/// Returns the line of a log above the output of a command in the last round.
pub(super) fn last_round(command: &str) -> String {
    format!("--- test {TESTS} of {TESTS}: {command} ---")
}

/// The result of testing a commit.
pub(crate) enum TestResult {
    /// It passed in the last of this many rounds; 0 if there are no tests.
    Passed {
        runs: u32,
    },
    Failed {
        text: String,
        command: String,
        ending: Ending,
    },
    /// The checkout could not be set up.
    NoPlace(String),
    /// The tests passed, but afterwards the checkout showed another commit.
    Disturbed,
    Stopped,
}

/// A test of a commit in the checkout, with its log files.
pub(crate) struct CandidateTest<'a> {
    pub(crate) drive: &'a Drive,
    pub(crate) run: &'a Run,
    pub(crate) commands: Vec<&'a str>,
    /// The task to merge; `None` if the run as a whole is tested.
    pub(crate) task: Option<&'a TaskId>,
    /// Where the commands print.
    pub(crate) log: PathBuf,
    /// Where `setup` prints, and what a person sees that in.
    pub(crate) setup_log: PathBuf,
    pub(crate) see_setup: String,
    pub(crate) stop: &'a StopSwitch,
}

/// Ends a test that a killed process left; returns true if there was one. While a merge holds the
/// lock, the test is its own.
pub(crate) fn end_orphaned(drive: &Drive, run: &str) -> anyhow::Result<bool> {
    if !drive.folder.tester().exists() {
        return Ok(false);
    }
    let lock = drive.folder.checkout_lock()?;
    if lock.try_hold("")? { end_leftover(&drive.folder.tester(), run) } else { Ok(false) }
}

impl CandidateTest<'_> {
    /// Tests a commit.
    pub(crate) fn of(&self, commit: &Oid) -> anyhow::Result<TestResult> {
        if self.commands.is_empty() {
            return Ok(TestResult::Passed { runs: 0 });
        }
        let mut failure = None;
        for run in 1..=TESTS {
            if let Some(ended) = self.show(commit)? {
                return Ok(ended);
            }
            match self.run_all(run > 1)? {
                Some(failed @ TestResult::Failed { .. }) => failure = Some(failed),
                Some(other) => return Ok(other),
                None if !self.shows(commit)? => return Ok(TestResult::Disturbed),
                None => return Ok(TestResult::Passed { runs: run }),
            }
        }
        failure.context("a test neither passed nor failed")
    }

    /// Tests a commit once.
    pub(super) fn once(&self, commit: &Oid) -> anyhow::Result<TestResult> {
        if let Some(ended) = self.show(commit)? {
            return Ok(ended);
        }
        Ok(self.run_all(false)?.unwrap_or(TestResult::Passed { runs: 1 }))
    }

    /// Returns true if the checkout still shows the commit: a test may check out another one.
    fn shows(&self, commit: &Oid) -> anyhow::Result<bool> {
        Ok(status::head(Path::new(&self.run.checkout))?.1 == *commit)
    }

    /// Checks the commit out and sets the checkout up; `None` if the tests may run there.
    fn show(&self, commit: &Oid) -> anyhow::Result<Option<TestResult>> {
        let (git, place) = (&self.drive.git, Path::new(&self.run.checkout));
        let log = self.setup_log.clone();
        if let Some(reason) = git.in_the_way(place)? {
            return Ok(Some(TestResult::NoPlace(format!("cannot test the merge: {reason}"))));
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
            SetupOutcome::Stopped => Some(TestResult::Stopped),
            SetupOutcome::Failed(ending) => {
                let text = setup::failure_text(setup.unwrap_or_default(), ending, &self.see_setup);
                Some(TestResult::NoPlace(format!("cannot test the merge: {text}")))
            }
        })
    }

    fn environment(&self) -> anyhow::Result<Vec<(String, OsString)>> {
        let variable = |name: &str, value: &str| (format!("ORCHESTRATE_{name}"), value.into());
        let slot = self.drive.git.slot(Path::new(&self.run.checkout))?;
        let task = self.task.map(|id| variable("TASK", id.as_str()));
        let repository = self.drive.git.common_dir().display().to_string();
        let others = [
            variable("REPOSITORY", &repository),
            variable("RUN", &self.run.name),
            variable("STAGE", "test"),
            variable("SLOT", &slot.to_string()),
        ];
        Ok(others.into_iter().chain(task).collect())
    }

    /// Runs the tests; `None` if all of them pass.
    fn run_all(&self, again: bool) -> anyhow::Result<Option<TestResult>> {
        for command in &self.commands {
            if self.stop.is_stopped() {
                return Ok(Some(TestResult::Stopped));
            }
            match self.run_one(command, again)? {
                Ending::Exited(0) => {}
                Ending::Stopped => return Ok(Some(TestResult::Stopped)),
                ending => {
                    let text =
                        format!("the tests failed {TESTS} times, last '{command}' ({ending})");
                    let command = (*command).to_owned();
                    return Ok(Some(TestResult::Failed { text, command, ending }));
                }
            }
        }
        Ok(None)
    }

    fn run_one(&self, line: &str, again: bool) -> anyhow::Result<Ending> {
        private::make_folder(self.log.parent().context("a log needs a folder")?)?;
        let mut log = if again { private::append(&self.log)? } else { private::create(&self.log)? };
        if again {
            writeln!(log, "\n{}", last_round(line))?;
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
