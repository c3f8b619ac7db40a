//! Taking away what a task no longer needs: its worktree and its branch.
//!
//! Invariant: only what this run made, what is merged, and what holds nothing that git could
//! not give back. An answer from git that is not understood means keep. With force, a backup
//! ref is written before anything goes.

use std::path::Path;

use anyhow::Context;

use super::Drive;
use crate::agent::quoted;
use crate::error::failure;
use crate::git::private::owner_of;
use crate::git::refs::Swap;
use crate::git::status::{self, Dirt};
use crate::git::worktree::{Listed, same_path};
use crate::oid::Oid;
use crate::plan::TaskId;
use crate::snapshot::Snapshot;
use crate::store::Journal;
use crate::task::{Record, State};

/// What happened, or would happen, to what a task left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// The task; `None` for what belongs to the run as a whole.
    pub task: Option<TaskId>,
    pub removed: Vec<String>,
    pub kept: Vec<Kept>,
    pub backups: Vec<Backup>,
    /// Ignored paths that were removed and are in no backup.
    pub left_out: Vec<String>,
}

impl Cleaned {
    /// Nothing was removed, because of an error.
    pub fn kept_because(task: &TaskId, error: &anyhow::Error) -> Cleaned {
        let kept = Kept { what: "its worktree".into(), reason: format!("{error:#}") };
        Cleaned { task: Some(task.clone()), kept: vec![kept], ..Cleaned::default() }
    }
}

/// A ref that keeps what was removed, and the branch it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub name: String,
    pub branch: String,
}

/// Something that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub what: String,
    pub reason: String,
}

/// How far cleaning may go.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach {
    pub dry_run: bool,
    pub force: bool,
}

/// Returns the tasks that are done and whose branch or worktree is still there.
pub fn leftovers(drive: &Drive, snapshot: &Snapshot) -> anyhow::Result<Vec<TaskId>> {
    let branches = drive.git.list_refs("refs/heads/")?;
    let has_branch = |name: &String| {
        branches.iter().any(|(full, _)| full.strip_prefix("refs/heads/") == Some(name.as_str()))
    };
    let done = snapshot.tasks().filter(|(_, record)| record.state.is_done());
    let left = done.filter(|(_, record)| record.branch.as_ref().is_some_and(has_branch));
    Ok(left.map(|(task, _)| task.id.clone()).collect())
}

/// Cleans up after one task.
pub fn clean_task(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    reach: Reach,
) -> anyhow::Result<Cleaned> {
    let (_, record) = snapshot.find(id).context("the plan has no such task")?;
    let mut cleaned = Cleaned { task: Some(id.clone()), ..Cleaned::default() };
    let Some(branch) = &record.branch else { return Ok(cleaned) };
    let task = Leftover { drive, snapshot, id, record, branch, reach };
    if task.clean_worktree(&mut cleaned)? {
        task.clean_branch(&mut cleaned)?;
    }
    Ok(cleaned)
}

struct Leftover<'a> {
    drive: &'a Drive,
    snapshot: &'a Snapshot,
    id: &'a TaskId,
    record: &'a Record,
    branch: &'a str,
    reach: Reach,
}

