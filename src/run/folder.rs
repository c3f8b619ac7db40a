//! The run's folder of short-lived files: `$GIT_COMMON_DIR/orchestrate/<run>/`.
//!
//! Invariant: prompts, logs, pids and outcomes only. Deleting it loses logs, never work.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::plan::TaskId;
use crate::git::Git;
use crate::system::disk::make_folder;
use crate::system::lock::LockFile;

/// The folder of a run.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    files: PathBuf,
    locks: PathBuf,
}

/// The folder of one attempt: `<run>/<task>/<number>/`.
#[derive(Debug, Clone)]
pub(crate) struct AttemptFolder(pub PathBuf);

impl RunFolder {
    pub(crate) fn new(git: &Git, run: &str) -> RunFolder {
        let files = git.common_dir().join("orchestrate").join(run);
        RunFolder { files, locks: git.locks().join(run) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.files
    }

    pub(crate) fn attempt(&self, task: &TaskId, number: u32) -> AttemptFolder {
        AttemptFolder(self.files.join(task.as_str()).join(number.to_string()))
    }

    /// Returns the file that holds what the tests printed on a task's merge candidate.
    pub(crate) fn test_log(&self, task: &TaskId) -> PathBuf {
        self.files.join(task.as_str()).join("test.log")
    }

    /// Returns the file that holds what was done to the checkout before a task's merge was tested.
    pub(crate) fn checkout_log(&self, task: &TaskId) -> PathBuf {
        self.files.join(task.as_str()).join("setup.log")
    }

    /// Returns the file that names the process that tests a merge candidate.
    pub(crate) fn tester(&self) -> PathBuf {
        self.files.join(".tester.json")
    }

    /// Returns the file that names the process that talks to a remote or a forge.
    pub(crate) fn talker(&self) -> PathBuf {
        self.files.join(".talker.json")
    }

    /// Returns the file that holds the description of a task's pull request.
    pub(crate) fn pull_request(&self, task: &TaskId) -> PathBuf {
        self.files.join(task.as_str()).join("pull-request.md")
    }

    /// Returns the file that holds the description of the run's own pull request.
    pub(crate) fn own_pull_request(&self) -> PathBuf {
        self.files.join(".pull-request.md")
    }

    /// Returns the file that holds what the tests printed on the integration branch as a whole.
    pub(crate) fn finish_log(&self) -> PathBuf {
        self.files.join(".finish.log")
    }

    /// Returns the file that holds what was done to the checkout before that.
    pub(crate) fn finish_setup_log(&self) -> PathBuf {
        self.files.join(".finish-setup.log")
    }

    /// Returns the file that names the process at work on a task; it lies with the locks, so that
    /// whoever deletes logs lets no second agent in.
    pub(crate) fn worker(&self, task: &TaskId) -> PathBuf {
        self.locks.join("agents").join(format!("{task}.json"))
    }

    /// Returns the file that holds what a controller in the background says.
    pub(crate) fn controller_log(&self) -> PathBuf {
        self.files.join(".controller.log")
    }

    /// Takes the lock that one controller of a run holds.
    pub(crate) fn controller_lock(&self) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("controller"))
    }

    /// Takes the lock for judging what was left of a task that is done by hand.
    pub(crate) fn report_lock(&self, task: &TaskId) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("reports").join(task.as_str()))
    }

    /// Takes the lock for talking to the run's remote: of two that would open a pull request, the
    /// second finds the first one's.
    pub(crate) fn talk_lock(&self) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("talk"))
    }

    /// Takes the lock for the run's integration checkout.
    pub(crate) fn checkout_lock(&self) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("checkout"))
    }
}

impl AttemptFolder {
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        make_folder(&self.0)
    }

    pub(crate) fn prompt(&self) -> PathBuf {
        self.0.join("prompt.md")
    }

    /// What an agent is told whose conversation goes on.
    pub(crate) fn resume_prompt(&self) -> PathBuf {
        self.0.join("resume.md")
    }

    /// The task's own text, for a reviewer.
    pub(crate) fn task(&self) -> PathBuf {
        self.0.join("task.md")
    }

    /// What the implementer reported, for a reviewer.
    pub(crate) fn report(&self) -> PathBuf {
        self.0.join("report.md")
    }

    /// All that the task changes, for a reviewer.
    pub(crate) fn diff(&self) -> PathBuf {
        self.0.join("task.diff")
    }

    /// What was changed since the last review, for a reviewer.
    pub(crate) fn fix_diff(&self) -> PathBuf {
        self.0.join("fix.diff")
    }

    /// Where a planning agent writes its plan.
    pub(crate) fn plan(&self) -> PathBuf {
        self.0.join("plan.md")
    }

    /// The plan that was sent back, for who makes it anew.
    pub(crate) fn earlier_plan(&self) -> PathBuf {
        self.0.join("earlier-plan.md")
    }

    /// The plan that was approved, for who does the work or reads it.
    pub(crate) fn approved_plan(&self) -> PathBuf {
        self.0.join("approved-plan.md")
    }

    /// What the tests printed that failed, for who mends it.
    pub(crate) fn test_log(&self) -> PathBuf {
        self.0.join("test.log")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The git commands that the agent ran, as git writes them down.
    pub(crate) fn trace(&self) -> PathBuf {
        self.0.join("git-trace")
    }

    /// What the repository looked like when somebody outside began.
    pub(crate) fn around(&self) -> PathBuf {
        self.0.join("around.json")
    }

    /// What was done to the worktree before the agent, and what `setup` printed.
    pub(crate) fn setup_log(&self) -> PathBuf {
        self.0.join("setup.log")
    }

    /// What the supervisor is to do.
    pub(crate) fn spec(&self) -> PathBuf {
        self.0.join("spec.json")
    }

    /// The agent's process, for whoever must end it when its supervisor is gone.
    pub(crate) fn agent(&self) -> PathBuf {
        self.0.join("agent.json")
    }

    /// The event that the supervisor is about to append.
    pub(crate) fn outcome(&self) -> PathBuf {
        self.0.join("outcome.json")
    }

    /// Its being there says that a person wants the attempt to end, and the task to wait.
    pub(crate) fn stop(&self) -> PathBuf {
        self.0.join("stop")
    }

    /// What the supervisor itself had to say.
    pub(crate) fn supervisor_log(&self) -> PathBuf {
        self.0.join("supervisor.log")
    }
}

/// Writes a value so that a reader sees all of it or nothing.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let draft = path.with_extension("tmp");
    std::fs::write(&draft, serde_json::to_vec_pretty(value)?)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("cannot write '{}'", path.display()))
}

/// Reads a value; `None` where there is no file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(
            serde_json::from_slice(&bytes)
                .with_context(|| format!("'{}' is broken", path.display()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read '{}'", path.display())),
    }
}
