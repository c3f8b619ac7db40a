//! `git-orchestrate exec`: the supervisor of one attempt. Hidden; `start` launches it.

use crate::cli::arguments::ExecArgs;
use crate::cli::commands::Context;
use crate::domain::error::Exit;
use crate::run::attempt::supervise;
use crate::run::folder::AttemptFolder;

pub(crate) fn run(context: &Context, args: ExecArgs) -> anyhow::Result<Exit> {
    supervise(AttemptFolder(context.directory.join(args.attempt)))?;
    Ok(Exit::Ok)
}
