//! `git orchestrate finish`
//!
//! Invariant: first the tests, then the decision, which is in the journal before anything is removed.

mod checks;
mod choice;
mod discard;
mod merge;
mod request;

use crate::cli::arguments::FinishArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust, find_undecided};
use crate::cli::view::cleaned::Wording;
use crate::cli::view::finish as view;
use crate::domain::error::{Exit, failure, in_scope};
use crate::domain::oid::Oid;
use crate::domain::snapshot::FinishChoice;
use crate::domain::steps::{self, Hint, Remedy, Step, git, program};
use crate::run::cleanup::{CleanOptions, CleanReport, clean_checkout};
use crate::run::drive::controller;
use crate::run::end::clean::clean_run;
use crate::run::end::remote_branches::RemoteBranches;
use crate::run::end::{self, Proof};
use crate::run::merge::proof::PASSED_AGAIN;
use crate::run::recover;
use crate::system::process::StopSwitch;
use crate::system::process::descriptors;
use crate::system::process::signals::Signals;

pub(crate) fn run(context: &Context, args: FinishArgs) -> anyhow::Result<Exit> {
    let given = choice::given(&args);
    // Nothing else runs the tests, and only a command that runs has to be trusted.
    let runs_tests =
        !matches!(given, Some(FinishChoice::Keep | FinishChoice::Discard)) && !args.dry_run;
    let trust = if runs_tests { Trust::Required } else { Trust::NotNeeded };
    let wanted = find_undecided(&context.git()?, args.run.name.as_deref())?;
    let target = context.target(Some(&wanted), trust)?;
    let name = target.snapshot().run.name.clone();
    let lock =
        if args.dry_run { None } else { Some(controller::take(&target.drive.folder, &name)?) };
    let signals = Signals::listen()?;
    descriptors::close_inherited();
    let mut finish = Finish { context, args: &args, target, stop: &signals.stop };
    let exit = finish.run(given);
    let exit = exit.map_err(|error| in_scope(error, || finish.target.scope()));
    drop(lock);
    // Tests that a signal stopped look like a failure, but the caller must see the signal.
    match signals.last() {
        Some(signal) => Ok(Exit::Signal(signal)),
        None => exit,
    }
}

/// One call of `finish`.
struct Finish<'a> {
    context: &'a Context,
    args: &'a FinishArgs,
    target: Target,
    stop: &'a StopSwitch,
}

