//! Checks that a run can be finished in the chosen way.
//!
//! Invariant: only looks.

use super::Finish;
use crate::cli::view::rows::table;
use crate::domain::error::failure;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::FinishChoice;
use crate::domain::steps::{self, Remedy, Step, git, to};
use crate::domain::task::State;
use crate::run::end::pull_request::missing_remote;
use crate::run::integration::look;
use crate::run::merge::publish::why_waits;

impl Finish<'_> {
    /// Fails if a task is running.
    pub(super) fn check_at_rest(&self) -> anyhow::Result<()> {
        let at_work = |state: &State| matches!(state, State::Running { .. });
        let found = self.target.snapshot().tasks().find(|(_, record)| at_work(&record.state));
        match found {
            None => Ok(()),
            Some((task, _)) => Err(failure(
                format!("task '{}' is running", task.id),
                Remedy::from(Step::stop_run().to("Stop the run"))
                    .or(Step::Wait.to("Or wait until it ends")),
            )),
        }
    }

    /// Fails if the run is being discarded and another end is chosen: part of it may be gone already.
    pub(super) fn check_not_discarded(&self, given: Option<FinishChoice>) -> anyhow::Result<()> {
        let run = &self.target.snapshot().run;
        let is_going =
            run.closed.as_ref().is_some_and(|closed| closed.how == FinishChoice::Discard);
        if !(is_going && given != Some(FinishChoice::Discard)) {
            Ok(())
        } else {
            Err(failure(
                format!("run '{}' is being discarded", run.name),
                Step::Finish(steps::Finish::Discard).to("Discard what is left of it"),
            ))
        }
    }

    /// Fails if somebody took merged work out of the integration branch, or put something there that
    /// is not explained, unless the user forces it.
    fn check_branch(&self) -> anyhow::Result<()> {
        let (drive, snapshot) = (&self.target.drive, self.target.snapshot());
        let found = look(&drive.git, &drive.folder, snapshot)?;
        match found.and_then(|found| found.trouble(snapshot)).filter(|_| !self.args.force) {
            None => Ok(()),
            Some(why) => Err(failure(
                why,
                Step::Finish(steps::Finish::MergePart).to("Or merge what the branch holds"),
            )),
        }
    }

    /// Fails if tasks are unfinished, unless the user forces it.
    pub(super) fn check_done(&self) -> anyhow::Result<()> {
        self.check_branch()?;
        let snapshot = self.target.snapshot();
        let open = snapshot.tasks().filter(|(_, record)| !record.state.is_done());
        let ids: Vec<&TaskId> = open.map(|(task, _)| &task.id).collect();
        if ids.is_empty() || self.args.force {
            return Ok(());
        }
        let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let run = &snapshot.run.name;
        Err(failure(
            format!(
                "run '{run}' is not finished: {} ({})",
                table::summary(snapshot),
                names.join(", ")
            ),
            Remedy::from(Step::start().to("Resume it"))
                .or(Step::Finish(steps::Finish::MergePart).to("Or merge what is done so far")),
        ))
    }

    /// Fails if the end that was chosen is not possible now, whatever the tests say: they may take
    /// long.
    pub(super) fn check_can_publish(&self, how: Option<FinishChoice>) -> anyhow::Result<()> {
        let (drive, run) = (&self.target.drive, &self.target.snapshot().run);
        match how {
            Some(FinishChoice::Merge) => match why_waits(&drive.git, &run.base_branch)? {
                Some(why) => Err(self.not_merged(&why)),
                None => Ok(()),
            },
            Some(FinishChoice::Pr) => match missing_remote(drive, run, self.stop)? {
                Some(unopened) => Err(self.no_pull_request(&unopened)),
                None => Ok(()),
            },
            Some(FinishChoice::Keep | FinishChoice::Discard) | None => Ok(()),
        }
    }

    /// Fails if there is no branch to merge into.
    pub(super) fn check_base(&self, how: FinishChoice) -> anyhow::Result<()> {
        let run = &self.target.snapshot().run;
        let branch = &run.integration;
        let keep = Step::Finish(steps::Finish::Keep);
        if run.base_branch == "HEAD" {
            let switch = Step::from(git("switch").blank("BRANCH"));
            let merge = git("merge").word(branch);
            return Err(failure(
                format!(
                    "run '{}' started from a detached HEAD, so there is no branch to merge into",
                    run.name
                ),
                to("Merge it into a branch of your own", [switch.and(merge), keep]),
            ));
        }
        if how == FinishChoice::Pr && !run.owns_integration() {
            let push = match self.target.drive.remote(run) {
                Some(remote) => git("push").word(remote),
                None => git("push").blank("REMOTE"),
            };
            return Err(failure(
                format!(
                    "the run merged into {} itself, so there is nothing to propose",
                    run.integration
                ),
                to("Push it yourself", [push.word(branch).into(), keep]),
            ));
        }
        let is_there = self.target.drive.git.find_branch(&run.base_branch)?.is_some();
        if is_there {
            Ok(())
        } else {
            Err(failure(
                format!("the base branch '{}' does not exist any more", run.base_branch),
                git("branch").word(&run.base_branch).blank("COMMIT").to("Restore it"),
            ))
        }
    }
}
