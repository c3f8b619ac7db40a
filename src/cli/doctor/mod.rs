//! What would go wrong here, and how to mend it: one file for each area that is looked at.
//!
//! Invariant: looks and changes nothing; each check stands alone, so that one that cannot be
//! made keeps no other from being made. A finding is a fact, and its remedy is what to type.

mod agents;
mod branches;
mod files;
mod hooks;
mod locks;
mod place;
mod runs;
mod settings;
mod tools;
mod worktrees;

use std::path::Path;

use serde::Serialize;

use crate::domain::config::Settings;
use crate::domain::error::hints;
use crate::git::Git;
use crate::git::discover::RepositoryOptions;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A run could not begin, or every task of it would fail.
    Error,
    /// Something would go wrong for some tasks, or for other tools.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub severity: Severity,
    /// The name of the check, in lower case with `-`.
    pub check: &'static str,
    /// What is so, and why it matters, in one line.
    pub text: String,
    /// What to type, or what to write where.
    pub remedy: String,
}

impl Finding {
    fn error(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { severity: Severity::Error, check, text: text.into(), remedy: remedy.into() }
    }

    fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { severity: Severity::Warning, ..Finding::error(check, text, remedy) }
    }

    fn note(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { severity: Severity::Note, ..Finding::error(check, text, remedy) }
    }

    /// What keeps a command from working keeps a run from beginning.
    fn of(check: &'static str, error: &anyhow::Error) -> Finding {
        let mut text = String::new();
        for cause in error.chain().map(std::string::ToString::to_string) {
            // A cause that was said already adds nothing.
            if !text.contains(&cause) {
                text += if text.is_empty() { "" } else { ": " };
                text += &cause;
            }
        }
        Finding::error(check, text.replace('\n', " "), hints(error).join("\n"))
    }
}

/// A repository that can be worked in.
struct Place<'a> {
    git: &'a Git,
    settings: &'a Settings,
    /// False where the repository's file of settings could not be read, so that more may be set.
    is_understood: bool,
}

impl Place<'_> {
    /// Returns the caller's worktree.
    fn top_level(&self) -> Option<&Path> {
        self.git.top_level()
    }
}

/// Looks at all there is; what is worst comes first.
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
    let place = Place { git, settings: &settings, is_understood };
    found.extend(place::look(&place));
    if git.check_ref_storage().is_ok() {
        found.extend(branches::look(&place));
        found.extend(runs::look(&place));
    }
    found.extend(settings::programs(&place));
    found.extend(agents::look(&place));
    found.extend(worktrees::look(&place));
    found.extend(hooks::look(&place));
    found.extend(locks::look(&place));
    found.extend(tools::look(&place));
    found
}
