//! The fake agent as a test sees it: its scripts, its gates, what it recorded.
//!
//! Invariant: agents wait at gates, never for a time. A launch that was not expected shows
//! in [`Env::launches`]. The verbs stand in `tests/agents/fake-agent`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::call::Running;
use crate::env::Env;
use crate::output::Output;

const FAKE_AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agents/fake-agent");

/// Returns a text as one word of a shell command line.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl Env {
    fn agents(&self, name: &str) -> PathBuf {
        self.root().join("agents").join(name)
    }

    /// Returns the shell command line that launches the fake agent.
    pub fn agent_command(&self) -> String {
        let folder = quoted(&self.root().join("agents").display().to_string());
        format!("FAKE_AGENT_DIR={folder} sh {}", quoted(FAKE_AGENT))
    }

    /// Writes the script for a task (`model`), one attempt (`model.2`) or a stage (`model.fix`).
    pub fn agent(&self, task: &str, script: &str) {
        self.write(self.agents(&format!("{task}.sh")), script);
    }

    /// Waits until an agent stands at a gate, for as long as any command runs.
    #[track_caller]
    pub fn wait_reached(&self, gate: &str) {
        self.wait_while_running(&format!("an agent is at gate {gate}"), || self.reached(gate));
    }

    /// Returns the shell line that waits at a gate, for tasks without an agent.
    pub fn gate(&self, gate: &str) -> String {
        let path = |path: PathBuf| quoted(&path.display().to_string());
        let [reached, open] =
            ["reached", "open"].map(|it| path(self.agents(&format!("{gate}.{it}"))));
        let folder = path(self.root().join("agents"));
        format!(": >{reached}; while [ -d {folder} ] && [ ! -e {open} ]; do sleep 0.05; done")
    }

    /// Returns whether an agent has come to a gate.
    pub fn reached(&self, gate: &str) -> bool {
        self.agents(&format!("{gate}.reached")).exists()
    }

    /// Lets agents pass a gate, now and later.
    pub fn open(&self, gate: &str) {
        self.write(self.agents(&format!("{gate}.open")), "");
    }

    /// Returns every launch as `task attempt stage`, in order.
    pub fn all_launches(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.agents("launches")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Returns how often an agent was launched for a task.
    pub fn launches(&self, task: &str) -> usize {
        let of_task = |line: &&String| line.split(' ').next() == Some(task);
        self.all_launches().iter().filter(of_task).count()
    }

    /// Returns the stages of every launch for a task, in order.
    pub fn stages(&self, task: &str) -> Vec<String> {
        let of_task = |line: &String| line.split(' ').next() == Some(task);
        let stage = |line: String| line.split(' ').nth(2).map(str::to_owned);
        self.all_launches().into_iter().filter(of_task).filter_map(stage).collect()
    }

    /// Returns what the agent of one attempt was given: `argv:`, `cwd:`, `env:`, `prompt:`.
    #[track_caller]
    pub fn agent_log(&self, task: &str, attempt: u32) -> String {
        self.read(self.agents(&format!("{task}.{attempt}.log")))
    }

    /// Returns whether the grandchild that the verb `orphan` left is alive.
    ///
    /// It keeps a FIFO open; reading one that nobody can write to says so. A process id would
    /// not do: where nobody reaps, the dead keep theirs.
    #[track_caller]
    pub fn orphan_lives(&self, task: &str) -> bool {
        self.fifo_is_held(&self.agents(&format!("{task}.orphan")))
    }

    /// Returns whether somebody keeps a FIFO open.
    #[track_caller]
    pub fn fifo_is_held(&self, fifo: &Path) -> bool {
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let opened = OpenOptions::new().read(true).custom_flags(nonblocking).open(fifo);
        match opened.expect("the orphan made a FIFO").read(&mut [0]) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            Err(error) => panic!("the FIFO cannot be read: {error}"),
        }
    }

    /// Returns the arguments that start `plan.toml` with the fake agent.
    pub fn start_arguments(&self, more: &[&str]) -> Vec<String> {
        let agent = self.agent_command();
        let start = ["start", "plan.toml", "--agent", &agent, "--trust"];
        start.iter().chain(more).map(|&word| word.to_owned()).collect()
    }

    /// Runs `plan.toml` with the fake agent.
    #[must_use = "assert how it ended"]
    pub fn start(&self, more: &[&str]) -> Output {
        self.run(self.start_arguments(more))
    }

    /// Runs `plan.toml`, whose tasks are shell commands.
    #[must_use = "assert how it ended"]
    pub fn start_commands(&self) -> Output {
        self.run(["start", "plan.toml", "--trust"])
    }

    /// Waits until `a` and `b` stand at their gates, and lets `b` go on when `a` is merged.
    pub fn let_a_be_merged_before_b(&self) {
        self.wait_reached("a");
        self.wait_reached("b");
        self.open("a");
        self.wait_while_running("a is merged", || self.task("a")["status"] == "done");
        self.open("b");
    }

    /// Starts `plan.toml` with the fake agent in the background.
    pub fn start_in_background(&self, more: &[&str]) -> Running<'_> {
        self.spawn(self.start_arguments(more))
    }
}
