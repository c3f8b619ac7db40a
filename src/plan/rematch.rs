//! Which task of a run each task of a changed plan is.
//!
//! Invariant: a written id names its task, whatever else changed. A task whose id is only its
//! heading's number is found by title and text: the number moves when a task is added in front. What
//! cannot be told is an error, because a wrong guess would skip work or do it twice.

use std::collections::{HashMap, HashSet};

use super::marks::without_ticks;
use crate::domain::plan::{Plan, Task, TaskId, slug};

/// Longest id that is made of a title.
const MAX_ID: usize = 40;

/// A task that the run has, or had before it was dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownTask<'a> {
    pub task: &'a Task,
    /// An attempt was made, so a different text is not simply a new wording.
    pub has_begun: bool,
    /// The run's plan does not have it any more.
    pub is_dropped: bool,
}

/// A task of the new plan that may be an earlier one or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnclearTask {
    /// The number in its heading, which is also the id of the earlier task.
    pub number: String,
    pub title: String,
    /// The earlier task's title.
    pub before: String,
}

/// Returns the plan with the ids that its tasks have in the run, or the tasks that are unclear;
/// `written` are the ids that the plan itself gives to tasks.
pub(crate) fn rematch(
    known: &[KnownTask<'_>],
    plan: Plan,
    written: &HashSet<TaskId>,
) -> Result<Plan, Vec<UnclearTask>> {
    let mut matching = Matching::new(known, &plan, written);
    let is_same_title = |one: &Task, other: &Task| one.title.eq_ignore_ascii_case(&other.title);
    // From certain to doubtful, since each match is lost for the steps below. Tasks that are equal
    // in title and text can change places without harm.
    matching.by(|one, other| is_same_title(one, other) && same_text(one, other), true);
    matching.by(is_same_title, false);
    // Tasks without a text would all be alike.
    matching.by(|one, other| !one.prompt.trim().is_empty() && same_text(one, other), false);
    let unclear = matching.by_number();
    if unclear.is_empty() { Ok(matching.rename(&plan)) } else { Err(unclear) }
}

fn same_text(one: &Task, other: &Task) -> bool {
    without_ticks(&one.prompt).trim() == without_ticks(&other.prompt).trim() && one.run == other.run
}

struct Matching<'a> {
    known: Vec<KnownTask<'a>>,
    new: Vec<&'a Task>,
    /// For tasks of the new plan, by their position: the id in the run.
    ids: HashMap<usize, TaskId>,
    /// The positions of known tasks that are matched.
    taken: HashSet<usize>,
}

impl<'a> Matching<'a> {
    fn new(known: &[KnownTask<'a>], plan: &'a Plan, written: &HashSet<TaskId>) -> Matching<'a> {
        let new: Vec<&Task> = plan.tasks.iter().collect();
        let is_written = |task: &Task| {
            written.contains(&task.id) || task.number.as_deref() != Some(task.id.as_str())
        };
        let taken: HashSet<&TaskId> =
            new.iter().filter(|task| is_written(task)).map(|task| &task.id).collect();
        // A written id is certain, so its task is no candidate for a match by title.
        let known = known.iter().filter(|it| !taken.contains(&it.task.id)).copied().collect();
        let ids = new.iter().enumerate().filter(|(_, task)| is_written(task));
        let ids = ids.map(|(at, task)| (at, task.id.clone())).collect();
        Matching { known, new, ids, taken: HashSet::new() }
    }

    fn open_new(&self) -> Vec<usize> {
        (0..self.new.len()).filter(|at| !self.ids.contains_key(at)).collect()
    }

    fn open_known(&self) -> impl Iterator<Item = usize> {
        (0..self.known.len()).filter(|at| !self.taken.contains(at))
    }

    fn set(&mut self, new: usize, known: usize) {
        self.taken.insert(known);
        self.ids.insert(new, self.known[known].task.id.clone());
    }

