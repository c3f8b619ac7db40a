//! Facts of no real task: what each template is checked with before anything depends on it.
//!
//! Invariant: the same structures as the real ones, once with everything in them and once with
//! as little as there may be.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::facts::{
    Conflict, Dependency, FailedTest, FinalReviewPrompt, FixConflictPrompt, FixTestsPrompt,
    PlanContext, PlanPrompt, ReviewFiles, ReviewPrompt, RunFacts, RunFiles, TaskFacts, TaskName,
};
use super::template::Template;

/// Returns the names of the variables that a template is told, sorted.
pub(crate) fn variables(template: Template) -> Vec<String> {
    // The bare facts have every name too, with nothing in it.
    let bare = all(template).remove(0);
    let mut names: Vec<String> =
        bare.try_iter().into_iter().flatten().map(|name| name.to_string()).collect();
    names.sort_unstable();
    names
}

/// Returns the facts that a template is checked with.
pub(super) fn all(template: Template) -> Vec<Value> {
    let names = ["a".to_owned(), "b".to_owned()];
    [false, true].map(|full| facts_for(template, full, if full { &names } else { &[] })).into()
}

fn facts_for(template: Template, full: bool, names: &[String]) -> Value {
    let facts = &facts(full, names);
    let word = |word: &'static str| full.then_some(word);
    match template {
        Template::Implement | Template::Resume | Template::Settle | Template::Fix => value(facts),
        Template::Plan => value(&PlanPrompt {
            facts,
            plan_file: word("plan.md"),
            earlier_plan: word("before.md"),
            design_docs: names,
            library_docs: word("context7"),
            others: &facts.builds_on,
        }),
        Template::SpecReview => reviewed(facts, "spec"),
        Template::QualityReview => reviewed(facts, "quality"),
        Template::Review | Template::ReReview => reviewed(facts, "combined"),
        Template::FixTests => value(&FixTestsPrompt { facts, failed: FailedTest::default() }),
        Template::FixConflict => {
            let others = [TaskName { id: "api", title: "HTTP API" }];
            let others = if full { others.as_slice() } else { &[] };
            value(&FixConflictPrompt {
                facts,
                conflict: &Conflict { tip: "0f", files: names, others },
            })
        }
        Template::FinalReview => {
            let tasks = full.then_some(TaskName { id: "api", title: "HTTP API" });
            let whole = RunFacts {
                reading: RunFiles { texts: word("tasks.md"), ..RunFiles::default() },
                tasks: tasks.into_iter().collect(),
                concerns: names,
                parked: names,
                answers: names,
                review: if full { "text".into() } else { String::new() },
                divergences: names,
                unclear: Some("text"),
                tests: word("make test").into_iter().collect(),
                skills: names,
                preamble: full.then(context),
                guides: names,
                ..RunFacts::default()
            };
            value(&FinalReviewPrompt { whole: &whole, kind: "final" })
        }
    }
}

fn facts(full: bool, names: &[String]) -> TaskFacts<'_> {
    let earlier = Dependency {
        id: "model",
        title: "User model",
        interfaces: "  `find(id)`".into(),
        files: names.to_vec(),
    };
    TaskFacts {
        run: "auth",
        task: "api",
        title: "HTTP API",
        text: "Write it.",
        branch: "feat/task-api",
        integration: "feat/auth",
        builds_on: full.then_some(earlier).into_iter().collect(),
        needed_by: full.then_some("User interface").into_iter().collect(),
        files: names,
        tests: full.then_some("make test").into_iter().collect(),
        plan: full.then_some("/r/plan.md"),
        skills: names,
        criteria: names.to_vec(),
        notes: names,
        answers: names,
        concerns: names.to_vec(),
        ticket: full.then_some("backlog/tasks/a.md"),
        findings: names.to_vec(),
        review: "text".into(),
        unclear: Some("text"),
        resumed: full,
        preamble: full.then(context),
        guides: names,
    }
}

fn context() -> PlanContext<'static> {
    PlanContext { constraints: "- Tabs", text: "**Goal:** x", file: Some("/r/preamble.md") }
}

fn reviewed(facts: &TaskFacts<'_>, kind: &str) -> Value {
    value(&ReviewPrompt { facts, kind, reading: &ReviewFiles::default() })
}

fn value(facts: &impl Serialize) -> Value {
    Value::from(Serde(facts))
}
