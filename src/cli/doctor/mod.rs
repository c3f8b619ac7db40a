//! Checks a repository for problems and tells how to fix them: one file for each area.
//!
//! Invariant: nothing is changed. Checks are independent, so that one that cannot be made does not
//! hide the others. A finding states a fact, and its remedy is a command or an instruction.

mod agents;
mod branches;
mod files;
mod hooks;
mod locks;
mod repository;
mod runs;
mod settings;
mod tools;
mod worktrees;

use std::path::Path;

use serde::Serialize;

use crate::domain::config::Settings;
use crate::domain::error::{one_line, remedy_of};
use crate::domain::steps::Remedy;
use crate::git::Git;
use crate::git::discover::RepositoryOptions;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A run could not start, or all its tasks would fail.
    Error,
    /// Some tasks, or other tools, could fail.
    Warning,
    /// Good to know.
    Note,
}

/// One problem, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub severity: Severity,
    /// The name of the check, in lower case with `-`.
    pub check: &'static str,
    /// What is wrong and why it matters, in one line.
    pub text: String,
    /// The command to run, or what to write in which file.
    pub remedy: Remedy,
}

impl Finding {
    fn error(check: &'static str, text: impl Into<String>, remedy: impl Into<Remedy>) -> Finding {
        Finding { severity: Severity::Error, check, text: text.into(), remedy: remedy.into() }
    }

    fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<Remedy>) -> Finding {
        Finding { severity: Severity::Warning, ..Finding::error(check, text, remedy) }
    }

    fn note(check: &'static str, text: impl Into<String>, remedy: impl Into<Remedy>) -> Finding {
        Finding { severity: Severity::Note, ..Finding::error(check, text, remedy) }
    }

    /// Returns an error of another command as a finding: what stops that command stops a run too.
    fn of(check: &'static str, error: &anyhow::Error) -> Finding {
        Finding::error(check, one_line(error), remedy_of(error))
    }
}

/// The repository that is checked.
struct Repository<'a> {
    git: &'a Git,
    settings: &'a Settings,
    /// False if the settings file could not be parsed: then an unset setting may be in it.
    is_understood: bool,
}

impl Repository<'_> {
    /// Returns the worktree that the user is in, if any.
    fn top_level(&self) -> Option<&Path> {
        self.git.top_level()
    }
}

/// Makes all checks; the worst findings come first.
pub(crate) fn examine(directory: &Path, options: &RepositoryOptions) -> Vec<Finding> {
    let mut found = match Git::look(directory, options) {
        Ok(git) => repository(&git),
        Err(error) => vec![Finding::of("repository", &error)],
    };
    found.sort_by_key(|finding| finding.severity);
    found
}

fn repository(git: &Git) -> Vec<Finding> {
    let (mut found, settings, is_understood) = settings::read(git);
    let repo = Repository { git, settings: &settings, is_understood };
    found.extend(repository::check(&repo));
    // In a storage that cannot be read, every branch and every run would seem to be missing.
    if git.check_ref_storage().is_ok() {
        found.extend(branches::check(&repo));
        found.extend(runs::check(&repo));
    }
    found.extend(settings::programs(&repo));
    found.extend(agents::check(&repo));
    found.extend(worktrees::check(&repo));
    found.extend(hooks::check(&repo));
    found.extend(locks::check(&repo));
    found.extend(tools::check(&repo));
    found
}
