//! The draft pull request of a conflict, or why there is none.
//!
//! Invariant: data only; nothing here asks a remote or a forge.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::steps::{Scope, Step};

/// Why no draft pull request was opened. The names are part of the JSON contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// There is no remote, or there are several and none is chosen.
    NoRemote,
    /// The remote is at no known forge.
    NoForge,
    /// The forge's program is not installed.
    NoProgram,
    /// The forge's program is not logged in.
    NotLoggedIn,
    /// The remote, or the forge, does not answer.
    NoNetwork,
    /// The remote rejects the branch.
    PushRefused,
    /// Any other error of the forge or its program.
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

/// Why a pull request could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestFailure {
    pub why: Obstacle,
    /// The message of the remote or the program, one line.
    pub text: String,
    /// The commands that open it by hand, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
    /// After these commands `start` tries again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// The program that must be installed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<String>,
    /// The web page that opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl PullRequestFailure {
    /// Returns why it could not be opened, and the commands that open it by hand.
    pub(crate) fn new<S: Into<Step>>(
        why: Obstacle,
        text: &str,
        next: impl IntoIterator<Item = S>,
    ) -> PullRequestFailure {
        // The journal holds lines, so that another version of this program can show them.
        let line = |step: S| Scope::default().line(&step.into());
        let (text, next) = (text.replace('\n', " "), next.into_iter().map(line).collect());
        PullRequestFailure { why, text, next, again: false, install: None, page: None }
    }
}

/// The result of proposing a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullRequest {
    /// It exists, whether this program or a person opened it.
    Opened {
        url: String,
    },
    Unopened(PullRequestFailure),
}
