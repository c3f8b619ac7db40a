//! The command line: types and help text only.
//!
//! Invariant: nothing here does anything. Man pages and completions are generated from
//! these definitions, so what a flag means is said once.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Run a plan of coding tasks in parallel git worktrees, and merge what is proven
///
/// Reads a plan, gives every task that is ready its own branch and worktree, runs an
/// agent in it, merges what passes the tests into an integration branch, and keeps its
/// progress in the repository's own refs. There is no daemon and no database: every step
/// is an ordinary git operation, and a crash at any moment loses nothing.
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
    /// Act on the repository with this git directory, as with git's own option
    #[arg(long, value_name = "DIR", global = true, display_order = 900, value_hint = clap::ValueHint::DirPath)]
    pub git_dir: Option<PathBuf>,
    /// Take DIR for the worktree of that repository, as with git's own option
    #[arg(long, value_name = "DIR", global = true, display_order = 900, value_hint = clap::ValueHint::DirPath)]
    pub work_tree: Option<PathBuf>,
    /// Say only what was asked for and what went wrong
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
    Demo(DemoArgs),
    Doctor(DoctorArgs),
    #[command(hide = true)]
    Exec(ExecArgs),
    Finish(FinishArgs),
    InstallMan(InstallManArgs),
    Log(LogArgs),
    Merge(MergeArgs),
    Plan(PlanArgs),
    Report(ReportArgs),
    Retry(RetryArgs),
    Show(ShowArgs),
    /// Print what a coding agent must know to run a plan with these commands
    ///
    /// For the folder where the agent looks for skills, for example
    /// `git orchestrate skill >.claude/skills/git-orchestrate/SKILL.md`.
    Skill,
    Start(StartArgs),
    Status(StatusArgs),
    Stop(StopArgs),
    Trust(TrustArgs),
    Wait(WaitArgs),
}

/// Which run a command is about.
#[derive(Debug, Default, Args)]
pub struct RunArg {
    /// Act on the run of this name
    ///
    /// Needed only where more than one run is unfinished and the current directory
    /// belongs to none of them.
    #[arg(long = "run", value_name = "NAME")]
    pub name: Option<String>,
}

/// Allow the agents of a run one thing more
///
/// Adds a rule, written as Claude Code writes it, to what this run's agents are given from
/// their next attempt on, and to `.claude/settings.local.json`. Rules that would let an agent
/// run anything are refused.
#[derive(Debug, Args)]
pub struct AllowArgs {
    /// What to allow: Bash(make lint), Bash(cargo test *), WebFetch
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub run: RunArg,
}

/// Let the work begin on tasks whose plans wait for a person
///
/// For runs that were begun with `start --plan-first`: each task is planned by an agent first,
/// and nothing is implemented before its plan is approved. `show TASK --plan` prints it, and
/// `retry TASK -m "..."` sends it back with an answer.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The tasks' ids, or the numbers in their headings
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    /// All tasks whose plans wait
    #[arg(long, conflicts_with = "tasks")]
    pub all: bool,
    #[command(flatten)]
    pub run: RunArg,
}

/// Remove worktrees and branches that are merged
///
/// Only what is merged, clean and made by this run goes; everything else stays, and the
/// reason is printed.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Only these tasks
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Say what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Remove what is not merged or not clean too, after writing a backup ref
    #[arg(short, long)]
    pub force: bool,
    /// Only tasks that ended, or were merged, longer ago than this: 12h, 2d, 1w
    #[arg(long, value_name = "TIME", value_parser = crate::domain::config::age)]
    pub older_than: Option<i64>,
    /// Also remove what a finished run leaves: its logs, its test worktree and its journal
    ///
    /// The integration branch stays. With --force an unfinished run is given up, after a backup
    /// of its journal and of all that is not merged.
    #[arg(long)]
    pub all: bool,
}

/// Compare how the tasks of a run are written, and find what two of them wrote alike
///
/// A table of style fingerprints of what each finished task added (Go, Rust, Python, TypeScript,
/// JavaScript, Java), the rows in which tasks that should agree do not, with places, and
/// functions that two tasks wrote alike. What it finds is no error: it exits with 0.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The tasks' ids [default: all that are finished, merged or not]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Print what can be typed next (for the shells' completions)
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// The words after the program's name, up to the one at the cursor, which may be empty
    #[arg(last = true, allow_hyphen_values = true)]
    pub words: Vec<std::ffi::OsString>,
}

