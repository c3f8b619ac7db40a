//! What a supervisor needs to know: `spec.json` in the attempt's folder.
//!
//! Invariant: complete. A supervisor reads no setting and no plan, so a change of either after the
//! launch does not reach an attempt that is under way.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::agent::model::Class;
use crate::domain::config::LeftoverPolicy;
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::ownership::covers;
use crate::domain::policy::pipeline::Pipeline;
use crate::domain::report::Format;
use crate::domain::review::Review;
use crate::domain::task::Stage;

/// One attempt, as its supervisor sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub task: TaskSpec,
    pub place: PlaceSpec,
    pub launch: LaunchSpec,
    pub review: ReviewSpec,
}

/// What the attempt is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskSpec {
    pub run: String,
    pub id: TaskId,
    pub title: String,
    /// The attempt's number.
    pub attempt: u32,
    pub stage: Stage,
    /// The files that the task declares, or its plan.
    pub files: Vec<String>,
    /// What becomes of uncommitted files that it does not declare.
    #[serde(default)]
    pub leftovers: LeftoverPolicy,
    /// The ticket that the task was made from: a path relative to the top level.
    pub ticket: Option<String>,
    /// The ticket's acceptance criteria as the run knows them, by their numbers.
    pub criteria: Vec<(usize, String)>,
    /// The run sets the ticket to done, together with the work.
    pub sets_done: bool,
    /// A plan that the attempt writes needs no person's approval.
    pub approves: bool,
}

/// Where the attempt works.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlaceSpec {
    /// A directory from which git finds the repository.
    pub repository: PathBuf,
    pub integration: String,
    /// The branch that the run was started from.
    pub base_branch: String,
    pub branch: String,
    pub worktree: PathBuf,
    /// The commit that a stage after the first begins on.
    pub begins_on: Option<Oid>,
    /// The command that sets up a new worktree.
    pub setup: Option<String>,
    /// Seconds.
    pub setup_timeout: u64,
}

/// How the attempt is launched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LaunchSpec {
    pub mode: LaunchMode,
    /// The agent has the terminal, and a person answers its questions.
    pub terminal: bool,
    /// Empty if a person does the work.
    pub argv: Vec<String>,
    /// The command that continues an earlier conversation; its prompt is `resume.md`.
    pub resume: Option<Vec<String>>,
    pub format: Format,
    /// A `run` command of the plan, not an agent.
    pub is_command: bool,
    /// The name of the agent's program; `None` for a `run` command.
    pub agent: Option<String>,
    /// The name of the model that the agent is asked to use.
    pub model: Option<String>,
    /// The class that the model was chosen by; `None` if the plan names the model.
    pub class: Option<Class>,
    /// Seconds.
    pub timeout: u64,
    /// The agent is ended after this many seconds without output or change; 0 for never.
    pub idle: u64,
}

/// What follows the work, and what a reviewer reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReviewSpec {
    /// The reviews of the task, in order.
    pub reviews: Vec<Review>,
    /// How often reviews may send the task back.
    pub rounds: u32,
    /// The commit that the run began on, for the review of the whole branch.
    pub run_base: Option<Oid>,
    /// The commit that the same review has read before.
    pub read_before: Option<Oid>,
}

/// Who does the work, and in which worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LaunchMode {
    /// A process, in the task's own worktree.
    Apart,
    /// A process that runs alone, in the integration checkout.
    Alone,
    /// A person or a foreign agent, in the task's own worktree; nothing is launched.
    ByHand,
}

impl TaskSpec {
    /// Returns true if the task declares a path, or a folder or pattern around it.
    pub(crate) fn declares(&self, path: &str) -> bool {
        covers(&self.files, path)
    }
}

impl Spec {
    pub(crate) fn pipeline(&self) -> Pipeline<'_> {
        Pipeline { reviews: &self.review.reviews, rounds: self.review.rounds }
    }

    /// Returns true if the attempt runs alone, in the integration checkout.
    pub(crate) fn is_alone(&self) -> bool {
        self.launch.mode == LaunchMode::Alone
    }

    /// Returns the merge candidate that the attempt is to fix.
    pub(crate) fn candidate(&self) -> Option<&Oid> {
        self.place.begins_on.as_ref().filter(|_| self.task.stage == Stage::FixTests)
    }
}
