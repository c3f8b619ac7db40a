//! Finds the repository that the caller means, and the places in it.
//!
//! Invariant: the options and variables of the caller count here, as for any git command, and
//! nowhere else; every process that is started later gets a clean environment. All paths are
//! absolute and no longer depend on the current directory.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Git, command, open, too_old};
use crate::domain::error::failure;
use crate::domain::steps::{Remedy, program};

/// Where the repository is, as the caller names it with `--git-dir` and `--work-tree`.
#[derive(Debug, Clone, Default)]
pub struct RepositoryOptions {
    pub git_dir: Option<PathBuf>,
    pub work_tree: Option<PathBuf>,
}

impl RepositoryOptions {
    fn ask(&self, directory: &Path) -> command::GitCommand {
        let named = [("GIT_DIR", &self.git_dir), ("GIT_WORK_TREE", &self.work_tree)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        named.fold(command::git(directory), |git, (name, value)| git.env(name, value))
    }
}

impl Git {
    /// Finds the repository that `directory` belongs to, as git does.
    ///
    /// Fails with a remedy if there is none, if its refs are not files, or if git is too old.
    pub fn discover(directory: &Path) -> anyhow::Result<Git> {
        Git::discover_with(directory, &RepositoryOptions::default())
    }

    /// Finds the repository that the caller names, or else the one that `directory` belongs to.
    pub fn discover_with(directory: &Path, options: &RepositoryOptions) -> anyhow::Result<Git> {
        let git = Git::look(directory, options)?;
        git.check_ref_storage()?;
        Ok(git)
    }

    /// Opens the repository with this git directory, independent of the environment.
    pub fn at(git_dir: &Path) -> anyhow::Result<Git> {
        Git::discover_with(
            git_dir,
            &RepositoryOptions { git_dir: Some(git_dir.into()), work_tree: None },
        )
    }

    /// Finds a repository, also one of a kind that is not supported; for `doctor`, which only
    /// looks.
    pub fn look(directory: &Path, options: &RepositoryOptions) -> anyhow::Result<Git> {
        let asked = ["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir"];
        let answer = options.ask(directory).args(asked).text().map_err(|error| {
            if error.to_string().contains("not a git repository") {
                no_repository(directory, options)
            } else {
                error
            }
        })?;
        // A git before 2.31 does not know `--path-format` and prints the option itself.
        if answer.starts_with("--") {
            let version = command::git(directory).arg("--version").text()?;
            return Err(too_old(&version));
        }
        // Bytes that are not UTF-8 were read as this character.
        if answer.contains(char::REPLACEMENT_CHARACTER) {
            return Err(failure(
                format!("the path of the repository is not UTF-8: '{}'", directory.display()),
                "move it to a folder with another name: the journal stores paths as text",
            ));
        }
        let mut lines = answer.lines().map(PathBuf::from);
        let (git_dir, common_dir) =
            lines.next().zip(lines.next()).context("git printed no directory")?;
        let top_level = top_level(directory, options, &git_dir);
        let (git_dir, common_dir) = (git_dir.canonicalize()?, common_dir.canonicalize()?);
        // Opened through the common directory: a handle opened through a linked worktree loses
        // sight of the refs when `clean` removes that worktree.
        let repo = open(&common_dir)?;
        let home = home(&repo, &common_dir);
        let mut git = Git { repo, git_dir, common_dir, top_level, home, main_worktree: None };
        git.main_worktree = git.main_apart();
        Ok(git)
    }
}

impl Git {
    /// Returns the main worktree of a repository whose git directory is outside of it, as in a
    /// submodule: `git worktree list` prints the git directory in its place.
    fn main_apart(&self) -> Option<PathBuf> {
        let config = self.repo.config_snapshot();
        let is_bare = config.boolean("core.bare").unwrap_or(false);
        if is_bare || self.common_dir.file_name().is_some_and(|name| name == ".git") {
            return None;
        }
        match config.string("core.worktree") {
            Some(_) => Some(self.home.clone()),
            None => self.top_level.clone().filter(|_| self.git_dir == self.common_dir),
        }
    }
}

fn no_repository(directory: &Path, options: &RepositoryOptions) -> anyhow::Error {
    match &options.git_dir {
        Some(git_dir) => failure(
            format!("'{}' is not a git repository", git_dir.display()),
            "name one with --git-dir DIR, or unset GIT_DIR",
        ),
        None => failure(
            format!("'{}' is not in a git repository", directory.display()),
            Remedy::from("Go to a repository, or name one with -C DIR.")
                .or(program("git init").to("Or create one here")),
        ),
    }
}

/// Returns the top level of the worktree that the caller means; `None` if there is none.
///
/// If only `GIT_DIR` is set, git takes the current directory for the top level, so the folder with
/// the `.git` is asked first.
fn top_level(directory: &Path, options: &RepositoryOptions, git_dir: &Path) -> Option<PathBuf> {
    let own = || {
        let only_git_dir = options.git_dir.is_some() && options.work_tree.is_none();
        top_of(command::git(&folder_of(git_dir).filter(|_| only_git_dir)?))
    };
    own().or_else(|| top_of(options.ask(directory)))
}

fn top_of(git: command::GitCommand) -> Option<PathBuf> {
    let line = git.args(["rev-parse", "--show-toplevel"]).text().ok()?;
    Some(PathBuf::from(line.strip_suffix('\n').unwrap_or(&line)))
}

/// Returns the folder that has this git directory as its `.git`.
fn folder_of(git_dir: &Path) -> Option<PathBuf> {
    let link = match std::fs::read_to_string(git_dir.join("gitdir")) {
        Ok(text) => git_dir.join(text.trim_end_matches('\n')),
        Err(_) => git_dir.to_owned(),
    };
    let folder = link.parent()?.to_owned();
    (link.file_name()? == ".git").then_some(folder)
}

/// Returns the folder that relative worktree paths start from, the same for every caller.
///
/// It is the main worktree. For a repository without one it is the project folder around it, if the
/// repository is named `.git` or `.bare` or a file `.git` beside it points at it; else the
/// repository itself.
fn home(repo: &gix::Repository, common_dir: &Path) -> PathBuf {
    if let Some(set) = repo.config_snapshot().string("core.worktree") {
        let set = common_dir.join(String::from_utf8_lossy(set.as_slice()).as_ref());
        return set.canonicalize().unwrap_or(set);
    }
    let project = common_dir.parent().filter(|project| {
        let is_hidden = common_dir.file_name().is_some_and(|it| it == ".git" || it == ".bare");
        is_hidden || points_at(&project.join(".git"), common_dir)
    });
    project.unwrap_or(common_dir).to_owned()
}

/// Returns true if a file `.git` points at this git directory.
fn points_at(file: &Path, git_dir: &Path) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let target = text.strip_prefix("gitdir: ").map(str::trim_end);
    let target = target.zip(file.parent()).map(|(target, folder)| folder.join(target));
    target.and_then(|target| target.canonicalize().ok()).is_some_and(|target| target == git_dir)
}
