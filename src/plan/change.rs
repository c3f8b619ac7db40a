//! The difference between a run's plan and another plan.
//!
//! Invariant: a task's place in the file, its number, ticks and trailing space do not count as
//! differences; everything else does, once.

use similar::TextDiff;

use crate::domain::plan::{Plan, Preamble, Task, TaskId};
use crate::domain::review;
use crate::plan::marks;

/// The difference between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PlanChange {
    pub added: Vec<TaskId>,
    pub dropped: Vec<TaskId>,
    /// Tasks whose dependencies changed.
    pub edges: Vec<EdgeChange>,
    /// Tasks whose text or settings changed.
    pub reworded: Vec<TextChange>,
    /// Tasks that the plan now marks as done.
    pub marked: Vec<TaskId>,
    /// Tasks that the plan no longer marks as done.
    pub unmarked: Vec<TaskId>,
    /// A unified diff of the preambles, if they differ.
    pub preamble: Option<String>,
}

/// The dependencies of a task before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EdgeChange {
    pub id: TaskId,
    pub before: Vec<TaskId>,
    pub after: Vec<TaskId>,
}

/// A task whose text or settings changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextChange {
    pub id: TaskId,
    /// A unified diff of title, settings and text.
    pub diff: String,
}

impl PlanChange {
    /// Compares the plan of a run with another plan.
    pub(crate) fn between(old: &Plan, new: &Plan) -> PlanChange {
        let missing_in = |tasks: &Plan, other: &Plan| {
            let gone = tasks.tasks.iter().filter(|task| other.task(&task.id).is_none());
            gone.map(|task| task.id.clone()).collect()
        };
        let id_of = |(_, task): (&Task, &Task)| task.id.clone();
        let both = || new.tasks.iter().filter_map(|task| Some((old.task(&task.id)?, task)));
        PlanChange {
            added: missing_in(new, old),
            dropped: missing_in(old, new),
            edges: edges(old, new),
            reworded: both().filter_map(|(old, new)| reworded(old, new)).collect(),
            marked: both().filter(|(old, new)| !old.done && new.done).map(id_of).collect(),
            unmarked: both().filter(|(old, new)| old.done && !new.done).map(id_of).collect(),
            preamble: diff_of_preambles(old, new),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == PlanChange::default()
    }
}

fn diff_of_preambles(old: &Plan, new: &Plan) -> Option<String> {
    let whole = |plan: &Plan| plan.preamble.as_ref().map(Preamble::whole).unwrap_or_default();
    let (before, after) = (whole(old), whole(new));
    let diff = TextDiff::from_lines(&before, &after);
    let mut diff = diff.unified_diff();
    let diff = diff.context_radius(3).header("preamble (in the run)", "preamble (now)");
    (old.preamble != new.preamble).then(|| diff.to_string())
}

fn edges(old: &Plan, new: &Plan) -> Vec<EdgeChange> {
    let before = old.edges();
    let changed = |(id, after): (TaskId, Vec<TaskId>)| {
        let (_, before) = before.iter().find(|(known, _)| *known == id)?.clone();
        // The order in which a task names its dependencies means nothing.
        let same = before.len() == after.len() && before.iter().all(|id| after.contains(id));
        (!same).then_some(EdgeChange { id, before, after })
    };
    new.edges().into_iter().filter_map(changed).collect()
}

fn reworded(old: &Task, new: &Task) -> Option<TextChange> {
    let (before, after) = (as_text(old), as_text(new));
    if before == after {
        return None;
    }
    let (from, to) = (format!("{} (in the run)", old.id), format!("{} (now)", new.id));
    let diff = TextDiff::from_lines(&before, &after);
    let diff = diff.unified_diff().context_radius(3).header(&from, &to).to_string();
    Some(TextChange { id: new.id.clone(), diff })
}

/// Returns everything about a task that changes how it is run: title, settings and text, one line
/// for each setting.
fn as_text(task: &Task) -> String {
    let mut text = format!("title: {}\n", task.title);
    let mut put = |key: &str, value: Option<String>| {
        text.extend(value.map(|value| format!("{key}: {value}\n")));
    };
    let list = |paths: &[String]| (!paths.is_empty()).then(|| paths.join(", "));
    put("parallel_safe", (!task.parallel_safe).then(|| "false".into()));
    put("files", list(&task.files));
    put("reads", list(&task.reads));
    put("run", task.run.clone());
    put("agent", task.agent.clone());
    put("model", task.model.clone());
    put("test", task.test.clone());
    put("timeout", task.timeout.map(|seconds| format!("{seconds}s")));
    for criterion in &task.criteria {
        put("criterion", Some(format!("#{} {}", criterion.index, criterion.text)));
    }
    put("reviews", task.reviews.as_deref().map(review::words));
    // A plan that is worked through gets ticks and loses trailing space, and stays the same work.
    text + "\n" + marks::without_ticks(&task.prompt).trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Source, parse};

