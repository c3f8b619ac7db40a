//! A plan: the tasks and their edges as the author wrote them.
//!
//! Invariant: a [`Plan`] that exists is sound. Ids are unique and fit for a branch name, every
//! dependency names a task, and there is no cycle. The layer [`plan`](crate::plan) makes plans
//! from text and reports everything that is wrong with it.

pub(crate) mod dag;
pub(crate) mod id;
pub(crate) mod name;
pub(crate) mod paths;
pub(crate) mod value;

pub(crate) use id::{IdError, TaskId};
pub use name::slug;

use serde::{Deserialize, Serialize};

use crate::domain::review::Review;

/// How the edges of a plan were meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// At least one task says what it depends on; the others depend on nothing.
    Dag,
    /// No task says anything about dependencies: one after another, as written.
    Sequential,
}

/// The tasks of a plan, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The slug that names the run: `name` in TOML, else the file's stem without a leading date.
    pub name: String,
    pub mode: Mode,
    pub tasks: Vec<Task>,
}

/// One unit of work: one branch, one worktree, one merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub id: TaskId,
    /// The number in the heading (`3`, `1.2`, `8b`); `None` for TOML.
    pub number: Option<String>,
    pub title: String,
    /// As written; empty in sequential mode, where [`Plan::edges`] adds the chain.
    pub depends_on: Vec<TaskId>,
    pub parallel_safe: bool,
    /// Paths that the task says it writes, relative to the top level, in order, without repeats.
    pub files: Vec<String>,
    /// Paths that the task says it only reads.
    pub reads: Vec<String>,
    /// The text that an agent is given; for Markdown the body of the task, verbatim.
    pub prompt: String,
    /// A shell command that does the task instead of an agent.
    pub run: Option<String>,
    pub model: Option<String>,
    /// A preset's name or a shell command line.
    pub agent: Option<String>,
    /// A shell command that must pass, besides the run's own test, before the task is merged.
    pub test: Option<String>,
    /// Limit for one attempt, in seconds.
    pub timeout: Option<u64>,
    /// Before the work somebody plans it, and a person approves that plan.
    pub plan_first: bool,
    /// What must be true when it is done, where its ticket lists that.
    pub criteria: Vec<Criterion>,
    /// The ticket it was made of: a path relative to the top level.
    pub ticket: Option<String>,
    /// It reviews all that the others did, and fixes what it finds.
    pub final_review: bool,
    /// The reviews that it goes through, in order, instead of those of the settings.
    pub reviews: Option<Vec<Review>>,
    /// Line of the task's heading or table in the plan file, counted from 1.
    pub line: usize,
}

/// Something that must be true when a task is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Criterion {
    /// Its place in the list, counted from 1.
    pub index: usize,
    pub text: String,
    /// Somebody has found it to be true.
    pub checked: bool,
}

impl Plan {
    /// Returns every task with what it waits for, in plan order: the edges as written,
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
