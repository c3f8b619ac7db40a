//! Events: what may happen to a task, with the facts of each.
//!
//! Invariant: an event holds all that its transition needs; nothing is looked up when it is
//! applied.

use serde::{Deserialize, Serialize};

use crate::domain::oid::Oid;
use crate::domain::report::{Report, Usage};
use crate::domain::review::Verdict;
use crate::domain::task::{Block, Ending, Outcome, PullRequest, Stage, Worker};

/// Something that happened to one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "one at a time is made, written down and dropped")]
pub enum Event {
    /// A supervisor claims the next attempt. If two race, the second event is illegal.
    Started(AttemptStart),
    /// The agent reported its result with `report`.
    Reported { report: Report },
    /// A reviewer reported its verdict with `report`.
    Judged { verdict: Verdict },
    /// The attempt is over.
    Finished(AttemptEnd),
    /// The merge candidate failed, and the user must resolve that.
    Refused(Block),
    /// The merge candidate failed, and an agent is to fix it.
    SentBack(RepairRequest),
    /// The work is in the integration branch.
    Merged {
        merge: Option<Oid>,
        /// What a person should know of the merge, one sentence each.
        #[serde(default)]
        remarks: Vec<String>,
    },
    /// The user approved the blueprint, so the work may begin.
    Approved {
        #[serde(default)]
        answer: Option<String>,
    },
    /// The user accepted files that needed a word; this commit holds them.
    Accepted {
        commit: Oid,
        #[serde(default)]
        answer: Option<String>,
        /// Milliseconds since 1970.
        at: i64,
    },
    /// The user wants another attempt; the answer, and a named model or agent, hold for all later
    /// attempts.
    Retried {
        /// How the last attempt ended.
        note: Option<String>,
        #[serde(default)]
        answer: Option<String>,
        #[serde(default)]
        model: Option<String>,
        #[serde(default)]
        agent: Option<String>,
    },
    /// The user offers the branch's present commit for merging.
    Offered {
        commit: Oid,
        at: i64,
        /// What the work has not passed.
        #[serde(default)]
        skipped: Option<String>,
    },
    /// A draft pull request for the conflict was opened, or could not be.
    PullRequest(PullRequest),
}

/// The claim of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptStart {
    pub attempt: u32,
    pub stage: Stage,
    pub base: Oid,
    /// The tip of the task's branch; `None` before the branch exists.
    pub tip: Option<Oid>,
    pub branch: String,
    pub worktree: String,
    /// `None` if the work is done by hand.
    pub worker: Option<Worker>,
    /// The program of the agent, without its arguments.
    #[serde(default)]
    pub agent: Option<String>,
    /// The model that the agent is launched with.
    #[serde(default)]
    pub model: Option<String>,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// A merge candidate that an agent is to fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairRequest {
    pub stage: Stage,
    /// The commit that the agent starts from: the candidate, or the task's own commit if there is
    /// no candidate.
    pub commit: Oid,
    pub why: Block,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEnd {
    pub attempt: u32,
    pub ending: Ending,
    pub commit: Option<Oid>,
    #[serde(default)]
    pub committed_for_agent: bool,
    #[serde(default)]
    pub undone: bool,
    pub report: Option<Report>,
    #[serde(default)]
    pub verdict: Option<Verdict>,
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Observations that decide nothing, one sentence each.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Observations that the reviewers and the user should know, one sentence each.
    #[serde(default)]
    pub concerns: Vec<String>,
    /// The agent's final message about its work, for the reviewers.
    #[serde(default)]
    pub account: String,
    /// The text of the blueprint that the attempt wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<String>,
    pub outcome: Outcome,
    /// Milliseconds since 1970.
    pub at: i64,
}

impl Event {
    /// Adds remarks to the end of an attempt; other events stay as they are.
    pub fn with_remarks(self, more: Vec<String>) -> Event {
        match self {
            Event::Finished(mut finished) => {
                finished.remarks.extend(more);
                Event::Finished(finished)
            }
            Event::Started(_)
            | Event::Reported { .. }
            | Event::Judged { .. }
            | Event::Refused(_)
            | Event::SentBack(_)
            | Event::Merged { .. }
            | Event::Approved { .. }
            | Event::Accepted { .. }
            | Event::Retried { .. }
            | Event::Offered { .. }
            | Event::PullRequest(_) => self,
        }
    }
}

impl AttemptEnd {
    /// Returns the end of an attempt with nothing but these facts.
    pub fn new(attempt: u32, ending: Ending, outcome: Outcome, at: i64) -> AttemptEnd {
        AttemptEnd {
            attempt,
            ending,
            commit: None,
            committed_for_agent: false,
            undone: false,
            report: None,
            verdict: None,
            usage: None,
            remarks: Vec::new(),
            concerns: Vec::new(),
            account: String::new(),
            blueprint: None,
            outcome,
            at,
        }
    }
}
