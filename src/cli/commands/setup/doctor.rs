//! `git orchestrate doctor`

use crate::cli::arguments::DoctorArgs;
use crate::cli::commands::Context;
use crate::cli::doctor::{Severity, examine};
use crate::cli::view::doctor as view;
use crate::domain::error::Exit;

pub(crate) fn run(context: &Context, args: DoctorArgs) -> anyhow::Result<Exit> {
    let findings = examine(&context.directory, &context.repository);
    if args.json {
        context.ui.json(&view::json(&findings, &context.scope())?)?;
    } else {
        context.ui.answer(&view::text(&findings, &context.scope()))?;
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        Ok(Exit::Attention)
    } else {
        Ok(Exit::Ok)
    }
}