    fn plan(text: &str) -> Plan {
        parse(&Source { name: "p.toml", bytes: text.as_bytes() }).expect("sound").plan
    }

    fn task(id: &str, more: &str) -> String {
        format!("[[task]]\nid = '{id}'\ntitle = 'Do {id}'\n{more}\n")
    }

    fn ids(ids: &[TaskId]) -> Vec<&str> {
        ids.iter().map(TaskId::as_str).collect()
    }

    #[test]
    fn position_and_trailing_space_do_not_count() {
        let one = plan(&task("a", "depends_on = []\nprompt = 'x'"));
        let other =
            plan(&format!("# moved\n\n{}", task("a", "depends_on = []\nprompt = \"x\\n\"")));
        assert!(PlanChange::between(&one, &other).is_empty());
    }

    #[test]
    fn a_tick_is_no_change_of_a_text_and_a_done_task_is_one_of_its_own() {
        let text = |boxes: &str| {
            let more = format!("prompt = \"\"\"{boxes}\"\"\"");
            plan(&(task("a", &more) + &task("b", "prompt = 'x'")))
        };
        let (old, new) = (text("- [ ] One\n- [ ] Two"), text("- [x] One\n- [ ] Two"));
        assert!(PlanChange::between(&old, &new).is_empty());
        let done = plan(&(task("a", "done = true\nprompt = '- [x] One'") + &task("b", "")));
        let open = plan(&(task("a", "prompt = '- [ ] One'") + &task("b", "")));
        let change = PlanChange::between(&open, &done);
        assert_eq!((ids(&change.marked), change.reworded.len()), (vec!["a"], 0));
        assert_eq!(ids(&PlanChange::between(&done, &open).unmarked), ["a"]);
    }

    #[test]
    fn every_kind_of_change_is_reported() {
        let old = [
            task("a", "depends_on = []\nprompt = 'one'"),
            task("b", "depends_on = ['a']"),
            task("c", "depends_on = []"),
        ];
        let new = [
            task("a", "depends_on = []\nprompt = 'two'"),
            task("b", "depends_on = ['d']"),
            task("d", "depends_on = []"),
        ];
        let change = PlanChange::between(&plan(&old.concat()), &plan(&new.concat()));
        assert_eq!((ids(&change.added), ids(&change.dropped)), (vec!["d"], vec!["c"]));
        assert_eq!(
            (ids(&change.edges[0].before), ids(&change.edges[0].after)),
            (vec!["a"], vec!["d"])
        );
        assert_eq!((change.edges.len(), change.reworded.len()), (1, 1));
        assert!(change.reworded[0].diff.contains("-one\n+two\n"), "{}", change.reworded[0].diff);
    }

    #[test]
    fn a_changed_preamble_is_a_change() {
        let with = |key: &str| plan(&format!("{key}\n{}", task("a", "prompt = 'x'")));
        let (old, new) = (with("preamble.constraints = 'Tabs'"), with("preamble.text = 'Tabs'"));
        let diff = PlanChange::between(&old, &new).preamble.expect("it differs");
        assert!(diff.contains("-## Constraints\n-\n Tabs\n"), "{diff}");
        assert!(PlanChange::between(&old, &with("")).preamble.is_some());
        assert!(PlanChange::between(&old, &old).is_empty());
    }

    #[test]
    fn a_plan_that_becomes_sequential_has_changed_edges() {
        let old = plan(&[task("a", "depends_on = []"), task("b", "depends_on = []")].concat());
        let new = plan(&[task("a", ""), task("b", "")].concat());
        let change = PlanChange::between(&old, &new);
        assert_eq!(change.edges.len(), 1);
        assert!(change.reworded.is_empty());
    }
}
