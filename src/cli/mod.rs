//! The command line, everything that users and programs read, and the man pages.
//!
//! Invariant: no layer below knows of this one. A command resolves its arguments, calls one
//! function of [`run`](crate::run), and prints; its output is rendered in `view`, which is pure.

pub(crate) mod arguments;
pub(crate) mod commands;
pub(crate) mod completion;
pub(crate) mod doctor;
mod overview;
pub mod pages;
pub(crate) mod ui;
pub(crate) mod view;

use clap::FromArgMatches;

use crate::domain::error;
use arguments::Cli;

/// Parses the command line of this process and runs the command; returns the exit code.
pub fn main() -> u8 {
    let matches = overview::command().try_get_matches();
    let matches = matches.unwrap_or_else(|error| overview::without_hidden(error).exit());
    let arguments = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let exit = match commands::run(arguments) {
        // The reader of our output, such as `head`, closed the pipe early: not a failure.
        Err(error) if ui::is_broken_pipe(&error) => error::Exit::Ok,
        Err(error) => {
            ui::Ui::default().error(&error);
            error::exit_of(&error)
        }
        Ok(exit) => exit,
    };
    exit.code()
}
