//! Copies files that git ignores from the main worktree into a new one.
//!
//! Invariant: nothing that exists is overwritten, nothing is written outside of the worktree, and a
//! file is copied completely or not at all.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::domain::error::one_line;
use crate::git::Git;
use crate::system::crash;

/// The result of copying.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    /// Files whose content is now that of the main worktree.
    pub(crate) copied: Vec<PathBuf>,
    /// One line for each file that was not copied.
    pub(crate) remarks: Vec<String>,
}

/// Copies the files that `.worktreeinclude` names; `private` is the worktree's own git directory.
pub(crate) fn copy_included(git: &Git, place: &Path, private: &Path) -> anyhow::Result<Copies> {
    let mut copies = Copies::default();
    let Some(main) = git.main_worktree() else { return Ok(copies) };
    for path in git.included(&main).context("cannot read .worktreeinclude")? {
        crash::point();
        match copy(git, &main.join(&path), place, &path, private) {
            Ok(()) => copies.copied.push(path),
            Err(error) => {
                copies.remarks.push(format!(
                    "not copied: {}: {}",
                    path.display(),
                    one_line(&error)
                ));
            }
        }
    }
    Ok(copies)
}

fn copy(git: &Git, from: &Path, place: &Path, path: &Path, private: &Path) -> anyhow::Result<()> {
    make_folders(place, path.parent().unwrap_or(Path::new("")))?;
    let to = place.join(path);
    if to.symlink_metadata().is_ok() {
        // An earlier try that was interrupted may have copied it.
        return if git.file_id(&to)? == git.file_id(from)? {
            Ok(())
        } else {
            bail!("the worktree has another file of this name")
        };
    }
    let kind = from.symlink_metadata()?.file_type();
    match () {
        () if kind.is_symlink() => Ok(symlink(from.read_link()?, &to)?),
        () if kind.is_file() => copy_file(from, &to, private),
        () => bail!("it is neither a file nor a symbolic link"),
    }
}

/// Makes the folders of a file. `create_dir_all` would follow a link out of the worktree.
fn make_folders(place: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut at = place.to_owned();
    for part in folder.components() {
        at.push(part);
        match at.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(found) if found.is_symlink() => {
                bail!("'{}' is a symbolic link, which may lead out of the worktree", at.display())
            }
            Ok(_) => bail!("'{}' is a file", at.display()),
            Err(_) => std::fs::create_dir(&at)?,
        }
    }
    Ok(())
}

/// Copies content and mode. `std::fs::copy` shares the blocks if the file system can.
fn copy_file(from: &Path, to: &Path, private: &Path) -> anyhow::Result<()> {
    // The draft lies in the worktree's git directory: after a crash it is no untracked file.
    let draft = tempfile::NamedTempFile::new_in(private)?;
    std::fs::copy(from, draft.path())?;
    match draft.persist_noclobber(to) {
        Ok(_) => Ok(()),
        // The repository is on another file system than the worktree, so a rename is impossible.
        Err(error) if error.error.kind() == std::io::ErrorKind::CrossesDevices => {
            std::fs::copy(from, to).map(drop).map_err(Into::into)
        }
        Err(error) => Err(error.error.into()),
    }
}
