//! Whether an agent is silent: its log does not grow and its worktree does not change.
//!
//! Invariant: only the times of files are read, nothing is started, and no link is followed; a
//! build that fills an ignored folder counts as work.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Attempt;
use crate::git::worktree::ownership;
use crate::system::clock;
use crate::system::process::IdleLimit;

impl Attempt {
    /// Returns how long the agent may be silent, and how to find that out; `None` if no limit is
    /// set.
    pub(super) fn quiet(&self) -> Option<IdleLimit> {
        let limit = Duration::from_secs(self.spec.launch.idle);
        let place = self.spec.place.worktree.clone();
        let mut places = vec![self.folder.log(), self.folder.trace()];
        // The worktree's git directory is elsewhere; a long `git rebase` may change nothing but it.
        places.extend(ownership::directory(&place));
        places.push(place);
        let last =
            move || clock::system_time().checked_sub(limit).and_then(|since| newer(&places, since));
        let seen = move || last().and_then(|time| clock::system_time().duration_since(time).ok());
        (!limit.is_zero()).then(|| IdleLimit { limit, seen: Box::new(seen) })
    }
}

/// Returns a time after `since` at which a file at or below one of the places changed.
fn newer(places: &[PathBuf], since: SystemTime) -> Option<SystemTime> {
    places.iter().find_map(|place| newer_below(place, since))
}

fn newer_below(place: &Path, since: SystemTime) -> Option<SystemTime> {
    let mut left = vec![place.to_owned()];
    while let Some(path) = left.pop() {
        // A file that vanished meanwhile changed its folder's time, which is looked at too.
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if let Some(time) = metadata.modified().ok().filter(|time| *time > since) {
            return Some(time);
        }
        if metadata.is_dir() {
            left.extend(path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_anywhere_is_seen_and_an_old_file_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("deep");
        let file = deep.join("file");
        std::fs::create_dir(&deep).expect("a folder");
        std::fs::write(&file, "1").expect("a file");
        let (old, since) =
            (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_secs(9));
        let set = |path: &Path| {
            std::fs::File::open(path).and_then(|it| it.set_modified(old)).expect("a time is set");
        };
        [&file, &deep, &folder.path().to_owned()].into_iter().for_each(|path| set(path));
        assert_eq!(newer_below(folder.path(), since), None);
        std::fs::write(&file, "2").expect("a file");
        assert!(newer_below(folder.path(), since).is_some());
    }
}
