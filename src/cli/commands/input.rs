//! The files and options of `plan` and `start`, turned into a plan or into findings.
//!
//! Invariant: decides nothing about a run.

use std::path::PathBuf;

use super::Context;
use crate::cli::ui::Ui;
use crate::domain::error::{failure, in_scope, usage};
use crate::domain::steps::Scope;
use crate::domain::text::printable;
use crate::git::Git;
use crate::plan::backlog::{self, Backlog, BacklogFile, TicketFilter};
use crate::plan::{self, Diagnostic, Level, ParsedPlan, Source};
use crate::run::begin::batch::taken;
use crate::run::begin::plan_source::{self, Input};

/// What the user named, with the filter for tickets of a backlog.
pub(crate) struct Given {
    pub(crate) input: Input,
    pub(crate) choice: TicketFilter,
}

/// The plan, or what is wrong with it.
pub(crate) type Checked<T> = Result<T, Vec<Diagnostic>>;

impl Given {
    /// Reads the files that the user named.
    pub(crate) fn read(
        context: &Context,
        git: Option<&Git>,
        named: &[PathBuf],
        tasks: &[String],
        labels: &[String],
    ) -> anyhow::Result<Given> {
        let input = plan_source::read(&context.directory, named, git.and_then(Git::top_level))?;
        let choice = TicketFilter {
            tasks: tasks.to_vec(),
            labels: labels.to_vec(),
            ..TicketFilter::default()
        };
        let is_backlog = matches!(input, Input::Backlog(_));
        if !is_backlog && !tasks.is_empty() {
            let remedy = "leave out --task; to run some tasks of a plan, name them with --only";
            return Err(usage(
                "--task chooses tickets of a backlog, but this is not a backlog",
                remedy,
            ));
        }
        if !is_backlog && labels.len() > 1 {
            let remedy = "name one: it is the tag of a task-master file";
            return Err(usage(
                "several labels choose tickets of a backlog, but this is not a backlog",
                remedy,
            ));
        }
        Ok(Given { input, choice })
    }

    /// Returns the files whose commands would run; tickets of a backlog have none.
    pub(crate) fn files(&self) -> &[BacklogFile] {
        match &self.input {
            Input::One(file) => std::slice::from_ref(file),
            Input::Tickets { files, .. } => files,
            Input::Backlog(_) => &[],
        }
    }

    /// Returns the plan; of a backlog, the tickets that can start and that no run has.
    pub(crate) fn plan(&self, git: Option<&Git>) -> anyhow::Result<Checked<ParsedPlan>> {
        Ok(match &self.input {
            Input::One(file) => {
                let tag = self.choice.labels.first().map(String::as_str);
                plan::parse_tagged(&Source { name: &file.name, bytes: &file.bytes }, tag)
            }
            Input::Tickets { base, files } => {
                let source = |file: &'_ BacklogFile| (file.name.clone(), file.bytes.clone());
                let files: Vec<(String, Vec<u8>)> = files.iter().map(source).collect();
                let sources: Vec<Source> =
                    files.iter().map(|(name, bytes)| Source { name, bytes }).collect();
                plan::parse_tickets(base, &sources)
            }
            Input::Backlog(folder) => match backlog::read(folder) {
                Ok(backlog) => self.batch(backlog, git)?,
                Err(findings) => Err(findings),
            },
        })
    }

    /// Returns the batch of a backlog.
    pub(crate) fn batch(
        &self,
        backlog: Backlog,
        git: Option<&Git>,
    ) -> anyhow::Result<Checked<ParsedPlan>> {
        let taken = git.map(taken).transpose()?.unwrap_or_default();
        Ok(backlog.batch(&TicketFilter { taken, ..self.choice.clone() }))
    }
}

/// Prints errors and warnings, each with its remedy.
pub(crate) fn print_findings(ui: &Ui, scope: &Scope, findings: &[Diagnostic]) {
    for finding in findings {
        let located = printable(&finding.located());
        match finding.severity {
            Level::Error => {
                let error = failure(located, finding.remedy.clone());
                ui.error(&in_scope(error, || scope.clone()));
            }
            Level::Warning => {
                ui.warning(&located);
                ui.hint(scope, finding.remedy.clone());
            }
        }
    }
}
