//! `git orchestrate plan`: checks a plan and shows its shape; writes nothing.
//!
//! Invariant: without `--json` the plan goes to standard output and every finding to
//! standard error; with it, all of them are in the JSON.

use std::io::Read;
use std::path::Path;

use anyhow::Context as _;

use crate::cli::PlanArgs;
use crate::commands::Context;
use crate::commands::target::{Trust, prompts};
use crate::dag::Dag;
use crate::error::{self, Exit, Hinted};
use crate::plan::analysis::Analysis;
use crate::plan::{Finding, Parsed, Severity, Source, parse};
use crate::ui::Ui;
use crate::view::plan::{self as view, PlanView};
use crate::view::printable;

/// Runs the command.
pub(super) fn run(context: &Context, args: PlanArgs) -> anyhow::Result<Exit> {
    let (name, bytes) = read(&context.directory, &args.file)?;
    // A plan may be looked at anywhere; in a repository a run of it would use that one's prompts.
    if let Ok(git) = context.git() {
        prompts(&git, Trust::NotNeeded)?;
    }
    match parse(&Source { name: &name, bytes: &bytes }) {
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

/// Reads a plan, `-` from standard input; returns what to call it, and its bytes.
pub(super) fn read(directory: &Path, file: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    let name = file.to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok((name, bytes));
    }
    let path = directory.join(file);
    if path.is_dir() {
        let remedy = "name a file in Markdown or TOML";
        return Err(error::failure(format!("`{name}` is a folder, not a plan"), remedy));
    }
    let bytes = std::fs::read(&path)
        .with_context(|| format!("cannot read the plan `{name}`"))
        .hint("name a file in Markdown or TOML, or `-` for standard input")?;
    Ok((name, bytes))
}

/// Prints what was found, errors and warnings alike, each with its remedy.
pub(super) fn print_findings(ui: &Ui, findings: &[Finding]) {
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
    let dag = Dag::new(&parsed.plan.edges())
        .map_err(|errors| anyhow::anyhow!("the plan is not sound: {errors:?}"))?;
    let analysis = Analysis::new(&parsed.plan, &dag, parsed.justification.as_deref());
    let view = PlanView { parsed, dag: &dag, analysis: &analysis };
    if json {
        ui.answer(&view.json()?)?;
    } else {
        ui.answer(&view.text())?;
        print_findings(ui, &parsed.warnings);
    }
    Ok(Exit::Ok)
}
