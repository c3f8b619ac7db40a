//! The commands that are suggested, as values.
//!
//! Invariant: a step holds what it is about and nothing of how it is written. Which run, which
//! repository and whether the run is driven by hand is known where it is shown, not here.

use std::fmt::Display;

use super::command::{Command, Word};

/// A command to type next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Grants the rule; `yes` asks no question.
    Allow {
        rule: String,
        yes: bool,
    },
    /// Approves the plans of these tasks; without any, all that wait.
    Approve {
        ids: Vec<String>,
    },
    /// Cleans one task; without one, everything of the run.
    Clean {
        id: Option<String>,
        force: bool,
    },
    /// Runs the demo in a folder that the reader names.
    Demo,
    Finish(Finish),
    /// Prints this part of the manual.
    Help(&'static str),
    /// Installs the manual in a folder that the reader names.
    InstallMan,
    /// Prints the history of the run, or something of a task.
    Log {
        id: Option<String>,
        part: Part,
    },
    /// Merges a task; without one, all that wait.
    Merge {
        id: Option<String>,
    },
    /// Checks these tickets of a backlog.
    Plan {
        folder: String,
        tasks: Vec<String>,
    },
    Report {
        id: String,
        ending: Ending,
    },
    Retry {
        id: String,
        change: Change,
    },
    Show {
        id: String,
        plan: bool,
    },
    Start {
        from: StartFrom,
        options: Vec<StartOption>,
    },
    Status(Look),
    /// Stops a task; without one, the run.
    Stop {
        id: Option<String>,
        kill: bool,
    },
    Trust(Trust),
    /// Waits for the run.
    Wait,
    /// A command of git or of another program.
    Other(Command),
    /// A line for the shell, as it is.
    Line(String),
    /// The second follows if the first succeeded.
    Both(Box<Step>, Box<Step>),
    /// A command about another run than the one that the caller acts on.
    OfRun {
        run: String,
        manual: bool,
        step: Box<Step>,
    },
}

/// How a run is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    /// Asks on the terminal.
    Ask,
    Merge,
    /// Merges what is done, although tasks are not.
    MergePart,
    Pr,
    Keep,
    Discard,
    /// Discards the run of this name, so that nothing is asked.
    Confirm(String),
}

/// What `log` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What was printed, or happened, so far.
    SoFar,
    /// The same, and what is printed from now on.
    Follow,
    /// What the tests printed.
    Test,
    /// What the setup of the worktree printed.
    Setup,
}

/// How a task ended that was done by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Pass,
    Fail,
}

/// What is different in the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    /// The same once more, although it would probably fail the same way.
    Force,
    /// The agent gets a message that the reader writes.
    Text,
    Model(&'static str),
    /// An agent that the reader names.
    Agent,
}

/// What `status` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Once,
    Watch,
    /// After a look at the remote.
    Fetch,
}

/// What is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The settings and the prompts of the repository.
    Repository,
    /// The settings that changed since the run began.
    Settings,
    File(String),
    /// A file that the reader names.
    AFile,
}

/// What `start` starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartFrom {
    /// The run that there is.
    Run,
    /// A plan: the one that the caller typed, or one that the reader names.
    Plan,
    /// What the caller typed: a plan, or the run that there is.
    Same,
}

/// An option of `start`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StartOption {
    /// A name for a new run, which the reader chooses.
    Name,
    /// A branch to merge into.
    Into(String),
    /// A branch to merge into, which the reader chooses.
    IntoAny,
    /// A task of the plan alone.
    Only(String),
    /// A ticket that the reader chooses.
    Ticket,
    /// An agent that the reader names.
    AnyAgent,
    Agent(&'static str),
    DryRun,
    Foreground,
    PlanFirst,
    Trust,
    Update,
    Yes,
}

impl Step {
    pub(crate) fn allow(rule: impl Display) -> Step {
        Step::Allow { rule: rule.to_string(), yes: false }
    }

    pub(crate) fn log(id: impl Display) -> Step {
        Step::log_of(id, Part::SoFar)
    }

    pub(crate) fn log_of(id: impl Display, part: Part) -> Step {
        Step::Log { id: Some(id.to_string()), part }
    }

    pub(crate) fn merge(id: impl Display) -> Step {
        Step::Merge { id: Some(id.to_string()) }
    }

    pub(crate) fn report(id: impl Display, ending: Ending) -> Step {
        Step::Report { id: id.to_string(), ending }
    }

