//! Files and folders that only their owner may read: prompts and logs can hold secrets.
//!
//! Invariant: a file is never readable by others, not even for the moment before its mode is set.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Read and write for the owner, nothing for others.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// The folder of all runs: other users of a shared repository keep theirs there, too.
const SHARED: &str = "orchestrate";

/// Creates a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
    let shared = missing.last().filter(|top| top.ends_with(SHARED));
    if let Some(shared) = shared {
        std::fs::create_dir_all(shared)?;
    }
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// Creates a file, or empties one.
pub(crate) fn create(path: &Path) -> Result<File> {
    open(path, File::options().write(true).truncate(true))
}

/// Opens a file to write at its end; creates it if there is none.
pub(crate) fn append(path: &Path) -> Result<File> {
    open(path, File::options().append(true))
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    create(path)?.write_all(bytes.as_ref())
}

fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    let file = options.create(true).mode(FILE_MODE).open(path)?;
    // It may be an older one, with another mode.
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_reads() {
        let temporary = tempfile::tempdir().expect("a folder");
        let (old, run) = (temporary.path().join("old"), temporary.path().join("orchestrate/p/a"));
        std::fs::write(&old, "x").expect("a file");
        std::fs::set_permissions(&old, Permissions::from_mode(0o644)).expect("a mode");
        write(&old, "y").expect("it is written");
        make_folder(&run).expect("a folder");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&old), mode(&run), mode(&run.join(".."))), (0o600, 0o700, 0o700));
        assert_ne!(mode(&run.join("../..")) & 0o077, 0);
    }
}