impl Leftover<'_> {
    /// Returns true where the worktree is gone, so that the branch may go too.
    fn clean_worktree(&self, cleaned: &mut Cleaned) -> anyhow::Result<bool> {
        let git = &self.drive.git;
        let own = self.record.worktree.as_deref().map(Path::new);
        let listed = git.worktrees()?;
        let at_own = |l: &&Listed| own.is_some_and(|own| same_path(&l.path, own));
        let is_checkout = own.is_some_and(|own| own == Path::new(&self.snapshot.run.checkout));
        let Some(found) = listed.iter().find(at_own).filter(|_| !is_checkout) else {
            return Ok(true);
        };
        let what = format!("worktree {}", found.path.display());
        if let Some(reason) = self.reason_to_keep(found)? {
            cleaned.kept.push(Kept { what, reason });
            return Ok(false);
        }
        if !self.reach.dry_run {
            self.remove(found, cleaned)?;
        }
        cleaned.removed.push(what);
        Ok(true)
    }

    fn reason_to_keep(&self, found: &Listed) -> anyhow::Result<Option<String>> {
        if found.branch.as_deref() != Some(self.branch) {
            let shows = found.branch.as_deref().unwrap_or("no branch");
            return Ok(Some(format!("it shows {shows}, not {}", self.branch)));
        }
        if std::env::current_dir().is_ok_and(|here| here.starts_with(&found.path)) {
            return Ok(Some("the current directory is in it".into()));
        }
        if let State::Running { .. } = self.record.state {
            return Ok(Some("its agent is at work".into()));
        }
        if let Some(reason) = &found.locked {
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            let place = quoted(&found.path.display().to_string());
            return Ok(Some(format!("it is locked: {reason} (git worktree unlock {place})")));
        }
        if self.reach.force {
            return Ok(None);
        }
        if !self.record.state.is_done() {
            return Ok(Some(format!("it is not merged, the task is {}", self.record.state)));
        }
        if !found.path.is_dir() {
            return Ok(None);
        }
        Ok(dirty_reason(&status::dirt(&found.path)?))
    }

    fn remove(&self, found: &Listed, cleaned: &mut Cleaned) -> anyhow::Result<()> {
        let git = &self.drive.git;
        if !self.reach.force {
            return git.remove_worktree(&found.path);
        }
        let held = git.snapshot_worktree(&found.path, "what the worktree held")?;
        self.back_up(&held.commit, cleaned)?;
        cleaned.left_out.extend(held.left_out);
        git.discard_worktree(&found.path)
    }

    /// Keeps a commit, unless a backup that was just written has it in its history.
    fn back_up(&self, commit: &Oid, cleaned: &mut Cleaned) -> anyhow::Result<()> {
        let git = &self.drive.git;
        for backup in &cleaned.backups {
            let kept = git.find_ref(&backup.name)?;
            if kept.is_some_and(|kept| git.is_ancestor(commit, &kept).unwrap_or(false)) {
                return Ok(());
            }
        }
        let name = git.back_up(&self.snapshot.run.name, self.id.as_str(), commit)?;
        cleaned.backups.push(Backup { name, branch: self.branch.to_owned() });
        Ok(())
    }

    fn clean_branch(&self, cleaned: &mut Cleaned) -> anyhow::Result<()> {
        let git = &self.drive.git;
        let name = format!("refs/heads/{}", self.branch);
        let Some(tip) = git.find_ref(&name)? else { return Ok(()) };
        let what = format!("branch {}", self.branch);
        let keep = |reason: &str| Kept { what: what.clone(), reason: reason.into() };
        if !self.is_merged(&tip)? {
            if !self.reach.force {
                cleaned.kept.push(keep("it is not merged"));
                return Ok(());
            }
            if !self.reach.dry_run {
                self.back_up(&tip, cleaned)?;
            }
        }
        if let Some(elsewhere) =
            git.worktree_of(self.branch)?.filter(|found| !self.goes(&found.path))
        {
            let reason = format!("it is checked out at {}", elsewhere.path.display());
            cleaned.kept.push(keep(&reason));
            return Ok(());
        }
        if !self.reach.dry_run && git.delete_ref(&name, &tip)? != Swap::Done {
            cleaned.kept.push(keep("it moved while it was looked at"));
            return Ok(());
        }
        cleaned.removed.push(what);
        Ok(())
    }

    /// Returns true for the worktree that a dry run would have removed by now.
    fn goes(&self, path: &Path) -> bool {
        let own = self.record.worktree.as_deref().map(Path::new);
        self.reach.dry_run && own.is_some_and(|own| same_path(path, own))
    }

    /// Merged means that the task is done and its branch is in the integration branch.
    fn is_merged(&self, tip: &Oid) -> anyhow::Result<bool> {
        let integration = &self.snapshot.run.integration;
        let Some(integration) = self.drive.git.find_branch(integration)? else { return Ok(false) };
        Ok(self.record.state.is_done() && self.drive.git.is_ancestor(tip, &integration)?)
    }
}

/// Returns why a worktree that holds this is kept.
fn dirty_reason(dirt: &Dirt) -> Option<String> {
    let name = |paths: &[String]| match paths {
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        [] => String::new(),
    };
    let changed = [dirt.unmerged.as_slice(), dirt.changed.as_slice()].concat();
    let kinds = [
        (changed.as_slice(), "uncommitted changes"),
        (dirt.untracked.as_slice(), "untracked files"),
        (dirt.ignored.as_slice(), "ignored files"),
    ];
    let (paths, kind) = kinds.into_iter().find(|(paths, _)| !paths.is_empty())?;
    Some(format!("it holds {kind}: {}", name(paths)))
}

/// Removes the run's own integration checkout, which holds nothing but caches of tests.
pub fn clean_checkout(drive: &Drive, snapshot: &Snapshot, reach: Reach) -> anyhow::Result<Cleaned> {
    let path = Path::new(&snapshot.run.checkout);
    let mut cleaned = Cleaned::default();
    let listed = drive.git.worktrees()?;
    let Some(found) = listed.iter().find(|listed| same_path(&listed.path, path)) else {
        return Ok(cleaned);
    };
    let what = format!("worktree {}", path.display());
    if owner_of(path).as_ref() != Some(&snapshot.run.name) {
        cleaned.kept.push(Kept { what, reason: "it is not this run's".into() });
        return Ok(cleaned);
    }
    if let Some(branch) = &found.branch {
        let reason = format!("branch {branch} is checked out in it");
        cleaned.kept.push(Kept { what, reason });
        return Ok(cleaned);
    }
    if !reach.dry_run {
        drive.git.discard_worktree(path)?;
    }
    cleaned.removed.push(what);
    Ok(cleaned)
}

/// Removes a run's journal, after a backup, and then its folder of logs; returns the backup ref.
pub fn remove_journal(
    drive: &Drive,
    journal: &Journal,
    tip: &Oid,
    run: &str,
) -> anyhow::Result<String> {
    let backup = drive.git.back_up(run, "@journal", tip)?;
    match drive.git.delete_ref(&journal.ref_name(), tip)? {
        Swap::Done => {}
        Swap::Moved => return Err(failure(format!("run '{run}' changed meanwhile"), "try again")),
        Swap::Locked => return Err(drive.git.stale_lock(&journal.ref_name())),
    }
    if drive.folder.path().is_dir() {
        std::fs::remove_dir_all(drive.folder.path())?;
    }
    Ok(backup)
}
