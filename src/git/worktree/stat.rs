//! The stat data that git keeps of checked-out files.
//!
//! Invariant: only modification times change, never contents, and only in a new worktree that
//! nobody has seen yet.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Context;
use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::system::clock;
use crate::system::crash;

/// The number of seconds by which files are backdated. git compares whole seconds, so one would do
/// on a local disk; network file systems round to two.
const BACKDATE: i64 = 10;

/// Backdates the files of a new worktree, so that no entry of its index is "racily clean".
///
/// git hashes a file again on every `status` until the file's time is older than the index: in a
/// repository like git's own that costs 170 ms per call instead of 12. A later edit sets a new
/// time, so git never misses a change.
pub(crate) fn settle_index(repo: &gix::Repository, top_level: &Path) -> anyhow::Result<()> {
    let mut index = repo.open_index().context("cannot read the new index")?;
    let time = Timespec { tv_sec: clock::system_seconds() - BACKDATE, tv_nsec: 0 };
    let mut entries: Vec<_> = index.entries_mut_with_paths().collect();
    entries.par_iter_mut().with_min_len(64).for_each(|(entry, path)| {
        // A file that cannot be backdated is only hashed more often than needed.
        let _ = date_back(&top_level.join(OsStr::from_bytes(path)), time, &mut entry.stat);
    });
    crash::point();
    index.write(gix::index::write::Options::default()).context("cannot write the new index")
}

fn date_back(
    path: &Path,
    time: Timespec,
    stat: &mut gix::index::entry::Stat,
) -> anyhow::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        return Ok(());
    }
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    let metadata = gix::index::fs::Metadata::from_path_no_follow(path)?;
    *stat = gix::index::entry::Stat::from_fs(&metadata)?;
    Ok(())
}