    /// Matches tasks that are alike: first those of one number, then the others, if there is one
    /// candidate alone or `any` of them will do.
    fn by(&mut self, is_alike: impl Fn(&Task, &Task) -> bool, any: bool) {
        let at_id: HashMap<&TaskId, usize> =
            self.known.iter().enumerate().map(|(at, it)| (&it.task.id, at)).collect();
        // The same number first, so that each of several equal tasks keeps its own.
        let same_id = self.open_new().into_iter().filter_map(|at| {
            let found = *at_id.get(&self.new[at].id)?;
            let is_open = !self.taken.contains(&found);
            let is_it = is_open && is_alike(self.new[at], self.known[found].task);
            is_it.then_some((at, found))
        });
        for (at, found) in same_id.collect::<Vec<_>>() {
            self.set(at, found);
        }
        for at in self.open_new() {
            let new = self.new[at];
            let alike = |it: &usize| is_alike(new, self.known[*it].task);
            let found: Vec<usize> = self.open_known().filter(alike).collect();
            // If two new tasks are like one old task, either of them may be it.
            let rivals =
                self.open_new().into_iter().filter(|other| is_alike(new, self.new[*other]));
            match found.as_slice() {
                [first, ..] if any || (found.len() == 1 && rivals.count() == 1) => {
                    self.set(at, *first);
                }
                _ => {}
            }
        }
    }

    /// Matches what is left by number, if nothing depends on it; returns what is unclear.
    fn by_number(&mut self) -> Vec<UnclearTask> {
        let mut unclear = Vec::new();
        for at in self.open_new() {
            let new = self.new[at];
            // A dropped task comes back by title or text, not because its number is used again.
            let has_number =
                |it: &usize| self.known[*it].task.id == new.id && !self.known[*it].is_dropped;
            let found = self.open_known().find(has_number);
            let Some(found) = found else { continue };
            let KnownTask { task, has_begun, .. } = self.known[found];
            // Both title and text differ: as another task it would get work that was done for this
            // one.
            if has_begun {
                let (number, title) = (new.id.to_string(), new.title.clone());
                unclear.push(UnclearTask { number, title, before: task.title.clone() });
            } else {
                self.set(at, found);
            }
        }
        unclear
    }

    /// Gives every task its id in the run, and a new task whose number is taken an id of its own.
    fn rename(&self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        // Ids of dropped tasks are used too: their branches may still exist.
        let in_run = self.known.iter().map(|it| &it.task.id).chain(self.ids.values());
        let mut used: HashSet<String> = in_run.map(|id| id.as_str().to_ascii_lowercase()).collect();
        let mut names: HashMap<TaskId, TaskId> = HashMap::new();
        for (at, task) in plan.tasks.iter().enumerate() {
            let id = match self.ids.get(&at) {
                Some(id) => id.clone(),
                None if used.contains(&task.id.as_str().to_ascii_lowercase()) => {
                    free_id(task, &used)
                }
                None => task.id.clone(),
            };
            used.insert(id.as_str().to_ascii_lowercase());
            names.insert(task.id.clone(), id);
        }
        let name = |id: &TaskId| names.get(id).unwrap_or(id).clone();
        for task in &mut plan.tasks {
            task.id = name(&task.id);
            task.depends_on.iter_mut().for_each(|id| *id = name(id));
        }
        plan
    }
}

