//! `git orchestrate start`

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context as _;

use super::Context;
use super::plan::{print_findings, read};
use super::target::{Trust, find_run, find_task, option, settings};
use crate::cli::StartArgs;
use crate::clock;
use crate::config::Settings;
use crate::error::{Exit, failure, usage};
use crate::git::Git;
use crate::plan::{Plan, Source, Task, TaskId, parse};
use crate::run::begin::{self, Beginning};
use crate::run::cleanup::{self, Reach};
use crate::run::integrate::why_checkout_waits;
use crate::run::{Drive, End, Progress, drive};
use crate::schedule::{Action, Limits, decide, with_dependencies};
use crate::snapshot::{Flags, Run, Snapshot};
use crate::store::{Journal, Tip};
use crate::trust;
use crate::ui::live::Live;
use crate::ui::stderr_is_terminal;
use crate::view::{Facts, progress, table};

pub(super) fn run(context: &Context, args: StartArgs) -> anyhow::Result<Exit> {
    let git = context.git()?;
    match &args.plan {
        Some(file) => start_plan(context, &git, &args, file),
        None => {
            if args.into.is_some() {
                return Err(usage(
                    "--into is for a new run",
                    "a run keeps the branch it began with",
                ));
            }
            let name = find_run(&git, args.run.as_deref())?;
            go_on(context, &git, &args, &name)
        }
    }
}

fn start_plan(context: &Context, git: &Git, args: &StartArgs, file: &Path) -> anyhow::Result<Exit> {
    let (name, bytes) = read(&context.directory, file)?;
    let mut plan = match parse(&Source { name: &name, bytes: &bytes }) {
        Ok(parsed) => {
            print_findings(&context.ui, &parsed.warnings);
            parsed.plan
        }
        Err(findings) => {
            print_findings(&context.ui, &findings);
            return Ok(Exit::Failed);
        }
    };
    if let Some(name) = &args.run {
        plan.name = crate::plan::slug(name);
    }
    if let Some(tip) = Journal::new(git, &plan.name).load()? {
        check_same(&tip.snapshot, &plan)?;
        check_into(&tip.snapshot, args)?;
        return go_on(context, git, args, &plan.name);
    }
    args.only.iter().try_for_each(|name| find_task(&plan, name).map(drop))?;
    match trust_of(args) {
        Trust::NotNeeded => {}
        Trust::Granted => trust::grant(git, file, &bytes)?,
        Trust::Required => {
            let commands = plan.tasks.iter().flat_map(commands_of).collect();
            trust::require(git, &trust::Commands { file, content: &bytes, commands })?;
        }
    }
    let flags = flags_of(args, &Flags::default());
    let settings = settings(git, &flags, trust_of(args))?;
    let into = args.into.as_deref();
    let beginning = Beginning { plan: &plan, settings: &settings, flags, into };
    if args.dry_run {
        let run = begin::prepare(git, &beginning)?;
        return would_do(context, args, &settings, run, plan);
    }
    let run = begin::create(git, &beginning)?;
    go_on(context, git, args, &run.name)
}

/// Nothing is run in a dry run, so nothing needs to be trusted for it.
fn trust_of(args: &StartArgs) -> Trust {
    match (args.dry_run, args.trust) {
        (true, _) => Trust::NotNeeded,
        (false, true) => Trust::Granted,
        (false, false) => Trust::Required,
    }
}

/// What is given now goes before what was given when the run began.
fn flags_of(args: &StartArgs, before: &Flags) -> Flags {
    Flags {
        agent: args.agent.clone().or(before.agent.clone()),
        jobs: args.jobs.or(before.jobs),
        keep: args.keep || before.keep,
    }
}

