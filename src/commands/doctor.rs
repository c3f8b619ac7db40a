//! `git orchestrate doctor`

use super::Context;
use crate::cli::DoctorArgs;
use crate::doctor::{Severity, examine};
use crate::error::Exit;
use crate::view::doctor as view;

pub(super) fn run(context: &Context, args: DoctorArgs) -> anyhow::Result<Exit> {
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
