//! The command line: argument types and their help text.
//!
//! Invariant: definitions only, no behaviour. Help, man pages and completions are generated from
//! them, so the meaning of an option is written once.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Run a plan of coding tasks in parallel git worktrees, and merge what passes the tests
///
/// Reads a plan and gives every task that is ready its own branch, worktree and agent. Work that
/// passes its reviews and the tests is merged into an integration branch. Progress is kept in the
/// repository's own refs: there is no daemon and no database, every step is an ordinary git
/// operation, and a crash at any moment loses nothing.
#[derive(Debug, Parser)]
#[command(
    name = "git-orchestrate",
    bin_name = "git orchestrate",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true, display_order = 900, value_hint = clap::ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Path to the repository (as `git --git-dir`)
    #[arg(long, value_name = "DIR", global = true, display_order = 900, value_hint = clap::ValueHint::DirPath)]
    pub git_dir: Option<PathBuf>,
    /// Path to the working tree (as `git --work-tree`)
    #[arg(long, value_name = "DIR", global = true, display_order = 900, value_hint = clap::ValueHint::DirPath)]
    pub work_tree: Option<PathBuf>,
    /// Print only results, warnings and errors
    #[arg(short, long, global = true, display_order = 900)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Allow(AllowArgs),
    Approve(ApproveArgs),
    Clean(CleanArgs),
    Compare(CompareArgs),
    #[command(hide = true)]
    Complete(CompleteArgs),
    Config(ConfigArgs),
    Demo(DemoArgs),
    Doctor(DoctorArgs),
    #[command(hide = true)]
    Exec(ExecArgs),
    Finish(FinishArgs),
    Help(HelpArgs),
    InstallMan(InstallManArgs),
    Log(LogArgs),
    Merge(MergeArgs),
    Plan(PlanArgs),
    Report(ReportArgs),
    Retry(RetryArgs),
    Show(ShowArgs),
    /// Print a skill file that teaches a coding agent to use git orchestrate
    ///
    /// Save it where your agent looks for skills, for example with
    /// `git orchestrate skill >.claude/skills/git-orchestrate/SKILL.md`.
    Skill,
    Start(StartArgs),
    Status(StatusArgs),
    Stop(StopArgs),
    Trust(TrustArgs),
    Wait(WaitArgs),
}

/// The run that a command acts on.
#[derive(Debug, Default, Args)]
pub struct RunArg {
    /// Act on the run with this name
    ///
    /// Needed only if several runs are unfinished and the current directory belongs to none of
    /// them.
    #[arg(long = "run", value_name = "NAME")]
    pub name: Option<String>,
}

/// Grant a run's agents one more permission
///
/// Adds a rule, in the syntax of Claude Code, to this run and to `.claude/settings.local.json`.
/// Agents have it from their next attempt on. A rule that would let an agent run any command is
/// refused.
#[derive(Debug, Args)]
pub struct AllowArgs {
    /// The permission: Bash(make lint), Bash(cargo test *), WebFetch
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub run: RunArg,
}

/// Approve task plans, so that work on them can begin
///
/// For runs started with `start --plan-first`: an agent plans each task first, and no code is
/// written until you approve that task plan. `show TASK --plan` prints it, and
/// `retry TASK -m "ANSWER"` sends it back.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The tasks' ids, or the numbers in their headings
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    /// Approve all task plans that are waiting
    #[arg(long, conflicts_with = "tasks")]
    pub all: bool,
    /// Answer the open questions: every agent that acts on the tasks gets this text
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    #[command(flatten)]
    pub run: RunArg,
}

/// Remove worktrees and branches that are merged
///
/// Removes only what is merged, clean and created by this run. Everything else stays, and the
/// reason is printed.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Only these tasks
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Print what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Also remove what is not merged or not clean, after writing a backup ref
    #[arg(short, long)]
    pub force: bool,
    /// Only tasks that ended or were merged longer ago than this: 12h, 2d, 1w
    #[arg(long, value_name = "TIME", value_parser = crate::domain::config::age)]
    pub older_than: Option<i64>,
    /// Also remove a finished run's logs, test worktree and journal
    ///
    /// The integration branch stays. With --force an unfinished run is removed too, after a backup
    /// of its journal and of everything that is not merged.
    #[arg(long)]
    pub all: bool,
}

