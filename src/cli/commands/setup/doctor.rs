//! `git orchestrate doctor`

use crate::cli::arguments::DoctorArgs;
use crate::cli::commands::Context;
use crate::cli::doctor::{Severity, examine};
use crate::cli::view::doctor as view;
use crate::domain::error::Exit;

pub(crate) fn run(context: &Context, args: DoctorArgs) -> anyhow::Result<Exit> {
    let findings = examine(&context.directory, &context.told);
    match args.json {
        true => context.ui.answer(&view::json(&findings)?)?,
        false => context.ui.answer(&view::text(&findings))?,
    }
    match findings.iter().any(|finding| finding.severity == Severity::Error) {
        true => Ok(Exit::Attention),
        false => Ok(Exit::Ok),
    }
}
