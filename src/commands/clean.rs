//! `git orchestrate clean`

use super::Context;
use super::target::{Target, Trust};
use crate::agent::quoted;
use crate::cli::CleanArgs;
use crate::error::{Exit, failure};
use crate::lock::LockFile;
use crate::plan::TaskId;
use crate::run::cleanup::{self, Backup, Cleaned, Reach, clean_checkout, clean_task};
use crate::run::controller;

pub(super) fn run(context: &Context, args: CleanArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let ids: Vec<TaskId> = match args.tasks.as_slice() {
        [] => target.snapshot().plan.tasks.iter().map(|task| task.id.clone()).collect(),
        names => target.tasks(names)?,
    };
    let _lock = match args.all {
        true => Some(hold_run(&target, args.force)?),
        false => None,
    };
    let reach = Reach { dry_run: args.dry_run, force: args.force };
    let mut kept_any = false;
    let mut said_any = false;
    for id in &ids {
        let cleaned = clean_task(&target.drive, target.snapshot(), id, reach)?;
        kept_any |= !cleaned.kept.is_empty();
        said_any |= say(context, &cleaned, args.dry_run)?;
    }
    if args.all {
        let cleaned = clean_checkout(&target.drive, target.snapshot(), reach)?;
        said_any |= say(context, &cleaned, args.dry_run)?;
        said_any |= clean_run(context, &target, args.dry_run, kept_any)?;
    }
    if !said_any {
        context.ui.status("nothing to clean");
    }
    if kept_any && !args.force {
        context
            .ui
            .hint("git orchestrate clean --force TASK   # removes it all the same, after a backup");
    }
    Ok(Exit::Ok)
}

/// Keeps controllers away from a run that is to go, which must be finished unless it is given up.
fn hold_run(target: &Target, force: bool) -> anyhow::Result<LockFile> {
    let name = &target.snapshot().run.name;
    let lock = controller::take(&target.drive.folder, name)?;
    match force || target.snapshot().is_finished() {
        true => Ok(lock),
        false => Err(failure(
            format!("run '{name}' is not finished"),
            format!(
                "give it up, with a backup of all that is not merged: git orchestrate clean --all --force --run {name}"
            ),
        )),
    }
}

/// Prints what was done; returns true where that was anything.
pub(super) fn say(context: &Context, cleaned: &Cleaned, dry_run: bool) -> anyhow::Result<bool> {
    let verb = if dry_run { "would remove" } else { "removed" };
    for what in &cleaned.removed {
        context.ui.answer(&format!("{verb} {what}"))?;
    }
    for kept in &cleaned.kept {
        context.ui.answer(&format!("kept {}: {}", kept.what, kept.reason))?;
    }
    for Backup { name, branch } in &cleaned.backups {
        let back = format!("git branch {} {}", quoted(branch), quoted(name));
        context.ui.answer(&format!("backup written; to get it back: {back}"))?;
    }
    if !cleaned.left_out.is_empty() {
        context
            .ui
            .answer(&format!("not in the backup, and gone: {}", cleaned.left_out.join(", ")))?;
    }
    Ok(!(cleaned.removed.is_empty() && cleaned.kept.is_empty() && cleaned.backups.is_empty()))
}

/// Removes a run's logs, and its journal after a backup.
fn clean_run(
    context: &Context,
    target: &Target,
    dry_run: bool,
    kept_any: bool,
) -> anyhow::Result<bool> {
    let name = &target.snapshot().run.name;
    if kept_any {
        let why = "worktrees or branches of it are kept";
        context.ui.answer(&format!("kept journal of run {name}: {why}"))?;
        return Ok(true);
    }
    if dry_run {
        context.ui.answer(&format!("would remove journal and logs of run {name}"))?;
        return Ok(true);
    }
    let backup = cleanup::remove_journal(&target.drive, &target.journal, &target.tip.commit, name)?;
    let back = format!("git update-ref {} {backup}", target.journal.ref_name());
    context.ui.answer(&format!("removed journal and logs of run {name}"))?;
    context.ui.answer(&format!("backup written; to get the journal back: {back}"))?;
    Ok(true)
}
