//! `start` of a backlog: chooses the tickets of the batch, and asks the user to confirm them.
//!
//! Invariant: the backlog is read and never written. A batch stays as it is until it is finished,
//! unless the user passes `--update`.

use super::Start;
use super::check::check_into;
use crate::cli::commands::input::{Given, print_findings};
use crate::cli::view::plan;
use crate::domain::error::{Exit, usage};
use crate::domain::plan::slug;
use crate::domain::steps::{Remedy, StartOption, Step};
use crate::domain::text::counted;
use crate::journal::Journal;
use crate::plan::ParsedPlan;
use crate::plan::backlog::{self, BacklogFolder};
use crate::run::begin::batch::run_of_batch;
use crate::run::begin::plan_source::Input;

impl Start<'_> {
    /// Starts a run of the tickets that are ready, or resumes the run that has the last batch.
    pub(super) fn with_backlog(
        &self,
        given: &Given,
        folder: &BacklogFolder,
    ) -> anyhow::Result<Exit> {
        let backlog = match backlog::read(folder) {
            Ok(backlog) => backlog,
            Err(findings) => return Ok(self.refuse(&findings)),
        };
        let (name, run) = match &self.args.run {
            Some(name) => {
                let tip = Journal::new(self.git, &slug(name)).load()?;
                (slug(name), tip.map(|tip| tip.snapshot))
            }
            // A finished batch keeps its name, so the next one has a number behind it.
            None => run_of_batch(self.git, &backlog.name(&given.choice))?,
        };
        if let Some(run) = run.as_ref().filter(|_| !self.args.update) {
            check_into(run, self.args)?;
            self.context.ui.status(&format!("continuing with the tickets of run '{name}'"));
            let update = Step::begin([StartOption::Update]);
            self.context
                .ui
                .hint(&self.scope(), update.to("Also take the tickets that can start now"));
            return self.resume(&name, None);
        }
        let mut given =
            Given { input: Input::Backlog(folder.clone()), choice: given.choice.clone() };
        // The run's own tickets stay in its plan, although their status has changed by now.
        let kept = run
            .iter()
            .flat_map(crate::domain::snapshot::Snapshot::tasks)
            .map(|(task, _)| task.id.clone());
        given.choice.kept = kept.collect();
        let mut parsed = match given.batch(backlog, Some(self.git))? {
            Ok(parsed) => parsed,
            Err(findings) => return Ok(self.refuse(&findings)),
        };
        parsed.plan.name = name;
        match run {
            Some(run) => {
                check_into(&run, self.args)?;
                print_findings(&self.context.ui, &self.scope(), &parsed.warnings);
                let new = self.new_plan(&run, parsed.plan, &parsed.written_ids)?;
                self.resume(&run.run.name, new)
            }
            None => self.begin(parsed, &given),
        }
    }

    /// Shows a batch and asks whether to start it; returns true to continue.
    ///
    /// If tasks are planned first, a terminal is not needed yet: the user approves each plan later.
    pub(super) fn confirm(&self, parsed: &ParsedPlan, is_planned: bool) -> anyhow::Result<bool> {
        let ui = &self.context.ui;
        if self.args.yes || self.args.dry_run {
            ui.status(&plan::text(parsed)?);
            print_findings(ui, &self.scope(), &parsed.warnings);
            return Ok(true);
        }
        ui.show(&plan::text(parsed)?);
        print_findings(ui, &self.scope(), &parsed.warnings);
        let count = parsed.plan.tasks.len();
        let question = format!("Start with {}", counted(count, "ticket"));
        match ui.ask(&question)? {
            Some(true) => Ok(true),
            Some(false) => {
                ui.status("nothing started");
                Ok(false)
            }
            None if is_planned => Ok(true),
            None => Err(usage(
                "cannot ask whether to start these tickets: there is no terminal",
                Remedy::from(Step::begin([StartOption::Yes]).to("Start without a question"))
                    .or(Step::begin([StartOption::DryRun]).to("Or see what would be done")),
            )),
        }
    }
}
