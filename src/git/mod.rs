//! git: the only files that use `gix` or start `git`.
//!
//! Invariant: only owned, plain values leave ([`Oid`], strings, paths). In-process `gix` reads and
//! writes objects, swaps refs and makes worktrees; the `git` program decides about merges and
//! status and does what gix cannot. Each effect passes `crash::point`.

pub(crate) mod added_lines;
pub(crate) mod command;
pub(crate) mod commit;
pub(crate) mod database;
pub(crate) mod discover;
pub(crate) mod history;
pub(crate) mod merge;
pub(crate) mod operation;
pub(crate) mod picture;
pub(crate) mod remote;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod trace;
pub(crate) mod worktree;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::steps::{self, Remedy, to};

/// Oldest git that has `merge-tree --write-tree`.
const OLDEST: (u32, u32) = (2, 38);

/// A repository, as seen from one directory.
#[derive(Clone)]
pub struct Git {
    repo: gix::Repository,
    /// The git directory of the caller's worktree, absolute.
    git_dir: PathBuf,
    /// The directory shared by all worktrees, absolute.
    common_dir: PathBuf,
    /// The top level of the caller's worktree; `None` in a bare repository.
    top_level: Option<PathBuf>,
    /// The folder that relative worktree paths start from, see [`Git::home`].
    home: PathBuf,
    /// The main worktree, if `git worktree list` names the git directory instead of it.
    main_worktree: Option<PathBuf>,
}

impl Git {
    /// Fails if the refs are not files.
    ///
    /// With reftable gix opens the repository and writes loose files below `.git/refs`, which git
    /// never sees: a run would appear to work and its refs would be lost.
    pub fn check_ref_storage(&self) -> anyhow::Result<()> {
        let storage = self.repo.config_snapshot().string("extensions.refStorage");
        match storage.filter(|name| name.as_slice() != b"files") {
            Some(name) => Err(failure(
                format!("this repository keeps its refs in '{name}', which is not supported"),
                Remedy::from(
                    steps::git("refs migrate --ref-format=files")
                        .to("Convert it; if there are reflogs this needs git 2.48"),
                )
                .or(steps::git("clone --ref-format=files .").blank("DIR").to("Or work in a clone")),
            )),
            None => Ok(()),
        }
    }

    /// Returns the directory that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// Returns the folder of lock files.
    ///
    /// It is not in the folder of logs, which a user may delete at any time: after that a second
    /// process could lock a new file of the same name.
    pub fn locks(&self) -> PathBuf {
        self.common_dir.join("orchestrate-locks")
    }

    /// Returns the top level of the caller's worktree.
    pub fn top_level(&self) -> Option<&Path> {
        self.top_level.as_deref()
    }

    /// Returns the git directory of the caller's worktree, or of the bare repository.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Returns the folder that relative worktree paths start from: the main worktree, or the folder
    /// of a project that keeps a bare repository in `.bare` or `.git`, or the bare repository
    /// itself.
    pub fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// Returns the path of a folder relative to [`Git::home`], without `/` at its ends; `None` if
    /// the folder is outside.
    pub fn inside_home(&self, folder: &str) -> Option<String> {
        let inside = self.home.join(folder);
        let inside = inside.strip_prefix(&self.home).ok()?.to_str()?.trim_matches('/').to_owned();
        let is_inside = !inside.is_empty() && !inside.split('/').any(|part| part == "..");
        is_inside.then_some(inside)
    }

    /// Returns a git command that acts on the repository as a whole, not on one worktree.
    ///
    /// It sets `GIT_DIR`, since git refuses a bare repository that it only discovers if
    /// `safe.bareRepository` is `explicit`.
    pub fn command(&self) -> command::GitCommand {
        command::git(&self.common_dir).env("GIT_DIR", &self.common_dir)
    }

    /// Returns a git command that sees the HEAD, the index and the files of the caller's worktree.
    pub(super) fn here(&self) -> command::GitCommand {
        let directory = self.top_level.as_deref().unwrap_or(&self.git_dir);
        let git = command::git(directory).env("GIT_DIR", &self.git_dir);
        match &self.top_level {
            Some(top) => git.env("GIT_WORK_TREE", top),
            None => git,
        }
    }

    /// Checks that git is new enough and knows who the user is.
    pub fn check_ready(&self) -> anyhow::Result<()> {
        self.check_version()?;
        self.check_identity()
    }

    /// Returns git's version; `None` if it is not understood.
    fn version(&self) -> anyhow::Result<Option<(u32, u32)>> {
        Ok(parse_version(&self.command().arg("--version").text()?))
    }

    /// Checks that git is new enough.
    pub fn check_version(&self) -> anyhow::Result<()> {
        let version = self.command().arg("--version").text()?;
        if parse_version(&version).is_some_and(|found| found < OLDEST) {
            return Err(too_old(&version));
        }
        Ok(())
    }

