//! `git orchestrate start`: finds the run, its plan and its settings, and drives it in one of four ways.
//!
//! Invariant: every obstacle is reported before anything is written, and the controller's lock is held
//! while an existing run is changed.

mod batch;
mod change;
mod check;
mod detached;
mod dry_run;
mod foreground;
mod manual;

use std::collections::HashSet;

use anyhow::Context as _;

use crate::cli::arguments::StartArgs;
use crate::cli::commands::Context;
use crate::cli::commands::input::{Given, print_findings};
use crate::cli::commands::target::{Trust, find_run, find_task, prompts, settings};
use crate::cli::view::rows::table;
use crate::domain::config::Settings;
use crate::domain::error::{Exit, WithHint, failure, in_scope, usage};
use crate::domain::plan::{Plan, Task, TaskId, slug};
use crate::domain::policy::schedule::with_dependencies;
use crate::domain::snapshot::{FinishRecord, Flags, Run, Snapshot};
use crate::domain::steps::{Scope, StartFrom, StartOption, Step, to};
use crate::git::Git;
use crate::journal::settings::{accept, require, require_of_all};
use crate::journal::trust;
use crate::journal::{Journal, Tip, run_names};
use crate::plan::{Diagnostic, ParsedPlan};
use crate::run::Drive;
use crate::run::begin::plan_source::Input;
use crate::run::begin::{self, NewRun, complete, programs};
use crate::run::decide::approve::approve_all;
use crate::run::decide::retry::test_again;
use crate::run::drive::controller;
use crate::run::end::free_name::rename_branch;
use crate::run::merge::publish::why_waits;
use crate::system::process;
use change::NewPlan;
use check::{check_into, check_planning};

pub(crate) fn run(context: &Context, args: StartArgs) -> anyhow::Result<Exit> {
    // Before anything else: the end of the terminal must not end this process.
    if args.in_background {
        process::leave_session();
    }
    let git = context.git()?;
    let start = Start { context, git: &git, args: &args };
    start.start().map_err(|error| in_scope(error, || start.scope()))
}

/// One call of `start`.
struct Start<'a> {
    context: &'a Context,
    git: &'a Git,
    args: &'a StartArgs,
}