impl Finish<'_> {
    fn run(&mut self, given: Option<FinishChoice>) -> anyhow::Result<Exit> {
        if !self.args.dry_run {
            recover::settle(&self.target.drive, &self.target.journal, self.target.snapshot())?;
            self.target.reload()?;
        }
        self.check_at_rest()?;
        self.check_not_discarded(given)?;
        if given.is_none() && self.is_merged()? {
            self.say_merged()?;
            return if self.args.dry_run { Ok(Exit::Ok) } else { self.clear_merged() };
        }
        choice::check_can_choose(given)?;
        match given {
            Some(FinishChoice::Keep) => self.keep(),
            Some(FinishChoice::Discard) => self.discard(),
            Some(how @ (FinishChoice::Merge | FinishChoice::Pr)) => {
                self.check_done()?;
                self.check_base(how)?;
                self.after_tests(Some(how))
            }
            None => self.after_tests(None),
        }
    }

    /// Returns true if an earlier call merged the run, and the base branch still has its work.
    fn is_merged(&self) -> anyhow::Result<bool> {
        let run = &self.target.snapshot().run;
        let git = &self.target.drive.git;
        let is_closed = run.closed.as_ref().is_some_and(|it| it.how == FinishChoice::Merge);
        let tips = (git.find_branch(&run.integration)?, git.find_branch(&run.base_branch)?);
        Ok(is_closed
            && match tips {
                (Some(tip), Some(base)) => git.is_ancestor(&tip, &base)?,
                (None, Some(_)) => true,
                (_, None) => false,
            })
    }

    /// Runs the tests first, then does what the user chose, or asks.
    fn after_tests(&mut self, how: Option<FinishChoice>) -> anyhow::Result<Exit> {
        let run = self.target.snapshot().run.clone();
        let Some(tip) = self.target.drive.git.find_branch(&run.integration)? else {
            return match how {
                // An earlier call may have merged the run and removed the branch.
                Some(FinishChoice::Merge)
                    if run.closed.as_ref().is_some_and(|c| c.how == FinishChoice::Merge) =>
                {
                    self.say_merged()?;
                    self.clear_merged()
                }
                _ => Err(self.no_branch()),
            };
        };
        if self.args.dry_run {
            return self.would(how.unwrap_or(FinishChoice::Keep), &tip);
        }
        self.check_can_publish(how)?;
        match self.prove(&tip)? {
            Proof::Stopped => return Ok(Exit::Failed),
            Proof::Failed(text) => return Err(self.failing(&text)),
            Proof::PassedAgain => self.context.ui.warning(PASSED_AGAIN),
            Proof::Passed | Proof::Untested => {}
        }
        let how = match how {
            Some(how) => Some(how),
            None => choice::ask_for(&run, self.stop)?,
        };
        let ended = self.settle(how, &tip);
        // After an error too: the checkout was made for the tests alone.
        self.leave_checkout()?;
        ended
    }

    /// Does what the user chose for a branch that passed the tests.
    fn settle(&mut self, how: Option<FinishChoice>, tip: &Oid) -> anyhow::Result<Exit> {
        match how {
            Some(FinishChoice::Merge) => {
                // Checked after the tests too, which take long; and a choice
                // that was typed was not checked yet.
                self.check_done()?;
                self.check_base(FinishChoice::Merge)?;
                self.warn_unread(tip);
                self.merge(tip)
            }
            Some(FinishChoice::Pr) => {
                self.check_done()?;
                self.check_base(FinishChoice::Pr)?;
                self.warn_unread(tip);
                self.request(tip)
            }
            Some(FinishChoice::Keep) => self.keep(),
            Some(FinishChoice::Discard) => self.discard(),
            None => {
                self.context.ui.status("nothing chosen, nothing changed");
                Ok(Exit::Failed)
            }
        }
    }

    /// Warns if the branch has commits that no final review has read.
    fn warn_unread(&self, tip: &Oid) {
        let snapshot = self.target.snapshot();
        let Some(read) = snapshot.read_by_final_review().filter(|read| *read != tip) else {
            return;
        };
        let branch = &snapshot.run.integration;
        let text = format!("{branch} has commits that its final review has not read");
        self.context.ui.warning(&text);
        let later = git("log").word(format!("{}..{branch}", read.short()));
        self.context.ui.hint(&self.target.scope(), later.to("See what came later"));
    }

    /// Tests the integration branch as it is.
    fn prove(&self, tip: &Oid) -> anyhow::Result<Proof> {
        let (drive, snapshot) = (&self.target.drive, self.target.snapshot());
        if let Some(test) = &drive.settings.test {
            self.context.ui.status(&format!(
                "testing {} at {}: {test}",
                snapshot.run.integration,
                tip.short()
            ));
        }
        let proof = end::prove(drive, &snapshot.run, tip, self.stop)?;
        if proof == Proof::Untested {
            self.context.ui.status("not tested: no test command is set");
            let set = git("config orchestrate.test").blank("COMMAND").to("Set one");
            self.context.ui.hint(&self.context.scope(), set);
        }
        Ok(proof)
    }

    /// Removes the checkout that was tested in, as `start` does at the end of a run.
    fn leave_checkout(&self) -> anyhow::Result<()> {
        // An unfinished run tests its next merges there.
        if self.target.snapshot().is_finished() {
            clean_checkout(&self.target.drive, self.target.snapshot(), CleanOptions::default())
                .map(drop)
        } else {
            Ok(())
        }
    }

    /// Says which branches are still on the remote.
    fn say_pushed(&self, pushed: Option<RemoteBranches>) {
        let Some(RemoteBranches { remote, branches }) = pushed else { return };
        let ui = &self.context.ui;
        ui.status(&format!("still on {remote} (as of the last fetch): {}", branches.join(", ")));
        let delete = git("push").word(remote).word("--delete").words(branches);
        ui.hint(&self.target.scope(), delete.to("Delete them there"));
    }

    fn keep(&mut self) -> anyhow::Result<Exit> {
        let facts = self.target.facts()?;
        let snapshot = self.target.snapshot();
        self.context.ui.answer(&view::places(snapshot, &facts))?;
        if !self.args.dry_run {
            end::close(
                &self.target.journal,
                snapshot,
                FinishChoice::Keep,
                facts.integration,
                None,
            )?;
        }
        Ok(Exit::Ok)
    }

    fn clear(&self, reach: CleanOptions) -> anyhow::Result<bool> {
        let wording = self.wording();
        if !reach.dry_run {
            // The caller may stand in a worktree that is removed.
            std::env::set_current_dir(self.target.drive.git.home())?;
        }
        clean_run(&self.target.drive, self.target.snapshot(), reach, &mut |cleaned| {
            self.say(&wording, cleaned)
        })
    }

    fn wording(&self) -> Wording {
        Wording { dry_run: self.args.dry_run, scope: self.target.scope() }
    }

    fn say(&self, wording: &Wording, cleaned: &CleanReport) -> anyhow::Result<()> {
        Ok(wording.lines(cleaned).iter().try_for_each(|line| self.context.ui.answer(line))?)
    }

    /// Prints what would be done.
    fn would(&self, how: FinishChoice, tip: &Oid) -> anyhow::Result<Exit> {
        let (drive, run) = (&self.target.drive, &self.target.snapshot().run);
        let ui = &self.context.ui;
        if let Some(test) = &drive.settings.test {
            ui.answer(&format!("would test {} at {}: {test}", run.integration, tip.short()))?;
        }
        match how {
            FinishChoice::Pr => ui.answer(&format!(
                "would push {}, and open a pull request into {}",
                run.integration, run.base_branch
            ))?,
            FinishChoice::Merge => return self.would_merge(tip),
            FinishChoice::Keep | FinishChoice::Discard => {
                ui.answer("would ask: merge, pr, keep or discard")?;
            }
        }
        Ok(Exit::Ok)
    }

    fn failing(&self, text: &str) -> anyhow::Error {
        let run = &self.target.snapshot().run;
        failure(
            format!(
                "{} does not pass the tests, so nothing was published: {text}",
                run.integration
            ),
            Remedy::from(self.see_log())
                .or(git("switch")
                    .word(&run.integration)
                    .to("Fix it there, commit it and switch back, then run the same command again"))
                .or(Step::Finish(steps::Finish::Keep)
                    .to("Or keep it as it is, or use --discard: neither runs the tests")),
        )
    }

    fn see_log(&self) -> Hint {
        let log = self.target.drive.folder.finish_log();
        program("cat").word(log.display()).to("See what the tests printed")
    }

    fn no_branch(&self) -> anyhow::Error {
        let run = &self.target.snapshot().run;
        let last = self.target.snapshot().tasks().filter_map(|(_, record)| record.state.merge());
        let at = last.last().unwrap_or(&run.base);
        failure(
            format!("the branch '{}' is gone", run.integration),
            git("branch").word(&run.integration).word(at).to("Restore it"),
        )
    }
}
