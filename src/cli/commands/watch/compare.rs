//! `git orchestrate compare`

use crate::cli::arguments::CompareArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::ui::answer_width;
use crate::cli::view::compare::{json, text};
use crate::domain::error::Exit;
use crate::run::compare::compare;

pub(crate) fn run(context: &Context, args: CompareArgs) -> anyhow::Result<Exit> {
    let target: Target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let only = target.tasks(&args.tasks)?;
    let comparison = compare(&target.drive.git, target.snapshot(), &only)?;
    let run = &target.snapshot().run.name;
    if args.json {
        context.ui.json(&json(run, &comparison)?)?;
    } else {
        context.ui.answer(&text(run, &comparison, answer_width()))?;
    }
    Ok(Exit::Ok)
}
