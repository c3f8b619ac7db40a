//! `start` of a backlog: which tickets make the batch, and whether that is the one that is meant.
//!
//! Invariant: the backlog itself is read and never written; a batch that was taken stays as it is
//! until it is finished, or `--update` is given.

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
    /// Begins a run of the tickets that can begin, or goes on with the batch that was taken.
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
            None => run_of_batch(self.git, &backlog.name(&given.choice))?,
        };
        if let Some(run) = run.as_ref().filter(|_| !self.args.update) {
            check_into(run, self.args)?;
            self.context.ui.status(&format!("going on with the tickets that run '{name}' has"));
            let update = Step::begin([StartOption::Update]);
            self.context
                .ui
                .hint(&self.scope(), update.to("Also take the tickets that can begin now"));
            return self.go_on(&name, None);
        }
        let mut given =
            Given { input: Input::Backlog(folder.clone()), choice: given.choice.clone() };
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
                let new = self.new_plan(&run, parsed.plan)?;
                self.go_on(&run.run.name, new)
            }
            None => self.begin(parsed, &given),
        }
    }

    /// Shows a batch, and asks whether it is the one that is meant; true to go on.
    ///
    /// Where each plan is approved before the work, nobody has to be there yet.
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
        let question = format!("Begin with {}", counted(count, "ticket"));
        match ui.ask(&question)? {
            Some(true) => Ok(true),
            Some(false) => {
                ui.status("nothing was begun");
                Ok(false)
            }
            None if is_planned => Ok(true),
            None => Err(usage(
                "nobody is there to say whether this is the batch that is meant",
                Remedy::from(Step::begin([StartOption::Yes]).to("Begin without a question"))
                    .or(Step::begin([StartOption::DryRun]).to("Or see what would be done")),
            )),
        }
    }
}
