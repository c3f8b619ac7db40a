//! Locks between processes, on files that stay.
//!
//! Invariant: the kernel holds the lock, so it is gone with its holder, however that ends; a
//! file that lies about means nothing.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A file whose lock the kernel gives back when its holder ends, however it ends.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Opens the file, and makes it where it does not exist; holds nothing yet.
    pub fn open(path: PathBuf) -> anyhow::Result<LockFile> {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let options =
            File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = options.with_context(|| format!("cannot open '{}'", path.display()))?;
        Ok(LockFile { file, path })
    }

    /// Takes the lock and writes who holds it; `false` where somebody else does.
    pub fn try_hold(&self, holder: &str) -> anyhow::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => {
                std::fs::write(&self.path, holder)?;
                Ok(true)
            }
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Returns true where nobody holds the lock at this moment.
    pub fn is_free(&self) -> anyhow::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(self.file.unlock().map(|()| true)?),
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Waits for the lock.
    pub fn hold(&self) -> anyhow::Result<()> {
        self.file.lock().with_context(|| format!("cannot lock '{}'", self.path.display()))
    }

    /// Waits until nobody changes what the lock is for; others may look at the same time.
    pub fn share(&self) -> anyhow::Result<()> {
        self.file.lock_shared().with_context(|| format!("cannot lock '{}'", self.path.display()))
    }

    /// Returns what the holder wrote.
    pub fn holder(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap_or_default().trim().to_owned()
    }
}
