//! `git orchestrate`: parse the command line, run the command, exit with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(git_orchestrate::main())
}
