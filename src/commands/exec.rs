//! `git-orchestrate exec`: the supervisor of one attempt. Hidden; `start` launches it.

use super::Context;
use crate::cli::ExecArgs;
use crate::error::Exit;
use crate::run::attempt::supervise;
use crate::run::folder::AttemptFolder;

pub(super) fn run(context: &Context, args: ExecArgs) -> anyhow::Result<Exit> {
    supervise(AttemptFolder(context.directory.join(args.attempt)))?;
    Ok(Exit::Ok)
}
