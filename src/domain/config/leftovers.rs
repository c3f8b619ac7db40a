//! What becomes of files that an agent leaves uncommitted.
//!
//! Invariant: the setting is about undeclared files alone; secrets and repositories always wait for
//! a person.

use serde::{Deserialize, Serialize};

/// What becomes of uncommitted files that a task does not declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LeftoverPolicy {
    /// They are committed for the agent, and named.
    #[default]
    Commit,
    /// The task is blocked until a person accepts them.
    Ask,
    /// They are saved in a backup and left out.
    Refuse,
}

impl LeftoverPolicy {
    /// Every choice there is, in the order of the documentation.
    pub(crate) const ALL: [LeftoverPolicy; 3] =
        [LeftoverPolicy::Commit, LeftoverPolicy::Ask, LeftoverPolicy::Refuse];

    /// Returns the word in the configuration.
    pub(crate) fn word(self) -> &'static str {
        match self {
            LeftoverPolicy::Commit => "commit",
            LeftoverPolicy::Ask => "ask",
            LeftoverPolicy::Refuse => "refuse",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<LeftoverPolicy> {
        LeftoverPolicy::ALL.into_iter().find(|choice| choice.word() == word)
    }
}