/// Returns an unused id, made of the title.
fn free_id(task: &Task, used: &HashSet<String>) -> TaskId {
    let slug = slug(&task.title);
    let end = slug.char_indices().map(|(at, _)| at).nth(MAX_ID).unwrap_or(slug.len());
    let stem = match slug[..end].rfind('-').filter(|_| end < slug.len()) {
        Some(at) => slug[..at].to_owned(),
        None => slug[..end].to_owned(),
    };
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    let is_free = |id: &TaskId| !used.contains(&id.as_str().to_ascii_lowercase());
    let ids = std::iter::once(stem.clone()).chain(numbered).take(used.len() + 2);
    let mut ids = ids.filter_map(|id| TaskId::new(&id).ok()).filter(is_free);
    ids.next().unwrap_or_else(|| task.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Source, parse};

    /// A plan of a task for each `title: text`, numbered from 1; a title may begin with `id@`.
    fn plan(tasks: &[&str]) -> Plan {
        let task = |(number, text): (usize, &&str)| {
            let (title, body) = text.split_once(": ").unwrap_or((text, "work"));
            let (id, title) = match title.split_once('@') {
                Some((id, title)) => (format!("**id**: {id}\n"), title),
                None => (String::new(), title),
            };
            let after = if number > 1 { format!("[{}]", number - 1) } else { "[]".into() };
            format!("### Task {number}: {title}\n{id}**depends_on**: {after}\n\n{body}\n\n")
        };
        let text: String = (1..).zip(tasks).map(task).collect();
        parse(&Source { name: "p.md", bytes: text.as_bytes() }).expect("a plan").plan
    }

    fn known(task: &Task, has_begun: bool) -> KnownTask<'_> {
        KnownTask { task, has_begun, is_dropped: false }
    }

    /// Returns `id<-dependency` of each task after the change; `begun` are ids of the old plan.
    fn change(old: &[&str], begun: &[&str], new: &[&str]) -> Result<Vec<String>, Vec<UnclearTask>> {
        let old = plan(old);
        let known: Vec<KnownTask> =
            old.tasks.iter().map(|task| known(task, begun.contains(&task.id.as_str()))).collect();
        let written = new.iter().filter_map(|text| text.split_once('@'));
        let written = written.map(|(id, _)| TaskId::new(id).expect("an id")).collect();
        let plan = rematch(&known, plan(new), &written)?;
        let edge = |task: &Task| {
            let on: Vec<&str> = task.depends_on.iter().map(TaskId::as_str).collect();
            format!("{}<-{}", task.id, on.join(","))
        };
        Ok(plan.tasks.iter().map(edge).collect())
    }

    #[test]
    fn a_task_in_front_is_new_and_the_others_keep_their_ids() {
        let found = change(&["A: a", "B: b"], &["1", "2"], &["Setup: s", "A: a", "B: b"]);
        assert_eq!(found.expect("clear"), ["setup<-", "1<-setup", "2<-1"]);
        let again = plan(&["Setup: s", "A: a", "B: b"]);
        let mut run = again.clone();
        for (task, id) in run.tasks.iter_mut().zip(["setup", "1", "2"]) {
            task.id = TaskId::new(id).expect("an id");
        }
        let known: Vec<KnownTask> = run.tasks.iter().map(|task| known(task, true)).collect();
        let same = rematch(&known, again, &HashSet::new()).expect("clear");
        let ids: Vec<&str> = same.tasks.iter().map(|task| task.id.as_str()).collect();
        assert_eq!(ids, ["setup", "1", "2"], "the same plan once more changes nothing");
    }

    #[test]
    fn titles_and_texts_say_which_task_it_is() {
        for (new, ids) in [
            (vec!["B: b"], vec!["2<-"]),
            (vec!["B: b", "A: a"], vec!["2<-", "1<-2"]),
            (vec!["A: other", "B: b"], vec!["1<-", "2<-1"]),
            (vec!["X: x", "A: other", "B: b"], vec!["x<-", "1<-x", "2<-1"]),
            (vec!["New title: a", "B: b"], vec!["1<-", "2<-1"]),
            (vec!["A: a", "B: b", "C: c"], vec!["1<-", "2<-1", "3<-2"]),
        ] {
            assert_eq!(
                change(&["A: a", "B: b"], &["1", "2"], &new).expect("clear"),
                ids,
                "{new:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused_if_work_has_begun() {
        let old = ["A: a", "B: b"];
        assert_eq!(change(&old, &[], &["X: x", "B: b"]).expect("clear"), ["1<-", "2<-1"]);
        let unclear = change(&old, &["1"], &["X: x", "B: b"]).expect_err("unclear");
        let expected = UnclearTask { number: "1".into(), title: "X".into(), before: "A".into() };
        assert_eq!(unclear, [expected]);
        // A written id says which one it is.
        assert_eq!(change(&old, &["1"], &["1@X: x", "B: b"]).expect("clear"), ["1<-", "2<-1"]);
        assert_eq!(change(&old, &["1"], &["x@X: x", "B: b"]).expect("clear"), ["x<-", "2<-x"]);
    }

    #[test]
    fn written_ids_are_never_changed() {
        let old = ["a@A: a", "b@B: b"];
        let found = change(&old, &["a", "b"], &["b@A: a", "a@B: b", "c@C: c"]).expect("clear");
        assert_eq!(found, ["b<-", "a<-b", "c<-a"]);
    }

    #[test]
    fn a_number_of_a_dropped_task_is_free_for_nothing_else() {
        let (old, new) = (plan(&["A: a", "B: b"]), plan(&["A: a", "C: c"]));
        let mut known: Vec<KnownTask> = old.tasks.iter().map(|task| known(task, true)).collect();
        known[1].is_dropped = true;
        let ids = |new: Plan| {
            let plan = rematch(&known, new, &HashSet::new()).expect("clear");
            plan.tasks.iter().map(|task| task.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ids(new), ["1", "c"]);
        assert_eq!(ids(plan(&["A: a", "B: b"])), ["1", "2"]);
    }

    #[test]
    fn equal_tasks_keep_their_numbers() {
        let old = ["Test: t", "Test: t", "Test: t"];
        assert_eq!(change(&old, &["1"], &old).expect("clear"), ["1<-", "2<-1", "3<-2"]);
    }
}
