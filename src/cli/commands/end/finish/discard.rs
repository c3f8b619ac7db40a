//! Giving up what a run did.
//!
//! Invariant: nothing goes before its name was typed, and nothing without a backup.

use super::{Finish, choice};
use crate::domain::error::{Exit, failure};
use crate::domain::snapshot::How;
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
                format!("that is not the name of run '{}': nothing was removed", run.name),
                format!(
                    "git orchestrate finish --run {} --discard --confirm {}",
                    run.name, run.name
                ),
            ));
        }
        let tip = self.target.drive.git.find_branch(&run.integration)?;
        end::close(&self.target.journal, self.target.snapshot(), How::Discard, tip, None)?;
        self.target.reload()?;
        let pushed = remote_branches(&self.target.drive, self.target.snapshot())?;
        if !self.clear(reach)? {
            self.context.ui.hint(&format!(
                "git orchestrate finish --run {} --discard   # again, when what is kept may go",
                run.name
            ));
            return Ok(Exit::Attention);
        }
        self.say_pushed(pushed);
        let forgotten =
            discard_journal(&self.target.drive, &self.target.journal, &self.target.tip)?;
        self.say(&self.wording()?, &forgotten)?;
        self.context.ui.hint(&format!(
            "git for-each-ref refs/orchestrate/backup/{}   # all that was removed",
            run.name
        ));
        Ok(Exit::Ok)
    }
}
