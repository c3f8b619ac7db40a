//! git, behind one door: these files alone name `gix` or spawn `git`.
//!
//! Invariant: what leaves is owned and plain ([`Oid`], strings, paths). In-process `gix`
//! reads and writes objects, swaps refs and makes worktrees; the `git` program is the judge
//! of merges and status and does what gix cannot. Each effect passes `crash::point`.

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

/// Oldest git whose `merge-tree --write-tree` can judge a merge.
const OLDEST: (u32, u32) = (2, 38);

/// A repository, as seen from one directory.
#[derive(Clone)]
pub struct Git {
    repo: gix::Repository,
    /// The git directory of the caller's worktree, absolute.
    git_dir: PathBuf,
    /// The directory shared by all worktrees, absolute.
    common_dir: PathBuf,
    /// The top level of the worktree the caller stands in; `None` in a bare repository.
    top_level: Option<PathBuf>,
    home: PathBuf,
    /// The main worktree, where git lists its git directory instead.
    main_worktree: Option<PathBuf>,
}

impl Git {
    /// Fails where the refs are not files: what is written as a file, git would not see.
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

    /// Returns the folder of lock files. It is not the folder of logs, which may be deleted at any
    /// time: a lock whose file is gone would keep nobody out.
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

    /// Returns the folder that relative worktree paths start from: the main worktree, or the
    /// folder of a project that keeps a bare repository in `.bare` or `.git`, or the folder of
    /// the bare repository.
    pub fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// Returns a folder relative to [`Git::home`], where it lies in it; `/` at neither end.
    pub fn inside_home(&self, folder: &str) -> Option<String> {
        let inside = self.home.join(folder);
        let inside = inside.strip_prefix(&self.home).ok()?.to_str()?.trim_matches('/').to_owned();
        let is_inside = !inside.is_empty() && !inside.split('/').any(|part| part == "..");
        is_inside.then_some(inside)
    }

    /// Returns a git command that acts on the repository as a whole, not on one worktree.
    ///
    /// Named outright, because a bare repository that is only found may be refused
    /// (`safe.bareRepository`).
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

    /// Returns the branch that is checked out here (short name) and its commit.
    pub fn head(&self) -> anyhow::Result<(Option<String>, Oid)> {
        let commit = self.resolve("HEAD").map_err(|_| {
            failure(
                "the current branch has no commit yet",
                steps::git("commit --allow-empty -m Begin").to("Make a first one"),
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
        let text = text.with_context(|| format!("'{revision}' names no commit"))?;
        Oid::from_hex(text.trim()).context("git told no commit id")
    }

    /// Returns the values under `orchestrate.` in git config, keys without that prefix.
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

    /// Returns true where git would take a branch name.
    pub fn takes_branch_name(&self, name: &str) -> bool {
        let full = format!("refs/heads/{name}");
        let is_sound = gix::refs::FullName::try_from(full.as_str()).is_ok();
        is_sound && !name.starts_with('-') && name != "HEAD"
    }

    /// Returns true where the repository's files, and so its refs, ignore case.
    pub fn ignores_case(&self) -> bool {
        self.repo.config_snapshot().boolean("core.ignoreCase").unwrap_or(false)
    }

    /// Returns the id that a content has as a blob; nothing is written.
    pub fn content_id(&self, content: &[u8]) -> anyhow::Result<Oid> {
        let kind = gix::objs::Kind::Blob;
        Ok(database::objects::oid(gix::objs::compute_hash(self.repo.object_hash(), kind, content)?))
    }

    /// Returns true where one commit is in the history of the other, or is the same.
    pub fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> anyhow::Result<bool> {
        let (one, other) =
            (database::objects::object_id(ancestor)?, database::objects::object_id(descendant)?);
        if one == other {
            return Ok(true);
        }
        Ok(self.repo.merge_base(one, other)?.is_some_and(|base| base == one))
    }
}

/// Opens with what the library needs: a name for reflogs where the user has none, absolute
/// worktree paths, because relative ones set an extension that locks older gits out, and modes
/// of files, which git sets at a checkout whether it trusts them later or not.
fn open(git_dir: &Path) -> anyhow::Result<gix::Repository> {
    let overrides = [
        "gitoxide.committer.nameFallback=git-orchestrate",
        "gitoxide.committer.emailFallback=git-orchestrate@localhost",
        "gitoxide.author.nameFallback=git-orchestrate",
        "gitoxide.author.emailFallback=git-orchestrate@localhost",
        "worktree.useRelativePaths=false",
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
    failure(format!("{} is too old to judge merges", version.trim()), remedy)
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
