//! Removes the worktree and the branch of a task that is merged.
//!
//! Invariant: only what this run made, what is merged, and what contains nothing that git could not
//! restore. An answer from git that is not understood means keep. With `--force`, a backup ref is
//! written before anything is removed.

pub(crate) mod keep_reason;

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::domain::error::{failure, one_line};
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{self, Step};
use crate::domain::task::Record;
use crate::git::database::refs::Swap;
use crate::git::worktree::backup;
use crate::git::worktree::ownership::owner_of;
use crate::git::worktree::{ListedWorktree, same_path};
use crate::journal::Journal;
use crate::run::Drive;
use crate::run::integration::merged_by_others::merged_by_others;

/// What was removed and what was kept, or would be with `--dry-run`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CleanReport {
    /// The task; `None` for things of the run as a whole.
    pub task: Option<TaskId>,
    pub removed: Vec<String>,
    pub kept: Vec<KeptItem>,
    pub backups: Vec<Backup>,
    /// Ignored paths that were removed and are in no backup.
    pub left_out: Vec<String>,
    /// The ref of the journal that was removed, and that of its backup.
    pub journal: Option<(String, String)>,
}

impl CleanReport {
    /// Returns the report of a task that is kept because of an error.
    pub(crate) fn kept_because(task: &TaskId, error: &anyhow::Error) -> CleanReport {
        let (what, reason) = (format!("worktree of task {task}"), one_line(error));
        let kept = KeptItem { what, reason, removal: Removal::Force };
        CleanReport { task: Some(task.clone()), kept: vec![kept], ..CleanReport::default() }
    }
}

/// A backup ref, and the branch whose commits it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    pub name: String,
    pub branch: String,
}

/// Something that is kept, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptItem {
    pub what: String,
    pub reason: String,
    pub removal: Removal,
}

/// How to remove what was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Not possible now.
    None,
    /// `clean --force` of the task.
    Force,
    /// This command alone.
    Command(Step),
    /// This command, and then `clean` of the task.
    First(Step),
    /// `clean` of the task, without `--older-than`.
    Clean,
}

/// What `clean` may remove.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CleanOptions {
    pub dry_run: bool,
    pub force: bool,
    /// Remove also the worktree that contains the current directory.
    pub from_within: bool,
    /// A controller is driving the run meanwhile.
    pub driven: bool,
    /// Remove only what ended before this time, in milliseconds since 1970.
    pub before: Option<i64>,
}

/// Returns the tasks that are done and whose branch still exists.
pub(crate) fn tasks_to_clean(drive: &Drive, snapshot: &Snapshot) -> anyhow::Result<Vec<TaskId>> {
    let branches = drive.git.list_refs("refs/heads/")?;
    let has_branch = |name: &String| {
        branches.iter().any(|(full, _)| full.strip_prefix("refs/heads/") == Some(name.as_str()))
    };
    let done = snapshot.tasks().filter(|(_, record)| record.state.is_done());
    let left = done.filter(|(_, record)| record.branch.as_ref().is_some_and(has_branch));
    Ok(left.map(|(task, _)| task.id.clone()).collect())
}

/// Removes the worktree and the branch of one task.
pub(crate) fn clean_task(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    reach: CleanOptions,
) -> anyhow::Result<CleanReport> {
    let record = snapshot.record_of(id)?;
    let mut cleaned = CleanReport { task: Some(id.clone()), ..CleanReport::default() };
    // A task that never began has nothing to remove; a branch of its name is somebody else's.
    let Some(branch) = &record.branch else { return Ok(cleaned) };
    let integration = drive.git.find_branch(&snapshot.run.integration)?;
    let is_merged = record.state.is_done()
        || match &integration {
            Some(tip) => merged_by_others(&drive.git, record, tip)?.is_some(),
            None => false,
        };
    let is_dropped = snapshot.find(id).is_none();
    let task = TaskCleanup {
        drive,
        snapshot,
        id,
        record,
        branch,
        reach,
        integration,
        is_merged,
        is_dropped,
    };
    // A kept worktree keeps its branch: without it, its HEAD would name nothing.
    if task.clean_worktree(&mut cleaned)? {
        task.clean_branch(&mut cleaned)?;
    }
    Ok(cleaned)
}

