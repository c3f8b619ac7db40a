//! One line per command; each file below resolves its arguments, calls lower functions, prints.
//!
//! Invariant: no policy lives here, and nothing below `commands` sees a clap type.

mod clean;
mod complete;
mod demo;
mod exec;
mod install_man;
mod log;
mod merge;
mod plan;
mod report;
mod retry;
mod show;
mod start;
mod status;
mod target;
mod trust;

use anyhow::Context as _;

use crate::cli::{Cli, Command};
use crate::error::{Exit, Hinted};
use crate::ui::Ui;

/// What every command is given.
pub struct Context {
    pub ui: Ui,
    /// Where the command acts: `-C DIR`, else the current directory.
    pub directory: std::path::PathBuf,
}

/// Runs the command that was asked for.
pub fn run(cli: Cli) -> anyhow::Result<Exit> {
    let directory = match cli.directory {
        Some(directory) => directory,
        None => std::env::current_dir()
            .context("the current directory is gone")
            .hint("go to one that exists, for example the repository's top level")?,
    };
    let context = Context { ui: Ui { quiet: cli.quiet }, directory };
    match cli.command {
        Command::Clean(args) => clean::run(&context, args),
        Command::Complete(args) => complete::run(&context, args),
        Command::Demo(args) => demo::run(&context, args),
        Command::Exec(args) => exec::run(&context, args),
        Command::InstallMan(args) => install_man::run(&context, args),
        Command::Log(args) => log::run(&context, args),
        Command::Merge(args) => merge::run(&context, args),
        Command::Plan(args) => plan::run(&context, args),
        Command::Report(args) => report::run(&context, args),
        Command::Retry(args) => retry::run(&context, args),
        Command::Show(args) => show::run(&context, args),
        Command::Start(args) => start::run(&context, args),
        Command::Status(args) => status::run(&context, args),
        Command::Trust(args) => trust::run(&context, args),
    }
}
