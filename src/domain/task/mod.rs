//! The life of one task: its state, what may happen to it, and what is remembered of it.
//!
//! Invariant: [`Record::apply`] is the only way a state changes, and it is total: an event
//! that does not fit the state is [`Illegal`], never ignored. Nothing here knows of git,
//! files or the clock; ids and times come in with the events. `ready` is derived from the
//! other tasks (see `snapshot`) and never stored.

mod apply;
mod blueprint;
mod concern;
pub(crate) mod event;
mod moved;
mod pull_request;
mod status;

pub(crate) use apply::Illegal;
pub(crate) use blueprint::Drawn;
pub(crate) use event::{Event, Finished, SentBack, Started};
pub(crate) use moved::Moved;
pub(crate) use pull_request::{Obstacle, PullRequest, Unopened};
pub(crate) use status::TaskStatus;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::report::{self, Report, Usage};
use crate::domain::review::{Review, Verdict};

/// What an attempt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A plan of the work, before any of it.
    Plan,
    Implement,
    SpecReview,
    QualityReview,
    /// Both reviews by one reviewer.
    Review,
    /// The review of all that was merged.
    FinalReview,
    /// The implementer again, with what a review found.
    Fix,
    /// An agent on top of the merge candidate that failed the tests.
    FixTests,
    /// An agent that merges what conflicts.
    FixConflict,
}

/// The process that owns an attempt: its supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    pub pid: u32,
    /// When the process began, in whatever form the system tells it; tells a reused pid apart.
    pub began: String,
}

/// Why a task needs attention. The names are part of the JSON contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its branch and the integration branch changed the same lines.
    Conflict,
    /// The tests failed twice on the merge candidate.
    Tests,
    /// It took longer than its time limit.
    Timeout,
    /// The agent asked for something only a person knows.
    NeedsContext,
    /// The agent failed, or said that it is blocked.
    Agent,
    /// The agent was refused a tool it needed.
    Permission,
    /// The agent said it was done, and git shows no change.
    NoChanges,
    /// It left its branch or worktree, or something moved that is not its own.
    Escaped,
    /// The worktree could not be made.
    Worktree,
    /// A person stopped it.
    Stopped,
    /// Reviews sent it back as often as they may.
    ReviewLimit,
    /// Its plan waits for a person.
    Approval,
}

/// Everything a person needs to mend a blocked task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub reason: Reason,
    /// One line that says what happened.
    pub text: String,
    /// The paths in conflict, or those that escaped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The integration commit that the task's branch did not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Oid>,
    /// The tasks whose merges the conflict is with, where git can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// The command that failed, where it is about tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The commit that was to be merged, where it was brought from elsewhere and is not in the
    /// task's branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<Oid>,
    /// The draft pull request that shows the conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unopened: Option<Box<Unopened>>,
    /// The rules that would allow what it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// What moved outside of the task's own branch and worktree, where it escaped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum State {
    /// Not begun, or to be begun again.
    #[default]
    Waiting,
    Running {
        stage: Stage,
        /// Its supervisor; `None` where somebody outside does the work, and reports it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker: Option<Worker>,
    },
    /// Between two stages: this one begins as soon as there is a place, on this commit.
    Pending {
        stage: Stage,
        commit: Oid,
    },
    /// Finished; its commit waits to be merged. `arrived` orders the queue (milliseconds).
    Merging {
        commit: Oid,
        arrived: i64,
    },
    /// `merge` is the merge commit; `None` where the work was already in the branch.
    Done {
        merge: Option<Oid>,
    },
    Blocked(Block),
    /// Its agent's program reached a usage limit: this stage begins again when that is over.
    Paused {
        stage: Stage,
        /// What it begins on, where that is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<Oid>,
        #[serde(flatten)]
        pause: Pause,
    },
}

/// A wait for the end of a usage limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Milliseconds since 1970; `None` where nobody said when, so that a person has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// What the program said, one line.
    pub text: String,
}

/// How an attempt's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Exited(i32),
    /// Ended by a signal that was not ours.
    Killed(i32),
    TimedOut,
    /// Ended by us because it printed and changed nothing for too long.
    Silent,
    /// Ended by us because the run was stopped.
    Stopped,
    /// Its program reached a usage limit, so the attempt does not count.
    Limited,
    /// Its supervisor vanished without a word.
    Lost,
    /// The agent was never launched.
    NotLaunched,
    /// Somebody outside did the work, and reported it.
    ByHand,
}

