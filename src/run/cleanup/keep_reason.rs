//! The reasons to keep a worktree.
//!
//! Invariant: removes nothing. What is not understood is a reason to keep. Only these count as
//! worthless: what git can restore, unchanged files that were copied in or made by `setup`, and
//! folders that declare themselves a cache.

use std::path::{Path, PathBuf};

use super::{Removal, TaskCleanup};
use crate::domain::steps::{Step, git, program};
use crate::domain::task::State;
use crate::git::status::{self, Dirt};
use crate::git::worktree::ListedWorktree;
use crate::git::worktree::submodules;
use crate::run::Drive;
use crate::run::setup::{SetupRecord, read_record, stamp};
use crate::system::disk;

/// The file by which a folder declares itself a cache, see <https://bford.info/cachedir/>.
const CACHE_TAG: (&str, &[u8]) = ("CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");

/// Why something is kept, and how to remove it anyway.
type KeepReason = (String, Removal);

impl TaskCleanup<'_> {
    /// Returns why the worktree of a task is kept; `None` if it may be removed.
    pub(crate) fn reason_to_keep(
        &self,
        found: &ListedWorktree,
    ) -> anyhow::Result<Option<KeepReason>> {
        let path = &found.path;
        // First, because every other check would look at the target of the link.
        if path.is_symlink() {
            // `git worktree remove` would follow the link.
            let reason = "it was replaced by a symbolic link";
            return Ok(Some((reason.into(), remove_by_git(&path.canonicalize()?))));
        }
        if self.drive.git.owner_of(path) != Some(self.owner()) {
            return Ok(Some(("it was not made by this run".into(), remove_by_git(path))));
        }
        if found.branch.as_deref() != Some(self.branch) {
            let branch = found.branch.as_deref().unwrap_or("no branch");
            let reason = format!("it is on {branch}, not on {}", self.branch);
            return Ok(Some((reason, self.remove_detached(found))));
        }
        // The user's shell would be left in a folder that does not exist.
        let is_here = || std::env::current_dir().is_ok_and(|here| here.starts_with(path));
        if !self.reach.from_within && is_here() {
            return Ok(Some(("the current directory is in it".into(), Removal::Clean)));
        }
        if let State::Running { .. } = self.record.state {
            return Ok(Some(("its agent is running".into(), Removal::None)));
        }
        if let Some(reason) = &found.locked {
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            let unlock = Removal::First(unlock(path));
            return Ok(Some((format!("it is locked: {reason}"), unlock)));
        }
        if let Some(why) = mounted(path)? {
            return Ok(Some(why));
        }
        if let Some(reason) = self.too_young()? {
            let removal = if self.is_merged { Removal::Clean } else { Removal::Force };
            return Ok(Some((reason, removal)));
        }
        if self.reach.force {
            return self.reason_against_force(path);
        }
        // The commits of a dropped task stay on its branch.
        if !self.is_merged && !self.is_dropped {
            let reason = format!("it is not merged (the task is {})", self.record.state);
            return Ok(Some((reason, Removal::Force)));
        }
        // The folder is gone; only git's entry for it is left to remove.
        if !path.is_dir() {
            return Ok(None);
        }
        let reason = match dirty_reason(&self.drive.git.work_in(path)?) {
            Some(reason) => Some(reason),
            None => match submodule_reason(path)? {
                Some(reason) => Some(reason),
                None => ignored_reason(self.drive, path)?,
            },
        };
        Ok(reason.map(|reason| (reason, Removal::Force)))
    }

    /// Returns the command that removes a worktree on another branch. A detached HEAD gets a branch
    /// first: with the worktree git forgets its HEAD, and nothing would name the commits.
    fn remove_detached(&self, found: &ListedWorktree) -> Removal {
        let path = &found.path;
        let head = found.branch.is_none().then(|| status::head(path).ok()).flatten();
        match head {
            Some((None, head)) => {
                let branch = format!("{}-detached", self.branch);
                let save = Step::from(git("branch").word(branch).word(head.short()));
                Removal::Command(save.and(remove(path)))
            }
            _ => remove_by_git(path),
        }
    }

    /// Returns a reason to keep if `--older-than` was given and the task has ended since, or not
    /// yet.
    pub(crate) fn too_young(&self) -> anyhow::Result<Option<String>> {
        let Some(before) = self.reach.before else { return Ok(None) };
        let attempt = self.record.last_attempt();
        let ended = attempt.map(|attempt| attempt.ended.unwrap_or(i64::MAX)).unwrap_or_default();
        let merge = self.record.state.merge();
        let merged = merge.map(|merge| self.drive.git.time_of(merge)).transpose()?.unwrap_or(0);
        Ok((ended.max(merged) >= before).then(|| "it is newer than --older-than".into()))
    }

    /// Returns why not even `--force` removes a worktree: a backup could not hold its content.
    fn reason_against_force(&self, path: &Path) -> anyhow::Result<Option<KeepReason>> {
        if self.reach.driven {
            let stop = Removal::First(Step::stop_run());
            return Ok(Some(("the run is still running, and may use it".into(), stop)));
        }
        if path.is_dir() { beyond_backup(self.drive, path) } else { Ok(None) }
    }
}

