//! What goes when a run is over: worktrees, branches and, where it is given up, its journal.
//!
//! Invariant: by the functions of `clean`. After a merge only what the base branch holds goes; what
//! is given up is backed up before.

use std::path::Path;

use crate::domain::oid::Oid;
use crate::domain::shell::quoted;
use crate::domain::snapshot::Snapshot;
use crate::git::database::refs::Swap;
use crate::journal::{Journal, Tip};
use crate::run::Drive;
use crate::run::cleanup::{
    Backup, Cleaned, Kept, Reach, Remedy, clean_checkout, clean_task, remove_journal,
};

/// Removes what the tasks of a run left, its checkout, and then its integration branch; tells each.
pub(crate) fn clear(
    drive: &Drive,
    snapshot: &Snapshot,
    reach: Reach,
    tell: &mut dyn FnMut(&Cleaned) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let mut is_all_gone = true;
    let mut told = |cleaned: Cleaned| {
        is_all_gone &= cleaned.kept.is_empty();
        tell(&cleaned)
    };
    for (task, _) in snapshot.tasks() {
        // What is not understood stays, and the others go all the same.
        let cleaned = clean_task(drive, snapshot, &task.id, reach);
        told(cleaned.unwrap_or_else(|error| Cleaned::kept_because(&task.id, &error)))?;
    }
    told(clean_checkout(drive, snapshot, reach)?)?;
    let integration = clean_integration(drive, snapshot, reach, is_all_gone)?;
    tell(&integration)?;
    // The user's own branch is not meant to go.
    Ok(is_all_gone && (integration.kept.is_empty() || !snapshot.run.owns_integration()))
}

/// Removes the journal of a run that is given up, after a backup.
pub(crate) fn forget(drive: &Drive, journal: &Journal, tip: &Tip) -> anyhow::Result<Cleaned> {
    let name = &tip.snapshot.run.name;
    let backup = remove_journal(drive, journal, &tip.commit, name)?;
    let removed = vec![format!("journal and logs of run {name}")];
    Ok(Cleaned { removed, journal: Some((journal.ref_name(), backup)), ..Cleaned::default() })
}

/// Removes the integration branch, where the run made it: one that the user named is the user's.
///
/// It stays while something of a task does, which is compared with it.
fn clean_integration(
    drive: &Drive,
    snapshot: &Snapshot,
    reach: Reach,
    is_alone: bool,
) -> anyhow::Result<Cleaned> {
    let (git, run) = (&drive.git, &snapshot.run);
    let name = format!("refs/heads/{}", run.integration);
    let mut cleaned = Cleaned::default();
    if !run.owns_integration() && !reach.force {
        return Ok(cleaned);
    }
    let Some(tip) = git.find_ref(&name)? else { return Ok(cleaned) };
    let what = format!("branch {}", run.integration);
    let kept = match reason_to_keep(drive, snapshot, &tip, reach)? {
        None if !is_alone => Some(("something of its tasks is kept".into(), Remedy::None)),
        reason => reason,
    };
    if let Some((reason, remedy)) = kept {
        cleaned.kept.push(Kept { what, reason, remedy });
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
                let reason = "it moved while it was looked at".into();
                cleaned.kept.push(Kept { what, reason, remedy: Remedy::None });
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
    reach: Reach,
) -> anyhow::Result<Option<(String, Remedy)>> {
    let (git, run) = (&drive.git, &snapshot.run);
    if !run.owns_integration() {
        let (name, base) = (quoted(&run.integration), &run.base);
        // It may hold more than the run's work by now.
        let save = format!(
            "git branch {} {name}",
            quoted(&format!("{}-after-{}", run.integration, run.name))
        );
        let back = match git.worktree_of(&run.integration)? {
            Some(found) => {
                format!("git -C {} reset --keep {base}", quoted(&found.path.display().to_string()))
            }
            None => format!("git branch -f {name} {base}"),
        };
        let back = format!("{save} && {back}   # back to where the run began");
        return Ok(Some(("it is not the run's own".into(), Remedy::Command(back))));
    }
    if let Some(elsewhere) = git.worktree_of(&run.integration)?.filter(|found| {
        // The checkout of a dry run would be gone by now.
        !(reach.dry_run && found.path == Path::new(&run.checkout))
    }) {
        let place = elsewhere.path.display();
        let (there, base) = (quoted(&place.to_string()), quoted(&run.base_branch));
        let switch = format!("git -C {there} switch {base}");
        return Ok(Some((format!("it is checked out at {place}"), Remedy::Command(switch))));
    }
    if reach.force {
        return Ok(None);
    }
    if !snapshot.is_finished() {
        return Ok(Some(("tasks are not done, which would go on from it".into(), Remedy::None)));
    }
    let base = git.find_branch(&run.base_branch)?;
    let is_in = match &base {
        // What a dry run would have merged by now.
        _ if reach.dry_run => true,
        Some(base) => git.is_ancestor(tip, base)?,
        None => false,
    };
    Ok((!is_in).then(|| (format!("it is not merged into {}", run.base_branch), Remedy::None)))
}