/// Run a small plan in a new repository, to see how it works
///
/// Makes a repository with a plan of seven tasks in three layers, runs it and shows the
/// result. The tasks are shell commands: no agent program, key or network is needed.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to make the repository; it must not exist or be empty [default: a new temporary directory]
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Look for what would go wrong here, and say how to mend it; changes nothing
///
/// Looks at git, the repository, the settings, the agent, worktrees, locks, the disk, and at
/// tools that would look into nested worktrees. Each finding is an error (a run could not begin),
/// a warning or a note, with what to type. Exits with 3 where there is an error.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Supervise one attempt (started by `start`)
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// The folder of the attempt
    pub attempt: PathBuf,
}

/// Decide what becomes of a run's work: merge it, ask for that, keep or discard it
///
/// The tests run first on the integration branch as it is, and nothing is merged or asked for where
/// they fail. Without a choice it is asked for, on a terminal.
#[derive(Debug, Args)]
pub struct FinishArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Merge the integration branch into the base branch, and clean up
    ///
    /// Fast-forward where that is possible, else with a merge commit, which is tested too.
    #[arg(long, group = "how")]
    pub merge: bool,
    /// Push the integration branch, and open a pull request that says what the run did
    #[arg(long, group = "how")]
    pub pr: bool,
    /// Leave everything as it is, and say where it is
    #[arg(long, group = "how")]
    pub keep: bool,
    /// Remove everything, after backups; the run's name has to be typed
    #[arg(long, group = "how")]
    pub discard: bool,
    /// With --discard: the run's name, where there is no terminal to type it
    #[arg(long, value_name = "NAME", requires = "discard")]
    pub confirm: Option<String>,
    /// Merge, or ask for it, although tasks are not done
    #[arg(short, long, conflicts_with_all = ["keep", "discard"])]
    pub force: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Install the man pages, for git help orchestrate
#[derive(Debug, Args)]
pub struct InstallManArgs {
    /// Install below DIR/share [default: $XDG_DATA_HOME, or ~/.local/share, instead of DIR/share]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub prefix: Option<PathBuf>,
    /// Install the completions for bash, zsh and fish too
    #[arg(long)]
    pub completions: bool,
}

/// Show what happened in a run, or what a task's agent printed
///
/// Without TASK: a line for every step of the run, as its journal has it.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The task's id, or the number in its heading
    pub task: Option<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Go on printing until the attempt, or the run, ends
    #[arg(short, long)]
    pub follow: bool,
    /// The output of this attempt [default: the last one]
    #[arg(long, value_name = "N", requires = "task")]
    pub attempt: Option<u32>,
    /// What the tests printed on the task's merge, instead
    #[arg(long, requires = "task", conflicts_with_all = ["follow", "attempt"])]
    pub test: bool,
    /// What was done to its worktree before the agent, and what `setup` printed, instead
    #[arg(long, conflicts_with_all = ["follow", "test"])]
    pub setup: bool,
}

/// Merge what is finished, tested before it is published
///
/// Without TASK, every task that has finished and waits to be merged. With TASK, also a
/// blocked one: what its branch holds now is what is merged.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The tasks' ids [default: all that wait to be merged]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
}

/// Which tickets of a backlog are taken.
#[derive(Debug, Default, Args)]
pub struct TicketArgs {
    /// Of a backlog, take only these tickets
    #[arg(long = "task", value_name = "ID", num_args = 1..)]
    pub ids: Vec<String>,
    /// Of a backlog, take only tickets with this label; of a task-master file, the tag
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
}

/// Check a plan: layers, critical path, overlaps, mistakes; writes nothing
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The plan, Markdown or TOML; `-` reads standard input
    ///
    /// Also a folder of tickets, or the list of another program; see PLANS in git-orchestrate(1).
    #[arg(value_hint = clap::ValueHint::FilePath, required = true)]
    pub file: Vec<PathBuf>,
    #[command(flatten)]
    pub tickets: TicketArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Say how a task ended (what an agent calls when it is finished)
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// How it ended
    pub status: ReportStatus,
    /// What was done, what is missing, or what blocks
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// The task [default: $ORCHESTRATE_TASK, or the one whose worktree this is]
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
    /// What a reviewer says of work that is good
    Pass,
    /// What a reviewer says of work that is not, with its findings as message
    Fail,
}

/// Let a blocked or paused task run again, in the worktree it has
///
/// Refused where nothing would be different: add a message, or another model or agent.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The task's id, or the number in its heading
    pub task: String,
    /// What the next attempt should know
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// The model from now on: cheap, standard, capable, or a model's name
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// The agent from now on: claude, codex and the like, or a shell command
    #[arg(long, value_name = "COMMAND")]
    pub agent: Option<String>,
    /// Do it once more although nothing has changed
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
    /// Print the very text that the last attempt was given, or the first one would be
    #[arg(long)]
    pub prompt: bool,
    /// Print the plan that was made for it, its open questions first
    #[arg(long, conflicts_with = "prompt")]
    pub plan: bool,
}

