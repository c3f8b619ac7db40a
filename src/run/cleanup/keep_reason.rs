//! Why a worktree is kept.
//!
//! Invariant: looks and removes nothing. What is not understood is a reason to keep; nothing is
//! taken for worthless but what git can give back, what was copied in or made by `setup` and is
//! as it was, and what says of itself that it is a cache.

use std::path::{Path, PathBuf};

use super::{Leftover, Remedy};
use crate::domain::shell::quoted;
use crate::domain::task::State;
use crate::git::status::{self, Dirt};
use crate::git::worktree::Listed;
use crate::git::worktree::submodules;
use crate::run::Drive;
use crate::run::furnish::{Furnished, furnished, stamp};
use crate::system::disk;

/// What a cache says of itself, see <https://bford.info/cachedir/>.
const CACHE_TAG: (&str, &[u8]) = ("CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");

/// Why something is kept, and what removes it all the same.
type Why = (String, Remedy);

impl Leftover<'_> {
    /// Returns why the worktree of a task is kept; `None` where it may go.
    pub(crate) fn reason_to_keep(&self, found: &Listed) -> anyhow::Result<Option<Why>> {
        let path = &found.path;
        if path.is_symlink() {
            let reason = "somebody put a link in its place";
            return Ok(Some((reason.into(), remove_by_git(&path.canonicalize()?))));
        }
        if self.drive.git.owner_of(path) != Some(self.owner()) {
            return Ok(Some(("this run did not make it".into(), remove_by_git(path))));
        }
        if found.branch.as_deref() != Some(self.branch) {
            let shows = found.branch.as_deref().unwrap_or("no branch");
            let reason = format!("it shows {shows}, not {}", self.branch);
            return Ok(Some((reason, self.remove_detached(found))));
        }
        let is_here = || std::env::current_dir().is_ok_and(|here| here.starts_with(path));
        if !self.reach.from_within && is_here() {
            return Ok(Some(("the current directory is in it".into(), Remedy::Clean)));
        }
        if let State::Running { .. } = self.record.state {
            return Ok(Some(("its agent is at work".into(), Remedy::None)));
        }
        if let Some(reason) = &found.locked {
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            let unlock = Remedy::First(format!("git worktree unlock {}", place(path)));
            return Ok(Some((format!("it is locked: {reason}"), unlock)));
        }
        if let Some(why) = mounted(path)? {
            return Ok(Some(why));
        }
        if let Some(reason) = self.too_young()? {
            let remedy = if self.is_merged { Remedy::Clean } else { Remedy::Force };
            return Ok(Some((reason, remedy)));
        }
        if self.reach.force {
            return self.reason_against_force(path);
        }
        if !self.is_merged {
            let reason = format!("it is not merged, the task is {}", self.record.state);
            return Ok(Some((reason, Remedy::Force)));
        }
        if !path.is_dir() {
            return Ok(None);
        }
        let held = match dirty_reason(&status::dirt(path)?) {
            Some(reason) => Some(reason),
            None => match submodule_reason(path)? {
                Some(reason) => Some(reason),
                None => ignored_reason(self.drive, path)?,
            },
        };
        Ok(held.map(|reason| (reason, Remedy::Force)))
    }

    /// Returns the command that removes a worktree which shows another branch; commits that stand on
    /// no branch at all would go with it, so they get one.
    fn remove_detached(&self, found: &Listed) -> Remedy {
        let path = &found.path;
        let head = found.branch.is_none().then(|| status::head(path).ok()).flatten();
        match head {
            Some((None, head)) => Remedy::Command(format!(
                "git branch {} {} && git worktree remove {}",
                quoted(&format!("{}-detached", self.branch)),
                head.short(),
                place(path)
            )),
            _ => remove_by_git(path),
        }
    }

    /// Returns the reason where the task has not ended, or not before the time that was asked for.
    pub(crate) fn too_young(&self) -> anyhow::Result<Option<String>> {
        let Some(before) = self.reach.before else { return Ok(None) };
        let attempt = self.record.last_attempt();
        let ended = attempt.map(|attempt| attempt.ended.unwrap_or(i64::MAX)).unwrap_or_default();
        let merge = self.record.state.merge();
        let merged = merge.map(|merge| self.drive.git.time_of(merge)).transpose()?.unwrap_or(0);
        Ok((ended.max(merged) >= before).then(|| "it is not that old".into()))
    }

    /// Returns why not even force removes a worktree: a backup would not hold what is in it.
    fn reason_against_force(&self, path: &Path) -> anyhow::Result<Option<Why>> {
        if self.reach.driven {
            let stop =
                Remedy::First(format!("git orchestrate stop --run {}", self.snapshot.run.name));
            return Ok(Some(("its run is at work, and may go on in it".into(), stop)));
        }
        if path.is_dir() { beyond_backup(self.drive, path) } else { Ok(None) }
    }
}

