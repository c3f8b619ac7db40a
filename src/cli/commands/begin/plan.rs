//! `git orchestrate plan`: checks a plan and shows its shape; writes nothing.
//!
//! Invariant: without `--json` the plan goes to standard output and every finding to
//! standard error; with it, all of them are in the JSON.

use crate::cli::arguments::PlanArgs;
use crate::cli::commands::Context;
use crate::cli::commands::input::{Given, print_findings};
use crate::cli::commands::target::{Trust, prompts};
use crate::cli::view::plan as view;
use crate::domain::error::Exit;
use crate::plan::ParsedPlan;

/// Runs the command.
pub(crate) fn run(context: &Context, args: PlanArgs) -> anyhow::Result<Exit> {
    // A plan needs no repository. In one, its runs may have tickets already, and its prompts would be
    // used.
    let git = context.git().ok();
    if let Some(git) = &git {
        prompts(git, Trust::NotNeeded)?;
    }
    let (tasks, labels) = (&args.tickets.ids, &args.tickets.labels);
    let given = Given::read(context, git.as_ref(), &args.file, tasks, labels)?;
    match given.plan(git.as_ref())? {
        Ok(parsed) => show(context, &parsed, args.json),
        Err(findings) => {
            if args.json {
                context.ui.answer(&view::errors_json(&findings, &context.scope())?)?;
            } else {
                print_findings(&context.ui, &context.scope(), &findings);
            }
            Ok(Exit::Failed)
        }
    }
}

fn show(context: &Context, parsed: &ParsedPlan, json: bool) -> anyhow::Result<Exit> {
    let (ui, scope) = (&context.ui, context.scope());
    if json {
        ui.json(&view::json(parsed, &scope)?)?;
    } else {
        ui.answer(&view::text(parsed)?)?;
        print_findings(ui, &scope, &parsed.warnings);
    }
    Ok(Exit::Ok)
}