/// One launch of one agent for one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    pub stage: Stage,
    /// The integration tip that the work began from.
    pub base: Oid,
    /// Milliseconds since 1970.
    pub started: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The tip of the task's branch at its beginning: what a reviewer reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Oid>,
    /// The tip of the task's branch afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Oid>,
    /// Work that the agent had left uncommitted was committed for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub committed_for_agent: bool,
    /// A reviewer changed something; that was undone, and what it said does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undone: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// What a reviewer said of `tip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The program of the agent, without its arguments; `None` where none was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The model that the agent was told to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it used, where the agent's program says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What was seen at its end that decides nothing, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What was seen at its end that reviewers and a person should know, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
}

/// What is remembered of one task: one file in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// Where the task's branch was first cut; `None` before the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Absolute path of the task's worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
    /// What `retry -m` told the next attempts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The newest plan of the work, where one is made before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<Drawn>,
    /// Why its newest merge candidate was no good, where an agent is to mend that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_back: Option<Block>,
    /// The number of the last attempt when a person let the task run again; 0 before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retried_after: u32,
    /// The model, or the class of one, that a person chose with `retry`, instead of the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent that a person chose with `retry`: a preset's name or a shell command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub state: State,
    #[serde(default, rename = "attempt", skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// What the end of an attempt means for the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// This commit is to be merged.
    Ready(Oid),
    /// This stage is next, on this commit.
    Next {
        stage: Stage,
        commit: Oid,
    },
    Blocked(Block),
    /// The plan that was made is approved by itself: the work may begin.
    Approved,
    /// Nothing was decided: it begins again in the same worktree.
    Again,
    /// Nothing was decided, and nothing can be before a usage limit is over.
    Later(Pause),
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Stage {
    /// Returns the name, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Plan => "plan",
            Stage::Implement => "implement",
            Stage::SpecReview => "spec-review",
            Stage::QualityReview => "quality-review",
            Stage::Review => "review",
            Stage::FinalReview => "final-review",
            Stage::Fix => "fix",
            Stage::FixTests => "fix-tests",
            Stage::FixConflict => "fix-conflict",
        }
    }

    pub fn of_review(review: Review) -> Stage {
        match review {
            Review::Spec => Stage::SpecReview,
            Review::Quality => Stage::QualityReview,
            Review::Combined => Stage::Review,
            Review::Whole => Stage::FinalReview,
        }
    }

    /// Returns the review that this stage is; `None` where it is work.
    pub fn review(self) -> Option<Review> {
        match self {
            Stage::SpecReview => Some(Review::Spec),
            Stage::QualityReview => Some(Review::Quality),
            Stage::Review => Some(Review::Combined),
            Stage::FinalReview => Some(Review::Whole),
            Stage::Plan | Stage::Implement | Stage::Fix | Stage::FixTests | Stage::FixConflict => {
                None
            }
        }
    }

    /// Returns true where its agent changes files: it neither plans nor reads.
    pub fn is_work(self) -> bool {
        self.review().is_none() && self != Stage::Plan
    }

    /// Returns true where a task that waits may begin with it.
    pub fn begins(self) -> bool {
        matches!(self, Stage::Plan | Stage::Implement | Stage::FinalReview)
    }

    /// Returns true where the work is to mend a merge candidate that was no good.
    pub fn is_mending(self) -> bool {
        matches!(self, Stage::FixTests | Stage::FixConflict)
    }
}

impl State {
    pub fn is_done(&self) -> bool {
        matches!(self, State::Done { .. })
    }

    /// Returns what a person has to mend; `None` where the task is not blocked.
    pub fn block(&self) -> Option<&Block> {
        match self {
            State::Blocked(block) => Some(block),
            State::Waiting
            | State::Running { .. }
            | State::Pending { .. }
            | State::Merging { .. }
            | State::Paused { .. }
            | State::Done { .. } => None,
        }
    }

    /// Returns the wait for the end of a usage limit; `None` where the task is not paused.
    pub fn pause(&self) -> Option<&Pause> {
        match self {
            State::Paused { pause, .. } => Some(pause),
            State::Waiting
            | State::Running { .. }
            | State::Pending { .. }
            | State::Merging { .. }
            | State::Done { .. }
            | State::Blocked(_) => None,
        }
    }

    /// Returns the merge commit; `None` where the task is not done, or nothing had to be merged.
    pub fn merge(&self) -> Option<&Oid> {
        match self {
            State::Done { merge } => merge.as_ref(),
            State::Waiting
            | State::Running { .. }
            | State::Pending { .. }
            | State::Merging { .. }
            | State::Paused { .. }
            | State::Blocked(_) => None,
        }
    }

