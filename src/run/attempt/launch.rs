//! What runs in the worktree of an attempt: `setup`, and the agent.
//!
//! Invariant: with a time limit and a process group of its own, or else with the terminal; what
//! an agent starts does not outlive its attempt.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::Attempt;
use crate::domain::task::Ending;
use crate::git::trace;
use crate::run::brief::conversation;
use crate::run::folder::{RunFolder, write_json};
use crate::run::furnish::{self, Ended, Furnishing};
use crate::system::process::{self, Job, Orphan, Program, Streams};

/// How many processes are named one by one.
const MAX_NAMED: usize = 8;

/// How an agent ended, and what is to be said of it.
pub(super) struct Ran {
    pub(super) ending: Ending,
    pub(super) remarks: Vec<String>,
}

impl Attempt {
    /// Gives the worktree what a new one needs.
    pub(super) fn furnish(&self) -> anyhow::Result<Ended> {
        let worker = self.worker_file()?;
        Furnishing {
            git: &self.git,
            place: &self.spec.worktree,
            setup: self.spec.setup.as_deref(),
            environment: self.environment(&self.folder.prompt())?,
            timeout: self.spec.setup_timeout.unwrap_or(self.spec.timeout),
            log: self.folder.setup_log(),
            worker,
            stop: &self.stop,
        }
        .run()
    }

    /// Goes on with the conversation that was broken off; begins afresh where there is none, or
    /// where the agent's program does not know it any more.
    pub(super) fn run_agent(&self) -> anyhow::Result<Ran> {
        if let Some(argv) = &self.spec.resume {
            let ran = self.run_words(argv, &self.folder.resume_prompt())?;
            let is_known = || conversation::of_log(&self.folder.log(), self.spec.format).is_some();
            if !matches!(ran.ending, Ending::Exited(code) if code != 0) || is_known() {
                return Ok(ran);
            }
            // It was told in vain, and `show --prompt` prints what was heard.
            let _ = std::fs::remove_file(self.folder.resume_prompt());
        }
        self.run_words(&self.spec.argv, &self.folder.prompt())
    }

    fn run_words(&self, argv: &[String], prompt: &Path) -> anyhow::Result<Ran> {
        let program = self.agent(argv, prompt)?;
        if self.stop.is_stopped() {
            return Ok(Ran { ending: Ending::Stopped, remarks: Vec::new() });
        }
        if self.spec.terminal {
            // A person is there: no time limit, and Ctrl-C is the agent's, which shares our group.
            let (ending, left) = process::run_beside(program, |pid| self.write_agent(pid))?;
            let ending = if self.stop.is_stopped() { Ending::Stopped } else { ending };
            return Ok(Ran { ending, remarks: self.named(&left) });
        }
        let job = Job::start_family(program)?;
        self.stop.watch(Some(job.stopper()));
        // A job that is given up is killed.
        self.write_agent(job.pid())?;
        let limit = Duration::from_secs(self.spec.timeout);
        let (ending, left) = job.wait_for_all(Some(limit), self.quiet());
        Ok(Ran { ending, remarks: self.named(&left) })
    }

    /// Says which processes had to be ended; their whole command lines go to a log alone.
    fn named(&self, left: &[Orphan]) -> Vec<String> {
        let lines = left.iter().map(|left| format!("ended pid {}: {}", left.pid(), left.line));
        // Where it cannot be written, the remark still names them.
        let _ = furnish::remark(&self.folder.supervisor_log(), lines);
        let told = |left: &Orphan| format!("{} (pid {})", left.name, left.pid());
        let named: Vec<String> = left.iter().take(MAX_NAMED).map(told).collect();
        let more = left.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        if named.is_empty() {
            Vec::new()
        } else {
            vec![format!("it left processes, which were ended: {}{more}", named.join(", "))]
        }
    }

    /// Names the agent's process, for whoever must end it, should this process be killed. One that
    /// nobody could end must not run.
    fn write_agent(&self, pid: u32) -> anyhow::Result<()> {
        let Some(worker) = process::worker(pid) else { return Ok(()) };
        // The attempt's own folder may be gone.
        let _ = write_json(&self.folder.agent(), &worker);
        write_json(&self.worker_file()?, &worker)
    }

    /// Returns the file that names who works on the task, in a folder that is there.
    fn worker_file(&self) -> anyhow::Result<PathBuf> {
        let file = RunFolder::new(&self.git, &self.spec.run).worker(&self.spec.task);
        std::fs::create_dir_all(file.parent().context("it lies in a folder")?)?;
        Ok(file)
    }

    /// The variables that say what the task is.
    fn environment(&self, prompt: &Path) -> anyhow::Result<Vec<(String, OsString)>> {
        let slot = self.git.slot(&self.spec.worktree)?.to_string();
        let base = self.tip()?.to_string();
        let facts = [
            ("RUN", self.spec.run.as_str()),
            ("TASK", self.spec.task.as_str()),
            ("STAGE", self.spec.stage.name()),
            ("ATTEMPT", &self.spec.attempt.to_string()),
            ("BASE", &base),
            ("BRANCH", &self.spec.branch),
            ("TITLE", &self.spec.title),
            ("SLOT", &slot),
        ];
        let variable = |(name, value): (&str, &str)| (format!("ORCHESTRATE_{name}"), value.into());
        let mut environment: Vec<_> = facts.into_iter().map(variable).collect();
        // A command that is told no name may choose one by the class.
        let class = self.spec.class.map(|class| class.word().to_owned());
        let model = self.spec.model.clone().or(class);
        environment
            .extend(model.map(|model| ("ORCHESTRATE_MODEL".to_owned(), OsString::from(model))));
        environment.push(("ORCHESTRATE_PROMPT".into(), prompt.into()));
        Ok(environment)
    }

    fn agent(&self, argv: &[String], prompt: &Path) -> anyhow::Result<Program> {
        let streams = if self.spec.terminal {
            Streams::Inherited
        } else {
            Streams::Files {
                input: Some(prompt.to_owned()),
                output: File::create(self.folder.log())?,
            }
        };
        let mut environment = self.environment(prompt)?;
        // A user who has all of git's commands written down keeps that.
        if std::env::var_os(trace::VARIABLE).is_none() {
            environment.push((trace::VARIABLE.into(), self.folder.trace().into()));
        }
        Ok(Program::new(argv.to_vec(), &self.spec.worktree, environment, streams))
    }
}