fn commands_of(task: &Task) -> impl Iterator<Item = &str> {
    [&task.run, &task.test, &task.agent].into_iter().flatten().map(String::as_str)
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

/// A run keeps the plan it began with; where it differs, the user must know.
fn check_same(snapshot: &Snapshot, plan: &Plan) -> anyhow::Result<()> {
    // Where a task stands in its file, and the space behind it, mean nothing.
    let essence = |plan: &Plan| {
        let mut plan = plan.clone();
        for task in &mut plan.tasks {
            task.line = 0;
            task.prompt = task.prompt.trim_end().to_owned();
        }
        plan
    };
    let (old, new) = (essence(&snapshot.plan), essence(plan));
    if old == new {
        return Ok(());
    }
    let old_task = |task: &Task| old.task(&task.id);
    let changed = new.tasks.iter().filter(|task| old_task(task).is_some_and(|o| o != *task));
    let added = new.tasks.iter().filter(|task| old_task(task).is_none());
    let gone = old.tasks.iter().filter(|task| new.task(&task.id).is_none());
    let names = |tasks: &mut dyn Iterator<Item = &Task>| {
        let names: Vec<&str> = tasks.map(|task| task.id.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let (changed, added, gone) = (
        names(&mut changed.into_iter()),
        names(&mut added.into_iter()),
        names(&mut gone.into_iter()),
    );
    Err(failure(
        format!(
            "the plan is not the one that run '{}' began with\n  changed: {changed}\n  added: {added}\n  gone: {gone}",
            snapshot.run.name
        ),
        "go on with the plan as it was: git orchestrate start\n\
         or begin another run with this one: git orchestrate start PLAN --run NAME",
    ))
}

/// Goes on with a run that exists.
fn go_on(context: &Context, git: &Git, args: &StartArgs, name: &str) -> anyhow::Result<Exit> {
    let mut journal = Journal::new(git, name);
    let Tip { snapshot, .. } =
        journal.load()?.with_context(|| format!("there is no run '{name}'"))?;
    let flags = flags_of(args, &snapshot.run.flags);
    let settings = settings(git, &flags, trust_of(args))?;
    if args.dry_run {
        return would_do(context, args, &settings, snapshot.run, snapshot.plan);
    }
    let only = only(&snapshot, &args.only)?;
    git.check_ready()?;
    begin::check_agent(&snapshot.plan, &settings)?;
    let drive = Drive::new(git, settings, name);
    let lock = drive.folder.controller_lock()?;
    let me = format!("pid {} since {}", std::process::id(), time_of_day());
    if !lock.try_hold(&me)? {
        return Err(failure(
            format!("run '{name}' is driven already, by {}", lock.holder()),
            "look on with: git orchestrate status --watch",
        ));
    }
    if flags != snapshot.run.flags {
        journal.rewrite(&Run { flags, ..snapshot.run.clone() }, "settings changed")?;
    }
    git.exclude(&drive.settings.worktrees)?;
    if let Some(why) = why_checkout_waits(git, &snapshot.run)? {
        context.ui.warning(&format!("merges will wait: {why}"));
    }
    drive_to_end(context, &drive, journal, &snapshot, only)
}

fn only(snapshot: &Snapshot, names: &[String]) -> anyhow::Result<Option<HashSet<TaskId>>> {
    if names.is_empty() {
        return Ok(None);
    }
    let find = |name: &String| find_task(&snapshot.plan, name);
    let ids: Vec<TaskId> = names.iter().map(find).collect::<Result<_, _>>()?;
    Ok(Some(with_dependencies(snapshot, &ids)))
}

fn drive_to_end(
    context: &Context,
    driven: &Drive,
    journal: Journal,
    before: &Snapshot,
    only: Option<HashSet<TaskId>>,
) -> anyhow::Result<Exit> {
    match before.is_finished() {
        true => context.ui.status(&format!("run '{}' is finished: nothing to do", before.run.name)),
        false => context.ui.status(&progress::opening(before, driven.settings.jobs)),
    }
    let untested = driven.settings.test.is_none() && !before.is_finished();
    if untested && before.plan.tasks.iter().any(|task| task.test.is_none()) {
        context.ui.status("no test command is set: merges are published untested");
    }
    let live = Live::new(stderr_is_terminal() && !context.ui.quiet);
    let mut facts = Facts { option: option(&driven.git, &before.run.name)?, ..Facts::default() };
    let end = drive(driven, journal, only, &mut |event| {
        facts.now = clock::now_ms();
        if !context.ui.quiet {
            progress::lines(&event, &facts).iter().for_each(|line| live.line(line));
        }
        match event {
            Progress::Tick(snapshot) | Progress::Changed { snapshot, .. } => {
                live.show(&progress::live(snapshot, clock::now_ms()));
            }
            Progress::Terminal { taken: true, .. } => live.clear(),
            _ => {}
        }
    });
    live.clear();
    conclude(context, driven, &before.run.name, end?)
}

fn conclude(context: &Context, driven: &Drive, name: &str, end: End) -> anyhow::Result<Exit> {
    let tip = Journal::new(&driven.git, name).load()?.context("the run's journal is gone")?;
    let snapshot = &tip.snapshot;
    if snapshot.is_finished() {
        cleanup::clean_checkout(driven, snapshot, Reach::default())?;
    }
    context.ui.answer(&table::summary(snapshot))?;
    let option = option(&driven.git, name)?;
    match end {
        End::Finished => {
            let integration = &snapshot.run.integration;
            context.ui.status(&format!(
                "the work is on {integration}: git log --first-parent {integration}"
            ));
            Ok(Exit::Ok)
        }
        End::Stuck => {
            context.ui.hint(&format!(
                "git orchestrate status{option}   # what blocks, and what to type next"
            ));
            Ok(Exit::Attention)
        }
        End::Stopped(signal) => {
            context.ui.hint(&format!("git orchestrate start{option}   # goes on where it stopped"));
            Ok(Exit::Signal(signal))
        }
    }
}

/// Says what `start` would do.
fn would_do(
    context: &Context,
    args: &StartArgs,
    settings: &Settings,
    run: Run,
    plan: Plan,
) -> anyhow::Result<Exit> {
    let name = run.name.clone();
    let known = Journal::new(&context.git()?, &name).load()?;
    let snapshot = match known {
        Some(tip) => tip.snapshot,
        None => Snapshot::new(run, plan, Default::default())
            .map_err(|_| anyhow::anyhow!("the plan holds a cycle"))?,
    };
    if snapshot.is_finished() {
        context.ui.answer(&format!("run '{name}' is finished: nothing to do"))?;
        return Ok(Exit::Ok);
    }
    let only = only(&snapshot, &args.only)?;
    let jobs = settings.jobs as usize;
    let limits = Limits { jobs, only, launched: HashSet::new(), new_worktrees: usize::MAX };
    let mut text =
        format!("would begin or go on with {}\n", progress::opening(&snapshot, settings.jobs));
    for action in decide(&snapshot, &limits) {
        text += &match action {
            Action::Start(id) => format!("would start {id} on {}\n", settings.branch_of(&id)),
            Action::StartAlone(id) => format!("would run {id} alone, in the foreground\n"),
            Action::Merge(id) => format!("would merge {id}\n"),
        };
    }
    let test = settings.test.as_deref().unwrap_or("none");
    text += &format!("agent: {}\ntest: {test}\n", settings.agent.as_deref().unwrap_or("none"));
    context.ui.answer(&text)?;
    Ok(Exit::Ok)
}

fn time_of_day() -> String {
    let now = jiff::Timestamp::from_millisecond(clock::now_ms()).unwrap_or_default();
    now.to_zoned(jiff::tz::TimeZone::system()).strftime("%F %T").to_string()
}
