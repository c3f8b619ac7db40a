//! A plan: the tasks and their dependencies as the author wrote them.
//!
//! Invariant: a [`Plan`] that exists is sound. Ids are unique and safe in a branch name, every
//! dependency names a task, and there is no cycle. The layer [`plan`](crate::plan) reads plans
//! from text and reports every mistake in it.

pub(crate) mod dag;
pub(crate) mod id;
pub(crate) mod name;
pub(crate) mod paths;
pub(crate) mod preamble;
pub(crate) mod value;

pub(crate) use id::{IdError, TaskId};
pub use name::slug;
pub(crate) use preamble::Preamble;

use serde::{Deserialize, Serialize};

use crate::domain::review::Review;

/// How the dependencies of a plan are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// At least one task declares its dependencies; the others depend on nothing.
    Dag,
    /// No task declares dependencies: the tasks run one after another, as written.
    Sequential,
}

/// The tasks of a plan, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The run's name, a slug: `name` in TOML, else the file's stem without a leading date.
    pub name: String,
    pub mode: Mode,
    /// What the plan says outside its tasks, for all of them.
    pub preamble: Option<Preamble>,
    pub tasks: Vec<Task>,
}

/// One unit of work: one branch, one worktree, one merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub id: TaskId,
    /// The number in the heading (`3`, `1.2`, `8b`); `None` for TOML.
    pub number: Option<String>,
    pub title: String,
    /// As written; empty in sequential mode, in which [`Plan::edges`] adds the chain.
    pub depends_on: Vec<TaskId>,
    pub parallel_safe: bool,
    /// The plan marks it as done: it does not run.
    pub done: bool,
    /// Paths that the task declares to write, relative to the top level, in order, without repeats.
    pub files: Vec<String>,
    /// Paths that the task declares to read only.
    pub reads: Vec<String>,
    /// The task's text in the agent's prompt; for Markdown the body of the task, verbatim.
    pub prompt: String,
    /// A shell command that does the work instead of an agent.
    pub run: Option<String>,
    pub model: Option<String>,
    /// A preset's name or a shell command line.
    pub agent: Option<String>,
    /// A shell command that must pass, besides the run's own test, before the task is merged.
    pub test: Option<String>,
    /// Time limit of one attempt, in seconds.
    pub timeout: Option<u64>,
    /// An agent first writes a task plan, and the user approves it, before the work begins.
    pub plan_first: bool,
    /// What must be true when the task is done, if its ticket lists that.
    pub criteria: Vec<Criterion>,
    /// The ticket that the task was made from: a path relative to the top level.
    pub ticket: Option<String>,
    /// The task reviews the work of all others and fixes what it finds.
    pub final_review: bool,
    /// The task's own reviews, in order, instead of those in the settings.
    pub reviews: Option<Vec<Review>>,
    /// Line of the task's heading or table in the plan file, counted from 1.
    pub line: usize,
}

/// Something that must be true when a task is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Criterion {
    /// The position in the list, counted from 1.
    pub index: usize,
    pub text: String,
    /// It was confirmed, by a reviewer or by the ticket's author.
    pub checked: bool,
}

impl Plan {
    /// Returns every task with the tasks it waits for, in plan order: the dependencies as written
    /// or, in sequential mode, a chain.
    pub fn edges(&self) -> Vec<(TaskId, Vec<TaskId>)> {
        let previous = std::iter::once(None).chain(self.tasks.iter().map(|t| Some(t.id.clone())));
        let chain = |before: Option<TaskId>| before.into_iter().collect();
        self.tasks
            .iter()
            .zip(previous)
            .map(|(task, before)| match self.mode {
                Mode::Dag => (task.id.clone(), task.depends_on.clone()),
                Mode::Sequential => (task.id.clone(), chain(before)),
            })
            .collect()
    }

    /// Returns the task with this id.
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| &task.id == id)
    }
}
