//! `.worktreeinclude`: the ignored files that a new worktree gets a copy of.
//!
//! Invariant: git decides, by the patterns in that file and by what it ignores; nothing is copied
//! here. Nested repositories and other worktrees are never searched.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use crate::domain::oid::Oid;
use crate::git::Git;
use crate::git::command::git;
use crate::git::database::objects::oid;

/// The file with the patterns, in the main worktree.
const FILE: &str = ".worktreeinclude";

impl Git {
    /// Returns the main worktree; `None` if the repository is bare.
    pub fn main_worktree(&self) -> Option<PathBuf> {
        let named = self.repo.config_snapshot().string("core.worktree");
        let named = named.map(|path| self.common_dir().join(OsStr::from_bytes(&path)));
        let repo = gix::discover(named.unwrap_or_else(|| self.home())).ok()?;
        let is_main = repo.git_dir().canonicalize().is_ok_and(|own| own == self.common_dir());
        repo.workdir().filter(|_| is_main).map(Path::to_owned)
    }

    /// Returns the files of the main worktree that match `.worktreeinclude` and that git ignores,
    /// relative to it.
    pub fn included(&self, main: &Path) -> anyhow::Result<Vec<PathBuf>> {
        if !main.join(FILE).is_file() {
            return Ok(Vec::new());
        }
        let patterns = format!("--exclude-from={FILE}");
        let asked = ["ls-files", "-z", "--others", "--ignored", &patterns];
        let matching = git(main).args(asked).bytes()?;
        // The patterns alone would also match untracked files that git does not ignore; a copy of
        // those would be committed as work of the task.
        let check = ["check-ignore", "-z", "--stdin"];
        let output = git(main).args(check).input(matching).output()?;
        // Exit code 1 means that none is ignored.
        if output.status.code().is_none_or(|code| code > 1) {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
    }

    /// Returns the id of a file's content, or of a link's target, as a blob.
    pub fn file_id(&self, path: &Path) -> anyhow::Result<Oid> {
        let kind = path.symlink_metadata()?.file_type();
        if !kind.is_file() && !kind.is_symlink() {
            bail!("'{}' is neither a file nor a link", path.display());
        }
        if kind.is_symlink() {
            return self.content_id(path.read_link()?.as_os_str().as_bytes());
        }
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        let (kind, hash) = (gix::objs::Kind::Blob, self.repo.object_hash());
        let (progress, never) = (&mut gix::progress::Discard, AtomicBool::new(false));
        let id = gix::objs::compute_stream_hash(hash, kind, &mut file, length, progress, &never);
        Ok(oid(id.with_context(|| format!("cannot read '{}'", path.display()))?))
    }
}