    pub(crate) fn retry(id: impl Display) -> Step {
        Step::retry_with(id, Change::Nothing)
    }

    pub(crate) fn retry_with(id: impl Display, change: Change) -> Step {
        Step::Retry { id: id.to_string(), change }
    }

    pub(crate) fn show(id: impl Display) -> Step {
        Step::Show { id: id.to_string(), plan: false }
    }

    pub(crate) fn show_plan(id: impl Display) -> Step {
        Step::Show { id: id.to_string(), plan: true }
    }

    /// Resumes the run.
    pub(crate) fn start() -> Step {
        Step::Start { from: StartFrom::Run, options: Vec::new() }
    }

    /// Begins a run.
    pub(crate) fn begin(options: impl Into<Vec<StartOption>>) -> Step {
        Step::Start { from: StartFrom::Plan, options: options.into() }
    }

    pub(crate) fn stop(id: impl Display) -> Step {
        Step::Stop { id: Some(id.to_string()), kill: false }
    }

    /// Stops the run.
    pub(crate) fn stop_run() -> Step {
        Step::Stop { id: None, kill: false }
    }

    pub(crate) fn status() -> Step {
        Step::Status(Look::Once)
    }

    /// Goes to a folder.
    pub(crate) fn cd(folder: impl Display) -> Step {
        super::command::program("cd").word(folder).into()
    }

    /// Lets git ignore what matches a pattern, in this repository and its worktrees alone.
    pub(crate) fn exclude(pattern: impl Display) -> Step {
        let pattern = super::shell::quoted(&pattern.to_string());
        let file = "\"$(git rev-parse --git-path info/exclude)\"";
        Step::Line(format!("printf '%s\\n' {pattern} >>{file}"))
    }

    /// Makes it a command about this run, whatever run the caller acts on.
    pub(crate) fn of(self, run: &str, manual: bool) -> Step {
        Step::OfRun { run: run.to_owned(), manual, step: Box::new(self) }
    }

    /// Adds a step that follows if this one succeeded.
    pub(crate) fn and(self, next: impl Into<Step>) -> Step {
        Step::Both(Box::new(self), Box::new(next.into()))
    }
}

impl From<Command> for Step {
    fn from(command: Command) -> Step {
        Step::Other(command)
    }
}

/// One of the program's own commands, word by word.
pub(super) struct Own {
    pub(super) verb: &'static str,
    pub(super) words: Vec<Word>,
    pub(super) needs: Needs,
}

/// What a command needs to know of where it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing but the repository.
    Repository,
    /// The run that it acts on.
    Run,
    /// The run or the plan that is started.
    Start(StartFrom),
}

impl Step {
    /// Returns the step's words, if it is one of the program's own commands.
    pub(super) fn own(&self) -> Option<Own> {
        let own = |verb, words| Some(Own { verb, words, needs: Needs::Repository });
        let of_run = |verb, words| Some(Own { verb, words, needs: Needs::Run });
        match self {
            Step::Allow { rule, yes } => {
                let yes = yes.then(|| Word::text("--yes"));
                of_run("allow", std::iter::once(Word::text(rule)).chain(yes).collect())
            }
            Step::Approve { ids } if ids.is_empty() => of_run("approve", vec![Word::text("--all")]),
            Step::Approve { ids } => of_run("approve", ids.iter().map(Word::text).collect()),
            Step::Clean { id, force } => {
                let force = force.then(|| Word::text("--force"));
                let id = Word::text(id.as_deref().unwrap_or("--all"));
                of_run("clean", std::iter::once(id).chain(force).collect())
            }
            Step::Demo => own("demo", vec![Word::Blank(None, "DIR")]),
            Step::Finish(how) => of_run("finish", how.words()),
            Step::Help(topic) => own("help", vec![Word::text(topic)]),
            Step::InstallMan => own("install-man", vec![Word::Blank(Some("--prefix"), "DIR")]),
            Step::Log { id, part } => {
                of_run("log", id.iter().map(Word::text).chain(part.word()).collect())
            }
            Step::Merge { id } => of_run("merge", id.iter().map(Word::text).collect()),
            Step::Plan { folder, tasks } => {
                let tasks = tasks.iter().flat_map(|id| ["--task", id]).map(Word::text);
                own("plan", std::iter::once(Word::text(folder)).chain(tasks).collect())
            }
            Step::Report { id, ending } => of_run("report", ending.words(id)),
            Step::Retry { id, change } => {
                of_run("retry", std::iter::once(Word::text(id)).chain(change.words()).collect())
            }
            Step::Show { id, plan } => {
                let plan = plan.then(|| Word::text("--plan"));
                of_run("show", std::iter::once(Word::text(id)).chain(plan).collect())
            }
            Step::Start { from, options } => {
                let words = options.iter().flat_map(StartOption::words).collect();
                Some(Own { verb: "start", words, needs: Needs::Start(*from) })
            }
            Step::Status(look) => of_run("status", look.word().into_iter().collect()),
            Step::Stop { id, kill } => {
                let kill = kill.then(|| Word::text("--kill"));
                of_run("stop", id.iter().map(Word::text).chain(kill).collect())
            }
            Step::Trust(what) => own("trust", what.word().into_iter().collect()),
            Step::Wait => of_run("wait", Vec::new()),
            Step::Other(_) | Step::Line(_) | Step::Both(..) | Step::OfRun { .. } => None,
        }
    }
}