/// Compare coding style between tasks and find duplicated code
///
/// Prints a table of style measurements of the code that each finished task added (Go, Rust,
/// Python, TypeScript, JavaScript, Java), marks the rows in which tasks differ, with files and
/// lines, and lists functions that two tasks wrote alike. Differences are not errors: the exit
/// code is 0.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The tasks' ids [default: all finished tasks, merged or not]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Print what can be typed next (for shell completion)
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// The words after the program's name, up to the word at the cursor, which may be empty
    #[arg(last = true, allow_hyphen_values = true)]
    pub words: Vec<std::ffi::OsString>,
}

/// Show every setting, its value, and where the value comes from
///
/// Settings are read from the options of `start`, then from git config, then from
/// .orchestrate/config.toml; the rest are defaults.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Run a small plan in a new repository, to see how it works
///
/// Creates a repository with a plan of seven tasks in three layers, runs the plan and shows the
/// result. The tasks are shell commands: you need no agent, no key and no network.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to create the repository: a new or empty directory [default: a temporary directory]
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Check this repository for problems and show how to fix them
///
/// Checks git, the repository, the settings, the agent, worktrees, locks, free disk space, and
/// tools that would search nested worktrees. Each problem is an error (a run could not start), a
/// warning or a note, and comes with the command that fixes it. Nothing is changed. Exits with 3
/// if there is an error.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Supervise one attempt (started by `start`)
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// The attempt's folder
    pub attempt: PathBuf,
}

/// Finish a run: merge its work, open a pull request, keep it or discard it
///
/// Runs the tests on the integration branch first. If they fail, nothing is merged and no pull
/// request is opened. Without an option, asks you on a terminal.
#[derive(Debug, Args)]
pub struct FinishArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Merge the integration branch into the base branch, and clean up
    ///
    /// Fast-forwards if possible; otherwise creates a merge commit, which is tested too.
    #[arg(long, group = "how")]
    pub merge: bool,
    /// Push the integration branch and open a pull request that describes the run
    #[arg(long, group = "how")]
    pub pr: bool,
    /// Leave everything as it is, and print where it is
    #[arg(long, group = "how")]
    pub keep: bool,
    /// Remove everything, after backups; asks you to type the run's name
    #[arg(long, group = "how")]
    pub discard: bool,
    /// The run's name, to confirm --discard without a terminal
    #[arg(long, value_name = "NAME", requires = "discard")]
    pub confirm: Option<String>,
    /// Merge or open the pull request even if tasks are unfinished
    #[arg(short, long, conflicts_with_all = ["keep", "discard"])]
    pub force: bool,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Print the manual: of a command, or about a topic
///
/// Without a name, lists the commands and the topics.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A command, a topic such as plans or configuration, or `manual` for all of it
    #[arg(value_name = "COMMAND|TOPIC")]
    pub topic: Option<String>,
}

/// Install the man pages, so that `git help orchestrate` works
#[derive(Debug, Args)]
pub struct InstallManArgs {
    /// Install below DIR/share [default: $XDG_DATA_HOME, or ~/.local/share, instead of DIR/share]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub prefix: Option<PathBuf>,
    /// Also install the completions for bash, zsh and fish
    #[arg(long)]
    pub completions: bool,
}

/// Show what happened in a run, or what a task's agent printed
///
/// Without TASK, prints one line for each event in the run's journal.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The task's id, or the number in its heading
    pub task: Option<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Keep printing until the attempt, or the run, ends
    #[arg(short, long)]
    pub follow: bool,
    /// Show the output of this attempt [default: the last one]
    #[arg(long, value_name = "N", requires = "task")]
    pub attempt: Option<u32>,
    /// Show the output of the tests on the task's merge instead
    #[arg(long, requires = "task", conflicts_with_all = ["follow", "attempt"])]
    pub test: bool,
    /// Show the output of worktree setup instead
    #[arg(long, conflicts_with_all = ["follow", "test"])]
    pub setup: bool,
    /// On a terminal, print the bytes as they are, with escape sequences and hidden characters
    #[arg(long, requires = "task")]
    pub raw: bool,
}

