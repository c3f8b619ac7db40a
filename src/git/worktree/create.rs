//! Creates worktrees, as `git worktree add` does.
//!
//! Invariant: a worktree is created whole or not at all, exactly at the path that was asked for,
//! and its files are the ones that git would write. gix is the quick way; whatever it cannot do, or
//! does differently, git does in the worktree that is registered already.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use super::Access;
use super::ownership;
use super::stat::settle_index;
use crate::domain::error::one_line;
use crate::domain::oid::Oid;
use crate::git::Git;
use crate::git::command::git;
use crate::git::database::objects::object_id;
use crate::system::crash;

/// Attributes that gix and git treat differently: gix omits a space in `$Id$`, and knows other
/// encodings than iconv.
const ATTRIBUTES_FOR_GIT: [&[u8]; 2] = [b"ident", b"working-tree-encoding"];

/// What a new worktree shows.
#[derive(Debug, Clone, Copy)]
pub enum WorktreeHead<'a> {
    /// A branch that exists and is checked out nowhere else (short name).
    Branch(&'a str),
    /// A commit, on no branch.
    Commit(&'a Oid),
}

/// How a worktree came to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewWorktree {
    /// Remarks for the user about how it was created, one line each.
    pub remarks: Vec<String>,
}

impl Git {
    /// Creates a worktree; nothing stays behind if it fails.
    ///
    /// Its private git directory records the owner, see [`ownership::owner_of`]. The repository's
    /// `post-checkout` hook has run in it when this returns.
    pub fn add_worktree(
        &self,
        path: &Path,
        shows: WorktreeHead<'_>,
        owner: &str,
    ) -> anyhow::Result<NewWorktree> {
        // Not `exists`, which follows links: a dangling one is in the way too.
        if path.symlink_metadata().is_ok() && !is_empty_folder(path) {
            bail!("'{}' is in the way: it exists and is not this run's worktree", path.display());
        }
        self.forget_missing(path)?;
        crate::system::disk::make_folder(
            path.parent().context("a worktree needs a parent folder")?,
        )?;
        crash::point();
        let mut made = NewWorktree::default();
        let repo = {
            // Only until the worktree is registered: checking files out takes long, and others may do it
            // at the same time.
            let _registry = self.registry(Access::Write)?;
            let by_gix = if self.is_shared() {
                Err(anyhow::anyhow!("core.sharedRepository is set"))
            } else {
                self.register(path, shows, owner)
            };
            by_gix.or_else(|error| {
                made.remarks.push(format!("registered by git ({})", one_line(&error)));
                self.register_by_git(path, shows, owner)
            })?
        };
        crash::point();
        let checked_out = self.check_out(&repo, path, &mut made).and_then(|()| {
            crash::point();
            self.run_hook(path, &mut made)?;
            // Last: whatever is not finished is removed and created again.
            ownership::finish(&repo)
        });
        if let Err(error) = checked_out {
            self.discard_worktree(path)?;
            return Err(error);
        }
        Ok(made)
    }

    /// Registers the worktree with git; no file is checked out yet.
    fn register(
        &self,
        path: &Path,
        shows: WorktreeHead<'_>,
        owner: &str,
    ) -> anyhow::Result<gix::Repository> {
        let head = match shows {
            WorktreeHead::Branch(name) => {
                let full = format!("refs/heads/{name}");
                gix::worktree::add::Head::Attached(full.as_str().try_into()?)
            }
            WorktreeHead::Commit(id) => gix::worktree::add::Head::Detached(object_id(id)?),
        };
        let interrupt = AtomicBool::new(false);
        let registered = self.repo.prepare_add_worktree(path, head, &interrupt)?;
        // Before it is kept: a crash in between must not leave a worktree that nobody owns.
        ownership::mark(registered.repo(), owner)?;
        Ok(registered.persist()?)
    }

    /// Registers the worktree as [`Git::register`] does, with the git program.
    fn register_by_git(
        &self,
        path: &Path,
        shows: WorktreeHead<'_>,
        owner: &str,
    ) -> anyhow::Result<gix::Repository> {
        let add = ["worktree", "add", "--quiet", "--no-checkout"];
        let command = self.command().args(add);
        let command = match shows {
            WorktreeHead::Branch(name) => command.arg(path).arg(name),
            WorktreeHead::Commit(id) => command.arg("--detach").arg(path).arg(id.as_str()),
        };
        command.bytes().context("cannot create the worktree")?;
        let repo = crate::git::open(&path.join(".git"))?;
        ownership::mark(&repo, owner)?;
        Ok(repo)
    }

    /// Writes the files of a newly registered worktree.
    fn check_out(
        &self,
        repo: &gix::Repository,
        path: &Path,
        made: &mut NewWorktree,
    ) -> anyhow::Result<()> {
        let why_git = match self.settings_for_git() {
            Some(why) => Some(why.to_owned()),
            None => match check_out_by_gix(repo) {
                Ok(()) => git_knows_better(repo)?,
                Err(error) => Some(one_line(&error)),
            },
        };
        let Some(why) = why_git else { return settle_index(repo, path) };
        made.remarks.push(format!("checked out by git ({why})"));
        empty(repo, path)?;
        // The command that `git worktree add` itself runs.
        let reset = ["reset", "--hard", "--quiet", "--no-recurse-submodules"];
        git(path).args(reset).bytes().map(drop).context("cannot check out the worktree")
    }