/// Removes the worktree of a task that continues in a new one, unless work would be lost; keeps its
/// branch.
pub(crate) fn clean_task_worktree(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<()> {
    let (_, record) = snapshot.task(id)?;
    let Some(branch) = &record.branch else { return Ok(()) };
    let (reach, integration) = (CleanOptions::default(), None);
    // The commits stay on the branch, so only the files of the worktree matter, as after a merge.
    let (is_merged, is_dropped) = (true, false);
    let task = TaskCleanup {
        drive,
        snapshot,
        id,
        record,
        branch,
        reach,
        integration,
        is_merged,
        is_dropped,
    };
    task.clean_worktree(&mut CleanReport::default()).map(drop)
}

/// Returns the worktree of a merged task, if nothing would be lost with it.
pub(crate) fn free_worktree(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<Option<PathBuf>> {
    let (_, record) = snapshot.task(id)?;
    let (Some(branch), Some(own)) = (&record.branch, &record.worktree) else { return Ok(None) };
    let (reach, integration) = (CleanOptions::default(), None);
    let (is_merged, is_dropped) = (record.state.is_done(), false);
    let task = TaskCleanup {
        drive,
        snapshot,
        id,
        record,
        branch,
        reach,
        integration,
        is_merged,
        is_dropped,
    };
    let listed = drive.git.worktrees()?;
    let found = listed.iter().find(|listed| same_path(&listed.path, Path::new(own)));
    let Some(found) = found.filter(|found| found.path.is_dir()) else { return Ok(None) };
    let is_free = task.reason_to_keep(found)?.is_none();
    Ok(is_free.then(|| found.path.clone()))
}

/// The cleanup of one task.
pub(crate) struct TaskCleanup<'a> {
    pub(crate) drive: &'a Drive,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) id: &'a TaskId,
    pub(crate) record: &'a Record,
    pub(crate) branch: &'a str,
    pub(crate) reach: CleanOptions,
    /// The tip of the integration branch.
    integration: Option<Oid>,
    /// Whether the task is merged, by this run or by others.
    pub(crate) is_merged: bool,
    /// Whether the plan does not have the task any more, so that nobody continues its work.
    pub(crate) is_dropped: bool,
}

impl TaskCleanup<'_> {
    /// Removes the worktree; returns true if it is gone, so that the branch may be removed too.
    fn clean_worktree(&self, cleaned: &mut CleanReport) -> anyhow::Result<bool> {
        let git = &self.drive.git;
        let own = self.record.worktree.as_deref().map(Path::new);
        let listed = git.worktrees()?;
        // A task that ran alone shares the run's checkout, which is removed with the run.
        if own.is_some_and(|own| own == Path::new(&self.snapshot.run.checkout)) {
            return Ok(true);
        }
        let at_own = |l: &&ListedWorktree| own.is_some_and(|own| same_path(&l.path, own));
        let Some(found) = listed.iter().find(at_own) else {
            // After `git worktree move` the recorded path is stale; the owner's name lies in the
            // worktree's git directory, and so is still found.
            let moved = listed.iter().find(|l| git.owner_of(&l.path) == Some(self.owner()));
            cleaned.kept.extend(moved.map(|moved| KeptItem {
                what: format!("worktree {}", moved.path.display()),
                reason: "it was moved there".into(),
                removal: keep_reason::remove_by_git(&moved.path),
            }));
            return Ok(moved.is_none());
        };
        let what = format!("worktree {}", found.path.display());
        if let Some((reason, removal)) = self.reason_to_keep(found)? {
            cleaned.kept.push(KeptItem { what, reason, removal });
            return Ok(false);
        }
        match self.reach.dry_run {
            true if self.reach.force && found.path.is_dir() => {
                cleaned.left_out.extend(backup::left_out(&found.path)?);
            }
            true => {}
            false => self.remove(found, cleaned)?,
        }
        cleaned.removed.push(what);
        Ok(true)
    }

    /// Returns the owner that a worktree of this task names.
    pub(crate) fn owner(&self) -> String {
        format!("{}/{}", self.snapshot.run.name, self.id)
    }

    fn remove(&self, found: &ListedWorktree, cleaned: &mut CleanReport) -> anyhow::Result<()> {
        let git = &self.drive.git;
        if !self.reach.force {
            if found.path.is_dir() {
                git.put_baseline_away(&found.path)?;
            }
            return git.remove_worktree(&found.path);
        }
        let snapshot = git.snapshot_worktree(&found.path, "content of a removed worktree")?;
        self.back_up(&snapshot.commit, cleaned)?;
        cleaned.left_out.extend(snapshot.left_out);
        // An attempt locks its worktree before its agent starts. One may have started since the
        // reasons to keep were looked for, and the backup would not hold its work.
        if let Some(reason) = git.lock_of(&found.path)? {
            bail!("it was locked meanwhile: {reason}");
        }
        git.discard_worktree(&found.path)
    }

    /// Writes a backup of a commit, unless the history of an earlier one contains it.
    fn back_up(&self, commit: &Oid, cleaned: &mut CleanReport) -> anyhow::Result<()> {
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

    fn clean_branch(&self, cleaned: &mut CleanReport) -> anyhow::Result<()> {
        let git = &self.drive.git;
        let name = format!("refs/heads/{}", self.branch);
        let Some(tip) = git.find_ref(&name)? else { return Ok(()) };
        let what = format!("branch {}", self.branch);
        let keep =
            |reason: &str, removal| KeptItem { what: what.clone(), reason: reason.into(), removal };
        if let Some(reason) = self.too_young()? {
            cleaned.kept.push(keep(&reason, Removal::Clean));
            return Ok(());
        }
        let contained = self.contained(&tip)?;
        // No commits past the base is not "merged": the branch may wait for its first commit.
        if contained == Contained::No && !self.reach.force {
            cleaned.kept.push(keep("it is not merged", Removal::Force));
            return Ok(());
        }
        // After a rebase or squash the commits themselves are nowhere else.
        if contained != Contained::Commits && !self.reach.dry_run {
            self.back_up(&tip, cleaned)?;
        }
        if let Some(elsewhere) =
            git.worktree_of(self.branch)?.filter(|found| !self.would_be_gone(&found.path))
        {
            let reason = format!("it is checked out at {}", elsewhere.path.display());
            let remove = steps::git("worktree remove").word(elsewhere.path.display());
            let removal = Removal::First(remove.into());
            cleaned.kept.push(keep(&reason, removal));
            return Ok(());
        }
        // Compared with the tip that was judged: a commit that came since is not in it.
        if !self.reach.dry_run && git.delete_ref(&name, &tip)? != Swap::Done {
            cleaned.kept.push(keep("it moved meanwhile", Removal::Clean));
            return Ok(());
        }
        cleaned.removed.push(what);
        Ok(())
    }

    /// Returns true if the path is the worktree that a dry run would have removed by now.
    fn would_be_gone(&self, path: &Path) -> bool {
        let own = self.record.worktree.as_deref().map(Path::new);
        self.reach.dry_run && own.is_some_and(|own| same_path(path, own))
    }

    /// Returns how much of the branch is in the integration branch. A merged task's branch may have
    /// got more commits since.
    fn contained(&self, tip: &Oid) -> anyhow::Result<Contained> {
        let git = &self.drive.git;
        let is_over = self.is_merged || self.is_dropped;
        let Some(integration) = self.integration.as_ref().filter(|_| is_over) else {
            return Ok(Contained::No);
        };
        if git.is_ancestor(tip, integration)? {
            return Ok(Contained::Commits);
        }
        Ok(if git.is_content_in(tip, integration)? { Contained::Content } else { Contained::No })
    }
}

/// How much of a branch is in the integration branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contained {
    No,
    /// Its changes, but not its commits: they were rebased or squashed.
    Content,
    Commits,
}

