//! What differs between the plan that a run has and another one.
//!
//! Invariant: where a task stands in its file, its number and the space behind its text mean
//! nothing; whatever else differs is told, once.

use similar::TextDiff;

use crate::domain::plan::{Plan, Task, TaskId};
use crate::domain::review;

/// The difference between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Change {
    pub added: Vec<TaskId>,
    pub dropped: Vec<TaskId>,
    /// Tasks that wait for others than before.
    pub edges: Vec<Edges>,
    /// Tasks whose text or settings differ.
    pub reworded: Vec<Reworded>,
}

/// What a task waited for, and what it waits for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edges {
    pub id: TaskId,
    pub before: Vec<TaskId>,
    pub after: Vec<TaskId>,
}

/// A task that reads otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reworded {
    pub id: TaskId,
    /// A unified diff of title, settings and text.
    pub diff: String,
}

impl Change {
    /// Compares the plan of a run with another one.
    pub(crate) fn between(old: &Plan, new: &Plan) -> Change {
        let missing_in = |tasks: &Plan, other: &Plan| {
            let gone = tasks.tasks.iter().filter(|task| other.task(&task.id).is_none());
            gone.map(|task| task.id.clone()).collect()
        };
        let both = || new.tasks.iter().filter_map(|task| Some((old.task(&task.id)?, task)));
        Change {
            added: missing_in(new, old),
            dropped: missing_in(old, new),
            edges: edges(old, new),
            reworded: both().filter_map(|(old, new)| reworded(old, new)).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Change::default()
    }
}

fn edges(old: &Plan, new: &Plan) -> Vec<Edges> {
    let before = old.edges();
    let changed = |(id, after): (TaskId, Vec<TaskId>)| {
        let (_, before) = before.iter().find(|(known, _)| *known == id)?.clone();
        let same = before.len() == after.len() && before.iter().all(|id| after.contains(id));
        (!same).then_some(Edges { id, before, after })
    };
    new.edges().into_iter().filter_map(changed).collect()
}

fn reworded(old: &Task, new: &Task) -> Option<Reworded> {
    let (before, after) = (as_text(old), as_text(new));
    if before == after {
        return None;
    }
    let (from, to) = (format!("{} (as the run has it)", old.id), format!("{} (now)", new.id));
    let diff = TextDiff::from_lines(&before, &after);
    let diff = diff.unified_diff().context_radius(3).header(&from, &to).to_string();
    Some(Reworded { id: new.id.clone(), diff })
}

/// Returns all that an agent or the program makes of a task, a line for each setting.
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
    text + "\n" + task.prompt.trim_end() + "\n"
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
    fn place_and_trailing_space_mean_nothing() {
        let one = plan(&task("a", "depends_on = []\nprompt = 'x'"));
        let other =
            plan(&format!("# moved\n\n{}", task("a", "depends_on = []\nprompt = \"x\\n\"")));
        assert!(Change::between(&one, &other).is_empty());
    }

    #[test]
    fn every_kind_of_change_is_told() {
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
        let change = Change::between(&plan(&old.concat()), &plan(&new.concat()));
        assert_eq!((ids(&change.added), ids(&change.dropped)), (vec!["d"], vec!["c"]));
        assert_eq!(
            (ids(&change.edges[0].before), ids(&change.edges[0].after)),
            (vec!["a"], vec!["d"])
        );
        assert_eq!((change.edges.len(), change.reworded.len()), (1, 1));
        assert!(change.reworded[0].diff.contains("-one\n+two\n"), "{}", change.reworded[0].diff);
    }

    #[test]
    fn a_plan_that_becomes_sequential_has_other_edges() {
        let old = plan(&[task("a", "depends_on = []"), task("b", "depends_on = []")].concat());
        let new = plan(&[task("a", ""), task("b", "")].concat());
        let change = Change::between(&old, &new);
        assert_eq!(change.edges.len(), 1);
        assert!(change.reworded.is_empty());
    }
}
