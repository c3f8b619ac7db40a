//! Discards the work of a run.
//!
//! Invariant: nothing is removed before the user typed the run's name, and nothing without a backup.

use super::{Finish, choice};
use crate::domain::error::{Exit, failure};
use crate::domain::snapshot::FinishChoice;
use crate::domain::steps::Finish::{Confirm, Discard};
use crate::domain::steps::{Step, git};
use crate::run::cleanup::CleanOptions;
use crate::run::end;
use crate::run::end::clean::discard_journal;
use crate::run::end::remote_branches::remote_branches;

impl Finish<'_> {
    pub(super) fn discard(&mut self) -> anyhow::Result<Exit> {
        let run = self.target.snapshot().run.clone();
        let reach = CleanOptions {
            force: true,
            from_within: true,
            dry_run: self.args.dry_run,
            ..CleanOptions::default()
        };
        if self.args.dry_run {
            self.clear(reach)?;
            self.context
                .ui
                .answer(&format!("would remove journal and logs of run {}", run.name))?;
            return Ok(Exit::Ok);
        }
        if !choice::is_confirmed(&run.name, self.args.confirm.as_deref(), self.stop)? {
            return Err(failure(
                format!("that is not the name of run '{}'; nothing was removed", run.name),
                Step::Finish(Confirm(run.name.clone())),
            ));
        }
        let tip = self.target.drive.git.find_branch(&run.integration)?;
        // In the journal before anything is removed: nothing may merge what is half gone.
        end::close(&self.target.journal, self.target.snapshot(), FinishChoice::Discard, tip, None)?;
        self.target.reload()?;
        let pushed = remote_branches(&self.target.drive, self.target.snapshot())?;
        if !self.clear(reach)? {
            let again = Step::Finish(Discard).to("Run this again when the rest can be removed");
            self.context.ui.hint(&self.target.scope(), again);
            return Ok(Exit::Attention);
        }
        self.say_pushed(pushed);
        let forgotten =
            discard_journal(&self.target.drive, &self.target.journal, &self.target.tip)?;
        self.say(&self.wording(), &forgotten)?;
        let backups = format!("refs/orchestrate/backup/{}", run.name);
        let backups = git("for-each-ref").word(backups).to("See the backups of what was removed");
        self.context.ui.hint(&self.context.scope(), backups);
        Ok(Exit::Ok)
    }
}
