//! Asking others to merge what a run did.
//!
//! Invariant: a run is only finished when the pull request is there.

use super::Finish;
use crate::cli::view::finish as view;
use crate::domain::error::{Exit, failure};
use crate::domain::oid::Oid;
use crate::domain::snapshot::How;
use crate::domain::task::Obstacle;
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
        let url = asked.map_err(|unopened| {
            let what = format!("no pull request ({}): {}", unopened.why, unopened.text);
            let again = format!("git orchestrate finish --run {}", snapshot.run.name);
            let last = match unopened.why {
                // There is nobody to ask the next time either.
                Obstacle::NoForge => {
                    format!("{again} --merge   # cleans up then; or merges it here")
                }
                _ => format!("{again} --pr   # tries again"),
            };
            failure(what, [unopened.next, vec![last]].concat().join("\n"))
        })?;
        end::close(&self.target.journal, snapshot, How::Pr, Some(tip.clone()), Some(url.clone()))?;
        self.context.ui.answer(&url)?;
        self.context.ui.hint(&format!(
            "git orchestrate finish --run {} --merge   # cleans up, when {} holds it",
            snapshot.run.name, snapshot.run.base_branch
        ));
        Ok(Exit::Ok)
    }
}
