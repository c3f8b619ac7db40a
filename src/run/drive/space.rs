//! Finds out whether the disk has room for more worktrees.
//!
//! Invariant: it only counts; `schedule` decides what waits for room. If the free space cannot be
//! found out, nothing waits.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::domain::config::Layer;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{State, TaskStatus};
use crate::git::worktree::ownership;
use crate::run::Drive;
use crate::system::disk;

/// How often the setting is read again while a task waits for room.
const GLANCE: Duration = Duration::from_secs(1);

/// The free space on the disk of the worktrees.
pub(crate) struct Space {
    folder: PathBuf,
    /// Bytes that must stay free.
    min_free: u64,
    /// About how many bytes a worktree takes; `None` before it was asked.
    size: Option<u64>,
    /// When the setting was read.
    read: Instant,
    /// Bytes that are free; `None` if that is not known.
    free: Option<u64>,
}

impl Space {
    pub(crate) fn new(drive: &Drive) -> Space {
        let folder = drive.git.home().join(&drive.settings.worktrees);
        let min_free = drive.settings.min_free;
        Space { folder, min_free, size: None, read: Instant::now(), free: None }
    }

    /// Returns how many more worktrees may be made; `launched` more will be made without asking.
    pub(crate) fn room(&mut self, drive: &Drive, snapshot: &Snapshot, launched: usize) -> usize {
        // Before the free space is asked: a worktree that is finished in between is counted twice
        // then, and not missed.
        let pending = match self.min_free {
            0 => 0,
            _ => launched + unfinished(snapshot) + checkout(drive, snapshot),
        };
        self.ask(drive);
        let Some(free) = self.free.filter(|_| self.min_free > 0) else { return usize::MAX };
        let commit = &snapshot.run.base;
        let size = *self.size.get_or_insert_with(|| drive.git.checkout_size(commit).max(1));
        let fit = usize::try_from(free.saturating_sub(self.min_free) / size).unwrap_or(usize::MAX);
        if fit > snapshot.len() {
            return usize::MAX;
        }
        fit.saturating_sub(pending)
    }

    /// Returns why no worktree can be made.
    pub(crate) fn why(&self) -> String {
        let (free, folder) = (self.free.unwrap_or_default(), self.folder.display());
        let takes = match self.size.filter(|_| free >= self.min_free) {
            Some(bytes) => format!(", a worktree takes {}", size(bytes)),
            None => String::new(),
        };
        let (free, must) = (size(free), size(self.min_free));
        format!("only {free} free at {folder}{takes}; {must} must stay free (orchestrate.min-free)")
    }

    fn ask(&mut self, drive: &Drive) {
        // A user who sees the run wait may lower `min-free` meanwhile.
        let needed = self.min_free.saturating_add(self.size.unwrap_or_default());
        let is_short = self.free.is_some_and(|free| free < needed);
        if is_short && self.read.elapsed() >= GLANCE {
            self.min_free = read_min_free(drive).unwrap_or(self.min_free);
            self.read = Instant::now();
        }
        self.free = disk::free_space(&self.folder).map(|left| left.bytes);
    }
}

/// Returns why no worktree can be made now; `None` if one can be, or if no task needs one.
pub(crate) fn why_no_room(drive: &Drive, snapshot: &Snapshot) -> Option<String> {
    if snapshot.count(TaskStatus::Ready) == 0 {
        return None;
    }
    let mut space = Space::new(drive);
    (space.room(drive, snapshot, 0) == 0).then(|| space.why())
}

fn read_min_free(drive: &Drive) -> Option<u64> {
    Layer::from_git(drive.git.config().ok()?).ok()?.min_free
}

/// Returns how many worktrees are being made now.
fn unfinished(snapshot: &Snapshot) -> usize {
    let is_new = |(_, record): &(_, &crate::domain::task::Record)| {
        let place = record.worktree.as_deref().map(Path::new);
        let runs = matches!(record.state, State::Running { .. }) && record.attempts.len() == 1;
        runs && !place.is_some_and(ownership::is_finished)
    };
    snapshot.tasks().filter(is_new).count()
}

/// Returns 1 if the checkout for testing merges does not exist yet: without it nothing can be merged.
fn checkout(drive: &Drive, snapshot: &Snapshot) -> usize {
    let is_tested = snapshot.plan.tasks.iter().any(|task| !drive.tests(task).is_empty());
    usize::from(is_tested && !Path::new(&snapshot.run.checkout).exists())
}

/// Returns a size for people: `1.2 GB`, `500 MB`.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..0x10_0000 => (1 << 10, "KB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MB"),
        _ => (1_u64 << 30, "GB"),
    };
    let number = format!("{:.1}", bytes as f64 / unit as f64);
    format!("{} {name}", number.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_for_people() {
        let texts = [0, 1 << 20, 1_288_490_189, 2 << 30].map(size);
        assert_eq!(texts, ["0 KB", "1 MB", "1.2 GB", "2 GB"]);
    }
}
