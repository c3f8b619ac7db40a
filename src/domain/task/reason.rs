//! Why a blocked task needs a person.
//!
//! Invariant: the names are part of the JSON contract.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a task needs attention. The names are part of the JSON contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its branch and the integration branch changed the same lines.
    Conflict,
    /// The tests failed twice on the merge candidate.
    Tests,
    /// The tests cannot be run, or fail the same way without the task's work.
    TestCommand,
    /// It took longer than its time limit.
    Timeout,
    /// The agent asked for something that only the user knows.
    NeedsContext,
    /// The agent failed, or reported that it is blocked.
    Agent,
    /// The agent was refused a tool that it needed.
    Permission,
    /// The agent reported that it is done, but git shows no change.
    NoChanges,
    /// The agent left the task's branch or worktree, or changed something outside of them.
    Escaped,
    /// The worktree could not be created.
    Worktree,
    /// The user stopped the task.
    Stopped,
    /// Reviews sent the task back as often as `rounds` allows.
    ReviewLimit,
    /// The blueprint waits for the user's approval.
    Approval,
    /// Files that the agent left or committed need the user's word.
    Leftovers,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Reason; 14] = [
        Reason::Conflict,
        Reason::Tests,
        Reason::TestCommand,
        Reason::Timeout,
        Reason::NeedsContext,
        Reason::Agent,
        Reason::Permission,
        Reason::NoChanges,
        Reason::Escaped,
        Reason::Worktree,
        Reason::Stopped,
        Reason::ReviewLimit,
        Reason::Approval,
        Reason::Leftovers,
    ];

    /// Returns the name, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Conflict => "conflict",
            Reason::Tests => "tests",
            Reason::TestCommand => "test-command",
            Reason::Timeout => "timeout",
            Reason::NeedsContext => "needs-context",
            Reason::Agent => "agent",
            Reason::Permission => "permission",
            Reason::NoChanges => "no-changes",
            Reason::Escaped => "escaped",
            Reason::Worktree => "worktree",
            Reason::Stopped => "stopped",
            Reason::ReviewLimit => "review-limit",
            Reason::Approval => "approval",
            Reason::Leftovers => "leftovers",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