/// Returns what a worktree holds that no backup can hold.
pub(crate) fn beyond_backup(drive: &Drive, place: &Path) -> anyhow::Result<Option<Why>> {
    let look = Ignored { drive, place, given: Furnished::default() };
    let is_cached = |path: &Path| path.ancestors().any(|path| is_cache(&place.join(path)));
    let nested = status::nested(place)?.into_iter();
    let nested: Vec<String> = nested
        .filter(|path| !look.is_expendable(path) && !is_cached(path))
        .map(|path| path.display().to_string())
        .collect();
    let reason = if nested.is_empty() {
        submodule_reason(place)?
    } else {
        Some(format!("it holds a repository of its own: {}", named(&nested)))
    };
    let remove = format!("git worktree remove --force --force {}", self::place(place));
    Ok(reason
        .map(|reason| (format!("{reason}, which no backup can hold"), Remedy::Command(remove))))
}

/// Returns why the run's own checkout is kept, in which a task may have worked.
pub(crate) fn checkout_reason(
    drive: &Drive,
    found: &Listed,
    was_worked_in: bool,
    force: bool,
) -> anyhow::Result<Option<Why>> {
    let path = &found.path;
    if let Some(reason) = &found.locked {
        let unlock = Remedy::First(format!("git worktree unlock {}", place(path)));
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
    let held = match dirty_reason(&status::dirt(path)?) {
        Some(reason) => Some(reason),
        None => ignored_reason(drive, path)?,
    };
    Ok(held.map(|reason| (reason, Remedy::Force)))
}

/// Returns the reason where a file that git ignores is neither a copy nor made by `setup`, or where
/// git was told to look away from a file.
fn ignored_reason(drive: &Drive, place: &Path) -> anyhow::Result<Option<String>> {
    let flagged: Vec<String> =
        status::flagged(place)?.iter().map(|path| path.display().to_string()).collect();
    if !flagged.is_empty() {
        let names = named(&flagged);
        return Ok(Some(format!("git does not look at the changes of {names} (git ls-files -v)")));
    }
    let look = Ignored { drive, place, given: furnished(place)? };
    let mut precious = Vec::new();
    for path in status::ignored(place)? {
        precious.extend(look.first_precious(&path)?);
    }
    let names: Vec<String> = precious.iter().map(|path| path.display().to_string()).collect();
    let found = (!names.is_empty()).then(|| named(&names));
    Ok(found.map(|names| format!("it holds ignored files that are nowhere else: {names}")))
}

/// The files that git ignores in a worktree.
struct Ignored<'a> {
    drive: &'a Drive,
    place: &'a Path,
    given: Furnished,
}

impl Ignored<'_> {
    /// Returns the first file at or below a path that may be somebody's.
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
        let made = path.to_str().and_then(|path| self.given.files.get(path));
        made.is_some_and(|made| stamp(&self.place.join(path)).as_ref() == Some(made))
    }

    fn is_copy(&self, path: &Path) -> anyhow::Result<bool> {
        let Some(copied) = path.to_str().and_then(|path| self.given.copied.get(path)) else {
            return Ok(false);
        };
        let (git, full) = (&self.drive.git, self.place.join(path));
        let kind = full.symlink_metadata()?.file_type();
        // Reading what is neither could wait for ever.
        Ok((kind.is_file() || kind.is_symlink()) && git.file_id(&full)? == *copied)
    }
}

fn is_cache(folder: &Path) -> bool {
    use std::io::Read;
    let (name, signature) = CACHE_TAG;
    let mut begin = vec![0; signature.len()];
    let tag = folder.join(name);
    // A pipe of that name would be waited for.
    let is_file = tag.symlink_metadata().is_ok_and(|found| found.is_file());
    let is_folder = folder.symlink_metadata().is_ok_and(|found| found.is_dir());
    let file = (is_folder && is_file).then(|| std::fs::File::open(tag).ok()).flatten();
    file.is_some_and(|mut file| file.read_exact(&mut begin).is_ok() && begin == signature)
}

/// Returns why nothing can be removed where something is mounted.
pub(crate) fn mounted(path: &Path) -> anyhow::Result<Option<Why>> {
    let why = |mount: PathBuf| {
        let unmount = format!("umount {}", place(&mount));
        (format!("something is mounted at {}", mount.display()), Remedy::First(unmount))
    };
    Ok(disk::mount_below(path)?.map(why))
}

/// Returns the command for what is not ours to remove.
pub(crate) fn remove_by_git(path: &Path) -> Remedy {
    Remedy::Command(format!("git worktree remove {}", place(path)))
}

fn place(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// Returns why a worktree that holds this is kept.
fn dirty_reason(dirt: &Dirt) -> Option<String> {
    let changed = [dirt.unmerged.as_slice(), dirt.changed.as_slice()].concat();
    let kinds = [
        (changed.as_slice(), "uncommitted changes"),
        (dirt.untracked.as_slice(), "untracked files"),
    ];
    let (paths, kind) = kinds.into_iter().find(|(paths, _)| !paths.is_empty())?;
    Some(format!("it holds {kind}: {}", named(paths)))
}

fn submodule_reason(place: &Path) -> anyhow::Result<Option<String>> {
    for submodule in submodules::submodules(place)? {
        if let Some(what) = submodules::unsaved(&place.join(&submodule))? {
            return Ok(Some(format!("its submodule {} holds {what}", submodule.display())));
        }
    }
    let hidden = submodules::has_hidden(place)?;
    Ok(hidden.then(|| "it holds the repository of a submodule that is not checked out".into()))
}

fn named(paths: &[String]) -> String {
    match paths {
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        [] => String::new(),
    }
}
