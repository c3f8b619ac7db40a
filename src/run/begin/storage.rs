//! Checks that the repository and the disk can be written to, before a run begins.
//!
//! Invariant: the system is asked; nothing is written to find out.

use std::io::ErrorKind;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::domain::config::Settings;
use crate::domain::error::failure;
use crate::domain::steps::{Step, program};
use crate::git::Git;
use crate::system::disk;

/// With less free space than this, git cannot even write a few refs (1 MiB).
const LEAST: u64 = 1 << 20;

/// Fails if the repository or the folder of worktrees cannot be written to.
pub(crate) fn check(git: &Git, settings: &Settings) -> anyhow::Result<()> {
    let common = git.common_dir();
    let worktrees = git.home().join(&settings.worktrees);
    // A repository can be writable in parts only, for example after `sudo git gc`.
    let parts = ["objects", "refs"].map(|part| common.join(part));
    for place in [common.to_owned(), worktrees].iter().chain(&parts) {
        check_place(disk::existing(place))?;
    }
    Ok(())
}

fn check_place(place: &Path) -> anyhow::Result<()> {
    let shown = place.display();
    match access(place, Access::WRITE_OK | Access::EXEC_OK).map_err(std::io::Error::from) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            return Err(failure(
                format!("'{shown}' is on a read-only file system"),
                "remount it writable, or work in a clone elsewhere",
            ));
        }
        Err(error) => {
            return Err(failure(
                format!("cannot write to '{shown}': {error}"),
                program("ls -ld").word(shown).to("Check its owner and mode"),
            ));
        }
    }
    if disk::free_space(place).is_none_or(|left| left.bytes >= LEAST) {
        Ok(())
    } else {
        Err(failure(
            format!("no space is left on the disk of '{shown}'"),
            Step::Clean { id: None, force: false }.to("Free some space first, for example"),
        ))
    }
}
