//! `git orchestrate start`: which run, with which plan and settings; then one of four ways on.
//!
//! Invariant: everything that could be in the way is told before anything is written, and the
//! controller's lock is held while a run that exists is changed.

mod detached;
mod dry_run;
mod foreground;
mod manual;

use std::collections::HashSet;

use anyhow::Context as _;

use super::Context;
use super::input::{Given, run_of_batch};
use super::plan::{self, print_findings};
use super::target::{Trust, find_run, find_task, prompts, settings};
use crate::agent::quoted;
use crate::cli::StartArgs;
use crate::config::Settings;
use crate::error::{Exit, Hinted, failure, usage};
use crate::git::Git;
use crate::input::Input;
use crate::plan::backlog::{self, Folder};
use crate::plan::change::Change;
use crate::plan::{Finding, Parsed, Plan, Task, TaskId, slug};
use crate::process;
use crate::run::begin::{self, Beginning};
use crate::run::publish::why_waits;
use crate::run::update::update;
use crate::run::{Drive, controller};
use crate::schedule::with_dependencies;
use crate::snapshot::{Closed, Flags, Run, Snapshot};
use crate::store::{Journal, Tip, is_illegal};
use crate::task::Event;
use crate::trust;
use crate::view::{change, table};

pub(super) fn run(context: &Context, args: StartArgs) -> anyhow::Result<Exit> {
    if args.in_background {
        process::leave_session();
    }
    let git = context.git()?;
    let start = Start { context, git: &git, args: &args };
    if args.plan.is_empty() {
        return start.without_plan();
    }
    let (tasks, labels) = (&args.tickets.ids, &args.tickets.labels);
    let given = Given::read(context, Some(&git), &args.plan, tasks, labels)?;
    match &given.input {
        Input::Backlog(folder) => start.with_backlog(&given, folder),
        Input::One(_) | Input::Tickets { .. } => start.with_plan(&given),
    }
}

/// One call of `start`.
struct Start<'a> {
    context: &'a Context,
    git: &'a Git,
    args: &'a StartArgs,
}

/// A plan to put in the place of the one that a run has.
struct NewPlan {
    plan: Plan,
    change: Change,
}