    /// Checks that git knows who the user is.
    pub fn check_identity(&self) -> anyhow::Result<()> {
        self.command().args(["var", "GIT_COMMITTER_IDENT"]).text().map(drop).map_err(|_| {
            failure(
                "git does not know who you are",
                to(
                    "Tell it your name and address",
                    [
                        steps::git("config --global user.name").blank("NAME").into(),
                        steps::git("config --global user.email").blank("ADDRESS").into(),
                    ],
                ),
            )
        })
    }

    /// Returns the branch (short name; `None` if detached) and the commit of the caller's worktree.
    pub fn head(&self) -> anyhow::Result<(Option<String>, Oid)> {
        let commit = self.resolve("HEAD").map_err(|_| {
            failure(
                "the current branch has no commit yet",
                steps::git("commit --allow-empty -m Begin").to("Create a first commit"),
            )
        })?;
        let name = self.here().args(["symbolic-ref", "--short", "-q", "HEAD"]).text();
        Ok((name.ok().map(|line| line.trim_end().to_owned()), commit))
    }

    /// Resolves a revision to a commit, as seen from the caller's worktree.
    fn resolve(&self, revision: &str) -> anyhow::Result<Oid> {
        let revision = format!("{revision}^{{commit}}");
        let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", &revision];
        let text = self.here().args(asked).text();
        let text = text.with_context(|| format!("'{revision}' is not a commit"))?;
        Oid::from_hex(text.trim()).context("git printed no commit id")
    }

    /// Returns the values below `orchestrate.` in git config, with keys without that prefix.
    pub fn config(&self) -> anyhow::Result<Vec<(String, String)>> {
        let asked = ["config", "--null", "--get-regexp", r"^orchestrate\."];
        let output = self.here().args(asked).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let pair = |entry: &str| {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            Some((key.strip_prefix("orchestrate.")?.to_owned(), value.to_owned()))
        };
        Ok(text.split('\0').filter(|entry| !entry.is_empty()).filter_map(pair).collect())
    }

    /// Returns true if git accepts a branch name.
    pub fn takes_branch_name(&self, name: &str) -> bool {
        let full = format!("refs/heads/{name}");
        let is_sound = gix::refs::FullName::try_from(full.as_str()).is_ok();
        is_sound && !name.starts_with('-') && name != "HEAD"
    }

    /// Returns true if the repository's file system, and so its refs, ignore case.
    pub fn ignores_case(&self) -> bool {
        self.repo.config_snapshot().boolean("core.ignoreCase").unwrap_or(false)
    }

    /// Returns the id of a content as a blob; writes nothing.
    pub fn content_id(&self, content: &[u8]) -> anyhow::Result<Oid> {
        let kind = gix::objs::Kind::Blob;
        Ok(database::objects::oid(gix::objs::compute_hash(self.repo.object_hash(), kind, content)?))
    }

    /// Returns true if one commit is in the history of the other, or is the same commit.
    pub fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> anyhow::Result<bool> {
        let (one, other) =
            (database::objects::object_id(ancestor)?, database::objects::object_id(descendant)?);
        if one == other {
            return Ok(true);
        }
        Ok(self.repo.merge_base(one, other)?.is_some_and(|base| base == one))
    }
}

/// Opens a repository with the settings that gix needs to behave like git.
fn open(git_dir: &Path) -> anyhow::Result<gix::Repository> {
    let overrides = [
        // Without a user name, gix fails at every ref edit that writes a reflog; git does not.
        "gitoxide.committer.nameFallback=git-orchestrate",
        "gitoxide.committer.emailFallback=git-orchestrate@localhost",
        "gitoxide.author.nameFallback=git-orchestrate",
        "gitoxide.author.emailFallback=git-orchestrate@localhost",
        // With relative paths gix sets `extensions.relativeWorktrees` in the shared config, and a
        // git before 2.48 then refuses the whole repository.
        "worktree.useRelativePaths=false",
        // With `core.fileMode=false` gix checks files out without the executable bit. git sets the
        // bit at a checkout and only ignores later changes to it.
        "core.fileMode=true",
    ];
    let options = gix::open::Options::default().config_overrides(overrides);
    let mut repo = gix::open_opts(git_dir, options)
        .with_context(|| format!("cannot open the repository at '{}'", git_dir.display()))?;
    repo.object_cache_size_if_unset(4 << 20);
    Ok(repo)
}

fn too_old(version: &str) -> anyhow::Error {
    let (major, minor) = OLDEST;
    let remedy = format!("install git {major}.{minor} or newer");
    failure(format!("{} is too old: it cannot merge without a checkout", version.trim()), remedy)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(2)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::parse_version;

    #[test]
    fn versions() {
        assert_eq!(parse_version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(parse_version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(parse_version("nonsense"), None);
    }
}
