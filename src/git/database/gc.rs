//! Living beside `git gc`.
//!
//! Invariant: what was written is there when a garbage collection is over. `git gc` names
//! itself in `gc.pid` before it looks at the refs, so an object that was written without
//! one, and published without one, is safe; else it is looked after when gc has ended.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::objects::object_id;
use crate::domain::oid::Oid;
use crate::git::Git;
use crate::system::process;

/// How long a collection is waited for; a bigger repository goes on at its own risk.
const PATIENCE: Duration = Duration::from_secs(600);
/// How many collections in a row may be in the way of one operation.
const MAX_TRIES: u32 = 50;
/// After this a collection is over, whatever its file says; as in git.
const MAX_AGE: Duration = Duration::from_secs(12 * 60 * 60);
/// How often it is looked whether a collection has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// The state of the object database between two collections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcMark([Option<SystemTime>; 2]);

impl Git {
    /// Waits until no `git gc` runs, and returns a mark to ask [`Git::gc_since`] with.
    pub fn outlast_gc(&self) -> GcMark {
        let began = Instant::now();
        while self.gc_runs() && began.elapsed() < PATIENCE {
            std::thread::sleep(GLANCE);
        }
        self.mark()
    }

    /// Returns true where a collection has begun since the mark, after waiting for its end.
    pub fn gc_since(&self, mark: &GcMark) -> bool {
        let runs = self.gc_runs();
        self.outlast_gc() != *mark || runs
    }

    /// Does something again that failed while a collection was at work: for a moment git, and gix
    /// more so, may not find a ref or the folder that an object goes to.
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

    /// What is another after each collection.
    fn mark(&self) -> GcMark {
        GcMark(["objects/pack", "packed-refs"].map(|name| {
            self.common_dir().join(name).metadata().and_then(|file| file.modified()).ok()
        }))
    }

    /// The file holds `<pid> <host>`. As for git, one that a killed gc left behind is not believed,
    /// nor one that is old, and what another host says is: nothing tells who lives there.
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

    /// Returns true where a commit, its tree and all below it are in the object database.
    pub fn is_stored(&self, commit: &Oid) -> bool {
        let asked = ["rev-list", "--objects", "--quiet", "--no-walk", commit.as_str()];
        let listed = self.command().args(asked).output();
        object_id(commit).is_ok() && listed.is_ok_and(|output| output.status.success())
    }
}

/// Returns the name that git writes down for this host.
fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
