//! Cleans up after a whole run: its worktrees, its branches and, if it is discarded, its journal.
//!
//! Invariant: with the functions of `clean`. After a merge only what the base branch contains is
//! removed; a discarded run is backed up first.

use std::path::Path;

use crate::domain::oid::Oid;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{self, Step, git_in};
use crate::git::database::refs::Swap;
use crate::journal::{Journal, Tip};
use crate::run::Drive;
use crate::run::cleanup::{
    Backup, CleanOptions, CleanReport, KeptItem, Removal, clean_checkout, clean_task,
    remove_journal,
};

/// Removes the worktrees and branches of a run's tasks, its checkout, and then its integration
/// branch; passes a report of each to `tell`. Returns true if nothing was kept.
pub(crate) fn clean_run(
    drive: &Drive,
    snapshot: &Snapshot,
    reach: CleanOptions,
    tell: &mut dyn FnMut(&CleanReport) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let mut is_all_gone = true;
    let mut is_dropped_gone = true;
    for (id, _) in snapshot.dropped() {
        let cleaned = clean_task(drive, snapshot, id, reach);
        let cleaned = cleaned.unwrap_or_else(|error| CleanReport::kept_because(id, &error));
        is_dropped_gone &= cleaned.kept.is_empty();
        tell(&cleaned)?;
    }
    let mut count = |cleaned: CleanReport| {
        is_all_gone &= cleaned.kept.is_empty();
        tell(&cleaned)
    };
    for (task, _) in snapshot.tasks() {
        // An error keeps this task's worktree, and the others are removed anyway.
        let cleaned = clean_task(drive, snapshot, &task.id, reach);
        count(cleaned.unwrap_or_else(|error| CleanReport::kept_because(&task.id, &error)))?;
    }
    count(clean_checkout(drive, snapshot, reach)?)?;
    // Last: it proves that the tasks are merged.
    let integration = clean_integration(drive, snapshot, reach, is_all_gone)?;
    tell(&integration)?;
    // A branch of the user is kept on purpose. What was dropped is not in the integration branch,
    // which need not stay for it.
    Ok(is_all_gone
        && is_dropped_gone
        && (integration.kept.is_empty() || !snapshot.run.owns_integration()))
}

/// Removes the journal and the logs of a run, after a backup of the journal, unless something of the
/// run is kept or the run ended after the time limit.
pub(crate) fn clean_journal(
    drive: &Drive,
    journal: &Journal,
    tip: &Tip,
    reach: CleanOptions,
    keeps_any: bool,
) -> anyhow::Result<CleanReport> {
    let what = format!("journal and logs of run {}", tip.snapshot.run.name);
    let keep = |reason: &str, removal| {
        let kept = KeptItem { what: what.clone(), reason: reason.into(), removal };
        CleanReport { kept: vec![kept], ..CleanReport::default() }
    };
    if keeps_any {
        return Ok(keep("worktrees or branches of it are kept", Removal::Force));
    }
    // The newest commit of the journal is the last thing that happened to the run.
    let ended = drive.git.time_of(&tip.commit).ok();
    if reach.before.is_some_and(|before| ended.is_none_or(|ended| ended >= before)) {
        return Ok(keep("it is newer than --older-than", Removal::Clean));
    }
    if reach.dry_run {
        return Ok(CleanReport { removed: vec![what], ..CleanReport::default() });
    }
    discard_journal(drive, journal, tip)
}

/// Removes the journal of a discarded run, after a backup.
pub(crate) fn discard_journal(
    drive: &Drive,
    journal: &Journal,
    tip: &Tip,
) -> anyhow::Result<CleanReport> {
    let name = &tip.snapshot.run.name;
    let backup = remove_journal(drive, journal, &tip.commit, name)?;
    let removed = vec![format!("journal and logs of run {name}")];
    Ok(CleanReport {
        removed,
        journal: Some((journal.ref_name(), backup)),
        ..CleanReport::default()
    })
}

/// Removes the integration branch if the run created it; a branch named by `--into` is the user's.
///
/// It is kept while anything of a task is kept: whether a task's branch is merged is judged by it.
fn clean_integration(
    drive: &Drive,
    snapshot: &Snapshot,
    reach: CleanOptions,
    is_alone: bool,
) -> anyhow::Result<CleanReport> {
    let (git, run) = (&drive.git, &snapshot.run);
    let name = format!("refs/heads/{}", run.integration);
    let mut cleaned = CleanReport::default();
    if !run.owns_integration() && !reach.force {
        return Ok(cleaned);
    }
    let Some(tip) = git.find_ref(&name)? else { return Ok(cleaned) };
    let what = format!("branch {}", run.integration);
    let kept = match reason_to_keep(drive, snapshot, &tip, reach)? {
        None if !is_alone => {
            Some(("worktrees or branches of its tasks are kept".into(), Removal::None))
        }
        reason => reason,
    };
    if let Some((reason, removal)) = kept {
        cleaned.kept.push(KeptItem { what, reason, removal });
        return Ok(cleaned);
    }
    if !reach.dry_run {
        if reach.force {
            let backup = git.back_up(&run.name, "@integration", &tip)?;
            cleaned.backups.push(Backup { name: backup, branch: run.integration.clone() });
        }
        match git.delete_ref(&name, &tip)? {
            Swap::Done => {}
            Swap::Moved | Swap::Locked => {
                let reason = "it moved meanwhile".into();
                cleaned.kept.push(KeptItem { what, reason, removal: Removal::None });
                return Ok(cleaned);
            }
        }
    }
    cleaned.removed.push(what);
    Ok(cleaned)
}

fn reason_to_keep(
    drive: &Drive,
    snapshot: &Snapshot,
    tip: &Oid,
    reach: CleanOptions,
) -> anyhow::Result<Option<(String, Removal)>> {
    let (git, run) = (&drive.git, &snapshot.run);
    if !run.owns_integration() {
        // The branch may have got commits of the user since, so it is saved under another name.
        let other = format!("{}-after-{}", run.integration, run.name);
        let save = Step::from(steps::git("branch").word(other).word(&run.integration));
        let back = match git.worktree_of(&run.integration)? {
            Some(found) => git_in(found.path.display(), "reset --keep").word(&run.base),
            None => steps::git("branch -f").word(&run.integration).word(&run.base),
        };
        return Ok(Some((
            "it was not created by this run".into(),
            Removal::Command(save.and(back)),
        )));
    }
    if let Some(elsewhere) = git.worktree_of(&run.integration)?.filter(|found| {
        // A dry run would have removed the run's checkout by now.
        !(reach.dry_run && found.path == Path::new(&run.checkout))
    }) {
        let place = elsewhere.path.display();
        let switch = git_in(&place, "switch").word(&run.base_branch).into();
        return Ok(Some((format!("it is checked out at {place}"), Removal::Command(switch))));
    }
    if reach.force {
        return Ok(None);
    }
    if !snapshot.is_finished() {
        return Ok(Some(("unfinished tasks would continue from it".into(), Removal::None)));
    }
    let base = git.find_branch(&run.base_branch)?;
    let is_in = match &base {
        // A dry run would have merged it by now.
        _ if reach.dry_run => true,
        Some(base) => git.is_ancestor(tip, base)?,
        None => false,
    };
    Ok((!is_in).then(|| (format!("it is not merged into {}", run.base_branch), Removal::None)))
}
