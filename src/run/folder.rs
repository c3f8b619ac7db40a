//! The run's folder of short-lived files: `$GIT_COMMON_DIR/orchestrate/<run>/`.
//!
//! Invariant: it holds prompts, logs, pids and outcomes only; deleting it loses logs, never work.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::error::failure;
use crate::domain::plan::TaskId;
use crate::domain::steps::program;
use crate::domain::task::Worker;
use crate::domain::text::fault;
use crate::git::Git;
use crate::system::disk::make_private_folder;
use crate::system::lock::LockFile;
use crate::system::private;
use crate::system::process;

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

    pub(crate) fn create(&self) -> anyhow::Result<()> {
        make_private_folder(&self.files)
    }

    pub(crate) fn attempt(&self, task: &TaskId, number: u32) -> AttemptFolder {
        AttemptFolder(self.files.join(task.as_str()).join(number.to_string()))
    }

    /// Returns the log of the tests of a task's merge candidate.
    pub(crate) fn test_log(&self, task: &TaskId) -> PathBuf {
        self.files.join(task.as_str()).join("test.log")
    }

    /// Returns the log of the same tests without the task's work.
    pub(crate) fn test_log_without(&self, task: &TaskId) -> PathBuf {
        self.files.join(task.as_str()).join("test-without.log")
    }

    /// Returns the log of setting up the checkout in which a task's merge candidate is tested.
    pub(crate) fn checkout_log(&self, task: &TaskId) -> PathBuf {
        self.files.join(task.as_str()).join("setup.log")
    }

    /// Returns the file that names the process which tests a merge candidate.
    pub(crate) fn tester(&self) -> PathBuf {
        self.files.join(".tester.json")
    }

    /// Returns the file that names the process which calls a remote or a forge.
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

    /// Returns the log of the tests of the whole integration branch.
    pub(crate) fn finish_log(&self) -> PathBuf {
        self.files.join(".finish.log")
    }

    /// Returns the log of setting up the checkout for the tests of the whole integration branch.
    pub(crate) fn finish_setup_log(&self) -> PathBuf {
        self.files.join(".finish-setup.log")
    }

    /// Returns the file that says why a person's commits on the integration branch were not kept.
    pub(crate) fn failed_branch(&self) -> PathBuf {
        self.files.join(".branch.json")
    }

    /// Returns the file that names the process at work on a task.
    ///
    /// It lies with the locks: if it went with the logs, nobody could end the agent of a killed
    /// supervisor, and a second agent would start beside it.
    pub(crate) fn worker(&self, task: &TaskId) -> PathBuf {
        self.locks.join("agents").join(format!("{task}.json"))
    }

    /// Returns the log of a controller in the background.
    pub(crate) fn controller_log(&self) -> PathBuf {
        self.files.join(".controller.log")
    }

    /// Opens the lock that the run's only controller holds.
    pub(crate) fn controller_lock(&self) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("controller"))
    }

    /// Opens the lock that a process holds while it judges a task's work by hand.
    pub(crate) fn report_lock(&self, task: &TaskId) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("reports").join(task.as_str()))
    }

    /// Opens the lock for calls to the run's remote: without it two processes would both find no
    /// pull request, and open two.
    pub(crate) fn talk_lock(&self) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("talk"))
    }

    /// Opens the lock of the run's integration checkout.
    pub(crate) fn checkout_lock(&self) -> anyhow::Result<LockFile> {
        LockFile::open(self.locks.join("checkout"))
    }
}

impl AttemptFolder {
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        make_private_folder(&self.0)
    }

    pub(crate) fn prompt(&self) -> PathBuf {
        self.0.join("prompt.md")
    }

    /// The prompt for an agent that resumes its conversation.
    pub(crate) fn resume_prompt(&self) -> PathBuf {
        self.0.join("resume.md")
    }

    /// The task's own text, for a reviewer.
    pub(crate) fn task(&self) -> PathBuf {
        self.0.join("task.md")
    }

    /// The implementer's report, for a reviewer.
    pub(crate) fn report(&self) -> PathBuf {
        self.0.join("report.md")
    }

    /// The diff of the whole task, for a reviewer.
    pub(crate) fn preamble(&self) -> PathBuf {
        self.0.join("preamble.md")
    }

    pub(crate) fn diff(&self) -> PathBuf {
        self.0.join("task.diff")
    }

    /// The diff since the last review, for a reviewer.
    pub(crate) fn fix_diff(&self) -> PathBuf {
        self.0.join("fix.diff")
    }

    /// The blueprint that a planning agent writes.
    pub(crate) fn blueprint(&self) -> PathBuf {
        self.0.join("plan.md")
    }

    /// The blueprint that the user sent back, for the agent that writes a new one.
    pub(crate) fn earlier_blueprint(&self) -> PathBuf {
        self.0.join("earlier-plan.md")
    }

    /// The approved blueprint, for implementers and reviewers.
    pub(crate) fn approved_blueprint(&self) -> PathBuf {
        self.0.join("approved-plan.md")
    }

    /// The output of the failed tests, for the agent that fixes the merge.
    pub(crate) fn test_log(&self) -> PathBuf {
        self.0.join("test.log")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The agent's git commands, as git traces them.
    pub(crate) fn trace(&self) -> PathBuf {
        self.0.join("git-trace")
    }

    /// The picture of the repository before an attempt by hand.
    pub(crate) fn picture(&self) -> PathBuf {
        self.0.join("picture.json")
    }

    /// The log of setting up the worktree, with the output of `setup`.
    pub(crate) fn setup_log(&self) -> PathBuf {
        self.0.join("setup.log")
    }

    /// The description of the attempt that the supervisor reads.
    pub(crate) fn spec(&self) -> PathBuf {
        self.0.join("spec.json")
    }

    /// The agent's process: the next controller ends it if the supervisor was killed.
    pub(crate) fn agent(&self) -> PathBuf {
        self.0.join("agent.json")
    }

    /// The event that the supervisor is about to append.
    pub(crate) fn outcome(&self) -> PathBuf {
        self.0.join("outcome.json")
    }

    /// A file whose existence says that the user stopped the attempt and the task shall wait.
    pub(crate) fn stop(&self) -> PathBuf {
        self.0.join("stop")
    }

    /// The supervisor's own errors, and the processes that it had to end.
    pub(crate) fn supervisor_log(&self) -> PathBuf {
        self.0.join("supervisor.log")
    }
}

/// Writes a value under another name and renames it, so that a reader never sees half of it.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    // In the same folder, since a rename does not cross file systems.
    let draft = path.with_extension("tmp");
    private::write(&draft, serde_json::to_vec_pretty(value)?)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("cannot write '{}'", path.display()))
}

/// Ends the process that a file names, and removes the file; returns true if the process still ran.
///
/// The process that wrote the file was killed before it could do both itself.
pub(crate) fn end_leftover(file: &Path, run: &str) -> anyhow::Result<bool> {
    let Some(worker) = read_json::<Worker>(file).unwrap_or_default() else { return Ok(false) };
    let ran = !process::is_group_gone(&worker, run);
    process::end_group_of(&worker, run);
    std::fs::remove_file(file)?;
    Ok(ran)
}

/// Reads a value; `None` if the file does not exist.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            failure(
                format!("'{}' is damaged: {}", path.display(), fault::json_at(&error)),
                program("rm").word(path.display()).to("Remove it, then run the command again"),
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read '{}'", path.display())),
    }
}
