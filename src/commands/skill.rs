//! `git orchestrate skill`

use super::Context;
use crate::error::Exit;

/// What a coding agent has to know to run both workflows with these commands.
const SKILL: &str = include_str!("../skill/SKILL.md");

pub(super) fn run(context: &Context) -> anyhow::Result<Exit> {
    context.ui.answer(SKILL)?;
    Ok(Exit::Ok)
}
