//! Tasks before they are checked, and the checks that make a [`Plan`] of them.
//!
//! Invariant: the only way to a [`Plan`]. Every check runs even if an earlier one failed, so that
//! all mistakes are reported at once.

use std::collections::HashMap;

use super::diagnostic::{Diagnostics, Spot};
use crate::domain::agent::model::is_name;
use crate::domain::plan::dag::{Dag, DagError};
use crate::domain::plan::name;
use crate::domain::plan::{Criterion, IdError, Mode, Plan, Task, TaskId};
use crate::domain::review::Review;
use crate::domain::text::nearest;

/// At most this many tasks; more are a mistake, since each task becomes a branch and a worktree.
pub(super) const MAX_TASKS: usize = 100_000;

/// At most this many unknown names get a suggestion: each one costs a pass over all ids.
const MAX_SUGGESTIONS: usize = 50;

/// A task as written, before it is checked against the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) id: Option<SourceText>,
    pub(super) number: Option<String>,
    pub(super) title: String,
    /// Ids; `None` if the task declares nothing about its dependencies.
    pub(super) depends_on: Option<Vec<SourceText>>,
    pub(super) parallel_safe: Option<bool>,
    /// Why it is not parallel safe, if the task itself says so.
    pub(super) alone_because: Option<String>,
    /// The plan marks it as done.
    pub(super) done: bool,
    pub(super) files: Vec<String>,
    pub(super) reads: Vec<String>,
    pub(super) prompt: String,
    pub(super) run: Option<String>,
    pub(super) model: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) test: Option<String>,
    pub(super) timeout: Option<u64>,
    pub(super) final_review: bool,
    pub(super) plan_first: bool,
    pub(super) reviews: Option<Vec<Review>>,
    pub(super) criteria: Vec<Criterion>,
    pub(super) ticket: Option<String>,
    /// The number of the file that holds it, if several files are read together.
    pub(super) file: usize,
    pub(super) line: usize,
}

/// A text and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceText {
    pub(super) text: String,
    pub(super) line: usize,
}

impl Draft {
    /// Returns the id as written, else the number in the heading.
    pub(super) fn id_text(&self) -> &str {
        let id = self.id.as_ref().map(|id| id.text.as_str());
        id.or(self.number.as_deref()).unwrap_or_default()
    }

    fn id_spot(&self) -> Spot {
        self.at(self.id.as_ref().map_or(self.line, |id| id.line))
    }

    pub(super) fn spot(&self) -> Spot {
        self.at(self.line)
    }

    pub(super) fn at(&self, line: usize) -> Spot {
        Spot { file: self.file, line }
    }
}

/// Checks the drafts and makes a plan of them; `None` if there is any mistake.
pub(super) fn plan(
    name: String,
    drafts: Vec<Draft>,
    diagnostics: &mut Diagnostics,
) -> Option<Plan> {
    if drafts.len() > MAX_TASKS {
        let message = format!("{} tasks are too many: a plan can have {MAX_TASKS}", drafts.len());
        diagnostics.error(drafts[MAX_TASKS].spot(), message, "split the plan");
        return None;
    }
    // An author who declares one dependency has thought about the order of all tasks.
    let is_dag = drafts.iter().any(|draft| draft.depends_on.is_some());
    let mode = if is_dag { Mode::Dag } else { Mode::Sequential };
    let ids = check_ids(&drafts, diagnostics);
    check_titles(&drafts, diagnostics);
    check_models(&drafts, diagnostics);
    check_edges(&drafts, &ids, diagnostics);
    // Only ids and edges that are sound make a plan.
    if diagnostics.has_errors() {
        return None;
    }
    let ids: Option<Vec<TaskId>> = ids.into_iter().collect();
    let tasks = drafts.into_iter().zip(ids?).map(|(draft, id)| task(draft, id)).collect();
    Some(Plan { name: name::slug(&name), mode, preamble: None, tasks })
}

/// Makes the task; its dependencies must be sound.
pub(super) fn task(draft: Draft, id: TaskId) -> Task {
    let depends_on = draft.depends_on.unwrap_or_default();
    let depends_on = depends_on.iter().filter_map(|name| TaskId::new(&name.text).ok());
    let is_written = |file: &String| draft.files.contains(file);
    let reads = draft.reads.iter().filter(|file| !is_written(file)).cloned();
    Task {
        id,
        number: draft.number,
        title: draft.title,
        depends_on: without_repeats(depends_on),
        parallel_safe: draft.parallel_safe.unwrap_or(true),
        done: draft.done,
        reads: without_repeats(reads),
        files: without_repeats(draft.files.into_iter()),
        prompt: draft.prompt,
        run: draft.run,
        model: draft.model,
        agent: draft.agent,
        test: draft.test,
        timeout: draft.timeout,
        plan_first: draft.plan_first,
        criteria: draft.criteria,
        ticket: draft.ticket,
        final_review: draft.final_review,
        reviews: draft.reviews,
        line: draft.line,
    }
}

fn without_repeats<T: Clone + Eq + std::hash::Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|item| seen.insert(item.clone())).collect()
}

