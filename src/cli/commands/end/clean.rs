//! `git orchestrate clean`

use crate::cli::arguments::CleanArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust, option};
use crate::domain::error::{Exit, failure};
use crate::domain::plan::TaskId;
use crate::domain::shell::quoted;
use crate::domain::snapshot::Run;
use crate::git::Git;
use crate::run::cleanup::{
    self, Backup, CleanOptions, CleanReport, KeptItem, Remedy, clean_checkout, clean_task,
};
use crate::run::drive::driver;
use crate::run::recover;
use crate::system::clock;
use crate::system::lock::LockFile;

#[expect(clippy::too_many_lines, reason = "one arm for each case")]
pub(crate) fn run(context: &Context, args: CleanArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let ids: Vec<TaskId> = match args.tasks.as_slice() {
        [] => target.snapshot().plan.tasks.iter().map(|task| task.id.clone()).collect(),
        names => target.tasks(names)?,
    };
    let lock = match args.all {
        true => Some(hold_run(&target, args.force)?),
        // No attempt may begin in what is removed by force.
        false if args.force && !args.dry_run => {
            driver::take(&target.drive.folder, &target.snapshot().run.name).ok()
        }
        false => None,
    };
    if lock.is_some() {
        target.reload()?;
    }
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
            && (!args.dry_run || driver::current(&target.drive.folder)?.is_some()),
        before,
    };
    let saying = Saying {
        context,
        dry_run: args.dry_run,
        option: option(&target.drive.git, &target.snapshot().run.name)?,
    };
    let home = target.drive.git.home();
    let here = std::env::current_dir().ok();
    if !args.dry_run {
        // The worktree that goes may be the one that the caller stands in.
        std::env::set_current_dir(&home)?;
    }
    let mut all = Vec::new();
    for id in &ids {
        // What is not understood stays, and the others go all the same.
        let cleaned = clean_task(&target.drive, target.snapshot(), id, reach);
        let cleaned = cleaned.unwrap_or_else(|error| CleanReport::kept_because(id, &error));
        saying.say(&cleaned)?;
        all.push(cleaned);
    }
    if args.all {
        let cleaned = clean_checkout(&target.drive, target.snapshot(), reach)?;
        saying.say(&cleaned)?;
        all.push(cleaned);
        all.push(clean_run(&target, reach, all.iter().any(|cleaned| !cleaned.kept.is_empty()))?);
        saying.say(&all[all.len() - 1])?;
        if all.iter().all(|cleaned| cleaned.kept.is_empty()) {
            say_branch(context, &target)?;
        }
    }
    saying.sum(&all)?;
    if here.is_some_and(|here| !here.exists()) {
        let home = quoted(&home.display().to_string());
        context.ui.hint(&format!("cd {home}   # the current directory was removed"));
    }
    Ok(Exit::Ok)
}

/// Says that the work of a run that goes stays where it is.
fn say_branch(context: &Context, target: &Target) -> anyhow::Result<()> {
    let run = &target.snapshot().run;
    let Some(rename) = move_away(&target.drive.git, run)? else { return Ok(()) };
    context.ui.answer(&format!("kept branch {}: the work of the run is on it", run.integration))?;
    context.ui.answer(&format!("    to run the plan again: {rename}"))?;
    Ok(())
}

/// Returns the command that makes room for another run of the same name, where a branch that the
/// run made is in its way.
pub(crate) fn move_away(git: &Git, run: &Run) -> anyhow::Result<Option<String>> {
    let branch = &run.integration;
    if !run.owns_integration() || git.find_branch(branch)?.is_none() {
        return Ok(None);
    }
    let mut other = format!("{branch}-old");
    for number in 2.. {
        if git.find_branch(&other)?.is_none() {
            break;
        }
        other = format!("{branch}-old-{number}");
    }
    Ok(Some(format!("git branch -m {} {}", quoted(branch), quoted(&other))))
}

/// Keeps controllers away from a run that is to go, which must be finished unless it is given up.
fn hold_run(target: &Target, force: bool) -> anyhow::Result<LockFile> {
    let name = &target.snapshot().run.name;
    let lock = driver::take(&target.drive.folder, name)?;
    if force || target.snapshot().is_finished() {
        Ok(lock)
    } else {
        Err(failure(
            format!("run '{name}' is not finished"),
            format!(
                "give it up, with a backup of all that is not merged: git orchestrate clean --all --force --run {name}"
            ),
        ))
    }
}

