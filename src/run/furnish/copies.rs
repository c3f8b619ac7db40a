//! Copying files that git does not know from the main worktree into a new one.
//!
//! Invariant: nothing that exists is overwritten, nothing is written outside of the worktree,
//! and a file is there whole or not at all.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::git::Git;
use crate::system::crash;

/// What became of the files that were to be copied.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    /// Files that are now what they are in the main worktree.
    pub(crate) copied: Vec<PathBuf>,
    /// A line for each that is not.
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
                copies.remarks.push(format!("not copied: {}: {error:#}", path.display()));
            }
        }
    }
    Ok(copies)
}

fn copy(git: &Git, from: &Path, place: &Path, path: &Path, private: &Path) -> anyhow::Result<()> {
    make_folders(place, path.parent().unwrap_or(Path::new("")))?;
    let to = place.join(path);
    if to.symlink_metadata().is_ok() {
        // An earlier try, which something ended, may have copied it.
        return if git.file_id(&to)? == git.file_id(from)? {
            Ok(())
        } else {
            bail!("it exists in the worktree")
        };
    }
    let kind = from.symlink_metadata()?.file_type();
    match () {
        () if kind.is_symlink() => Ok(symlink(from.read_link()?, &to)?),
        () if kind.is_file() => copy_file(from, &to, private),
        () => bail!("it is neither a file nor a link"),
    }
}

/// Makes the folders of a file; a link on the way would lead out of the worktree.
fn make_folders(place: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut at = place.to_owned();
    for part in folder.components() {
        at.push(part);
        match at.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(found) if found.is_symlink() => {
                bail!("'{}' is a link, which may lead out of the worktree", at.display())
            }
            Ok(_) => bail!("'{}' is a file", at.display()),
            Err(_) => std::fs::create_dir(&at)?,
        }
    }
    Ok(())
}

/// Copies with mode; where the file system can, the two share their blocks.
fn copy_file(from: &Path, to: &Path, private: &Path) -> anyhow::Result<()> {
    let draft = tempfile::NamedTempFile::new_in(private)?;
    std::fs::copy(from, draft.path())?;
    match draft.persist_noclobber(to) {
        Ok(_) => Ok(()),
        // The worktree is on another file system than the repository.
        Err(error) if error.error.kind() == std::io::ErrorKind::CrossesDevices => {
            std::fs::copy(from, to).map(drop).map_err(Into::into)
        }
        Err(error) => Err(error.error.into()),
    }
}
