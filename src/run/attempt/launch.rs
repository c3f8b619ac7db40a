//! Runs `setup` and the agent in the worktree of an attempt.
//!
//! Invariant: the agent has a time limit and a process group of its own, or else the terminal; no
//! process that an agent starts outlives its attempt.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::Attempt;
use crate::domain::task::Ending;
use crate::git::trace;
use crate::run::brief::conversation;
use crate::run::folder::{RunFolder, write_json};
use crate::run::setup::{self, Setup, SetupOutcome};
use crate::system::private;
use crate::system::process::{self, Job, Orphan, Program, Streams};

/// At most this many processes are named.
const MAX_NAMED: usize = 8;

/// How an agent ended, and remarks on it.
pub(super) struct AgentExit {
    pub(super) ending: Ending,
    pub(super) remarks: Vec<String>,
}

impl Attempt {
    /// Sets up the worktree, unless an earlier attempt did.
    pub(super) fn set_up_worktree(&self) -> anyhow::Result<SetupOutcome> {
        let worker = self.worker_file()?;
        Setup {
            git: &self.git,
            place: &self.spec.place.worktree,
            setup: self.spec.place.setup.as_deref(),
            environment: self.environment(&self.folder.prompt())?,
            timeout: self.spec.place.setup_timeout,
            log: self.folder.setup_log(),
            worker,
            stop: &self.stop,
        }
        .run()
    }

    /// Launches the agent: resumes its interrupted conversation, or starts a new one if there is
    /// none or the program has forgotten it.
    pub(super) fn run_agent(&self) -> anyhow::Result<AgentExit> {
        if let Some(argv) = &self.spec.launch.resume {
            let exit = self.launch(argv, &self.folder.resume_prompt())?;
            let is_known =
                || conversation::of_log(&self.folder.log(), self.spec.launch.format).is_some();
            if !matches!(exit.ending, Ending::Exited(code) if code != 0) || is_known() {
                return Ok(exit);
            }
            // The program forgot the conversation; `show --prompt` must print the prompt that was
            // used.
            let _ = std::fs::remove_file(self.folder.resume_prompt());
        }
        self.launch(&self.spec.launch.argv, &self.folder.prompt())
    }

    fn launch(&self, argv: &[String], prompt: &Path) -> anyhow::Result<AgentExit> {
        let program = self.agent(argv, prompt)?;
        if self.stop.is_stopped() {
            return Ok(AgentExit { ending: Ending::Stopped, remarks: Vec::new() });
        }
        if self.spec.launch.terminal {
            // The user watches, so there is no time limit. The agent shares our process group, so
            // that Ctrl-C reaches it.
            let (ending, left) = process::run_beside(program, |pid| self.write_agent(pid))?;
            let ending = if self.stop.is_stopped() { Ending::Stopped } else { ending };
            return Ok(AgentExit { ending, remarks: self.name_ended(&left) });
        }
        // As a family: an agent's servers and watchers would write into the worktree after it was judged.
        let job = Job::start_family(program)?;
        self.stop.watch(Some(job.stopper()));
        // If this fails, the job is dropped and thereby killed.
        self.write_agent(job.pid())?;
        let limit = Duration::from_secs(self.spec.launch.timeout);
        let (ending, left) = job.wait_for_all(Some(limit), self.quiet());
        Ok(AgentExit { ending, remarks: self.name_ended(&left) })
    }

    /// Returns a remark on the processes that had to be ended; their full command lines go to a log
    /// only, so that the remark stays one line.
    fn name_ended(&self, left: &[Orphan]) -> Vec<String> {
        let lines = left.iter().map(|left| format!("ended pid {}: {}", left.pid(), left.line));
        // If the log cannot be written, the remark still names the processes.
        let _ = setup::append_log(&self.folder.supervisor_log(), lines);
        let name = |left: &Orphan| format!("{} (pid {})", left.name, left.pid());
        let named: Vec<String> = left.iter().take(MAX_NAMED).map(name).collect();
        let more = left.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        if named.is_empty() {
            Vec::new()
        } else {
            vec![format!("ended processes that the agent left running: {}{more}", named.join(", "))]
        }
    }

    /// Writes the agent's process to a file, so that the next controller can end it if this process
    /// is killed. Fails if no file can be written: an agent that nobody could end must not run.
    fn write_agent(&self, pid: u32) -> anyhow::Result<()> {
        let Some(worker) = process::worker(pid) else { return Ok(()) };
        // The attempt's folder may be deleted at any time; the second file is with the locks.
        let _ = write_json(&self.folder.agent(), &worker);
        write_json(&self.worker_file()?, &worker)
    }

    /// Returns the file that names the process at work on the task, after making its folder.
    fn worker_file(&self) -> anyhow::Result<PathBuf> {
        let file = RunFolder::new(&self.git, &self.spec.task.run).worker(&self.spec.task.id);
        std::fs::create_dir_all(file.parent().context("it lies in a folder")?)?;
        Ok(file)
    }

    /// Returns the variables that describe the task to the agent and to `setup`.
    fn environment(&self, prompt: &Path) -> anyhow::Result<Vec<(String, OsString)>> {
        let slot = self.git.slot(&self.spec.place.worktree)?.to_string();
        let base = self.tip()?.to_string();
        let repository = self.git.common_dir().display().to_string();
        let facts = [
            ("REPOSITORY", repository.as_str()),
            ("RUN", self.spec.task.run.as_str()),
            ("TASK", self.spec.task.id.as_str()),
            ("STAGE", self.spec.task.stage.name()),
            ("ATTEMPT", &self.spec.task.attempt.to_string()),
            ("BASE", &base),
            ("BRANCH", &self.spec.place.branch),
            ("TITLE", &self.spec.task.title),
            ("SLOT", &slot),
        ];
        let variable = |(name, value): (&str, &str)| (format!("ORCHESTRATE_{name}"), value.into());
        let mut environment: Vec<_> = facts.into_iter().map(variable).collect();
        // Without a model's name, a command can still choose one by the class.
        let class = self.spec.launch.class.map(|class| class.word().to_owned());
        let model = self.spec.launch.model.clone().or(class);
        environment
            .extend(model.map(|model| ("ORCHESTRATE_MODEL".to_owned(), OsString::from(model))));
        environment.push(("ORCHESTRATE_PROMPT".into(), prompt.into()));
        Ok(environment)
    }

    fn agent(&self, argv: &[String], prompt: &Path) -> anyhow::Result<Program> {
        let streams = if self.spec.launch.terminal {
            Streams::Inherited
        } else {
            Streams::Files {
                input: Some(prompt.to_owned()),
                output: private::create(&self.folder.log())?,
            }
        };
        let mut environment = self.environment(prompt)?;
        // A trace that the user turned on for all git commands is left alone.
        if std::env::var_os(trace::VARIABLE).is_none() {
            // git would create it so that others can read it.
            private::create(&self.folder.trace())?;
            environment.push((trace::VARIABLE.into(), self.folder.trace().into()));
        }
        Ok(Program::new(argv.to_vec(), &self.spec.place.worktree, environment, streams))
    }
}