/// Prints what was done, and how to undo it or do it all the same.
pub(crate) struct Saying<'a> {
    pub(crate) context: &'a Context,
    pub(crate) dry_run: bool,
    /// What commands need to be about this run where there are several: ` --run NAME`.
    pub(crate) option: String,
}

impl Saying<'_> {
    pub(crate) fn say(&self, cleaned: &CleanReport) -> anyhow::Result<()> {
        let ui = &self.context.ui;
        let verb = if self.dry_run { "would remove" } else { "removed" };
        for what in &cleaned.removed {
            ui.answer(&format!("{verb} {what}"))?;
        }
        for kept in &cleaned.kept {
            ui.answer(&format!("kept {}: {}", kept.what, kept.reason))?;
            if let Some(command) = self.command(cleaned, kept) {
                ui.answer(&format!("    to remove it all the same: {command}"))?;
            }
        }
        for Backup { name, branch } in &cleaned.backups {
            let back = format!("git branch {} {}", quoted(branch), quoted(name));
            ui.answer(&format!("backup written; to get it back: {back}"))?;
        }
        if !cleaned.left_out.is_empty() {
            let left_out = cleaned.left_out.join(", ");
            let said = if self.dry_run {
                "would not be in the backup"
            } else {
                "not in the backup, and gone"
            };
            ui.answer(&format!("{said}: {left_out}"))?;
        }
        if let Some((journal, backup)) = &cleaned.journal {
            let back = format!("git update-ref {journal} {backup}");
            ui.answer(&format!("backup written; to get the journal back: {back}"))?;
        }
        Ok(())
    }

    fn command(&self, cleaned: &CleanReport, kept: &KeptItem) -> Option<String> {
        let id = cleaned.task.as_ref().map_or("--all", |id| id.as_str());
        let clean = format!("git orchestrate clean {id}{}", self.option);
        match &kept.remedy {
            Remedy::None => None,
            Remedy::Force => Some(format!("{clean} --force   # after a backup")),
            Remedy::Clean => Some(clean),
            Remedy::Command(command) => Some(command.clone()),
            Remedy::First(command) => Some(format!("{command} && {clean}")),
        }
    }

    /// Prints how much was removed and kept.
    fn sum(&self, all: &[CleanReport]) -> anyhow::Result<()> {
        let removed: usize = all.iter().map(|cleaned| cleaned.removed.len()).sum();
        let kept: usize = all.iter().map(|cleaned| cleaned.kept.len()).sum();
        let verb = if self.dry_run { "would remove" } else { "removed" };
        match removed + kept {
            0 => self.context.ui.status("nothing to clean"),
            _ => self.context.ui.status(&format!("{verb} {removed}, kept {kept}")),
        }
        Ok(())
    }
}

/// Removes a run's logs, and its journal after a backup.
fn clean_run(target: &Target, reach: CleanOptions, kept_any: bool) -> anyhow::Result<CleanReport> {
    let name = &target.snapshot().run.name;
    let what = format!("journal and logs of run {name}");
    let keep = |reason: &str, remedy| {
        let kept = KeptItem { what: what.clone(), reason: reason.into(), remedy };
        CleanReport { kept: vec![kept], ..CleanReport::default() }
    };
    if kept_any {
        return Ok(keep("worktrees or branches of it are kept", Remedy::Force));
    }
    if reach.before.is_some_and(|before| ended(target).is_none_or(|ended| ended >= before)) {
        return Ok(keep("it is not that old", Remedy::Clean));
    }
    let mut cleaned = CleanReport { removed: vec![what.clone()], ..CleanReport::default() };
    if !reach.dry_run {
        let (drive, journal) = (&target.drive, &target.journal);
        let name = cleanup::remove_journal(drive, journal, &target.tip.commit, name)?;
        cleaned.journal = Some((journal.ref_name(), name));
    }
    Ok(cleaned)
}

/// Returns when the last thing happened to the run, in milliseconds since 1970.
fn ended(target: &Target) -> Option<i64> {
    target.drive.git.time_of(&target.tip.commit).ok()
}
