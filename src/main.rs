//! `git orchestrate`: parse the command line, run the command, exit with its code.

use std::process::ExitCode;

use clap::Parser;
use git_orchestrate::{cli::Cli, commands, error, ui};

fn main() -> ExitCode {
    let exit = match commands::run(Cli::parse()) {
        Err(error) if ui::is_broken_pipe(&error) => error::Exit::Ok,
        Err(error) => {
            ui::Ui::default().error(&error);
            error::exit_of(&error)
        }
        Ok(exit) => exit,
    };
    ExitCode::from(exit.code())
}