    /// Returns the setting because of which git must check the files out, if there is one.
    fn settings_for_git(&self) -> Option<&'static str> {
        match (self.is_partial(), self.is_shared()) {
            (true, _) => Some("missing content must be fetched"),
            (false, true) => Some("core.sharedRepository is set"),
            (false, false) => None,
        }
    }

    /// Returns true if other users may write too; only git sets the modes for that.
    fn is_shared(&self) -> bool {
        let how = self.repo.config_snapshot().string("core.sharedRepository");
        let own: [&[u8]; 5] = [b"umask", b"false", b"no", b"off", b"0"];
        how.is_some_and(|how| !own.contains(&how.as_slice()))
    }

    /// Returns true if objects may be missing because a remote is known to have them (a partial
    /// clone).
    pub(crate) fn is_partial(&self) -> bool {
        let config = self.repo.config_snapshot();
        let is_promisor =
            |name: &str| config.boolean(&format!("remote.{name}.promisor")).unwrap_or(false);
        config.string("extensions.partialClone").is_some()
            || self.repo.remote_names().iter().any(|name| is_promisor(&name.to_string()))
    }

    /// Runs the `post-checkout` hook as `git worktree add` does. A failure is only a remark,
    /// because the worktree exists by then.
    fn run_hook(&self, path: &Path, made: &mut NewWorktree) -> anyhow::Result<()> {
        // `--git-path` without `--path-format=absolute`: with it, git fails if the folder does not
        // exist, as with `core.hooksPath=/dev/null`, a common way to switch hooks off.
        let asked = ["rev-parse", "--git-path", "hooks/post-checkout"];
        let hook = self.repo.config_snapshot().string("core.hooksPath");
        let own = self.common_dir().join("hooks/post-checkout");
        if hook.is_none() && !is_executable(&own) {
            return Ok(());
        }
        let hook = git(path).args(asked).text()?;
        if !is_executable(&path.join(hook.trim_end_matches('\n'))) {
            return Ok(());
        }
        let head = git(path).args(["rev-parse", "--verify", "HEAD"]).text()?;
        // As git tells the hook of a new worktree: no commit was checked out before.
        let none = "0".repeat(head.trim().len());
        let run = ["hook", "run", "--ignore-missing", "post-checkout", "--", &none, head.trim()];
        let output = git(path).args(run).arg("1").output()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        made.remarks.extend(text.lines().map(|line| format!("post-checkout: {line}")));
        if !output.status.success() {
            made.remarks.push(format!("post-checkout: ended with {}", output.status));
        }
        Ok(())
    }
}

fn check_out_by_gix(repo: &gix::Repository) -> anyhow::Result<()> {
    let worktree = repo.worktree().context("the new worktree is gone")?;
    let outcome = worktree.checkout(gix::progress::Discard, &AtomicBool::new(false))?;
    if let Some(collision) = outcome.collisions.first() {
        bail!("'{}' collides with another file name", collision.path);
    }
    match outcome.errors.first() {
        Some(record) => bail!("'{}': {}", record.path, record.error),
        None => Ok(()),
    }
}

/// Returns why git must check the files out, if an attribute is in use that gix treats differently.
fn git_knows_better(repo: &gix::Repository) -> anyhow::Result<Option<String>> {
    let index = repo.open_index().context("cannot read the new index")?;
    let is_source = |path: &[u8]| path == b".gitattributes" || path.ends_with(b"/.gitattributes");
    let sources = index.entries().iter().filter(|entry| is_source(entry.path(&index)));
    let read = |entry: &gix::index::Entry| anyhow::Ok(repo.find_object(entry.id)?.detach().data);
    let in_tree: Vec<Vec<u8>> = sources.map(read).collect::<Result<_, _>>()?;
    let around = attribute_files(repo).into_iter().filter_map(|file| std::fs::read(file).ok());
    for text in in_tree.into_iter().chain(around) {
        let found = ATTRIBUTES_FOR_GIT.iter().find(|word| mentions(&text, word));
        if let Some(word) = found {
            let word = String::from_utf8_lossy(word);
            return Ok(Some(format!("the attribute '{word}' is in use")));
        }
    }
    Ok(None)
}

/// Returns the files outside of the tree that may contain attributes.
pub(crate) fn attribute_files(repo: &gix::Repository) -> Vec<std::path::PathBuf> {
    let own = repo.common_dir().join("info/attributes");
    let config = repo.config_snapshot();
    let named = config.trusted_path("core.attributesFile").ok().flatten();
    let home = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from);
    let default = || {
        let folder = home("XDG_CONFIG_HOME").or_else(|| Some(home("HOME")?.join(".config")));
        folder.map(|folder| folder.join("git/attributes"))
    };
    let named = named.or_else(default);
    [Some(own), named, Some("/etc/gitattributes".into())].into_iter().flatten().collect()
}

/// Returns true if a text contains a word.
fn mentions(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

/// Removes the files and the index of a worktree that nobody has seen yet.
fn empty(repo: &gix::Repository, path: &Path) -> anyhow::Result<()> {
    for entry in path.read_dir()? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            _ if entry.file_name() == ".git" => {}
            true => std::fs::remove_dir_all(entry.path())?,
            false => std::fs::remove_file(entry.path())?,
        }
    }
    match std::fs::remove_file(repo.index_path()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn is_empty_folder(path: &Path) -> bool {
    path.read_dir().is_ok_and(|mut entries| entries.next().is_none())
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