/// Run a plan to the end, or go on with a run
///
/// Without PLAN, or with the plan of a run that exists, goes on where it stands.
#[derive(Debug, Default, Args)]
pub struct StartArgs {
    /// The plan, Markdown or TOML; `-` reads standard input
    ///
    /// Also a folder of tickets, or the list of another program; see PLANS in git-orchestrate(1).
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub plan: Vec<PathBuf>,
    #[command(flatten)]
    pub tickets: TicketArgs,
    /// Ask nothing: take the tickets of a backlog that can begin, and approve plans as they are
    #[arg(short, long)]
    pub yes: bool,
    /// The agent: `claude`, `codex`, `gemini`, `opencode`, `copilot`, `aider`, or a shell command that reads the prompt from standard input
    #[arg(long, value_name = "NAME|COMMAND", value_parser = not_blank)]
    pub agent: Option<String>,
    /// How many tasks may run at once [default: 8]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub jobs: Option<u32>,
    /// Merge into this branch instead of the run's own, feat/NAME
    #[arg(long, value_name = "BRANCH")]
    pub into: Option<String>,
    /// Run only these tasks, and what they depend on
    #[arg(long, value_name = "TASK", num_args = 1..)]
    pub only: Vec<String>,
    /// Have each task planned by an agent first, and wait for `approve` before the work
    ///
    /// A task is planned once all that it depends on is merged, so there is something to approve
    /// for each layer of the plan.
    ///
    /// A run goes on as it was begun.
    #[arg(long)]
    pub plan_first: bool,
    /// Leave worktrees and branches of merged tasks for `clean`
    #[arg(long)]
    pub keep: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Go on without this terminal, in the background
    ///
    /// `git orchestrate status --watch` and `log -f` look in, `stop` ends it. Tasks that must
    /// run alone have no terminal there.
    #[arg(short, long, conflicts_with_all = ["dry_run", "manual"])]
    pub detach: bool,
    /// Launch nothing: merge what is finished, and make branch, worktree and prompt for what is ready
    ///
    /// Whoever does a task says how it went with `report`; then `start --manual` again.
    #[arg(long, conflicts_with = "dry_run")]
    pub manual: bool,
    /// With --manual: print JSON, as `status --json` does
    #[arg(long, requires = "manual", conflicts_with = "detach")]
    pub json: bool,
    /// Take over a plan that has changed since the run began
    ///
    /// What is merged stays merged, and tasks that the plan drops keep their branches.
    #[arg(long, requires = "plan")]
    pub update: bool,
    /// Trust the commands in the plan and all in .orchestrate as they are now
    #[arg(long)]
    pub trust: bool,
    /// Leave the terminal's session (what `--detach` starts)
    #[arg(long, hide = true)]
    pub in_background: bool,
    /// With PLAN: the name of the new run, instead of the plan's; else: the run to go on with
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
}

/// Show where everything stands
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this task
    pub task: Option<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Stay, and show every change, until the run ends
    #[arg(short, long, conflicts_with = "json")]
    pub watch: bool,
    /// Look first whether pull requests of blocked tasks were merged on the remote
    ///
    /// Those that were wait to be merged here then, which `start` and `merge` do.
    #[arg(long)]
    pub fetch: bool,
}

/// End a run's agents, or those of one task
///
/// Without TASK, as Ctrl-C does where the run is driven: agents are asked to end, worktrees and
/// branches stay, and `start` goes on later. With TASK, only that task is stopped, and waits for
/// `retry`; the rest of the run goes on.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// The tasks' ids [default: the whole run]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Kill at once, as a second Ctrl-C does
    #[arg(short, long)]
    pub kill: bool,
}

/// Trust the commands and prompts in these files as they are now
///
/// Commands that come from files of the repository run, and prompts in it are given to
/// agents, only after this. A file that changes has to be trusted again.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// Plans, configuration files or prompts [default: .orchestrate/config.toml and .orchestrate/prompts]
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
}

/// Wait until tasks are merged or blocked, or until something changes
///
/// Without --any: until each TASK (or the whole run) is merged, or cannot go on without a
/// person. Exits with 0 where all of them are merged, with 3 where one needs attention or
/// nobody is at work, with 1 where the time is over.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// The tasks' ids [default: all tasks of the run]
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub run: RunArg,
    /// Until any of them is in another state than now
    #[arg(long)]
    pub any: bool,
    /// With --any: than it was at this commit of the journal (`status --json` has it)
    #[arg(long, value_name = "COMMIT", requires = "any")]
    pub since: Option<String>,
    /// At most for so long, as 90s, 30m or 2h
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Fails for text that names nothing.
fn not_blank(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("it is blank; name an agent, as claude, or a command".into())
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
