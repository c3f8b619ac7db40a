//! One line per command; each file below resolves its arguments, calls lower functions, prints.
//!
//! Invariant: no policy lives here, and nothing below `commands` sees a clap type.

mod access;
pub(crate) mod begin;
pub(crate) mod decide;
pub(crate) mod drive;
pub(crate) mod end;
pub(crate) mod for_agents;
mod input;
mod remote;
pub(crate) mod setup;
mod target;
pub(crate) mod watch;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::arguments::{Cli, Command};
use crate::cli::ui::Ui;
use crate::domain::error::{Exit, WithHint, in_scope};
use crate::git::discover::RepositoryOptions;
use crate::git::worktree::same_path;
use crate::system::process;
use crate::system::process::environment::REPOSITORY_VARIABLES;

/// What every command needs to know.
pub(crate) struct Context {
    pub ui: Ui,
    /// Where the command acts: `-C DIR`, else the current directory.
    pub directory: PathBuf,
    /// The options with which git finds the repository from the caller's directory.
    pub git_options: Vec<String>,
    /// The repository that `--git-dir` and `--work-tree` name.
    pub repository: RepositoryOptions,
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Exit> {
    forget_environment(&cli)?;
    let git_options = git_options(&cli);
    let directory = match cli.directory {
        Some(directory) => directory,
        None => std::env::current_dir()
            .context("the current directory is gone")
            .hint("go to one that exists, for example the repository's top level")?,
    };
    let repository = RepositoryOptions { git_dir: cli.git_dir, work_tree: cli.work_tree };
    let named = run_name(&cli.command);
    let context = Context { git_options, ui: Ui { quiet: cli.quiet }, directory, repository };
    access::check(&context, &cli.command)
        .and_then(|()| perform(&context, cli.command))
        .map_err(|error| in_scope(error, || context.scope_of_error(named.as_deref())))
}

/// Returns the name of the run that the caller gave.
fn run_name(command: &Command) -> Option<String> {
    let run = match command {
        Command::Allow(args) => &args.run,
        Command::Approve(args) => &args.run,
        Command::Clean(args) => &args.run,
        Command::Compare(args) => &args.run,
        Command::Config(args) => &args.run,
        Command::Finish(args) => &args.run,
        Command::Log(args) => &args.run,
        Command::Merge(args) => &args.run,
        Command::Report(args) => &args.run,
        Command::Retry(args) => &args.run,
        Command::Show(args) => &args.run,
        Command::Status(args) => &args.run,
        Command::Stop(args) => &args.run,
        Command::Wait(args) => &args.run,
        Command::Start(args) => return args.run.clone(),
        Command::Complete(_)
        | Command::Demo(_)
        | Command::Doctor(_)
        | Command::Exec(_)
        | Command::Help(_)
        | Command::InstallMan(_)
        | Command::Plan(_)
        | Command::Skill
        | Command::Trust(_) => return None,
    };
    run.name.clone()
}

/// Performs a command. A command that runs another one (`demo`) calls this too, because no command
/// imports another.
fn perform(context: &Context, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Allow(args) => decide::allow::run(context, args),
        Command::Approve(args) => decide::approve::run(context, args),
        Command::Clean(args) => end::clean::run(context, args),
        Command::Compare(args) => watch::compare::run(context, args),
        Command::Complete(args) => setup::complete::run(context, args),
        Command::Config(args) => setup::config::run(context, args),
        Command::Demo(args) => begin::demo::run(context, args),
        Command::Doctor(args) => setup::doctor::run(context, args),
        Command::Exec(args) => for_agents::exec::run(context, args),
        Command::Finish(args) => end::finish::run(context, args),
        Command::Help(args) => setup::help::run(context, args),
        Command::InstallMan(args) => setup::install_man::run(context, args),
        Command::Log(args) => watch::log::run(context, args),
        Command::Merge(args) => drive::merge::run(context, args),
        Command::Plan(args) => begin::plan::run(context, args),
        Command::Report(args) => for_agents::report::run(context, args),
        Command::Retry(args) => decide::retry::run(context, args),
        Command::Show(args) => watch::show::run(context, args),
        Command::Start(args) => drive::start::run(context, args),
        Command::Skill => for_agents::skill::run(context),
        Command::Status(args) => watch::status::run(context, args),
        Command::Stop(args) => drive::stop::run(context, args),
        Command::Trust(args) => decide::trust::run(context, args),
        Command::Wait(args) => watch::wait::run(context, args),
    }
}

/// Returns the options with which git finds the repository from the caller's directory: those of this
/// call, or the folder of `git -C`, which shows only in the shell's variable `PWD`.
fn git_options(cli: &Cli) -> Vec<String> {
    let moved = || {
        let (typed, here) = (std::env::var_os("PWD")?, std::env::current_dir().ok()?);
        let typed = Path::new(&typed);
        (typed.is_absolute() && typed.is_dir() && !same_path(typed, &here)).then_some(here)
    };
    let options = [
        ("-C", cli.directory.clone().or_else(moved)),
        ("--git-dir", cli.git_dir.clone()),
        ("--work-tree", cli.work_tree.clone()),
    ];
    let word = |(option, place): (&str, Option<PathBuf>)| {
        Some([option.to_owned(), place?.display().to_string()])
    };
    options.into_iter().filter_map(word).flatten().collect()
}

/// Starts this program again without the variables by which git or one of its hooks names a repository,
/// and passes their values as options instead. Otherwise a library that reads the environment later
/// would act on another repository than this program.
fn forget_environment(cli: &Cli) -> anyhow::Result<()> {
    if REPOSITORY_VARIABLES.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(());
    }
    let mut options = Vec::new();
    let named = [
        ("--git-dir", "GIT_DIR", cli.git_dir.is_some()),
        ("--work-tree", "GIT_WORK_TREE", cli.work_tree.is_some()),
    ];
    for (option, variable, is_given) in named {
        // An option goes before the variable, as in git itself.
        let value = std::env::var_os(variable).filter(|value| !value.is_empty() && !is_given);
        options.extend(value.into_iter().flat_map(|value| [option.into(), value]));
    }
    Err(process::begin_again(options, REPOSITORY_VARIABLES).into())
}