/// Returns a reason to keep if a worktree holds something that no backup can hold.
pub(crate) fn beyond_backup(drive: &Drive, place: &Path) -> anyhow::Result<Option<KeepReason>> {
    let look = IgnoredFiles { drive, place, record: SetupRecord::default() };
    let is_cached = |path: &Path| path.ancestors().any(|path| is_cache(&place.join(path)));
    let nested = status::nested(place)?.into_iter();
    let nested: Vec<String> = nested
        .filter(|path| !look.is_expendable(path) && !is_cached(path))
        .map(|path| path.display().to_string())
        .collect();
    let reason = if nested.is_empty() {
        submodule_reason(place)?
    } else {
        Some(format!("it contains another repository: {}", named(&nested)))
    };
    let remove =
        Removal::Command(git("worktree remove --force --force").word(place.display()).into());
    Ok(reason.map(|reason| (format!("{reason}, which no backup can hold"), remove)))
}

/// Returns why the run's own checkout is kept; `was_worked_in` if a task has worked in it.
pub(crate) fn checkout_reason(
    drive: &Drive,
    found: &ListedWorktree,
    was_worked_in: bool,
    force: bool,
) -> anyhow::Result<Option<KeepReason>> {
    let path = &found.path;
    if let Some(reason) = &found.locked {
        let unlock = Removal::First(unlock(path));
        return Ok(Some((format!("it is locked: {reason}"), unlock)));
    }
    if let Some(why) = mounted(path)? {
        return Ok(Some(why));
    }
    if !path.is_dir() {
        return Ok(None);
    }
    if let Some(why) = beyond_backup(drive, path)? {
        return Ok(Some(why));
    }
    if force || !was_worked_in {
        return Ok(None);
    }
    let reason = match dirty_reason(&status::dirt(path)?) {
        Some(reason) => Some(reason),
        None => ignored_reason(drive, path)?,
    };
    Ok(reason.map(|reason| (reason, Removal::Force)))
}

/// Returns a reason to keep if an ignored file is neither a copy nor made by `setup`, or if a file
/// is flagged `assume-unchanged` or `skip-worktree`: `git status` hides its changes.
fn ignored_reason(drive: &Drive, place: &Path) -> anyhow::Result<Option<String>> {
    let flagged: Vec<String> =
        status::flagged(place)?.iter().map(|path| path.display().to_string()).collect();
    if !flagged.is_empty() {
        let names = named(&flagged);
        let flags = "assume-unchanged or skip-worktree";
        return Ok(Some(format!("git ignores changes of {names} ({flags}; see git ls-files -v)")));
    }
    let look = IgnoredFiles { drive, place, record: read_record(place)? };
    let mut precious = Vec::new();
    for path in status::ignored(place)? {
        precious.extend(look.first_precious(&path)?);
    }
    let names: Vec<String> = precious.iter().map(|path| path.display().to_string()).collect();
    let found = (!names.is_empty()).then(|| named(&names));
    Ok(found.map(|names| format!("it contains ignored files that exist nowhere else: {names}")))
}