impl Start<'_> {
    fn start(&self) -> anyhow::Result<Exit> {
        let (context, args) = (self.context, self.args);
        self.check_name()?;
        if args.plan.is_empty() {
            return self.without_plan();
        }
        let (tasks, labels) = (&args.tickets.ids, &args.tickets.labels);
        self.check_plan()?;
        let given = Given::read(context, Some(self.git), &args.plan, tasks, labels)?;
        match &given.input {
            Input::Backlog(folder) => self.with_backlog(&given, folder),
            Input::One(_) | Input::Tickets { .. } => self.with_plan(&given),
        }
    }

    /// Fails if the plan is the name of a run, not of a file.
    fn check_plan(&self) -> anyhow::Result<()> {
        let [plan] = self.args.plan.as_slice() else { return Ok(()) };
        let name = plan.display().to_string();
        let is_file = self.context.directory.join(plan).exists() || name == "-";
        if is_file || !run_names(self.git)?.contains(&name) {
            return Ok(());
        }
        let resume = Step::start().of(&name, self.args.manual);
        Err(failure(
            format!("there is no plan '{name}', but a run has that name"),
            resume.to("Resume the run"),
        ))
    }

    /// Fails if the name of a new run would not be used as it is: the user would look for it in vain.
    fn check_name(&self) -> anyhow::Result<()> {
        let Some(name) = self.args.run.as_deref().filter(|_| !self.args.plan.is_empty()) else {
            return Ok(());
        };
        let valid = slug(name);
        if valid == name {
            return Ok(());
        }
        let what = format!("'{name}' is not a valid name for a run");
        Err(match valid.as_str() {
            "" => usage(what, "write letters, digits and hyphens"),
            _ => usage(what, format!("write letters, digits and hyphens: --run {valid}")),
        })
    }

    /// Returns the scope of suggested commands before the run is known.
    fn scope(&self) -> Scope {
        Scope {
            run: self.args.run.clone(),
            manual: self.args.manual,
            plan: self.args.plan.iter().map(|file| file.display().to_string()).collect(),
            ..self.context.scope()
        }
    }

    /// Returns the scope of suggested commands about this run.
    fn scope_of(&self, run: &Run) -> Scope {
        let named = self.context.scope_of(self.git, run, self.args.run.is_some());
        Scope { run: named.run, ..self.scope() }
    }

    fn without_plan(&self) -> anyhow::Result<Exit> {
        if self.args.into.is_some() {
            return Err(usage(
                "--into is for a new run",
                "a run keeps the branch that it started with",
            ));
        }
        if !self.args.tickets.ids.is_empty() || !self.args.tickets.labels.is_empty() {
            let remedy = Step::begin([StartOption::Ticket]).to("Name the folder of the backlog");
            return Err(usage("--task and --label choose tickets of a backlog", remedy));
        }
        let name = find_run(self.git, self.args.run.as_deref())?;
        self.resume(&name, None)
    }

    fn with_plan(&self, given: &Given) -> anyhow::Result<Exit> {
        let mut parsed = match given.plan(Some(self.git))? {
            Ok(parsed) => parsed,
            Err(findings) => return Ok(self.refuse(&findings)),
        };
        print_findings(&self.context.ui, &self.scope(), &parsed.warnings);
        if let Some(name) = &self.args.run {
            parsed.plan.name = slug(name);
        }
        match Journal::new(self.git, &parsed.plan.name).load()? {
            Some(tip) => {
                check_into(&tip.snapshot, self.args)?;
                let (sources, plan) = (parsed.sources, parsed.plan);
                let new = self.new_plan(&tip.snapshot, plan, &parsed.written_ids)?;
                // The commands of the old plan were trusted before; only a new plan brings others.
                if let Some(new) = &new {
                    self.trust_plan(given, &new.plan, &sources)?;
                }
                self.resume(&tip.snapshot.run.name, new)
            }
            None => self.begin(parsed, given),
        }
    }

    fn refuse(&self, findings: &[Diagnostic]) -> Exit {
        print_findings(&self.context.ui, &self.scope(), findings);
        Exit::Failed
    }

    /// Checks that the commands of each file are trusted; `sources` says which file a task is of.
    fn trust_plan(&self, given: &Given, plan: &Plan, sources: &[usize]) -> anyhow::Result<()> {
        self.check_trust(given, plan, sources, self.trust())
    }

    /// Warns in a dry run that the real one would be refused.
    fn warn_of_trust(&self, given: &Given, plan: &Plan, sources: &[usize]) {
        if self.args.trust {
            return;
        }
        let of_plan = self.check_trust(given, plan, sources, Trust::Required);
        let flags = self.flags(&Flags::default());
        let of_settings = settings(self.git, &flags, Trust::Required).map(drop);
        let of_prompts = prompts(self.git, Trust::Required).map(drop);
        for error in [of_plan, of_settings, of_prompts].into_iter().filter_map(Result::err) {
            self.context.ui.warning(&format!("a real start would be refused: {error}"));
            let trust = Step::Start { from: StartFrom::Same, options: vec![StartOption::Trust] };
            self.context.ui.hint(&self.scope(), trust.to("Read the commands, then trust them"));
        }
    }

    fn check_trust(
        &self,
        given: &Given,
        plan: &Plan,
        sources: &[usize],
        trust: Trust,
    ) -> anyhow::Result<()> {
        for (number, file) in given.files().iter().enumerate() {
            let content = &file.bytes;
            let file = file.name.as_ref();
            match trust {
                Trust::NotNeeded => {}
                Trust::Granted => trust::grant(self.git, file, content)?,
                Trust::Required => {
                    let tasks = plan.tasks.iter().zip(sources);
                    let own = tasks.filter(|(_, source)| **source == number);
                    let commands = own.flat_map(|(task, _)| commands_of(task)).collect();
                    trust::require(self.git, &trust::CommandFile { file, content, commands })?;
                }
            }
        }
        Ok(())
    }

    /// Returns how much trust is needed: none in a dry run, which runs no command.
    fn trust(&self) -> Trust {
        match (self.args.dry_run, self.args.trust) {
            (true, _) => Trust::NotNeeded,
            (false, true) => Trust::Granted,
            (false, false) => Trust::Required,
        }
    }

    /// Returns the flags in force: those of this call override those of earlier ones.
    fn flags(&self, before: &Flags) -> Flags {
        Flags {
            agent: self.args.agent.clone().or(before.agent.clone()),
            jobs: self.args.jobs.or(before.jobs),
            keep: self.args.keep || before.keep,
            foreground: self.args.foreground,
            // Not inherited: agents may drive a run that was driven by
            // hand before, and the other way round.
            manual: self.args.manual,
            plan_first: self.args.plan_first || before.plan_first,
            yes: self.args.yes || before.yes,
            allow: before.allow.clone(),
        }
    }

    fn begin(&self, parsed: ParsedPlan, given: &Given) -> anyhow::Result<Exit> {
        let plan = parsed.plan.clone();
        self.args.only.iter().try_for_each(|name| find_task(&plan, name).map(drop))?;
        if plan.tasks.iter().all(|task| task.done) {
            return Err(failure(
                "the plan marks all of its tasks as done",
                "remove the mark of each task that is to run",
            ));
        }
        let flags = self.flags(&Flags::default());
        // Nothing is trusted yet, so no command may run here: this only looks for obstacles.
        let found = settings(self.git, &flags, Trust::NotNeeded)?;
        prompts(self.git, Trust::NotNeeded)?;
        let plan = complete::for_new_run(&found, plan);
        let (into, launches) = (self.args.into.as_deref(), !self.args.manual);
        let beginning = NewRun { plan: &plan, settings: &found, flags, into, launches };
        let run = begin::prepare(self.git, &beginning)?;
        for remark in begin::warnings(self.git, &beginning)? {
            self.context.ui.warning(&remark.text);
            self.context.ui.hint(&self.scope(), remark.remedy);
        }
        if matches!(given.input, Input::Backlog(_)) && !self.confirm(&parsed, found.plan_first)? {
            return Ok(Exit::Failed);
        }
        if self.args.dry_run {
            let snapshot = Snapshot::new(run, plan, Default::default())
                .map_err(|_| anyhow::anyhow!("the plan holds a cycle"))?;
            let exit = self.would_do("start", &found, &snapshot)?;
            self.warn_of_trust(given, &snapshot.plan, &parsed.sources);
            return Ok(exit);
        }
        // Only now, after the user agreed, because trust is written down.
        self.trust_plan(given, &plan, &parsed.sources)?;
        settings(self.git, &run.flags, self.trust())?;
        // A setting that an agent of another run changed must not pass as one that this run began with.
        require_of_all(self.git)?;
        prompts(self.git, self.trust())?;
        begin::create(self.git, &run, &plan)?;
        self.resume(&run.name, None)
    }

    /// Resumes a run.
    fn resume(&self, name: &str, new: Option<NewPlan>) -> anyhow::Result<Exit> {
        let mut journal = Journal::new(self.git, name);
        let Tip { snapshot, .. } =
            journal.load()?.with_context(|| format!("there is no run '{name}'"))?;
        let run = snapshot.run.clone();
        self.resume_with(journal, snapshot, new)
            .map_err(|error| in_scope(error, || self.scope_of(&run)))
    }

    fn resume_with(
        &self,
        mut journal: Journal,
        snapshot: Snapshot,
        new: Option<NewPlan>,
    ) -> anyhow::Result<Exit> {
        let name = snapshot.run.name.as_str();
        check_planning(&snapshot, self.args)?;
        let settings = settings(self.git, &self.flags(&snapshot.run.flags), self.trust())?;
        let settings = Settings { prompts: prompts(self.git, self.trust())?, ..settings };
        if self.trust() != Trust::NotNeeded {
            require(self.git, &journal.run()?)?;
        }
        if self.args.dry_run {
            let snapshot = match new {
                Some(new) => snapshot.with_plan(new.plan),
                None => snapshot,
            };
            return self.would_do("resume", &settings, &snapshot);
        }
        if let Some(closed) = snapshot.run.closed.as_ref().filter(|_| snapshot.is_finished()) {
            return self.is_over(&snapshot.run, closed);
        }
        self.git.check_ready()?;
        self.check_programs(&snapshot, new.as_ref(), &settings)?;
        let drive = Drive::new(self.git, settings, name);
        let lock = controller::take(&drive.folder, name);
        let lock = match &new {
            None => lock?,
            Some(_) => lock.hint(Step::stop_run().to(
                "A plan can be replaced only while the run is stopped. Stop it, then start again",
            ))?,
        };
        if let Some(new) = new {
            self.update(&drive, &mut journal, new)?;
        }
        let snapshot = self.settle_flags(&mut journal)?;
        let scope = self.scope_of(&snapshot.run);
        if drive.settings.yes {
            approve_all(&journal, &snapshot)?;
        }
        for id in test_again(&drive, &journal, &snapshot)? {
            self.context.ui.status(&format!("task '{id}' is tested and merged again"));
        }
        let only = self.only(&snapshot)?;
        // At each start: the setting may name another folder since.
        self.git.exclude(&drive.settings.worktrees)?;
        if let Some(why) = why_waits(self.git, &snapshot.run.integration)? {
            self.context.ui.warning(&format!("merges will wait: {why}"));
        }
        match (self.args.manual, self.args.detach) {
            (true, _) => {
                manual::turn(self.context, &drive, journal, &snapshot, only, self.args.json, scope)
            }
            (false, true) => {
                // The background process takes the lock itself.
                drop(lock);
                detached::start(self.context, &drive, name, &self.args.only, &scope)
            }
            (false, false) => {
                foreground::drive(self.context, &drive, journal, &snapshot, only, scope)
            }
        }
    }

    /// Fails if an agent or the tests cannot be launched: all the work would be for nothing.
    fn check_programs(
        &self,
        snapshot: &Snapshot,
        new: Option<&NewPlan>,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        let plan = new.map_or(&snapshot.plan, |new| &new.plan);
        if !self.args.manual {
            programs::check_agents(self.git, plan, settings)?;
        }
        if snapshot.is_finished() && new.is_none() {
            return Ok(());
        }
        programs::check_tests(plan, settings)
    }

    /// Says that the run is finished.
    fn is_over(&self, run: &Run, closed: &FinishRecord) -> anyhow::Result<Exit> {
        let closed = table::closed(run, closed);
        self.context.ui.status(&format!("run '{}' is finished: {closed}", run.name));
        let clean = Step::Clean { id: None, force: false }.of(&run.name, false);
        let steps = std::iter::once(clean).chain(rename_branch(self.git, run)?);
        let remedy = to("Remove its journal, so that the plan can be run again", steps);
        self.context.ui.hint(&self.scope(), remedy);
        Ok(Exit::Ok)
    }

    /// Writes the flags that are in force from now on into the journal; returns the newest state.
    fn settle_flags(&self, journal: &mut Journal) -> anyhow::Result<Snapshot> {
        let snapshot = journal.newest()?.snapshot;
        if snapshot.run.settings.is_none() {
            accept(self.git, &snapshot.run)?;
        }
        let flags = self.flags(&snapshot.run.flags);
        if flags != snapshot.run.flags || snapshot.run.closed.is_some() {
            // Starting a run that was kept opens it again. `allow` may add a rule at this moment, so
            // the flags are merged with what is in the journal then.
            journal.amend("settings changed", |run| {
                let flags = self.flags(&run.flags);
                Run { flags, closed: None, ..run }
            })?;
        }
        Ok(snapshot)
    }

    fn only(&self, snapshot: &Snapshot) -> anyhow::Result<Option<HashSet<TaskId>>> {
        if self.args.only.is_empty() {
            return Ok(None);
        }
        let find = |name: &String| find_task(&snapshot.plan, name);
        let ids: Vec<TaskId> = self.args.only.iter().map(find).collect::<Result<_, _>>()?;
        Ok(Some(with_dependencies(snapshot, &ids)))
    }

    fn would_do(
        &self,
        verb: &str,
        settings: &Settings,
        snapshot: &Snapshot,
    ) -> anyhow::Result<Exit> {
        let only = self.only(snapshot)?;
        self.context.ui.answer(&dry_run::text(verb, settings, snapshot, only))?;
        Ok(Exit::Ok)
    }
}

fn commands_of(task: &Task) -> impl Iterator<Item = &str> {
    [&task.run, &task.test, &task.agent].into_iter().flatten().map(String::as_str)
}
