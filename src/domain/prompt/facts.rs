//! What prompts are made of: the variables that templates know.
//!
//! Invariant: words only. The names of the fields are the names in the templates, and so part of
//! what a repository with templates of its own relies on.

use serde::Serialize;

/// The facts about a task that every prompt is made of.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct TaskFacts<'a> {
    pub run: &'a str,
    pub task: &'a str,
    pub title: &'a str,
    /// The task's own text.
    pub text: &'a str,
    pub branch: &'a str,
    pub integration: &'a str,
    /// The tasks whose work is in the worktree already.
    pub builds_on: Vec<Dependency<'a>>,
    /// Titles of the tasks that will build on this one.
    pub needed_by: Vec<&'a str>,
    /// What the task owns, by its own word.
    pub files: &'a [String],
    /// What must pass before the work is merged.
    pub tests: Vec<&'a str>,
    /// The absolute path of the file with the plan that was approved, where there is one.
    pub plan: Option<&'a str>,
    /// What to load first, for the role that the prompt is for.
    pub skills: &'a [String],
    /// What must be true when it is done, a line each that begins with its number: `#1 it logs in`.
    pub criteria: Vec<String>,
    /// How earlier attempts ended.
    pub notes: &'a [String],
    /// What a person decided.
    pub answers: &'a [String],
    /// What is of concern in the work so far.
    pub concerns: Vec<String>,
    /// The ticket that the task was made from: a path relative to the top level.
    pub ticket: Option<&'a str>,
    /// What the last review found, a line each.
    pub findings: Vec<String>,
    /// The last review that failed, in the reviewer's own words.
    pub review: String,
    /// Why the answer of the reviewer before did not count.
    pub unclear: Option<&'a str>,
    /// The conversation of whoever did the work goes on, so the text of the task is known there.
    pub resumed: bool,
    /// What the plan says for all tasks.
    pub preamble: Option<PlanContext<'a>>,
    /// The paths of the files in the worktree that tell agents how to work in this project.
    pub guides: &'a [String],
}

/// What a plan says outside its tasks.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct PlanContext<'a> {
    pub constraints: &'a str,
    /// The beginning of everything else.
    pub text: &'a str,
    /// The absolute path of the file with all of it, if `text` is not all.
    pub file: Option<&'a str>,
}

/// A task that this one builds on.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Dependency<'a> {
    pub id: &'a str,
    pub title: &'a str,
    /// What its text declares for those that build on it, indented by two; see [`super::declared`].
    pub interfaces: String,
    /// What its merge changed, or else what it says it owns.
    pub files: Vec<String>,
}

/// What a reviewer is given beside the facts: files in a folder, by name.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ReviewFiles {
    /// Absolute.
    pub folder: String,
    /// The text of the task.
    pub task: String,
    /// What the implementer said.
    pub report: String,
    /// All that was changed.
    pub diff: String,
    /// What was changed since the last review.
    pub fix: String,
}

/// A command that failed on a merge candidate.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct FailedTest<'a> {
    pub command: &'a str,
    /// What it printed; only the end of it is told.
    pub output: &'a str,
    /// The path of the file with all of it.
    pub log: &'a str,
}

/// A merge that git could not make.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Conflict<'a> {
    /// The id of the integration commit to merge.
    pub tip: &'a str,
    /// The paths in conflict.
    pub files: &'a [String],
    /// The tasks whose merges it conflicts with, where git can tell.
    pub others: &'a [TaskName<'a>],
}

/// What a planning agent is given beside the facts.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Planning<'a> {
    /// The absolute path of the file that it writes the plan to; without one the plan is the end
    /// of its final message.
    pub file: Option<&'a str>,
    /// The absolute path of the file with the plan before, which a person sent back.
    pub earlier: Option<&'a str>,
    /// The folders of the worktree that hold design documents.
    pub design_docs: &'a [String],
    /// The tool in which to look up libraries.
    pub library_docs: Option<&'a str>,
    /// The other tasks that are planned in the same run and not done, with the files that they name.
    pub others: &'a [Dependency<'a>],
}

/// All that a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct RunFacts<'a> {
    pub run: &'a str,
    /// What the run was started from: a branch or a commit.
    pub base: &'a str,
    pub integration: &'a str,
    /// The commit of the integration branch that is read.
    pub commit: &'a str,
    pub reading: RunFiles<'a>,
    pub tasks: Vec<TaskName<'a>>,
    /// What implementers had doubts about, a line each.
    pub concerns: &'a [String],
    /// What reviews found and left open, a line each.
    pub parked: &'a [String],
    /// What a person decided about tasks, a line each.
    pub answers: &'a [String],
    /// The last final review, if it failed, in the reviewer's own words.
    pub review: String,
    /// Where tasks that should agree do not, a line each.
    pub divergences: &'a [String],
    /// Why the answer of the reviewer before did not count.
    pub unclear: Option<&'a str>,
    /// What passes on the branch.
    pub tests: Vec<&'a str>,
    pub skills: &'a [String],
    pub preamble: Option<PlanContext<'a>>,
    pub guides: &'a [String],
}

/// The files that a final reviewer reads.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct RunFiles<'a> {
    /// Absolute.
    pub folder: &'a str,
    /// The name of the file with all that was changed.
    pub diff: &'a str,
    /// The name of the file with the texts of the tasks, and their plans.
    pub texts: Option<&'a str>,
    /// The name of the file with what was changed since the last review.
    pub fix: &'a str,
}

/// A task by name.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct TaskName<'a> {
    pub id: &'a str,
    pub title: &'a str,
}

/// The facts, and a test that failed.
#[derive(Serialize)]
pub(super) struct FixTestsPrompt<'a> {
    #[serde(flatten)]
    pub(super) facts: &'a TaskFacts<'a>,
    pub(super) failed: FailedTest<'a>,
}

/// The facts, and a conflict.
#[derive(Serialize)]
pub(super) struct FixConflictPrompt<'a> {
    #[serde(flatten)]
    pub(super) facts: &'a TaskFacts<'a>,
    pub(super) conflict: &'a Conflict<'a>,
}

/// The facts, and where a plan goes.
#[derive(Serialize)]
pub(super) struct PlanPrompt<'a> {
    #[serde(flatten)]
    pub(super) facts: &'a TaskFacts<'a>,
    pub(super) plan_file: Option<&'a str>,
    pub(super) earlier_plan: Option<&'a str>,
    pub(super) design_docs: &'a [String],
    pub(super) library_docs: Option<&'a str>,
    pub(super) others: &'a [Dependency<'a>],
}

/// The facts, and what a reviewer reads.
#[derive(Serialize)]
pub(super) struct ReviewPrompt<'a> {
    #[serde(flatten)]
    pub(super) facts: &'a TaskFacts<'a>,
    pub(super) kind: &'a str,
    pub(super) reading: &'a ReviewFiles,
}

/// All that a run did, and what the shared parts of templates are told that they are for.
#[derive(Serialize)]
pub(super) struct FinalReviewPrompt<'a> {
    #[serde(flatten)]
    pub(super) whole: &'a RunFacts<'a>,
    pub(super) kind: &'a str,
}
