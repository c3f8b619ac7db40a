//! `git orchestrate skill`

use crate::cli::commands::Context;
use crate::domain::error::Exit;

/// What a coding agent has to know to run both workflows with these commands.
const SKILL: &str = include_str!("../../skill/SKILL.md");

pub(crate) fn run(context: &Context) -> anyhow::Result<Exit> {
    context.ui.answer(SKILL)?;
    Ok(Exit::Ok)
}