/// Removes the run's own checkout if it contains nothing but caches of tests.
pub(crate) fn clean_checkout(
    drive: &Drive,
    snapshot: &Snapshot,
    reach: CleanOptions,
) -> anyhow::Result<CleanReport> {
    let path = Path::new(&snapshot.run.checkout);
    let mut cleaned = CleanReport::default();
    let listed = drive.git.worktrees()?;
    let Some(found) = listed.iter().find(|listed| same_path(&listed.path, path)) else {
        return Ok(cleaned);
    };
    let what = format!("worktree {}", path.display());
    if let Some((reason, removal)) = reason_to_keep_checkout(drive, snapshot, found, reach)? {
        cleaned.kept.push(KeptItem { what, reason, removal });
        return Ok(cleaned);
    }
    let is_asked = reach.force && path.is_dir();
    if is_asked {
        cleaned.left_out.extend(backup::left_out(path)?);
    }
    if !reach.dry_run {
        let names = drive.git.save_checkout(&snapshot.run.name, path, is_asked)?;
        let branch = |name| Backup { name, branch: format!("{}-checkout", snapshot.run.name) };
        cleaned.backups.extend(names.into_iter().map(branch));
        drive.git.discard_worktree(path)?;
    }
    cleaned.removed.push(what);
    Ok(cleaned)
}

fn reason_to_keep_checkout(
    drive: &Drive,
    snapshot: &Snapshot,
    found: &ListedWorktree,
    reach: CleanOptions,
) -> anyhow::Result<Option<(String, Removal)>> {
    let path = Path::new(&snapshot.run.checkout);
    if owner_of(path).as_ref() != Some(&snapshot.run.name) {
        return Ok(Some(("it was not made by this run".into(), keep_reason::remove_by_git(path))));
    }
    if let Some(branch) = &found.branch {
        let reason = format!("branch {branch} is checked out in it");
        return Ok(Some((reason, keep_reason::remove_by_git(path))));
    }
    let is_here = |record: &Record| record.worktree.as_deref() == Some(&snapshot.run.checkout);
    let was_worked_in = snapshot.tasks().any(|(_, record)| is_here(record));
    keep_reason::checkout_reason(drive, found, was_worked_in, reach.force)
}

/// Removes a run's journal, after a backup, and then its folder of logs. Returns the backup ref.
pub(crate) fn remove_journal(
    drive: &Drive,
    journal: &Journal,
    tip: &Oid,
    run: &str,
) -> anyhow::Result<String> {
    // The backup holds the only history of the run. Logs go last: they are explained by the
    // journal, and a crash in between leaves only logs that nobody needs.
    let backup = drive.git.back_up(run, "@journal", tip)?;
    match drive.git.delete_ref(&journal.ref_name(), tip)? {
        Swap::Done => {}
        Swap::Moved => {
            return Err(failure(format!("run '{run}' changed meanwhile"), "run the command again"));
        }
        Swap::Locked => return Err(drive.git.stale_lock(&journal.ref_name())),
    }
    if drive.folder.path().is_dir() {
        std::fs::remove_dir_all(drive.folder.path())?;
    }
    Ok(backup)
}
