//! What became of showing a conflict to people elsewhere: a draft pull request, or why there is none.
//!
//! Invariant: words only. Whoever tried says how it went; nothing here asks anybody.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::steps::{Scope, Step};

/// Why no draft pull request was opened. The names are part of the JSON contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// There is no remote, or several and none is named.
    NoRemote,
    /// The remote is at no known forge.
    NoForge,
    /// The forge's program is not installed.
    NoProgram,
    /// The forge's program knows no account.
    NotLoggedIn,
    /// The remote, or the forge, does not answer.
    NoNetwork,
    /// The remote does not take the branch.
    PushRefused,
    /// The forge, or its program, says something else.
    Failed,
}

impl Obstacle {
    /// Returns the name, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Obstacle::NoRemote => "no-remote",
            Obstacle::NoForge => "no-forge",
            Obstacle::NoProgram => "no-program",
            Obstacle::NotLoggedIn => "not-logged-in",
            Obstacle::NoNetwork => "no-network",
            Obstacle::PushRefused => "push-refused",
            Obstacle::Failed => "failed",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What stood in the way of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unopened {
    pub why: Obstacle,
    /// One line, in the words of whoever refused.
    pub text: String,
    /// What does it by hand: commands, typed one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
    /// After these commands `start` tries again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// The program that has to be installed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<String>,
    /// The page on which a person opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Unopened {
    /// Returns what stood in the way, and the commands that do it by hand.
    pub(crate) fn new<S: Into<Step>>(
        why: Obstacle,
        text: &str,
        next: impl IntoIterator<Item = S>,
    ) -> Unopened {
        // The journal holds lines, so that another version of this program can show them.
        let line = |step: S| Scope::default().line(&step.into());
        let (text, next) = (text.replace('\n', " "), next.into_iter().map(line).collect());
        Unopened { why, text, next, again: false, install: None, page: None }
    }
}

/// How showing a conflict elsewhere went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullRequest {
    /// It is there, whoever opened it.
    Opened {
        url: String,
    },
    Unopened(Unopened),
}
