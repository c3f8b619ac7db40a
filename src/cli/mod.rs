//! The faces: the command line, what people and programs read, and the pages beside them.
//!
//! Invariant: nothing below knows of this layer. A command resolves its arguments, calls one
//! function of [`run`](crate::run), and prints; what it prints is made in `view`, which is pure.

pub(crate) mod arguments;
pub(crate) mod commands;
pub(crate) mod completion;
pub(crate) mod doctor;
pub mod pages;
pub(crate) mod ui;
pub(crate) mod view;

use clap::Parser;

use crate::domain::error;
use arguments::Cli;

/// Parses the command line of this process and runs the command; returns the exit code.
pub fn main() -> u8 {
    let exit = match commands::run(Cli::parse()) {
        // The reader of our output has gone, as `head` does: that is no failure.
        Err(error) if ui::is_broken_pipe(&error) => error::Exit::Ok,
        Err(error) => {
            ui::Ui::default().error(&error);
            error::exit_of(&error)
        }
        Ok(exit) => exit,
    };
    exit.code()
}
