//! What became of showing a conflict to people elsewhere: a draft pull request, or why there is none.
//!
//! Invariant: words only. Whoever tried says how it went; nothing here asks anybody.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// What does it by hand: commands, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
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
