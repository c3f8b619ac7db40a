//! Locks between processes, on files that are never removed.
//!
//! Invariant: the kernel holds the lock, so it is released when its holder ends, however that
//! happens; an existing file alone means nothing.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::disk::make_folder;

/// A file whose lock the kernel releases when the holder ends.
#[derive(Debug)]
pub(crate) struct LockFile {
    /// `None` if the file does not exist and cannot be created; then nobody holds the lock.
    file: Option<File>,
    path: PathBuf,
}

impl LockFile {
    /// Opens the file, and creates it if it does not exist; does not take the lock.
    ///
    /// In a read-only repository the lock cannot be taken, but it can still be asked who holds it,
    /// so `status` works.
    pub(crate) fn open(path: PathBuf) -> anyhow::Result<LockFile> {
        match LockFile::open_or_make(&path) {
            Ok(file) => Ok(LockFile { file: Some(file), path }),
            Err(error) if is_refusal(&error) => Ok(LockFile { file: File::open(&path).ok(), path }),
            Err(error) => {
                // Names the file that is in the way, if that is the reason.
                path.parent().map_or(Ok(()), make_folder)?;
                Err(error).with_context(|| format!("cannot open '{}'", path.display()))
            }
        }
    }

    fn open_or_make(path: &Path) -> std::io::Result<File> {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        // Not truncated: the file may hold the name of the process that has the lock.
        File::options().read(true).write(true).create(true).truncate(false).open(path)
    }

    fn file(&self) -> anyhow::Result<&File> {
        let file = self.file.as_ref();
        file.with_context(|| format!("cannot create '{}': no write access", self.path.display()))
    }

    /// Takes the lock and writes the holder's name into the file; returns false if another process
    /// holds it.
    pub(crate) fn try_hold(&self, holder: &str) -> anyhow::Result<bool> {
        match self.file()?.try_lock() {
            Ok(()) => {
                // Written only now: without the lock, the name of another holder would be overwritten.
                let written = std::fs::write(&self.path, holder);
                written.with_context(|| format!("cannot write '{}'", self.path.display()))?;
                Ok(true)
            }
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Returns true if nobody holds the lock at this moment.
    ///
    /// Asking takes a shared lock for an instant, so a concurrent [`LockFile::try_hold`] may fail.
    pub(crate) fn is_free(&self) -> anyhow::Result<bool> {
        let Some(file) = &self.file else { return Ok(true) };
        match file.try_lock_shared() {
            // Given back at once: whoever asks must not keep a controller from starting.
            Ok(()) => Ok(file.unlock().map(|()| true)?),
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Waits for the lock and takes it.
    pub(crate) fn hold(&self) -> anyhow::Result<()> {
        self.file()?.lock().with_context(|| format!("cannot lock '{}'", self.path.display()))
    }

    /// Waits until no process holds the lock alone, and shares it with others that only read.
    pub(crate) fn share(&self) -> anyhow::Result<()> {
        // Where nobody can create the file, nobody can hold it alone either.
        let Some(file) = &self.file else { return Ok(()) };
        file.lock_shared().with_context(|| format!("cannot lock '{}'", self.path.display()))
    }

    /// Returns the process that holds the lock alone, by the kernel's list; `None` if the kernel
    /// does not know, as on a network file system.
    #[cfg(target_os = "linux")]
    pub(crate) fn holder_pid(&self) -> Option<u32> {
        use std::os::unix::fs::MetadataExt;
        let inode = self.file.as_ref()?.metadata().ok()?.ino().to_string();
        let all = std::fs::read_to_string("/proc/locks").ok()?;
        // 1: FLOCK  ADVISORY  WRITE 4711 fe:00:5579578 0 EOF
        let mut holders = all.lines().filter_map(|line| {
            let [_, "FLOCK", _, "WRITE", pid, file, ..] =
                line.split_whitespace().collect::<Vec<_>>()[..]
            else {
                return None;
            };
            (file.rsplit(':').next() == Some(&inode)).then(|| pid.parse::<u32>().ok())?
        });
        holders.next().filter(|pid| *pid > 0)
    }

    /// Returns `None`: this kernel has no list of locks.
    #[cfg(not(target_os = "linux"))]
    pub fn holder_pid(&self) -> Option<u32> {
        None
    }

    /// Returns the text that the holder wrote.
    pub(crate) fn holder(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap_or_default().trim().to_owned()
    }
}

/// Returns true if an error means that this process may not write there.
fn is_refusal(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
}
