//! What may happen to a task, with the facts that come with it.
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
    /// A supervisor claims the next attempt. Of two that race, the second is illegal.
    Started(Started),
    /// The agent said how it went, through `report`.
    Reported { report: Report },
    /// A reviewer said what it found, through `report`.
    Judged { verdict: Verdict },
    /// The attempt is over.
    Finished(Finished),
    /// The merge candidate was no good, and a person has to settle it.
    Refused(Block),
    /// The merge candidate was no good, and an agent is to mend it.
    SentBack(SentBack),
    /// The work is in the integration branch.
    Merged { merge: Option<Oid> },
    /// A person lets the work begin that was planned.
    Approved,
    /// A person wants another attempt; from now on with this model and this agent, where one is
    /// named.
    Retried {
        note: Option<String>,
        #[serde(default)]
        model: Option<String>,
        #[serde(default)]
        agent: Option<String>,
    },
    /// A person offers what the branch holds now.
    Offered { commit: Oid, at: i64 },
    /// Somebody tried to show the conflict elsewhere.
    PullRequest(PullRequest),
}

/// The claim of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub attempt: u32,
    pub stage: Stage,
    pub base: Oid,
    /// Where the task's branch stands; `None` before it is made.
    pub tip: Option<Oid>,
    pub branch: String,
    pub worktree: String,
    /// `None` where somebody outside does the work.
    pub worker: Option<Worker>,
    /// The program of the agent, without its arguments.
    #[serde(default)]
    pub agent: Option<String>,
    /// The model that the agent is told to use.
    #[serde(default)]
    pub model: Option<String>,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// A merge candidate that an agent is to mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBack {
    pub stage: Stage,
    /// What the agent begins on: the candidate, or the task's own commit where there is none.
    pub commit: Oid,
    pub why: Block,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
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
    /// What was seen that decides nothing, a sentence each.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// What was seen that reviewers and a person should know, a sentence each.
    #[serde(default)]
    pub concerns: Vec<String>,
    /// The text of the plan that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<String>,
    pub outcome: Outcome,
    /// Milliseconds since 1970.
    pub at: i64,
}

impl Event {
    /// Adds remarks to the end of an attempt; other events have none.
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
            | Event::Approved
            | Event::Retried { .. }
            | Event::Offered { .. }
            | Event::PullRequest(_) => self,
        }
    }
}

impl Finished {
    /// Returns the end of an attempt that says no more than this.
    pub fn new(attempt: u32, ending: Ending, outcome: Outcome, at: i64) -> Finished {
        Finished {
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
            blueprint: None,
            outcome,
            at,
        }
    }
}
