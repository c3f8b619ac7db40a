//! The final review: a last task that reviews everything a run has merged, and fixes what the
//! review finds.
//!
//! Invariant: it waits for every other task and is made from the plan alone, so the same plan
//! always ends with the same task.

use std::collections::HashSet;

use super::draft::{self, Draft};
use crate::domain::plan::{Mode, Plan, Task, TaskId};

/// A final review is added only if agents do at least this many tasks. A single one was reviewed as
/// a whole already.
const MIN_TASKS: usize = 2;

const PROMPT: &str = "Fix what the final review of the whole branch found. Each task was reviewed on \
its own before; this review is about how they fit together.\n";

impl Plan {
    /// Returns the plan with a final review added, unless it has one or is too small for one.
    pub fn with_final_review(self) -> Plan {
        let by_agents = self.tasks.iter().filter(|task| task.run.is_none()).count();
        if self.final_review().is_some() || by_agents < MIN_TASKS {
            self
        } else {
            self.add_final_review()
        }
    }

    /// Returns the plan of a run in which these final reviews are done: they stay, and if they did
    /// not cover the whole plan, another one is added after them.
    pub fn with_final_reviews(mut self, done: Vec<Task>, cover_all: bool) -> Plan {
        if self.final_review().is_some() || done.is_empty() {
            return self.with_final_review();
        }
        let ids: Vec<TaskId> = self.tasks.iter().chain(&done).map(|task| task.id.clone()).collect();
        self.tasks.extend(done.into_iter().map(|mut task| {
            // The plan may have dropped a task that the earlier review waited for.
            task.depends_on.retain(|id| ids.contains(id));
            task
        }));
        if cover_all { self } else { self.add_final_review() }
    }

    fn add_final_review(mut self) -> Plan {
        let Some(id) = self.free_id() else { return self };
        // An edge would make a graph of a sequential plan, whose last task runs last anyway.
        let depends_on = match self.mode {
            Mode::Dag => self.sinks(),
            Mode::Sequential => Vec::new(),
        };
        let title = format!("Final review of {}", self.name);
        let draft = Draft { title, prompt: PROMPT.into(), final_review: true, ..Draft::default() };
        self.tasks.push(Task { depends_on, ..draft::task(draft, id) });
        self
    }

    /// Returns the plan with a plan stage before the work of each task that an agent does.
    pub fn with_planning(mut self) -> Plan {
        // A command has nothing to plan, and the final review looks at work that is there.
        let by_agent =
            self.tasks.iter_mut().filter(|task| task.run.is_none() && !task.final_review);
        by_agent.for_each(|task| task.plan_first = true);
        self
    }

    /// Returns the final review, if the plan has one.
    pub fn final_review(&self) -> Option<&Task> {
        self.tasks.iter().find(|task| task.final_review)
    }

    /// Returns an unused id for the final review.
    ///
    /// It begins with the run's name: the branch of a task is named after its id alone, so two runs
    /// must not give their final reviews the same id.
    fn free_id(&self) -> Option<TaskId> {
        let name = format!("{}-final-review", self.name);
        let is_free = |id: &TaskId| {
            !self.tasks.iter().any(|task| task.id.as_str().eq_ignore_ascii_case(id.as_str()))
        };
        let numbered = (2..).take(self.tasks.len()).map(|number| format!("{name}-{number}"));
        let ids = std::iter::once(name.clone()).chain(numbered);
        ids.filter_map(|id| TaskId::new(&id).ok()).find(is_free)
    }

    /// Returns the tasks that no other task depends on.
    fn sinks(&self) -> Vec<TaskId> {
        let waited_for: HashSet<&TaskId> =
            self.tasks.iter().flat_map(|task| &task.depends_on).collect();
        let ids = self.tasks.iter().map(|task| &task.id);
        ids.filter(|id| !waited_for.contains(id)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::plan::Plan;
    use crate::domain::plan::dag::Dag;
    use crate::plan::{Source, parse, toml};

    fn plan(text: &str) -> Plan {
        parse(&Source { name: "p.md", bytes: text.as_bytes() }).expect("a plan").plan
    }

    #[test]
    fn it_waits_for_every_other_task() {
        for on in ["**Depends on:** Task 1\n", ""] {
            let plan =
                plan(&format!("# Task 1: a\n\nx\n\n# Task 2: b\n{on}\ny\n\n# Task 3: c\n\nz\n"));
            let plan = plan.with_final_review();
            let last = plan.final_review().expect("it has one").id.clone();
            assert_eq!(last.as_str(), "p-final-review");
            let dag = Dag::new(&plan.edges()).expect("sound");
            assert_eq!(dag.layers().last().expect("a layer"), &vec![3]);
            assert_eq!(plan.clone().with_final_review(), plan, "there is one of it");
            let source = toml::write(&plan);
            let again = parse(&Source { name: "p.toml", bytes: source.as_bytes() });
            assert_eq!(again.expect("reads back").plan, plan);
        }
    }

    #[test]
    fn a_single_task_gets_no_final_review() {
        let one = plan("# Task 1: a\n\nx\n");
        assert_eq!(one.clone().with_final_review(), one);
    }

    #[test]
    fn its_id_is_unique() {
        let text = "# Task 1: a\n**id**: p-final-review\n\nx\n\n# Task 2: b\n\ny\n";
        let last = plan(text).with_final_review();
        assert_eq!(last.final_review().expect("it has one").id.as_str(), "p-final-review-2");
    }
}
