//! `git orchestrate clean`

use crate::cli::arguments::CleanArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::view::cleaned::Wording;
use crate::domain::error::{Exit, failure};
use crate::domain::plan::TaskId;
use crate::domain::steps::{Scope, Step};
use crate::run::cleanup::{CleanOptions, CleanReport, clean_checkout, clean_task};
use crate::run::drive::controller;
use crate::run::end::clean::clean_journal;
use crate::run::end::free_name::rename_branch;
use crate::run::recover;
use crate::system::clock;
use crate::system::lock::LockFile;

pub(crate) fn run(context: &Context, args: CleanArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let ids: Vec<TaskId> = match args.tasks.as_slice() {
        [] => {
            // Tasks that a changed plan dropped may have worktrees too, which nothing else removes.
            let planned = target.snapshot().plan.tasks.iter().map(|task| &task.id);
            let dropped = target.snapshot().dropped().iter().map(|(id, _)| id);
            planned.chain(dropped).cloned().collect()
        }
        names => names.iter().map(|name| find(&target, name)).collect::<Result<_, _>>()?,
    };
    let lock = lock(&target, &args)?;
    if lock.is_some() {
        target.reload()?;
    }
    // What was merged without this program comes first: it would be kept as not merged.
    if !args.dry_run {
        recover::settle_merged(&target.drive, &target.journal, target.snapshot())?;
        target.reload()?;
    }
    let before = args.older_than.map(|seconds| clock::now_ms() - seconds * 1000);
    let reach = CleanOptions {
        dry_run: args.dry_run,
        force: args.force,
        from_within: true,
        driven: lock.is_none()
            && (!args.dry_run || controller::current(&target.drive.folder)?.is_some()),
        before,
    };
    let wording = Wording { dry_run: args.dry_run, scope: target.scope() };
    let say = |cleaned: &CleanReport| {
        wording.lines(cleaned).iter().try_for_each(|line| context.ui.answer(line))
    };
    let home = target.drive.git.home();
    let here = std::env::current_dir().ok();
    if !args.dry_run {
        // The caller may stand in a worktree that is removed.
        std::env::set_current_dir(&home)?;
    }
    let (mut all, mut branches) = (Vec::new(), 0);
    for id in &ids {
        // An error keeps this task's worktree, and the others are removed anyway.
        let cleaned = clean_task(&target.drive, target.snapshot(), id, reach);
        let cleaned = cleaned.unwrap_or_else(|error| CleanReport::kept_because(id, &error));
        say(&cleaned)?;
        all.push(cleaned);
    }
    if args.all {
        let cleaned = clean_checkout(&target.drive, target.snapshot(), reach)?;
        say(&cleaned)?;
        all.push(cleaned);
        // Only the journal says what the kept worktrees and branches are, so it stays with them.
        let keeps_any = all.iter().any(|cleaned| !cleaned.kept.is_empty());
        let (drive, journal) = (&target.drive, &target.journal);
        all.push(clean_journal(drive, journal, &target.tip, reach, keeps_any)?);
        say(&all[all.len() - 1])?;
        if all.iter().all(|cleaned| cleaned.kept.is_empty()) {
            branches += usize::from(say_branch(context, &target, &wording.scope)?);
        }
    }
    context.ui.status(&wording.sum(&all, branches));
    if here.is_some_and(|here| !here.exists()) {
        let cd = Step::cd(home.display()).to("Leave the current directory, which was removed");
        context.ui.hint(&wording.scope, cd);
    }
    Ok(Exit::Ok)
}

/// Finds a task of the plan, or one that an earlier plan had.
fn find(target: &Target, name: &str) -> anyhow::Result<TaskId> {
    let mut dropped = target.snapshot().dropped().iter().map(|(id, _)| id);
    // By id alone: its number may belong to another task of the plan by now.
    match dropped.find(|id| id.as_str() == name) {
        Some(id) => Ok(id.clone()),
        None => target.task(name),
    }
}

/// Says that the branch with the run's work is kept; returns true if there is one.
fn say_branch(context: &Context, target: &Target, scope: &Scope) -> anyhow::Result<bool> {
    let run = &target.snapshot().run;
    let Some(rename) = rename_branch(&target.drive.git, run)? else { return Ok(false) };
    context.ui.answer(&format!("kept branch {}: the work of the run is on it", run.integration))?;
    let rename = rename.to("To run the plan again, rename the branch");
    context.ui.answer(&scope.text(&rename.into()))?;
    Ok(true)
}

/// Keeps controllers away from what is removed.
fn lock(target: &Target, args: &CleanArgs) -> anyhow::Result<Option<LockFile>> {
    if args.all {
        return hold_run(target, args.force).map(Some);
    }
    // No attempt may start in a worktree that is removed by force.
    let is_needed = args.force && !args.dry_run;
    let name = &target.snapshot().run.name;
    // If a controller holds it, what is at work stays.
    Ok(if is_needed { controller::take(&target.drive.folder, name).ok() } else { None })
}

/// Keeps controllers away from a run whose journal is removed; fails if it is neither finished nor
/// discarded by force.
fn hold_run(target: &Target, force: bool) -> anyhow::Result<LockFile> {
    let name = &target.snapshot().run.name;
    let lock = controller::take(&target.drive.folder, name)?;
    if force || target.snapshot().is_finished() {
        Ok(lock)
    } else {
        Err(failure(
            format!("run '{name}' is not finished"),
            Step::Clean { id: None, force: true }
                .to("Discard it, after a backup of everything that is not merged"),
        ))
    }
}