/// Test and merge finished tasks
///
/// Without TASK, merges every finished task. With TASK, merges that task as its branch is now,
/// even if it is blocked: this is how you take over what you have fixed by hand.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The tasks' ids [default: all tasks that wait to be merged]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
}

/// The tickets of a backlog to take.
#[derive(Debug, Default, Args)]
pub struct TicketArgs {
    /// For a backlog: take only these tickets
    #[arg(long = "task", value_name = "ID", num_args = 1..)]
    pub ids: Vec<String>,
    /// For a backlog: take only tickets with this label (for a task-master file, this tag)
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
}

/// Check a plan: show its layers, critical path, overlapping files and mistakes
///
/// Nothing is written, and no repository is needed.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The plan: a Markdown or TOML file; `-` reads standard input
    ///
    /// Also a folder of tickets, or a list from another program; see PLANS in git-orchestrate(1).
    #[arg(value_hint = clap::ValueHint::FilePath, required = true)]
    pub file: Vec<PathBuf>,
    #[command(flatten)]
    pub tickets: TicketArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Report how a task ended (for agents)
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The result
    pub status: ReportStatus,
    /// What was done, what is missing, or why it is blocked
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// The task [default: $ORCHESTRATE_TASK, or the task whose worktree you are in]
    #[arg(long)]
    pub task: Option<String>,
    #[command(flatten)]
    pub run: RunArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportStatus {
    Done,
    DoneWithConcerns,
    NeedsContext,
    Blocked,
    /// From a reviewer: the work is good
    Pass,
    /// From a reviewer: the work must be fixed; the message holds the findings
    Fail,
}

/// Run a blocked or paused task again, in its existing worktree
///
/// Refused if nothing has changed since the task was blocked: add a message, or choose another
/// model or agent.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The task's id, or the number in its heading
    #[arg(required_unless_present = "all")]
    pub task: Option<String>,
    /// Run every blocked task again that may end differently now
    #[arg(long, conflicts_with = "task")]
    pub all: bool,
    /// Advice for the next attempt
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// Use this model from now on: cheap, standard, capable, or a model's name
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Use this agent from now on: claude, codex and the like, or a shell command
    #[arg(long, value_name = "COMMAND")]
    pub agent: Option<String>,
    /// Run again even if nothing has changed
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub run: RunArg,
}

/// Show one task: its text, attempts, commits and changes
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The task's id, or the number in its heading
    pub task: String,
    #[command(flatten)]
    pub run: RunArg,
    /// Print the exact prompt of the last attempt, or of the first one if there was none
    #[arg(long)]
    pub prompt: bool,
    /// Print the task plan, its open questions first
    #[arg(long, conflicts_with = "prompt")]
    pub plan: bool,
    /// Print JSON, for programs
    #[arg(long, conflicts_with_all = ["prompt", "plan"])]
    pub json: bool,
}

