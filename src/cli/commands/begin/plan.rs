//! `git orchestrate plan`: checks a plan and shows its shape; writes nothing.
//!
//! Invariant: without `--json` the plan goes to standard output and every finding to
//! standard error; with it, all of them are in the JSON.

use super::input::Given;
use crate::cli::arguments::PlanArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Trust, prompts};
use crate::cli::ui::Ui;
use crate::cli::view::plan as view;
use crate::cli::view::plan::PlanView;
use crate::domain::error::{self, Exit};
use crate::domain::plan::dag::Dag;
use crate::domain::text::printable;
use crate::plan::analysis::Analysis;
use crate::plan::{Finding, Parsed, Severity};

/// Runs the command.
pub(crate) fn run(context: &Context, args: PlanArgs) -> anyhow::Result<Exit> {
    // A plan needs no repository; where there is one, its runs have tickets already, and a run of
    // it would use that one's prompts.
    let git = context.git().ok();
    if let Some(git) = &git {
        prompts(git, Trust::NotNeeded)?;
    }
    let (tasks, labels) = (&args.tickets.ids, &args.tickets.labels);
    let given = Given::read(context, git.as_ref(), &args.file, tasks, labels)?;
    match given.plan(git.as_ref())? {
        Ok(parsed) => show(&context.ui, &parsed, args.json),
        Err(findings) => {
            if args.json {
                context.ui.answer(&view::errors_json(&findings)?)?;
            } else {
                print_findings(&context.ui, &findings);
            }
            Ok(Exit::Failed)
        }
    }
}

/// Prints what was found, errors and warnings alike, each with its remedy.
pub(crate) fn print_findings(ui: &Ui, findings: &[Finding]) {
    for finding in findings {
        let located = printable(&finding.located());
        let remedy = printable(&finding.remedy);
        match finding.severity {
            Severity::Error => ui.error(&error::failure(located, remedy)),
            Severity::Warning => {
                ui.warning(&located);
                ui.hint(&remedy);
            }
        }
    }
}

fn show(ui: &Ui, parsed: &Parsed, json: bool) -> anyhow::Result<Exit> {
    if json {
        ui.answer(&with_view(parsed, |view| view.json())??)?;
    } else {
        ui.answer(&text(parsed)?)?;
        print_findings(ui, &parsed.warnings);
    }
    Ok(Exit::Ok)
}

/// Returns a plan as it is shown to people.
pub(crate) fn text(parsed: &Parsed) -> anyhow::Result<String> {
    with_view(parsed, |view| view.text())
}

fn with_view<T>(parsed: &Parsed, show: impl Fn(&PlanView<'_>) -> T) -> anyhow::Result<T> {
    let dag = Dag::new(&parsed.plan.edges())
        .map_err(|errors| anyhow::anyhow!("the plan is not sound: {errors:?}"))?;
    let analysis = Analysis::new(&parsed.plan, &dag, parsed.justification.as_deref());
    Ok(show(&PlanView { parsed, dag: &dag, analysis: &analysis }))
}