/// Checks that no model's name is an option or several words, since the name becomes an argument of
/// the agent's command line.
fn check_models(drafts: &[Draft], diagnostics: &mut Diagnostics) {
    for draft in drafts {
        let Some(model) = draft.model.as_ref().filter(|model| !is_name(model)) else { continue };
        let message = format!("task `{}`: {model:?} is not a valid model name", draft.id_text());
        diagnostics.error(
            draft.spot(),
            message,
            "use cheap, standard, capable, or the name of a model",
        );
    }
}

/// Checks that every id is safe in a branch name and unique, also if case is ignored.
///
/// Case counts as equal because a branch is a file below `.git/refs`, and macOS and Windows would
/// give two ids that differ only in case the same file and the same worktree folder.
fn check_ids(drafts: &[Draft], diagnostics: &mut Diagnostics) -> Vec<Option<TaskId>> {
    let mut seen: HashMap<String, &Draft> = HashMap::new();
    let mut ids = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let text = draft.id_text();
        let id = TaskId::new(text);
        if let Err(why) = id {
            bad_id(draft, why, diagnostics);
        } else if let Some(first) = seen.get(&text.to_lowercase()) {
            repeated_id(draft, first, diagnostics);
        } else {
            seen.insert(text.to_lowercase(), draft);
        }
        ids.push(id.ok());
    }
    ids
}

fn bad_id(draft: &Draft, why: IdError, diagnostics: &mut Diagnostics) {
    let (text, spot) = (draft.id_text(), draft.id_spot());
    let message = format!("the id {text:?} cannot be part of a branch name: {why}");
    let better = name::slug(if text.is_empty() { &draft.title } else { text });
    diagnostics.error(spot, message, format!("use for example `{better}`"));
}

fn repeated_id(draft: &Draft, first: &Draft, diagnostics: &mut Diagnostics) {
    let (text, before) = (draft.id_text(), first.id_text());
    let (spot, first) = (draft.id_spot(), diagnostics.spot_text(first.id_spot()));
    if text == before {
        let message = format!("two tasks have the id `{text}`; the first is at {first}");
        diagnostics.error(spot, message, "give each task its own id: `**id**: name`");
    } else {
        let message = format!(
            "the ids `{before}` ({first}) and `{text}` differ only in case, \
             and would share one folder on some file systems"
        );
        diagnostics.error(spot, message, "give one of them another id");
    }
}

fn check_titles(drafts: &[Draft], diagnostics: &mut Diagnostics) {
    for draft in drafts.iter().filter(|draft| draft.title.is_empty()) {
        let message = format!("task `{}` has no title", draft.id_text());
        diagnostics.error(draft.spot(), message, "describe in a few words what the task does");
    }
}

/// Checks that every dependency is a task and that no task waits for itself, directly or not.
fn check_edges(drafts: &[Draft], ids: &[Option<TaskId>], diagnostics: &mut Diagnostics) {
    let mut spots: HashMap<&TaskId, Spot> = HashMap::new();
    for (id, draft) in ids.iter().zip(drafts) {
        if let Some(id) = id {
            spots.entry(id).or_insert(draft.spot());
        }
    }
    let mut suggestions = 0..MAX_SUGGESTIONS;
    let mut edges: Vec<(TaskId, Vec<TaskId>)> = Vec::new();
    let mut taken = std::collections::HashSet::new();
    for (draft, id) in drafts.iter().zip(ids) {
        let mut known = Vec::new();
        for name in draft.depends_on.iter().flatten() {
            match TaskId::new(&name.text).ok().filter(|id| spots.contains_key(id)) {
                Some(id) => known.push(id),
                None => {
                    unknown_dependency(
                        draft,
                        name,
                        drafts,
                        suggestions.next().is_some(),
                        diagnostics,
                    );
                }
            }
        }
        // Of two tasks with one id only the first is in the graph: `check_ids` has reported the
        // second.
        if let Some(id) = id.clone().filter(|id| taken.insert(id.clone())) {
            edges.push((id, known));
        }
    }
    for error in Dag::new(&edges).err().unwrap_or_default() {
        // Unknown names were reported above, with a suggestion and their own line.
        if let DagError::Cycle(path) = &error {
            let spot = path.first().and_then(|id| spots.get(id)).copied().unwrap_or_default();
            let remedy = "remove one of these dependencies (`a -> b` means: a depends on b)";
            diagnostics.error(spot, error.to_string(), remedy);
        }
    }
}

fn unknown_dependency(
    draft: &Draft,
    name: &SourceText,
    drafts: &[Draft],
    suggest: bool,
    diagnostics: &mut Diagnostics,
) {
    let message =
        format!("task `{}` depends on `{}`, but there is no such task", draft.id_text(), name.text);
    // No task depends on itself, so its own id is no suggestion, however near it is.
    let ids = || drafts.iter().map(Draft::id_text).filter(|id| *id != draft.id_text());
    let near = if suggest { nearest(&name.text, ids()) } else { None };
    let remedy = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if drafts.len() <= 12 => {
            format!(
                "the tasks are: {}",
                drafts.iter().map(Draft::id_text).collect::<Vec<_>>().join(", ")
            )
        }
        None => "use the id or the number of a task, or write `None`".to_owned(),
    };
    diagnostics.error(draft.at(name.line), message, remedy);
}
