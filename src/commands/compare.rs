//! `git orchestrate compare`

use super::Context;
use super::target::{Target, Trust};
use crate::cli::CompareArgs;
use crate::error::Exit;
use crate::run::compare::compare;
use crate::ui::answer_width;
use crate::view::compare::{json, text};

pub(super) fn run(context: &Context, args: CompareArgs) -> anyhow::Result<Exit> {
    let target: Target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let only = target.tasks(&args.tasks)?;
    let comparison = compare(&target.drive.git, target.snapshot(), &only)?;
    let run = &target.snapshot().run.name;
    context.ui.answer(&match args.json {
        true => json(run, &comparison)?,
        false => text(run, &comparison, answer_width()),
    })?;
    Ok(Exit::Ok)
}