/// The files that git ignores in a worktree.
struct IgnoredFiles<'a> {
    drive: &'a Drive,
    place: &'a Path,
    record: SetupRecord,
}

impl IgnoredFiles<'_> {
    /// Returns the first file at or below a path that the user may need.
    fn first_precious(&self, path: &Path) -> anyhow::Result<Option<PathBuf>> {
        let full = self.place.join(path);
        if self.is_expendable(path) || is_cache(&full) {
            return Ok(None);
        }
        if !full.symlink_metadata()?.is_dir() {
            let is_known = self.was_made(path) || self.is_copy(path)?;
            return Ok((!is_known).then(|| path.to_owned()));
        }
        for entry in full.read_dir()? {
            let found = self.first_precious(&path.join(entry?.file_name()))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn is_expendable(&self, path: &Path) -> bool {
        let names = &self.drive.settings.expendable;
        path.components().any(|part| names.iter().any(|name| part.as_os_str() == name.as_str()))
    }

    fn was_made(&self, path: &Path) -> bool {
        let made = path.to_str().and_then(|path| self.record.files.get(path));
        made.is_some_and(|made| stamp(&self.place.join(path)).as_ref() == Some(made))
    }

    fn is_copy(&self, path: &Path) -> anyhow::Result<bool> {
        let Some(copied) = path.to_str().and_then(|path| self.record.copied.get(path)) else {
            return Ok(false);
        };
        let (git, full) = (&self.drive.git, self.place.join(path));
        let kind = full.symlink_metadata()?.file_type();
        // Reading a named pipe would block for ever.
        Ok((kind.is_file() || kind.is_symlink()) && git.file_id(&full)? == *copied)
    }
}

fn is_cache(folder: &Path) -> bool {
    use std::io::Read;
    let (name, signature) = CACHE_TAG;
    let mut begin = vec![0; signature.len()];
    let tag = folder.join(name);
    // Opening a named pipe of that name would block for ever.
    let is_file = tag.symlink_metadata().is_ok_and(|found| found.is_file());
    let is_folder = folder.symlink_metadata().is_ok_and(|found| found.is_dir());
    let file = (is_folder && is_file).then(|| std::fs::File::open(tag).ok()).flatten();
    file.is_some_and(|mut file| file.read_exact(&mut begin).is_ok() && begin == signature)
}

/// Returns a reason to keep if a file system is mounted in the worktree: removing the worktree
/// would delete the content of that file system.
pub(crate) fn mounted(path: &Path) -> anyhow::Result<Option<KeepReason>> {
    let why = |mount: PathBuf| {
        let unmount = program("umount").word(mount.display()).into();
        (format!("a file system is mounted at {}", mount.display()), Removal::First(unmount))
    };
    Ok(disk::mount_below(path)?.map(why))
}

/// Returns the command that removes a worktree which is not this run's.
pub(crate) fn remove_by_git(path: &Path) -> Removal {
    Removal::Command(remove(path))
}

fn remove(path: &Path) -> Step {
    git("worktree remove").word(path.display()).into()
}

fn unlock(path: &Path) -> Step {
    git("worktree unlock").word(path.display()).into()
}

/// Returns a reason to keep a worktree with uncommitted changes.
fn dirty_reason(dirt: &Dirt) -> Option<String> {
    let changed = [dirt.unmerged.as_slice(), dirt.changed.as_slice()].concat();
    let kinds = [
        (changed.as_slice(), "uncommitted changes"),
        (dirt.untracked.as_slice(), "untracked files"),
    ];
    let (paths, kind) = kinds.into_iter().find(|(paths, _)| !paths.is_empty())?;
    Some(format!("it contains {kind}: {}", named(paths)))
}

fn submodule_reason(place: &Path) -> anyhow::Result<Option<String>> {
    for submodule in submodules::submodules(place)? {
        if let Some(what) = submodules::unsaved(&place.join(&submodule))? {
            return Ok(Some(format!("its submodule {} contains {what}", submodule.display())));
        }
    }
    let hidden = submodules::has_hidden(place)?;
    Ok(hidden.then(|| "it contains the repository of a submodule that is not checked out".into()))
}

fn named(paths: &[String]) -> String {
    match paths {
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        [] => String::new(),
    }
}
