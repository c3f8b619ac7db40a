//! The life of one task: its state, its events, and its record.
//!
//! Invariant: a state changes only in [`Record::apply`], which is total: an event that does not fit
//! the state is [`IllegalEvent`], never ignored. Nothing here uses git, files or the clock; ids and
//! times come with the events. `ready` is derived from the other tasks (see `snapshot`) and never
//! stored.

mod apply;
mod blueprint;
mod concern;
pub(crate) mod conflict;
pub(crate) mod event;
mod outside_change;
mod pull_request;
mod reason;
mod status;

pub(crate) use apply::IllegalEvent;
pub(crate) use blueprint::BlueprintRecord;
pub(crate) use concern::ConcernKind;
pub(crate) use conflict::HiddenConflict;
pub(crate) use event::{AttemptEnd, AttemptStart, Event, RepairRequest};
pub(crate) use outside_change::OutsideChange;
pub(crate) use pull_request::{Obstacle, PullRequest, PullRequestFailure};
pub use reason::Reason;
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
    /// Writing the blueprint, before any of the work.
    Plan,
    Implement,
    SpecReview,
    QualityReview,
    /// Both reviews by one reviewer.
    Review,
    /// The review of everything that was merged.
    FinalReview,
    /// Fixing the findings of a review.
    Fix,
    /// Fixing a merge candidate that failed the tests, starting from that candidate.
    FixTests,
    /// Resolving a conflict.
    FixConflict,
}

/// The process that owns an attempt: its supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    pub pid: u32,
    /// The start time of the process, in the system's own form; it distinguishes a reused pid.
    pub began: String,
}

/// Everything that the user needs to resolve a blocked task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub reason: Reason,
    /// One line that says what happened.
    pub text: String,
    /// The paths in conflict, or the paths changed outside of the worktree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What no file shows of a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Box<HiddenConflict>>,
    /// The integration commit that the task's branch did not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Oid>,
    /// The tasks that the conflict is with, if git can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// The test command that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The commit to merge, if it was fetched from a remote and is not in the task's branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<Oid>,
    /// The draft pull request that shows the conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Why there is no pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unopened: Option<Box<PullRequestFailure>>,
    /// The rules that would allow what the agent was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The stage that follows when the user accepts the files; `None` for the merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Stage>,
    /// The changes outside of the task's own branch and worktree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<OutsideChange>,
}

/// The state of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum State {
    /// Not started, or to be started again.
    #[default]
    Waiting,
    Running {
        stage: Stage,
        /// The supervisor; `None` if the work is done and reported by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker: Option<Worker>,
    },
    /// Between two stages: this stage starts from this commit as soon as there is a place.
    Pending {
        stage: Stage,
        commit: Oid,
    },
    /// Finished; its commit waits to be merged. `arrived` orders the queue (milliseconds).
    Merging {
        commit: Oid,
        arrived: i64,
    },
    /// `merge` is the merge commit; `None` if the work was in the branch already.
    Done {
        merge: Option<Oid>,
    },
    Blocked(Block),
    /// The agent's program reached a usage limit: this stage starts again when the limit is over.
    Paused {
        stage: Stage,
        /// The commit that the stage starts from, if it is fixed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<Oid>,
        #[serde(flatten)]
        pause: Pause,
    },
}

/// A wait for the end of a usage limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Milliseconds since 1970; `None` if the program named no time, so that the user must resume
    /// the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// The program's message, one line.
    pub text: String,
}

/// How an attempt's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Exited(i32),
    /// Ended by a signal that this program did not send.
    Killed(i32),
    TimedOut,
    /// Ended by the supervisor, because it printed and changed nothing for too long.
    Silent,
    /// Ended by the supervisor, because the run was stopped.
    Stopped,
    /// The program reached a usage limit, so the attempt does not count.
    Limited,
    /// The supervisor vanished without recording a result.
    Lost,
    /// The agent was never launched.
    NotLaunched,
    /// The work was done and reported by hand.
    ByHand,
}

/// One launch of one agent for one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    pub stage: Stage,
    /// The integration tip that the work started from.
    pub base: Oid,
    /// Milliseconds since 1970.
    pub started: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The tip of the task's branch at the start of the attempt, which is what a reviewer reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Oid>,
    /// The tip of the task's branch afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Oid>,
    /// Uncommitted changes of the agent were committed automatically.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub committed_for_agent: bool,
    /// A reviewer changed something: the change was undone, and its verdict does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undone: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// The reviewer's verdict on `tip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The program of the agent, without its arguments; `None` if no agent was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The model that the agent was launched with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens and cost, if the agent's program reports them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Observations at the end that decide nothing, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Observations at the end that the reviewers and the user should know, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
    /// The agent's final message about its work, for the reviewers; "" if its report says all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
}

