//! Merges the work of a run into the branch that the run started from.
//!
//! Invariant: the commit that is published passed the tests.

use super::Finish;
use crate::cli::view::tickets;
use crate::domain::config::TicketDone;
use crate::domain::error::{Exit, failure};
use crate::domain::oid::Oid;
use crate::domain::snapshot::FinishChoice;
use crate::domain::steps::{self, Remedy, Step, git};
use crate::run::cleanup::CleanOptions;
use crate::run::end::remote_branches::remote_branches;
use crate::run::end::{self, MergePreview, MergeResult};
use crate::run::merge::publish::why_waits;

impl Finish<'_> {
    pub(super) fn merge(&mut self, tip: &Oid) -> anyhow::Result<Exit> {
        let run = self.target.snapshot().run.clone();
        let merge = git("merge").word(&run.integration);
        let by_hand = Step::from(git("switch").word(&run.base_branch)).and(merge);
        let finish = Step::Finish(steps::Finish::Merge);
        let merged = match end::merge(&self.target.drive, &run, tip, self.stop)? {
            MergeResult::Done(commit, remarks) => {
                remarks.iter().for_each(|remark| self.context.ui.warning(remark));
                commit
            }
            MergeResult::Stopped => return Ok(Exit::Failed),
            MergeResult::Waits(why) => return Err(self.not_merged(&why)),
            MergeResult::Failed(text) => {
                return Err(failure(
                    format!(
                        "'{}' passes the tests, and its merge into {} does not: {text}",
                        run.integration, run.base_branch
                    ),
                    Remedy::from(self.see_log())
                        .or(by_hand.to("Merge it yourself, fix what fails and commit it"))
                        .or(finish.to("Then finish the run")),
                ));
            }
            MergeResult::Conflict(files) => {
                return Err(failure(
                    format!(
                        "'{}' conflicts with {}, nothing changed: {}",
                        run.integration,
                        run.base_branch,
                        files.join(", ")
                    ),
                    Remedy::from(
                        by_hand.to("Merge it yourself, resolve the conflict and commit it"),
                    )
                    .or(finish.to("Then clean up")),
                ));
            }
        };
        let short = merged.short().to_owned();
        end::close(
            &self.target.journal,
            self.target.snapshot(),
            FinishChoice::Merge,
            Some(merged),
            None,
        )?;
        self.target.reload()?;
        self.context
            .ui
            .answer(&format!("merged {} into {} at {short}", run.integration, run.base_branch))?;
        self.clear_merged()
    }

    pub(super) fn not_merged(&self, why: &str) -> anyhow::Error {
        let finish = Step::Finish(steps::Finish::Merge);
        failure(
            format!("'{}' was not merged: {why}", self.target.snapshot().run.integration),
            finish.to("Then run this again"),
        )
    }

    pub(super) fn clear_merged(&self) -> anyhow::Result<Exit> {
        let reach = CleanOptions {
            from_within: true,
            dry_run: self.args.dry_run,
            ..CleanOptions::default()
        };
        let pushed = remote_branches(&self.target.drive, self.target.snapshot())?;
        self.clear(reach)?;
        self.say_pushed(pushed);
        self.say_tickets();
        Ok(Exit::Ok)
    }

    /// Says that an earlier call, or somebody else, merged the run.
    pub(super) fn say_merged(&self) -> anyhow::Result<()> {
        let run = &self.target.snapshot().run;
        let closed = run.closed.as_ref().and_then(|closed| closed.commit.as_ref());
        let at = closed.map(|commit| format!(" at {}", commit.short())).unwrap_or_default();
        let (branch, base) = (&run.integration, &run.base_branch);
        self.context.ui.answer(&format!("{branch} is already merged into {base}{at}"))?;
        Ok(())
    }

    /// Says how to mark the tickets as done whose work is merged.
    fn say_tickets(&self) {
        if self.target.drive.settings.ticket_done == TicketDone::User {
            let to_do = tickets::to_do(self.target.snapshot());
            self.context.ui.hint(&self.target.scope(), to_do);
        }
    }

    /// Says what a merge would do, and what would be cleaned up after it.
    pub(super) fn would_merge(&self, tip: &Oid) -> anyhow::Result<Exit> {
        let (drive, run) = (&self.target.drive, &self.target.snapshot().run);
        let ui = &self.context.ui;
        let (branch, base) = (&run.integration, &run.base_branch);
        if let Some(why) = why_waits(&drive.git, base)? {
            ui.answer(&format!("would merge nothing: {why}"))?;
            return Ok(Exit::Ok);
        }
        let text = match end::preview(drive, run)? {
            MergePreview::Conflict(files) => {
                let files = files.join(", ");
                ui.answer(&format!(
                    "would merge nothing: {branch} conflicts with {base}: {files}"
                ))?;
                return Ok(Exit::Ok);
            }
            MergePreview::Impossible(why) => {
                ui.answer(&format!(
                    "would merge nothing: git cannot merge {branch} into {base}: {why}"
                ))?;
                return Ok(Exit::Ok);
            }
            MergePreview::UpToDate(_) => format!("{branch} is already merged into {base}"),
            MergePreview::FastForward(_) => format!("would move {base} forward to {}", tip.short()),
            MergePreview::MergeCommit(_) => {
                format!("would merge {branch} into {base} with a merge commit, and test that")
            }
        };
        ui.answer(&text)?;
        self.clear(CleanOptions { dry_run: true, from_within: true, ..CleanOptions::default() })?;
        Ok(Exit::Ok)
    }
}