impl Finish {
    fn words(&self) -> Vec<Word> {
        let words = match self {
            Finish::Ask => Vec::new(),
            Finish::Merge => vec!["--merge"],
            Finish::MergePart => vec!["--merge", "--force"],
            Finish::Pr => vec!["--pr"],
            Finish::Keep => vec!["--keep"],
            Finish::Discard => vec!["--discard"],
            Finish::Confirm(name) => vec!["--discard", "--confirm", name],
        };
        words.into_iter().map(Word::text).collect()
    }
}

impl Part {
    fn word(self) -> Option<Word> {
        match self {
            Part::SoFar => None,
            Part::Follow => Some(Word::text("-f")),
            Part::Test => Some(Word::text("--test")),
            Part::Setup => Some(Word::text("--setup")),
        }
    }
}

impl Ending {
    fn words(self, id: &str) -> Vec<Word> {
        let (status, has_text) = match self {
            Ending::Done => ("done", true),
            Ending::Pass => ("pass", false),
            Ending::Fail => ("fail", true),
        };
        let text = has_text.then_some(Word::Blank(Some("-m"), "TEXT"));
        [status, "--task", id].map(Word::text).into_iter().chain(text).collect()
    }
}

impl Change {
    fn words(self) -> Vec<Word> {
        match self {
            Change::Nothing => Vec::new(),
            Change::Force => vec![Word::text("--force")],
            Change::Text => vec![Word::Blank(Some("-m"), "TEXT")],
            Change::Model(model) => ["--model", model].map(Word::text).to_vec(),
            Change::Agent => vec![Word::Blank(Some("--agent"), "COMMAND")],
        }
    }
}

impl Look {
    fn word(self) -> Option<Word> {
        match self {
            Look::Once => None,
            Look::Watch => Some(Word::text("--watch")),
            Look::Fetch => Some(Word::text("--fetch")),
        }
    }
}

impl Trust {
    fn word(&self) -> Option<Word> {
        match self {
            Trust::Repository => None,
            Trust::Settings => Some(Word::text("--settings")),
            Trust::File(file) => Some(Word::text(file)),
            Trust::AFile => Some(Word::Blank(None, "FILE")),
        }
    }
}

impl StartOption {
    fn words(&self) -> Vec<Word> {
        match self {
            StartOption::Name => vec![Word::Blank(Some("--run"), "NAME")],
            StartOption::Into(branch) => ["--into", branch].map(Word::text).to_vec(),
            StartOption::IntoAny => vec![Word::Blank(Some("--into"), "BRANCH")],
            StartOption::Only(id) => ["--only", id].map(Word::text).to_vec(),
            StartOption::Ticket => vec![Word::Blank(Some("--task"), "ID")],
            StartOption::AnyAgent => vec![Word::Blank(Some("--agent"), "COMMAND")],
            StartOption::Agent(agent) => ["--agent", agent].map(Word::text).to_vec(),
            StartOption::DryRun => vec![Word::text("--dry-run")],
            StartOption::Foreground => vec![Word::text("--foreground")],
            StartOption::PlanFirst => vec![Word::text("--plan-first")],
            StartOption::Trust => vec![Word::text("--trust")],
            StartOption::Update => vec![Word::text("--update")],
            StartOption::Yes => vec![Word::text("--yes")],
        }
    }
}
