//! Opens a pull request for the work of a run.
//!
//! Invariant: the run is closed only once the pull request exists.

use super::Finish;
use crate::cli::view::{advice, finish as view};
use crate::domain::error::{Exit, failure};
use crate::domain::oid::Oid;
use crate::domain::snapshot::FinishChoice;
use crate::domain::steps::{self, Remedy, Step};
use crate::domain::task::{Obstacle, PullRequestFailure};
use crate::run::end;
use crate::run::end::pull_request::open_pull_request;

impl Finish<'_> {
    pub(super) fn request(&mut self, tip: &Oid) -> anyhow::Result<Exit> {
        let facts = self.target.facts()?;
        let snapshot = self.target.snapshot();
        let tested = self.target.drive.settings.test.as_deref();
        let (title, body) = (view::title(snapshot), view::body(snapshot, &facts, tested));
        let drive = &self.target.drive;
        let asked = open_pull_request(drive, &snapshot.run, tip, &title, &body, self.stop)?;
        let url = asked.map_err(|unopened| self.no_pull_request(&unopened))?;
        end::close(
            &self.target.journal,
            snapshot,
            FinishChoice::Pr,
            Some(tip.clone()),
            Some(url.clone()),
        )?;
        self.context.ui.answer(&url)?;
        let merge = Step::Finish(steps::Finish::Merge);
        let merge = merge.to(format!("Clean up when {} has the work", snapshot.run.base_branch));
        self.context.ui.hint(&self.target.scope(), merge);
        Ok(Exit::Ok)
    }

    pub(super) fn no_pull_request(&self, unopened: &PullRequestFailure) -> anyhow::Error {
        let run = &self.target.snapshot().run;
        let what = format!("no pull request ({}): {}", unopened.why, unopened.text);
        let last = match unopened.why {
            // The next try would find no forge either.
            Obstacle::NoForge => {
                let ask = format!(
                    "Open a pull request there yourself, from {} into {}.",
                    run.integration, run.base_branch
                );
                let merge = Step::Finish(steps::Finish::Merge);
                Remedy::from(ask).or(merge.to("Then clean up, or merge it here instead"))
            }
            _ => Step::Finish(steps::Finish::Pr).to("Then try again").into(),
        };
        failure(what, advice::by_hand(unopened, "Do it by hand").then(last))
    }
}