/// The record of one task: one file in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The task's branch; `None` before the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Absolute path of the task's worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
    /// How earlier attempts ended, for the next ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a person decided with `retry -m` and `approve -m`, for everybody who acts on the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// The newest blueprint, if the task is planned first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprint: Option<BlueprintRecord>,
    /// Why the newest merge candidate failed, if an agent is to fix it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_back: Option<Block>,
    /// What a person should know of the merge, one sentence each: it is not signed, or its tests
    /// failed once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merge_remarks: Vec<String>,
    /// Doubtful files that the user accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// The number of the last attempt at the time of the last `retry`; 0 before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retried_after: u32,
    /// The model or model class that the user chose with `retry`, instead of the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent that the user chose with `retry`: a known name or a shell command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What the work had not passed when a person offered it for merging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    pub state: State,
    #[serde(default, rename = "attempt", skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// The consequence of an attempt's end for the task.
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
    /// The blueprint is approved automatically: the work may begin.
    Approved,
    /// Nothing is decided: the stage starts again in the same worktree.
    Again,
    /// Nothing is decided, and nothing can be before a usage limit is over.
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

    /// Returns the kind of review; `None` if the stage is not a review.
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

    /// Returns true if the agent changes files, that is, neither plans nor reviews.
    pub fn is_work(self) -> bool {
        self.review().is_none() && self != Stage::Plan
    }

    /// Returns true if a waiting task may start with this stage.
    pub fn begins(self) -> bool {
        matches!(self, Stage::Plan | Stage::Implement | Stage::FinalReview)
    }

    /// Returns true if the stage fixes a merge candidate.
    pub fn is_mending(self) -> bool {
        matches!(self, Stage::FixTests | Stage::FixConflict)
    }
}

impl State {
    pub fn is_done(&self) -> bool {
        matches!(self, State::Done { .. })
    }

    /// Returns why the task is blocked; `None` if it is not.
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

    /// Returns the wait for the end of a usage limit; `None` if the task is not paused.
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

    /// Returns the merge commit; `None` if the task is not done or was merged already.
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

    /// Returns true if the task is being done by hand, so that no process belongs to it.
    pub fn is_by_hand(&self) -> bool {
        matches!(self, State::Running { worker: None, .. })
    }

    pub fn is_blocked(&self) -> bool {
        matches!(self, State::Blocked(_))
    }

    /// Returns true if no other task may work on the same files now.
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

impl Block {
    /// Returns a block with nothing but a reason and a sentence.
    pub fn new(reason: Reason, text: impl Into<String>) -> Block {
        Block {
            reason,
            text: text.into(),
            files: Vec::new(),
            hidden: None,
            against: None,
            with: Vec::new(),
            command: None,
            brought: None,
            url: None,
            unopened: None,
            rules: Vec::new(),
            next: None,
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

    /// Returns true if something happened since `before`.
    ///
    /// The state alone does not show it: a short attempt may begin and end between two looks and
    /// leave the state as it was.
    pub fn went_on_since(&self, before: &Record) -> bool {
        self.state != before.state || self.attempts.len() != before.attempts.len()
    }

    /// Returns the stage of the task's next attempt.
    pub fn next_stage(&self, task: &Task) -> Stage {
        match self.pending() {
            Some((stage, _)) => stage,
            None if task.final_review => Stage::FinalReview,
            None if task.plan_first && !self.is_approved() => Stage::Plan,
            None => Stage::Implement,
        }
    }

    /// Returns the record of a task that its plan marks as done: done, unless it has begun.
    pub fn done_in_plan(self) -> Record {
        let is_new = self.state == State::Waiting && self.attempts.is_empty();
        if is_new { Record { state: State::Done { merge: None }, ..self } } else { self }
    }

    /// Returns the number that the next attempt will have.
    pub fn next_attempt(&self) -> u32 {
        self.last_attempt().map_or(1, |attempt| attempt.number + 1)
    }

    /// Returns the number of attempts that count; those that a usage limit ended do not.
    pub fn spent_attempts(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.ending != Some(Ending::Limited)).count()
    }

    /// Returns the stage of the next attempt and the commit that it starts from, if they are fixed.
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

    /// Returns the integration tip that the first attempt started from.
    pub fn base(&self) -> Option<&Oid> {
        self.attempts.first().map(|attempt| &attempt.base)
    }

    /// Returns the milliseconds spent in attempts; a running one counts until `now`.
    pub fn spent(&self, now: i64) -> i64 {
        let length = |attempt: &Attempt| attempt.ended.unwrap_or(now) - attempt.started;
        // The clock may have been set back.
        self.attempts.iter().map(|attempt| length(attempt).max(0)).sum()
    }

    /// Returns the usage of all attempts, as far as the agents' programs report it.
    pub fn usage(&self) -> Option<Usage> {
        report::sum(self.attempts.iter().filter_map(|attempt| attempt.usage))
    }
}