/// Run a plan to the end, or resume a run
///
/// Without PLAN, or with the plan of an existing run, resumes that run.
#[derive(Debug, Default, Args)]
pub struct StartArgs {
    /// The plan: a Markdown or TOML file; `-` reads standard input
    ///
    /// Also a folder of tickets, or a list from another program; see PLANS in git-orchestrate(1).
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub plan: Vec<PathBuf>,
    #[command(flatten)]
    pub tickets: TicketArgs,
    /// Ask nothing: take every ticket that can start, and approve task plans as they are
    #[arg(short, long)]
    pub yes: bool,
    /// The agent: `claude`, `codex`, `gemini`, `opencode`, `copilot`, `aider`, or a shell command that reads its prompt from standard input
    #[arg(long, value_name = "NAME|COMMAND", value_parser = not_blank)]
    pub agent: Option<String>,
    /// Run at most this many tasks at once [default: 8]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub jobs: Option<u32>,
    /// Merge into this branch instead of the run's own, feat/NAME
    #[arg(long, value_name = "BRANCH")]
    pub into: Option<String>,
    /// Run only these tasks and what they depend on
    #[arg(long, value_name = "TASK", num_args = 1..)]
    pub only: Vec<String>,
    /// Let an agent plan each task first, and wait for `approve` before any code is written
    ///
    /// A task is planned when everything it depends on is merged, so you approve task plans layer
    /// by layer.
    ///
    /// This cannot be changed once the run has started.
    #[arg(long)]
    pub plan_first: bool,
    /// Run tasks one at a time in the run's own checkout, where you can answer the agent
    ///
    /// No worktree is made. A task that has begun in a worktree continues there.
    #[arg(long, conflicts_with_all = ["manual", "detach"])]
    pub foreground: bool,
    /// Keep the worktrees and branches of merged tasks, for `clean` to remove later
    #[arg(long)]
    pub keep: bool,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Run in the background, without this terminal
    ///
    /// `git orchestrate status --watch` and `log -f` show its progress, `stop` stops it. Tasks that
    /// must run alone have no terminal there.
    #[arg(short, long, conflicts_with_all = ["dry_run", "manual"])]
    pub detach: bool,
    /// Launch no agents: merge finished tasks, and prepare branch, worktree and prompt of ready ones
    ///
    /// You, or agents of yours, do the tasks and report the results with `report`; then run
    /// `start --manual` again.
    #[arg(long, conflicts_with = "dry_run")]
    pub manual: bool,
    /// With --manual: print JSON, like `status --json`
    #[arg(long, requires = "manual", conflicts_with = "detach")]
    pub json: bool,
    /// Use the plan as it is now, if it has changed since the run started
    ///
    /// Merged tasks stay merged, and tasks removed from the plan keep their branches.
    #[arg(long, requires = "plan")]
    pub update: bool,
    /// Trust the commands in the plan and everything in .orchestrate as they are now
    #[arg(long)]
    pub trust: bool,
    /// Leave the terminal's session (used by `--detach`)
    #[arg(long, hide = true)]
    pub in_background: bool,
    /// Name the new run, or choose the run to resume
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
}

/// Show the state of every task, and what to do next
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this task
    pub task: Option<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Keep showing changes until the run ends
    #[arg(short, long, conflicts_with = "json")]
    pub watch: bool,
    /// First check whether pull requests of blocked tasks were merged on the remote
    ///
    /// Such a task then waits to be merged here: run `start` or `merge`.
    #[arg(long)]
    pub fetch: bool,
}

/// Stop a run, or one of its tasks
///
/// Without TASK, does what Ctrl-C does in `start`: agents are asked to exit, worktrees and branches
/// stay, and `start` resumes the run. With TASK, stops only that task until `retry`; the rest of
/// the run continues.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// The tasks' ids [default: the whole run]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Kill agents at once, like a second Ctrl-C
    #[arg(short, long)]
    pub kill: bool,
}

/// Trust the commands and prompts in these files as they are now
///
/// Commands and prompts that come from files in the repository are used only after you trust them.
/// A file that changes must be trusted again.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// Plans, configuration files or prompts [default: .orchestrate/config.toml and .orchestrate/prompts]
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Accept the settings that have changed since the unfinished runs began, and print them
    ///
    /// Settings that decide which commands run, of git (`orchestrate.*`, hooks, filters, aliases and
    /// the like) and of .orchestrate/config.toml, are remembered when a run begins. If others are in
    /// force later, nothing runs with them before you accept them.
    #[arg(long, conflicts_with = "files")]
    pub settings: bool,
}

/// Wait until tasks are merged or blocked, or until something changes
///
/// Without --any, waits until each TASK (or the whole run) is merged or needs you. Exits with 0 if
/// all of them are merged, with 3 if one needs attention or the run is not running, and with 1 if
/// the time limit was reached.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// The tasks' ids [default: all tasks of the run]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Wait until the state of any of them changes
    #[arg(long)]
    pub any: bool,
    /// With --any: compare with this commit of the journal (from `status --json`) instead of now
    #[arg(long, value_name = "COMMIT", requires = "any")]
    pub since: Option<String>,
    /// Wait at most this long: 90s, 30m, 2h
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Returns the text, or an error if it is blank.
fn not_blank(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("it is blank; name an agent such as claude, or a command".into())
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
