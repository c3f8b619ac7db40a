//! Coexistence with `git gc`.
//!
//! Invariant: a written object still exists after a garbage collection. `git gc` writes `gc.pid`
//! before it reads the refs, so an object is safe if no gc ran from its writing to its publication;
//! otherwise it is checked when gc has ended. (`git gc --prune=now` removes objects that no ref
//! reached yet.)

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::objects::object_id;
use crate::domain::oid::Oid;
use crate::git::Git;
use crate::system::process;

/// Longest wait for a collection. In a repository whose gc takes longer, work continues at its own
/// risk.
const PATIENCE: Duration = Duration::from_secs(600);
/// At most this many collections in a row may interrupt one operation.
const MAX_TRIES: u32 = 50;
/// A `gc.pid` older than this is stale, as in git itself.
const MAX_AGE: Duration = Duration::from_secs(12 * 60 * 60);
/// The pause between two looks at whether a collection has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The state of the object database between two collections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcMark([Option<SystemTime>; 2]);

impl Git {
    /// Waits until no `git gc` runs, and returns a mark for [`Git::gc_since`].
    pub fn outlast_gc(&self) -> GcMark {
        let began = Instant::now();
        while self.gc_runs() && began.elapsed() < PATIENCE {
            std::thread::sleep(POLL_INTERVAL);
        }
        self.mark()
    }

    /// Returns true if a collection began since the mark, after waiting for its end.
    pub fn gc_since(&self, mark: &GcMark) -> bool {
        // Asked before the wait, which leaves nothing to see.
        let runs = self.gc_runs();
        self.outlast_gc() != *mark || runs
    }

    /// Runs some work, and runs it again if it failed while a collection was running.
    ///
    /// While gc packs refs and removes empty object folders, git, and gix even more so, may for a
    /// moment not find a ref or the folder for a new object.
    pub fn patiently<T>(&self, mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
        for _ in 0..MAX_TRIES {
            let mark = self.mark();
            match work() {
                Err(_) if self.gc_since(&mark) => {}
                ended => return ended,
            }
        }
        work()
    }

    /// Returns a value that changes with each collection: gc rewrites both.
    fn mark(&self) -> GcMark {
        GcMark(["objects/pack", "packed-refs"].map(|name| {
            self.common_dir().join(name).metadata().and_then(|file| file.modified()).ok()
        }))
    }

    /// Returns true if `gc.pid`, which contains `<pid> <host>`, names a running gc.
    ///
    /// As in git, a file that a killed gc left behind does not count, nor an old one. A file of
    /// another host counts, since nothing here shows which processes run there.
    fn gc_runs(&self) -> bool {
        let file = self.gc_file();
        let changed = file.metadata().and_then(|found| found.modified());
        let age = changed.ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
        if age.is_some_and(|age| age > MAX_AGE) {
            return false;
        }
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut words = text.split_whitespace();
        let pid = words.next().and_then(|pid| pid.parse().ok());
        let is_elsewhere = words.next().is_some_and(|host| host != this_host());
        pid.is_some_and(|pid| is_elsewhere || process::worker(pid).is_some())
    }

    fn gc_file(&self) -> PathBuf {
        self.common_dir().join("gc.pid")
    }

    /// Returns true if a commit, its tree and everything below it are in the object database.
    pub fn is_stored(&self, commit: &Oid) -> bool {
        // Not gix, which would be content with the commit alone: gc may have taken a blob of it.
        let asked = ["rev-list", "--objects", "--quiet", "--no-walk", commit.as_str()];
        let listed = self.command().args(asked).output();
        object_id(commit).is_ok() && listed.is_ok_and(|output| output.status.success())
    }
}

/// Returns the name of this host as git writes it into `gc.pid`.
fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
