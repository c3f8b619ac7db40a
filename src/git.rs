//! git, behind one door: these files alone name `gix` or spawn `git`.
//!
//! Invariant: what leaves is owned and plain ([`Oid`], strings, paths). In-process `gix`
//! reads and writes objects, swaps refs and makes worktrees; the `git` program is the judge
//! of merges and status and does what gix cannot. Each effect passes `crash::point`.

pub mod backup;
mod checkout;
pub mod command;
mod contained;
pub mod create;
pub mod gc;
pub mod include;
pub mod merge;
pub mod notes;
pub mod private;
pub mod refs;
pub mod size;
pub mod status;
pub mod submodules;
pub mod tree;
pub mod worktree;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::error::{Hinted, failure};
use crate::oid::Oid;

/// Oldest git whose `merge-tree --write-tree` can judge a merge.
const OLDEST: (u32, u32) = (2, 38);

/// A repository, as seen from one directory.
#[derive(Clone)]
pub struct Git {
    repo: gix::Repository,
    /// The directory shared by all worktrees, absolute.
    common_dir: PathBuf,
    /// The top level of the worktree the caller stands in; `None` in a bare repository.
    top_level: Option<PathBuf>,
}

impl Git {
    /// Finds the repository that `directory` belongs to, as git does.
    ///
    /// Fails with a remedy where there is none, where its refs are not files, or where git
    /// is too old.
    pub fn discover(directory: &Path) -> anyhow::Result<Git> {
        let asked = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        let answer = command::git(directory).args(asked).text().map_err(|error| {
            match error.to_string().contains("not a git repository") {
                true => failure(
                    format!("'{}' is not in a git repository", directory.display()),
                    "go to a repository, name one with -C DIR, or make one with 'git init'",
                ),
                false => error,
            }
        })?;
        let common_dir = PathBuf::from(answer.trim_end_matches('\n')).canonicalize()?;
        let top = command::git(directory).args(["rev-parse", "--show-toplevel"]).text().ok();
        // Not the private directory of a worktree, which may be the one that is removed.
        let repo = open(&common_dir)?;
        let top_level = top.map(|line| PathBuf::from(line.trim_end_matches('\n')));
        let git = Git { repo, common_dir, top_level };
        git.check_ref_storage()?;
        Ok(git)
    }

    fn check_ref_storage(&self) -> anyhow::Result<()> {
        let storage = self.repo.config_snapshot().string("extensions.refStorage");
        match storage.filter(|name| name.as_slice() != b"files") {
            Some(name) => Err(failure(
                format!("this repository keeps its refs in '{name}', which is not supported"),
                "convert it with 'git refs migrate --ref-format=files'",
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

    /// Returns the folder that relative worktree paths start from: the main worktree, or the
    /// folder of a bare repository.
    pub fn home(&self) -> PathBuf {
        match (self.common_dir.file_name(), self.common_dir.parent()) {
            (Some(name), Some(parent)) if name == ".git" => parent.to_owned(),
            _ => self.common_dir.clone(),
        }
    }

    /// Returns a git command that acts on the repository as a whole, not on one worktree.
    pub fn command(&self) -> command::GitCommand {
        command::git(&self.common_dir)
    }

    /// Checks that git is new enough and knows who the user is.
    pub fn check_ready(&self) -> anyhow::Result<()> {
        let version = self.command().arg("--version").text()?;
        if parse_version(&version).is_some_and(|found| found < OLDEST) {
            let (major, minor) = OLDEST;
            let remedy = format!("install git {major}.{minor} or newer");
            return Err(failure(format!("{} is too old to judge merges", version.trim()), remedy));
        }
        self.command()
            .args(["var", "GIT_COMMITTER_IDENT"])
            .text()
            .map(drop)
            .hint("tell git who you are: git config --global user.name '...' and user.email '...'")
    }

    /// Returns the branch that is checked out here (short name) and its commit.
    pub fn head(&self) -> anyhow::Result<(Option<String>, Oid)> {
        let directory = self.top_level.as_deref().unwrap_or(&self.common_dir);
        let commit = self.resolve_in(directory, "HEAD").map_err(|_| {
            failure(
                "the current branch has no commit yet",
                "make a first one: git commit --allow-empty -m 'Begin'",
            )
        })?;
        let name = command::git(directory).args(["symbolic-ref", "--short", "-q", "HEAD"]).text();
        Ok((name.ok().map(|line| line.trim_end().to_owned()), commit))
    }

    /// Resolves a revision to a commit, as seen from a worktree.
    fn resolve_in(&self, directory: &Path, revision: &str) -> anyhow::Result<Oid> {
        let revision = format!("{revision}^{{commit}}");
        let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", &revision];
        let text = command::git(directory).args(asked).text();
        let text = text.with_context(|| format!("'{revision}' names no commit"))?;
        Oid::from_hex(text.trim()).context("git told no commit id")
    }

    /// Returns the values under `orchestrate.` in git config, keys without that prefix.
    pub fn config(&self) -> anyhow::Result<Vec<(String, String)>> {
        let directory = self.top_level.as_deref().unwrap_or(&self.common_dir);
        let asked = ["config", "--null", "--get-regexp", r"^orchestrate\."];
        let output = command::git(directory).args(asked).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let pair = |entry: &str| {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            Some((key.strip_prefix("orchestrate.")?.to_owned(), value.to_owned()))
        };
        Ok(text.split('\0').filter(|entry| !entry.is_empty()).filter_map(pair).collect())
    }

    /// Fails where git would not take a branch name.
    pub fn check_branch_name(&self, name: &str) -> anyhow::Result<()> {
        let full = format!("refs/heads/{name}");
        match !name.starts_with('-') && gix::refs::FullName::try_from(full.as_str()).is_ok() {
            true => Ok(()),
            false => Err(failure(
                format!("git does not take '{name}' as the name of a branch"),
                "see 'git help check-ref-format' for what it takes",
            )),
        }
    }

    /// Returns the id that a content has as a blob; nothing is written.
    pub fn content_id(&self, content: &[u8]) -> anyhow::Result<Oid> {
        let kind = gix::objs::Kind::Blob;
        Ok(tree::oid(gix::objs::compute_hash(self.repo.object_hash(), kind, content)?))
    }

    /// Returns true where one commit is in the history of the other, or is the same.
    pub fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> anyhow::Result<bool> {
        let (one, other) = (tree::object_id(ancestor)?, tree::object_id(descendant)?);
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

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(2)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions() {
        assert_eq!(parse_version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(parse_version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(parse_version("nonsense"), None);
    }
}
