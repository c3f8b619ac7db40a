//! File systems: free space, mounts, and folders.
//!
//! Invariant: changes nothing, except that it creates folders.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::error::failure;
use crate::system::private;

/// Creates a folder and those above it; if a file is in the way, the error names it.
pub(crate) fn make_folder(path: &Path) -> anyhow::Result<()> {
    explained(path, std::fs::create_dir_all(path))
}

/// Creates a folder that only its owner may read; if a file is in the way, the error names it.
pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    explained(path, private::make_folder(path))
}

fn explained(path: &Path, made: std::io::Result<()>) -> anyhow::Result<()> {
    // The system says "Not a directory" or "File exists", and not which of the folders it is.
    let file = path.ancestors().find(|above| above.exists() && !above.is_dir());
    match (made, file) {
        (Err(_), Some(file)) => Err(failure(
            format!("'{0}' is a file, but must be a folder", file.display()),
            "move it aside, then run the command again",
        )),
        (made, _) => made.with_context(|| format!("cannot create '{}'", path.display())),
    }
}

/// The space on a disk that an ordinary user may still use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FreeSpace {
    pub bytes: u64,
    pub files: u64,
    /// False if the file system does not limit the number of files (Btrfs, for example).
    pub counts_files: bool,
}

/// Returns the free space at a path, which need not exist; `None` if the system does not tell.
pub(crate) fn free_space(path: &Path) -> Option<FreeSpace> {
    let disk = rustix::fs::statvfs(existing(path)).ok()?;
    // Not `f_bfree`: a part of the disk is reserved for root.
    let (bytes, files) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_favail);
    Some(FreeSpace { bytes, files, counts_files: disk.f_files > 0 })
}

/// Returns the path, or the nearest existing folder above it.
pub(crate) fn existing(path: &Path) -> &Path {
    path.ancestors().find(|folder| folder.exists()).unwrap_or(path)
}

/// Returns a mount point at or below a folder, including bind mounts of the same file system.
#[cfg(target_os = "linux")]
pub(crate) fn mount_below(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // The devices of the folders would not do: a bind mount may show the same file system.
    let table = std::fs::read("/proc/self/mountinfo").context("cannot read the mount table")?;
    let points = table.split(|byte| *byte == b'\n').filter_map(mount_point);
    Ok(points.into_iter().find(|point| point.starts_with(&folder)))
}

/// Returns the fifth field of a line of the mount table, in which `\040` stands for a space.
#[cfg(target_os = "linux")]
fn mount_point(line: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut rest = line.split(|byte| *byte == b' ').nth(4)?;
    let mut path = Vec::new();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|_| *first == b'\\');
        let code = digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        path.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    Some(std::ffi::OsString::from_vec(path).into())
}

/// Returns a folder, at or below the given one, that is on another device than its parent.
#[cfg(not(target_os = "linux"))]
pub fn mount_below(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| Ok::<u64, std::io::Error>(path.symlink_metadata()?.dev());
    if !folder.is_dir() {
        return Ok(None);
    }
    let own = device(folder.parent().unwrap_or(folder))?;
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        if device(&next)? != own {
            return Ok(Some(next));
        }
        for entry in next.read_dir()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(None)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::PathBuf;

    #[test]
    fn the_mount_table() {
        let line = b"36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(super::mount_point(line), Some(PathBuf::from("/mnt/a b\\c")));
        assert_eq!(super::mount_point(b""), None);
    }
}