    /// Returns true while somebody outside works on the task, whom no process stands for.
    pub fn is_by_hand(&self) -> bool {
        matches!(self, State::Running { worker: None, .. })
    }

    pub fn is_blocked(&self) -> bool {
        matches!(self, State::Blocked(_))
    }

    /// Returns true while work of this task may not meet work on the same files.
    pub fn is_active(&self) -> bool {
        matches!(self, State::Running { .. } | State::Pending { .. } | State::Merging { .. })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Running { stage, .. } => write!(f, "running ({})", stage.name()),
            State::Pending { stage, .. } => write!(f, "next ({})", stage.name()),
            State::Blocked(block) => write!(f, "blocked ({})", block.reason),
            State::Paused { stage, .. } => write!(f, "paused ({})", stage.name()),
            State::Waiting | State::Merging { .. } | State::Done { .. } => {
                f.write_str(self.status().name())
            }
        }
    }
}

impl Reason {
    /// Every reason there is.
    pub const ALL: [Reason; 12] = [
        Reason::Conflict,
        Reason::Tests,
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
    ];

    /// Returns the name, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Conflict => "conflict",
            Reason::Tests => "tests",
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
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Block {
    /// Returns a block that needs no more than a sentence.
    pub fn new(reason: Reason, text: impl Into<String>) -> Block {
        Block {
            reason,
            text: text.into(),
            files: Vec::new(),
            against: None,
            with: Vec::new(),
            command: None,
            brought: None,
            url: None,
            unopened: None,
            rules: Vec::new(),
            moved: Vec::new(),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Exited(code) => write!(f, "exit {code}"),
            Ending::Killed(signal) => write!(f, "killed by signal {signal}"),
            Ending::TimedOut => write!(f, "timed out"),
            Ending::Silent => write!(f, "silent for too long"),
            Ending::Stopped => write!(f, "stopped"),
            Ending::Limited => write!(f, "usage limit"),
            Ending::Lost => write!(f, "lost"),
            Ending::NotLaunched => write!(f, "not launched"),
            Ending::ByHand => write!(f, "reported by hand"),
        }
    }
}

impl Record {
    /// Returns the newest attempt.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Returns true where something happened since the record was as it was before; a short attempt
    /// may have begun and ended, and left the state as it had been.
    pub fn went_on_since(&self, before: &Record) -> bool {
        self.state != before.state || self.attempts.len() != before.attempts.len()
    }

    /// Returns what the next attempt at a task is for.
    pub fn next_stage(&self, task: &Task) -> Stage {
        match self.pending() {
            Some((stage, _)) => stage,
            None if task.final_review => Stage::FinalReview,
            None if task.plan_first && !self.is_approved() => Stage::Plan,
            None => Stage::Implement,
        }
    }

    /// Returns the number that the next attempt will have.
    pub fn next_attempt(&self) -> u32 {
        self.last_attempt().map_or(1, |attempt| attempt.number + 1)
    }

    /// Returns how many attempts came to something; what a usage limit ended did not.
    pub fn spent_attempts(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.ending != Some(Ending::Limited)).count()
    }

    /// Returns what its next attempt is for where that is settled, and the commit it begins on.
    pub fn pending(&self) -> Option<(Stage, Option<&Oid>)> {
        match &self.state {
            State::Pending { stage, commit } => Some((*stage, Some(commit))),
            State::Paused { stage, commit, .. } => Some((*stage, commit.as_ref())),
            State::Waiting
            | State::Running { .. }
            | State::Merging { .. }
            | State::Done { .. }
            | State::Blocked(_) => None,
        }
    }

    /// Returns the integration tip that the first attempt began from.
    pub fn base(&self) -> Option<&Oid> {
        self.attempts.first().map(|attempt| &attempt.base)
    }

    /// Returns the milliseconds spent in attempts; one that runs counts until `now`.
    pub fn spent(&self, now: i64) -> i64 {
        let length = |attempt: &Attempt| attempt.ended.unwrap_or(now) - attempt.started;
        self.attempts.iter().map(|attempt| length(attempt).max(0)).sum()
    }

    /// Returns what its attempts used, as far as their programs say so.
    pub fn usage(&self) -> Option<Usage> {
        report::sum(self.attempts.iter().filter_map(|attempt| attempt.usage))
    }
}