impl Start<'_> {
    fn without_plan(&self) -> anyhow::Result<Exit> {
        if self.args.into.is_some() {
            return Err(usage("--into is for a new run", "a run keeps the branch it began with"));
        }
        if !self.args.tickets.ids.is_empty() || !self.args.tickets.labels.is_empty() {
            let remedy = "name the folder: git orchestrate start backlog/ --task ID";
            return Err(usage("--task and --label choose tickets of a backlog", remedy));
        }
        let name = find_run(self.git, self.args.run.as_deref())?;
        self.go_on(&name, None)
    }

    fn with_plan(&self, given: &Given) -> anyhow::Result<Exit> {
        let mut parsed = match given.plan(Some(self.git))? {
            Ok(parsed) => parsed,
            Err(findings) => return Ok(self.refuse(&findings)),
        };
        print_findings(&self.context.ui, &parsed.warnings);
        if let Some(name) = &self.args.run {
            parsed.plan.name = slug(name);
        }
        match Journal::new(self.git, &parsed.plan.name).load()? {
            Some(tip) => {
                check_into(&tip.snapshot, self.args)?;
                let (sources, plan) = (parsed.sources, parsed.plan);
                let plan = as_begun(&tip.snapshot, plan);
                let new = self.new_plan(&tip.snapshot, plan, &self.typed())?;
                if let Some(new) = &new {
                    self.trust_plan(given, &new.plan, &sources)?;
                }
                self.go_on(&tip.snapshot.run.name, new)
            }
            None => self.begin(parsed, given),
        }
    }

    fn refuse(&self, findings: &[Finding]) -> Exit {
        print_findings(&self.context.ui, findings);
        Exit::Failed
    }

    /// Returns the plan as it was named.
    fn typed(&self) -> String {
        let names = self.args.plan.iter().map(|file| quoted(&file.to_string_lossy()));
        names.collect::<Vec<_>>().join(" ")
    }

    /// Begins a run of the tickets that can begin, or goes on with the batch that was taken.
    fn with_backlog(&self, given: &Given, folder: &Folder) -> anyhow::Result<Exit> {
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
            let update = format!("git orchestrate start {} --update", self.typed());
            self.context.ui.hint(&format!("{update}   # also takes what can begin now"));
            return self.go_on(&name, None);
        }
        let mut given =
            Given { input: Input::Backlog(folder.clone()), choice: given.choice.clone() };
        let kept = run.iter().flat_map(|run| run.tasks()).map(|(task, _)| task.id.clone());
        given.choice.kept = kept.collect();
        let mut parsed = match given.batch(backlog, Some(self.git))? {
            Ok(parsed) => parsed,
            Err(findings) => return Ok(self.refuse(&findings)),
        };
        parsed.plan.name = name;
        match run {
            Some(run) => {
                check_into(&run, self.args)?;
                print_findings(&self.context.ui, &parsed.warnings);
                let plan = as_begun(&run, parsed.plan);
                let new = self.new_plan(&run, plan, &self.typed())?;
                self.go_on(&run.run.name, new)
            }
            None => self.begin(parsed, &given),
        }
    }

    /// Shows a batch, and asks whether it is the one that is meant; true to go on.
    ///
    /// Where each plan is approved before the work, nobody has to be there yet.
    fn confirm(&self, parsed: &Parsed, is_planned: bool) -> anyhow::Result<bool> {
        let ui = &self.context.ui;
        if self.args.yes || self.args.dry_run {
            ui.status(&plan::text(parsed)?);
            print_findings(ui, &parsed.warnings);
            return Ok(true);
        }
        ui.show(&plan::text(parsed)?);
        print_findings(ui, &parsed.warnings);
        let count = parsed.plan.tasks.len();
        let question = format!("Begin with {}", crate::view::counted(count, "ticket"));
        match ui.ask(&question)? {
            Some(true) => Ok(true),
            Some(false) => {
                ui.status("nothing was begun");
                Ok(false)
            }
            None if is_planned => Ok(true),
            None => Err(usage(
                "nobody is there to say whether this is the batch that is meant",
                format!(
                    "git orchestrate start {} --yes   # or --dry-run, to see what would be done",
                    self.typed()
                ),
            )),
        }
    }

    /// Returns the plan where it differs from the one that the run has, and may replace it.
    fn new_plan(
        &self,
        snapshot: &Snapshot,
        plan: Plan,
        file: &str,
    ) -> anyhow::Result<Option<NewPlan>> {
        let plan = as_begun(snapshot, plan);
        let change = Change::between(&snapshot.plan, &plan);
        if change.is_empty() {
            return Ok(None);
        }
        let done = self.done_before(snapshot, &change)?;
        self.context.ui.answer(&change::text(snapshot, &plan, &change, &done))?;
        match self.args.update {
            true => Ok(Some(NewPlan { plan, change })),
            false => Err(failure(
                format!("the plan is not the one that run '{}' has", snapshot.run.name),
                format!(
                    "take it over: git orchestrate start {file} --update\n\
                     or go on with the plan as it was: git orchestrate start --run {}\n\
                     or begin another run with it: git orchestrate start {file} --run NAME",
                    snapshot.run.name
                ),
            )),
        }
    }

    /// Returns the added tasks that the run had before, and merged.
    fn done_before(&self, snapshot: &Snapshot, change: &Change) -> anyhow::Result<Vec<TaskId>> {
        let journal = Journal::new(self.git, &snapshot.run.name);
        let mut done = Vec::new();
        for id in &change.added {
            if journal.record(id)?.state.is_done() {
                done.push(id.clone());
            }
        }
        Ok(done)
    }

    /// Checks that the commands of each file are trusted; `sources` says which file a task is of.
    fn trust_plan(&self, given: &Given, plan: &Plan, sources: &[usize]) -> anyhow::Result<()> {
        for (number, file) in given.files().iter().enumerate() {
            let content = &file.bytes;
            let file = file.name.as_ref();
            match self.trust() {
                Trust::NotNeeded => {}
                Trust::Granted => trust::grant(self.git, file, content)?,
                Trust::Required => {
                    let tasks = plan.tasks.iter().zip(sources);
                    let own = tasks.filter(|(_, source)| **source == number);
                    let commands = own.flat_map(|(task, _)| commands_of(task)).collect();
                    trust::require(self.git, &trust::Commands { file, content, commands })?;
                }
            }
        }
        Ok(())
    }

    /// Nothing is run in a dry run, so nothing needs to be trusted for it.
    fn trust(&self) -> Trust {
        match (self.args.dry_run, self.args.trust) {
            (true, _) => Trust::NotNeeded,
            (false, true) => Trust::Granted,
            (false, false) => Trust::Required,
        }
    }

    /// What is given now goes before what was given when the run began.
    fn flags(&self, before: &Flags) -> Flags {
        Flags {
            agent: self.args.agent.clone().or(before.agent.clone()),
            jobs: self.args.jobs.or(before.jobs),
            keep: self.args.keep || before.keep,
            manual: self.args.manual,
            plan_first: self.args.plan_first || before.plan_first,
            yes: self.args.yes || before.yes,
            allow: before.allow.clone(),
        }
    }

    fn begin(&self, parsed: Parsed, given: &Given) -> anyhow::Result<Exit> {
        let plan = parsed.plan.clone();
        self.args.only.iter().try_for_each(|name| find_task(&plan, name).map(drop))?;
        let flags = self.flags(&Flags::default());
        // Before anything is trusted nothing of it is run: this only looks what is in the way.
        let found = settings(self.git, &flags, Trust::NotNeeded)?;
        prompts(self.git, Trust::NotNeeded)?;
        let plan = if found.plan_first { plan.with_planning() } else { plan };
        let plan = match found.final_review && !found.reviews.is_empty() {
            true => plan.with_final_review(),
            false => plan,
        };
        let (into, launches) = (self.args.into.as_deref(), !self.args.manual);
        let beginning = Beginning { plan: &plan, settings: &found, flags, into, launches };
        let run = begin::prepare(self.git, &beginning)?;
        for remark in begin::remarks(self.git, &beginning)? {
            self.context.ui.warning(&remark.text);
            self.context.ui.hint(&remark.remedy);
        }
        if matches!(given.input, Input::Backlog(_)) && !self.confirm(&parsed, found.plan_first)? {
            return Ok(Exit::Failed);
        }
        if self.args.dry_run {
            let snapshot = Snapshot::new(run, plan, Default::default())
                .map_err(|_| anyhow::anyhow!("the plan holds a cycle"))?;
            return self.would_do("begin", &found, &snapshot);
        }
        self.trust_plan(given, &plan, &parsed.sources)?;
        settings(self.git, &run.flags, self.trust())?;
        prompts(self.git, self.trust())?;
        begin::create(self.git, &run, &plan)?;
        self.go_on(&run.name, None)
    }

    /// Goes on with a run that exists.
    fn go_on(&self, name: &str, new: Option<NewPlan>) -> anyhow::Result<Exit> {
        let mut journal = Journal::new(self.git, name);
        let Tip { snapshot, .. } =
            journal.load()?.with_context(|| format!("there is no run '{name}'"))?;
        check_planning(&snapshot, self.args)?;
        let settings = settings(self.git, &self.flags(&snapshot.run.flags), self.trust())?;
        let settings = Settings { prompts: prompts(self.git, self.trust())?, ..settings };
        if self.args.dry_run {
            let snapshot = match new {
                Some(new) => snapshot.with_plan(new.plan),
                None => snapshot,
            };
            return self.would_do("go on with", &settings, &snapshot);
        }
        if let Some(closed) = snapshot.run.closed.as_ref().filter(|_| snapshot.is_finished()) {
            return Ok(self.is_over(&snapshot.run, closed));
        }
        self.git.check_ready()?;
        if !self.args.manual {
            let plan = new.as_ref().map_or(&snapshot.plan, |new| &new.plan);
            begin::check_agent(plan, &settings)?;
        }
        let drive = Drive::new(self.git, settings, name);
        let lock = controller::take(&drive.folder, name);
        let lock = match &new {
            None => lock?,
            Some(_) => lock.hint("a plan is taken over between two starts: stop it, then again")?,
        };
        if let Some(new) = new {
            self.update(&drive, &mut journal, new)?;
        }
        let snapshot = self.settle_flags(&mut journal)?;
        if drive.settings.yes {
            self.approve_all(&journal, &snapshot)?;
        }
        let only = self.only(&snapshot)?;
        self.git.exclude(&drive.settings.worktrees)?;
        if let Some(why) = why_waits(self.git, &snapshot.run.integration)? {
            self.context.ui.warning(&format!("merges will wait: {why}"));
        }
        match (self.args.manual, self.args.detach) {
            (true, _) => {
                manual::turn(self.context, &drive, journal, &snapshot, only, self.args.json)
            }
            (false, true) => {
                drop(lock);
                detached::start(self.context, &drive, name, &self.args.only)
            }
            (false, false) => foreground::drive(self.context, &drive, journal, &snapshot, only),
        }
    }

    /// Says that a run has been finished before.
    fn is_over(&self, run: &Run, closed: &Closed) -> Exit {
        let told = table::closed(run, closed);
        self.context.ui.status(&format!("run '{}' is finished: {told}", run.name));
        self.context.ui.hint(&format!(
            "git orchestrate clean --all --run {}   # removes its journal, so that the plan can be run again",
            run.name
        ));
        Exit::Ok
    }

    /// Writes down the flags that are in force from now on; returns the newest state.
    fn settle_flags(&self, journal: &mut Journal) -> anyhow::Result<Snapshot> {
        let snapshot = journal.load()?.context("the run's journal is gone")?.snapshot;
        let flags = self.flags(&snapshot.run.flags);
        if flags != snapshot.run.flags || snapshot.run.closed.is_some() {
            // Whoever starts a run that was put aside goes on with it; somebody may allow a rule
            // at this moment.
            journal.amend("settings changed", |run| {
                let flags = self.flags(&run.flags);
                Run { flags, closed: None, ..run }
            })?;
        }
        Ok(snapshot)
    }

    /// Lets the work begin that waits for a person who wants to decide nothing.
    fn approve_all(&self, journal: &Journal, snapshot: &Snapshot) -> anyhow::Result<()> {
        for id in snapshot.to_approve() {
            match journal.append(&id, &Event::Approved) {
                // Somebody decided otherwise meanwhile.
                Err(error) if !is_illegal(&error) => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn update(&self, drive: &Drive, journal: &mut Journal, new: NewPlan) -> anyhow::Result<()> {
        // What the run did while nobody held the lock counts too.
        let snapshot = journal.load()?.context("the run's journal is gone")?.snapshot;
        let at_work = update(drive, journal, &snapshot, &new.plan, &new.change)?;
        for id in at_work {
            self.context.ui.warning(&format!("task '{id}' is at work on the text it had before"));
            self.context.ui.hint(&format!(
                "git orchestrate stop {id} && git orchestrate retry {id}   # gives it the new one"
            ));
        }
        Ok(())
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

/// Returns a plan for a run that exists: it ends as it was begun, and new tasks go the way of the
/// others.
fn as_begun(snapshot: &Snapshot, plan: Plan) -> Plan {
    let plan = match snapshot.plan.tasks.iter().any(|task| task.plan_first) {
        true => plan.with_planning(),
        false => plan,
    };
    if snapshot.plan.final_review().is_none() {
        return plan;
    }
    let is_done = |id: &TaskId| snapshot.find(id).is_some_and(|(_, record)| record.state.is_done());
    let reviews = snapshot.plan.tasks.iter().filter(|task| task.final_review).cloned();
    let (done, open): (Vec<Task>, Vec<Task>) = reviews.partition(|task| is_done(&task.id));
    // What comes after a final review has been read by none.
    let have_read_all = open.is_empty() && plan.tasks.iter().all(|task| is_done(&task.id));
    plan.with_final_reviews(done, have_read_all)
}

/// Tasks that have begun cannot be planned first any more.
fn check_planning(snapshot: &Snapshot, args: &StartArgs) -> anyhow::Result<()> {
    let is_planned = snapshot.plan.tasks.iter().any(|task| task.plan_first);
    let could_be = snapshot.plan.tasks.iter().any(|task| task.run.is_none());
    match args.plan_first && could_be && !is_planned {
        false => Ok(()),
        true => Err(usage(
            format!("run '{}' was begun without --plan-first", snapshot.run.name),
            "leave it away, or begin another run: git orchestrate start PLAN --run NAME --plan-first",
        )),
    }
}

/// A run keeps the branch it began with.
fn check_into(snapshot: &Snapshot, args: &StartArgs) -> anyhow::Result<()> {
    match args.into.as_deref().filter(|into| *into != snapshot.run.integration) {
        None => Ok(()),
        Some(into) => Err(usage(
            format!(
                "run '{}' merges into {}, not into {into}",
                snapshot.run.name, snapshot.run.integration
            ),
            "leave --into away, or begin another run: git orchestrate start PLAN --run NAME --into BRANCH",
        )),
    }
}
