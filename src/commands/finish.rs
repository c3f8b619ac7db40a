//! `git orchestrate finish`

mod choice;

use super::Context;
use super::clean::Saying;
use super::status::facts;
use super::target::{Target, Trust, option};
use crate::agent::quoted;
use crate::cli::FinishArgs;
use crate::error::{Exit, failure};
use crate::oid::Oid;
use crate::plan::{Task, TaskId};
use crate::process::StopSwitch;
use crate::run::cleanup::{Reach, clean_checkout};
use crate::run::finish::clear::{clear, forget};
use crate::run::finish::request::request;
use crate::run::finish::{self, Merged, Proof, Way};
use crate::run::publish::why_waits;
use crate::run::signals::Signals;
use crate::run::{controller, recover};
use crate::snapshot::How;
use crate::task::{Record, State};
use crate::view::{finish as view, table};

pub(super) fn run(context: &Context, args: FinishArgs) -> anyhow::Result<Exit> {
    let given = choice::given(&args);
    choice::check_can_choose(given)?;
    let runs_tests = !matches!(given, Some(How::Keep | How::Discard)) && !args.dry_run;
    let trust = if runs_tests { Trust::Required } else { Trust::NotNeeded };
    let target = context.target(args.run.name.as_deref(), trust)?;
    let name = target.snapshot().run.name.clone();
    let lock = match args.dry_run {
        true => None,
        false => Some(controller::take(&target.drive.folder, &name)?),
    };
    let signals = Signals::listen()?;
    let mut finish = Finish { context, args: &args, target, stop: &signals.stop };
    let exit = finish.run(given);
    drop(lock);
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
    fn run(&mut self, given: Option<How>) -> anyhow::Result<Exit> {
        if !self.args.dry_run {
            recover::settle(&self.target.drive, &self.target.journal, self.target.snapshot())?;
            self.target.reload()?;
        }
        self.check_at_rest()?;
        self.check_not_discarded(given)?;
        match given {
            Some(How::Keep) => self.keep(),
            Some(How::Discard) => self.discard(),
            Some(how @ (How::Merge | How::Pr)) => {
                self.check_done()?;
                self.check_base(how)?;
                self.after_tests(Some(how))
            }
            None => self.after_tests(None),
        }
    }

    /// Runs the tests first, then does what was chosen, or asks.
    fn after_tests(&mut self, how: Option<How>) -> anyhow::Result<Exit> {
        let run = self.target.snapshot().run.clone();
        let Some(tip) = self.target.drive.git.find_branch(&run.integration)? else {
            return match how {
                Some(How::Merge) if run.closed.as_ref().is_some_and(|c| c.how == How::Merge) => {
                    self.clear_merged()
                }
                _ => Err(self.no_branch()),
            };
        };
        if self.args.dry_run {
            return self.would(how.unwrap_or(How::Keep), &tip);
        }
        match self.prove(&tip)? {
            Proof::Stopped => return Ok(Exit::Failed),
            Proof::Failed(text) => return Err(self.failing(&text)),
            Proof::Passed | Proof::Untested => {}
        }
        let how = match how {
            Some(how) => Some(how),
            None => choice::ask_for(&run, self.stop)?,
        };
        let ended = self.settle(how, &tip);
        self.leave_checkout()?;
        ended
    }

    /// Does what was decided about a branch that passed.
    fn settle(&mut self, how: Option<How>, tip: &Oid) -> anyhow::Result<Exit> {
        match how {
            Some(How::Merge) => {
                self.check_done()?;
                self.check_base(How::Merge)?;
                self.tell_unread(tip);
                self.merge(tip)
            }
            Some(How::Pr) => {
                self.check_done()?;
                self.check_base(How::Pr)?;
                self.tell_unread(tip);
                self.request(tip)
            }
            Some(How::Keep) => self.keep(),
            Some(How::Discard) => self.discard(),
            None => {
                self.context.ui.status("nothing was decided, and nothing changed");
                Ok(Exit::Failed)
            }
        }
    }

    /// Says where the branch holds more than its final review has read, or has led to.
    fn tell_unread(&self, tip: &Oid) {
        let snapshot = self.target.snapshot();
        let done = |(task, record): &(&Task, &Record)| task.final_review && record.state.is_done();
        let Some((_, record)) = snapshot.tasks().filter(done).last() else { return };
        let read = record.last_attempt().and_then(|attempt| attempt.tip.as_ref());
        let Some(read) = record.state.merge().or(read).filter(|read| *read != tip) else { return };
        let branch = &snapshot.run.integration;
        self.context.ui.warning(&format!("{branch} holds more than its final review has read"));
        self.context.ui.hint(&format!(
            "git log {}..{}   # what came later",
            read.short(),
            quoted(branch)
        ));
    }

    /// Tests the integration branch as it is, and leaves no checkout where the run has none any more.
    fn prove(&self, tip: &Oid) -> anyhow::Result<Proof> {
        let (drive, snapshot) = (&self.target.drive, self.target.snapshot());
        if let Some(test) = &drive.settings.test {
            self.context.ui.status(&format!(
                "testing {} at {}: {test}",
                snapshot.run.integration,
                tip.short()
            ));
        }
        let proof = finish::prove(drive, &snapshot.run, tip, self.stop)?;
        if proof == Proof::Untested {
            self.context.ui.status(
                "no test command is set (git config orchestrate.test COMMAND): nothing was tested",
            );
        }
        Ok(proof)
    }

    /// Takes away the checkout that was tested in, as `start` does at the end of a run.
    fn leave_checkout(&self) -> anyhow::Result<()> {
        match self.target.snapshot().is_finished() {
            true => clean_checkout(&self.target.drive, self.target.snapshot(), Reach::default())
                .map(drop),
            false => Ok(()),
        }
    }

    fn merge(&mut self, tip: &Oid) -> anyhow::Result<Exit> {
        let run = self.target.snapshot().run.clone();
        let (base, branch) = (quoted(&run.base_branch), quoted(&run.integration));
        let merged = match finish::merge(&self.target.drive, &run, tip, self.stop)? {
            Merged::Done(commit) => commit,
            Merged::Stopped => return Ok(Exit::Failed),
            Merged::Waits(why) => {
                return Err(failure(
                    format!("'{}' was not merged: {why}", run.integration),
                    format!("then: git orchestrate finish --run {} --merge", run.name),
                ));
            }
            Merged::Failed(text) => {
                return Err(failure(
                    format!(
                        "'{}' passes the tests, and its merge into {} does not: {text}",
                        run.integration, run.base_branch
                    ),
                    format!(
                        "{}\ngit switch {base} && git merge {branch}   # mend, commit, then finish again",
                        self.see_log()
                    ),
                ));
            }
            Merged::Conflict(files) => {
                return Err(failure(
                    format!(
                        "'{}' conflicts with {}, nothing changed: {}",
                        run.integration,
                        run.base_branch,
                        files.join(", ")
                    ),
                    format!(
                        "git switch {base} && git merge {branch}   # make each file what both sides want, commit\n\
                         git orchestrate finish --run {} --merge   # then cleans up",
                        run.name
                    ),
                ));
            }
        };
        let short = merged.short().to_owned();
        finish::close(
            &self.target.journal,
            self.target.snapshot(),
            How::Merge,
            Some(merged),
            None,
        )?;
        self.target.reload()?;
        self.context
            .ui
            .answer(&format!("merged {} into {} at {short}", run.integration, run.base_branch))?;
        self.clear_merged()
    }

    fn clear_merged(&self) -> anyhow::Result<Exit> {
        let reach = Reach { from_within: true, ..Reach::default() };
        self.clear(reach).map(|_| Exit::Ok)
    }

    fn request(&mut self, tip: &Oid) -> anyhow::Result<Exit> {
        let facts = facts(&self.target)?;
        let snapshot = self.target.snapshot();
        let tested = self.target.drive.settings.test.as_deref();
        let (title, body) = (view::title(snapshot), view::body(snapshot, &facts, tested));
        let drive = &self.target.drive;
        let asked = request(drive, &snapshot.run, tip, &title, &body, self.stop)?;
        let url = asked.map_err(|unopened| {
            let what = format!("no pull request ({}): {}", unopened.why, unopened.text);
            let again =
                format!("git orchestrate finish --run {} --pr   # tries again", snapshot.run.name);
            failure(what, [unopened.next, vec![again]].concat().join("\n"))
        })?;
        finish::close(
            &self.target.journal,
            snapshot,
            How::Pr,
            Some(tip.clone()),
            Some(url.clone()),
        )?;
        self.context.ui.answer(&url)?;
        self.context.ui.hint(&format!(
            "git orchestrate finish --run {} --merge   # cleans up, when {} holds it",
            snapshot.run.name, snapshot.run.base_branch
        ));
        Ok(Exit::Ok)
    }

    fn keep(&mut self) -> anyhow::Result<Exit> {
        let facts = facts(&self.target)?;
        let snapshot = self.target.snapshot();
        self.context.ui.answer(&view::places(snapshot, &facts))?;
        if !self.args.dry_run {
            finish::close(&self.target.journal, snapshot, How::Keep, facts.integration, None)?;
        }
        Ok(Exit::Ok)
    }

    fn discard(&mut self) -> anyhow::Result<Exit> {
        let run = self.target.snapshot().run.clone();
        let reach = Reach {
            force: true,
            from_within: true,
            dry_run: self.args.dry_run,
            ..Reach::default()
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
        finish::close(&self.target.journal, self.target.snapshot(), How::Discard, tip, None)?;
        self.target.reload()?;
        if !self.clear(reach)? {
            self.context.ui.hint(&format!(
                "git orchestrate finish --run {} --discard   # again, when what is kept may go",
                run.name
            ));
            return Ok(Exit::Attention);
        }
        let forgotten = forget(&self.target.drive, &self.target.journal, &self.target.tip)?;
        self.saying()?.say(&forgotten)?;
        self.context.ui.hint(&format!(
            "git for-each-ref refs/orchestrate/backup/{}   # all that was removed",
            run.name
        ));
        Ok(Exit::Ok)
    }

    fn clear(&self, reach: Reach) -> anyhow::Result<bool> {
        let saying = self.saying()?;
        if !reach.dry_run {
            // The worktree that goes may be the one that the caller stands in.
            std::env::set_current_dir(self.target.drive.git.home())?;
        }
        clear(&self.target.drive, self.target.snapshot(), reach, &mut |cleaned| saying.say(cleaned))
    }

    fn saying(&self) -> anyhow::Result<Saying<'_>> {
        let run = &self.target.snapshot().run.name;
        let option = option(&self.target.drive.git, run)?;
        Ok(Saying { context: self.context, dry_run: self.args.dry_run, option })
    }

    /// Says what would be done.
    fn would(&self, how: How, tip: &Oid) -> anyhow::Result<Exit> {
        let (drive, run) = (&self.target.drive, &self.target.snapshot().run);
        let ui = &self.context.ui;
        if let Some(test) = &drive.settings.test {
            ui.answer(&format!("would test {} at {}: {test}", run.integration, tip.short()))?;
        }
        match how {
            How::Pr => ui.answer(&format!(
                "would push {}, and open a pull request into {}",
                run.integration, run.base_branch
            ))?,
            How::Merge => {
                if let Some(why) = why_waits(&drive.git, &run.base_branch)? {
                    ui.answer(&format!("would wait: {why}"))?;
                }
                let (branch, base) = (&run.integration, &run.base_branch);
                ui.answer(&match finish::way(drive, run)? {
                    Way::Already(_) => format!("{base} holds {branch} already"),
                    Way::Forward(_) => format!("would move {base} forward to {}", tip.short()),
                    Way::Commit(_) => format!(
                        "would merge {branch} into {base} with a merge commit, and test that"
                    ),
                    Way::Conflict(files) => {
                        format!("{branch} conflicts with {base}: {}", files.join(", "))
                    }
                    Way::Impossible(why) => format!("git cannot merge {branch} into {base}: {why}"),
                })?;
                self.clear(Reach { dry_run: true, from_within: true, ..Reach::default() })?;
            }
            How::Keep | How::Discard => ui.answer("would ask: merge, pr, keep or discard")?,
        }
        Ok(Exit::Ok)
    }

    /// Fails where somebody works on a task.
    fn check_at_rest(&self) -> anyhow::Result<()> {
        let at_work = |state: &State| matches!(state, State::Running { .. });
        let found = self.target.snapshot().tasks().find(|(_, record)| at_work(&record.state));
        match found {
            None => Ok(()),
            Some((task, _)) => Err(failure(
                format!("somebody is at work on task '{}'", task.id),
                format!(
                    "git orchestrate stop --run {}   # or wait: git orchestrate wait",
                    self.target.snapshot().run.name
                ),
            )),
        }
    }

    /// A run that is given up goes on being given up.
    fn check_not_discarded(&self, given: Option<How>) -> anyhow::Result<()> {
        let run = &self.target.snapshot().run;
        let is_going = run.closed.as_ref().is_some_and(|closed| closed.how == How::Discard);
        match is_going && given != Some(How::Discard) {
            false => Ok(()),
            true => Err(failure(
                format!("run '{}' is being discarded", run.name),
                format!("git orchestrate finish --run {} --discard   # goes on with it", run.name),
            )),
        }
    }

    /// Fails where tasks are not done, unless that was forced.
    fn check_done(&self) -> anyhow::Result<()> {
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
            format!(
                "go on with it: git orchestrate start --run {run}\n\
                 or take what is merged so far: git orchestrate finish --run {run} --force --merge"
            ),
        ))
    }

    /// Fails where there is no branch to merge into.
    fn check_base(&self, how: How) -> anyhow::Result<()> {
        let run = &self.target.snapshot().run;
        let branch = quoted(&run.integration);
        if run.base_branch == "HEAD" {
            return Err(failure(
                format!("run '{}' began on no branch, so there is none to merge into", run.name),
                format!(
                    "git switch BRANCH && git merge {branch}   # then: git orchestrate finish --keep"
                ),
            ));
        }
        if how == How::Pr && !run.owns_integration() {
            return Err(failure(
                format!("the work is on {} itself", run.integration),
                format!("git push REMOTE {branch}   # then: git orchestrate finish --keep"),
            ));
        }
        let is_there = self.target.drive.git.find_branch(&run.base_branch)?.is_some();
        match is_there {
            true => Ok(()),
            false => Err(failure(
                format!(
                    "there is no branch '{}' any more, which the run began from",
                    run.base_branch
                ),
                format!("git branch {} COMMIT   # makes it again", quoted(&run.base_branch)),
            )),
        }
    }

    fn failing(&self, text: &str) -> anyhow::Error {
        let run = &self.target.snapshot().run;
        failure(
            format!("'{}' is not finished: {text}", run.name),
            format!(
                "{}\ngit orchestrate finish --run {} --keep   # or --discard, which need no tests",
                self.see_log(),
                run.name
            ),
        )
    }

    fn see_log(&self) -> String {
        let log = self.target.drive.folder.finish_log().display().to_string();
        format!("cat {}   # what the tests printed", quoted(&log))
    }

    fn no_branch(&self) -> anyhow::Error {
        let run = &self.target.snapshot().run;
        let last = self.target.snapshot().tasks().filter_map(|(_, record)| record.state.merge());
        let at = last.last().unwrap_or(&run.base);
        failure(
            format!("the branch '{}' is gone", run.integration),
            format!("git branch {} {at}   # makes it again", quoted(&run.integration)),
        )
    }
}
