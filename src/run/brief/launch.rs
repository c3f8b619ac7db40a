//! How an attempt is launched: the command, its limits, and what its agent may do.
//!
//! Invariant: who does the work is decided before, in the [`Choice`]; here it becomes a command.

use super::conversation;
use super::spec::{LaunchMode, LaunchSpec, Spec};
use crate::domain::agent::{Agent, Launch};
use crate::domain::config::Role;
use crate::domain::error::failure;
use crate::domain::plan::Task;
use crate::domain::policy::choice::{Actor, Choice};
use crate::domain::report::Format;
use crate::domain::snapshot::Run;
use crate::domain::steps::shell::shell;
use crate::domain::steps::{self, Remedy, StartFrom, StartOption, Step};
use crate::domain::task::Stage;
use crate::run::Drive;
use crate::run::folder::{AttemptFolder, read_json};

/// The attempt to launch.
pub(super) struct Launching<'a> {
    pub(super) drive: &'a Drive,
    pub(super) run: &'a Run,
    pub(super) task: &'a Task,
    pub(super) choice: &'a Choice<'a>,
    /// Where the files lie that its agent reads.
    pub(super) folder: &'a AttemptFolder,
    pub(super) mode: LaunchMode,
}

impl Launching<'_> {
    /// Returns how to launch it; fails if it needs an agent and none is named.
    pub(super) fn spec(&self) -> anyhow::Result<LaunchSpec> {
        let (settings, choice) = (&self.drive.settings, self.choice);
        let is_tty = || std::io::IsTerminal::is_terminal(&std::io::stdin());
        let terminal = self.mode == LaunchMode::Alone && choice.stage.is_work() && is_tty();
        let Launch { argv, format } = self.launch(terminal)?;
        Ok(LaunchSpec {
            mode: self.mode,
            terminal,
            argv,
            resume: match self.mode {
                LaunchMode::Apart => self.resume(),
                // A person at the terminal starts a conversation of their own.
                LaunchMode::Alone | LaunchMode::ByHand => None,
            },
            format,
            is_command: matches!(choice.actor, Actor::Command(_)),
            agent: choice.program(),
            model: choice.model.clone(),
            class: choice.class,
            timeout: settings.limit_of(choice.stage, self.task.timeout),
            idle: settings.idle,
        })
    }

    fn launch(&self, terminal: bool) -> anyhow::Result<Launch> {
        let agent = match &self.choice.actor {
            _ if self.mode == LaunchMode::ByHand => {
                return Ok(Launch { argv: Vec::new(), format: Format::Text });
            }
            Actor::Command(command) => {
                return Ok(Launch { argv: shell(command), format: Format::Text });
            }
            Actor::Unknown => return Err(no_agent()),
            Actor::Agent(agent) => agent,
        };
        let (model, test) = (self.choice.model.as_deref(), self.drive.settings.test.as_deref());
        let launch = if terminal {
            agent.launch_beside(model, test, &self.folder.prompt())
        } else if self.choice.stage.is_work() {
            agent.launch(model, test)
        } else {
            agent.launch_reviewer(model, test)
        };
        Ok(launch.loading(self.skills()).allowing(&self.rules()).reading(&self.folder.0))
    }

    /// Returns the command that continues the conversation of an earlier attempt.
    fn resume(&self) -> Option<Vec<String>> {
        let agent: &Agent = self.choice.agent()?;
        let before = self.drive.folder.attempt(&self.task.id, self.choice.continues?);
        let spec: Spec = read_json(&before.spec()).ok()??;
        let id = conversation::of_log(&before.log(), spec.launch.format)?;
        let (model, test) = (self.choice.model.as_deref(), self.drive.settings.test.as_deref());
        let launch = if self.choice.stage.is_work() {
            agent.resume(&id, model, test)?
        } else {
            agent.resume_reviewer(&id, model, test)?
        };
        let launch = launch.loading(self.skills()).allowing(&self.rules()).reading(&self.folder.0);
        // Another program does not know this conversation.
        (launch.argv.first() == spec.launch.argv.first()).then_some(launch.argv)
    }

    /// Returns the skills that its prompt tells the agent to load.
    fn skills(&self) -> &[String] {
        self.drive.settings.skills.of(Role::of(self.choice.stage))
    }

    /// Returns the rules for what the agent may do beside its work, the command of `setup` among
    /// them.
    fn rules(&self) -> Vec<String> {
        let settings = &self.drive.settings;
        let setup = settings.setup.iter().map(|command| format!("Bash({command})"));
        let of_run = &self.run.flags.allow;
        let added = of_run.iter().filter(|rule| !settings.allow.contains(rule));
        let rules = settings.allow.iter().chain(added).cloned().chain(setup);
        rules.filter(|rule| may_have(self.choice.stage, rule)).collect()
    }
}

/// A reviewer and a planner read: a rule that lets them change files is for others.
fn may_have(stage: Stage, rule: &str) -> bool {
    let writes = ["Edit", "MultiEdit", "NotebookEdit", "Write"];
    stage.is_work() || !writes.iter().any(|tool| rule.starts_with(tool))
}

/// Returns the error for a task that needs an agent when none is named.
pub(crate) fn no_agent() -> anyhow::Error {
    failure(
        "no agent is set, and the plan has tasks without a 'run' command",
        Remedy::from(
            Step::Start { from: StartFrom::Same, options: vec![StartOption::Agent("claude")] }
                .to("Name one"),
        )
        .or(steps::git("config orchestrate.agent claude").to("Or set one for all runs")),
    )
}
