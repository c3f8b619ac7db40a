//! What an agent is told: templates and facts in, text out.
//!
//! Invariant: pure, and the same text for the same facts. The whole text of the task is in what
//! an implementer is told, verbatim, or its conversation has it: no agent needs the plan.

mod after;
mod facts;
mod interfaces;
mod sample;
mod template;
mod template_set;

#[cfg(test)]
mod tests;

pub(crate) use after::{after, end_of_output};
pub(crate) use facts::{
    Conflict, Dependency, FailedTest, PlanContext, Planning, ReviewFiles, RunFacts, RunFiles,
    TaskFacts, TaskName,
};
pub(crate) use interfaces::declared;
pub(crate) use sample::variables;
pub(crate) use template::{MEANINGS, Template, parts};
pub(crate) use template_set::{FOLDER, TemplateError, Templates};

use crate::domain::review::Review;
use facts::{FinalReviewPrompt, FixConflictPrompt, FixTestsPrompt, PlanPrompt, ReviewPrompt};

/// Returns the prompt of an implementer.
pub(crate) fn implement(
    templates: &Templates,
    facts: &TaskFacts<'_>,
) -> Result<String, TemplateError> {
    templates.render(Template::Implement, facts)
}

/// Returns what an implementer is told whose conversation goes on after an interruption.
pub(crate) fn resume(
    templates: &Templates,
    facts: &TaskFacts<'_>,
) -> Result<String, TemplateError> {
    templates.render(Template::Resume, facts)
}

/// Returns what whoever settles the findings of a review is told.
///
/// Where `facts.resumed` says that the conversation of the implementer goes on, it is short; else
/// the whole text of the task is in it.
pub(crate) fn fix(templates: &Templates, facts: &TaskFacts<'_>) -> Result<String, TemplateError> {
    templates.render(Template::Fix, facts)
}

/// Returns the prompt of the implementer who settles its own doubts; short if `facts.resumed`.
pub(crate) fn settle(
    templates: &Templates,
    facts: &TaskFacts<'_>,
) -> Result<String, TemplateError> {
    templates.render(Template::Settle, facts)
}

/// Returns what whoever mends a merge candidate is told: `facts.branch` is at the candidate, in a
/// fresh worktree, and `failed` is what did not pass on it.
pub(crate) fn fix_tests(
    templates: &Templates,
    facts: &TaskFacts<'_>,
    failed: &FailedTest<'_>,
) -> Result<String, TemplateError> {
    let output = after::quoted_end(failed.output);
    let failed = FailedTest { output: &output, ..*failed };
    templates.render(Template::FixTests, &FixTestsPrompt { facts, failed })
}

/// Returns what whoever resolves a conflict is told, on the task's branch; it merges by itself.
pub(crate) fn fix_conflict(
    templates: &Templates,
    facts: &TaskFacts<'_>,
    conflict: &Conflict<'_>,
) -> Result<String, TemplateError> {
    templates.render(Template::FixConflict, &FixConflictPrompt { facts, conflict })
}

/// Returns what a planning agent is told, which writes no code and answers with the parts of a
/// blueprint.
///
/// Where `facts.resumed` says that its conversation goes on, the text of the task is left out.
pub(crate) fn plan(
    templates: &Templates,
    facts: &TaskFacts<'_>,
    planning: &Planning<'_>,
) -> Result<String, TemplateError> {
    let Planning { file: plan_file, earlier: earlier_plan, design_docs, library_docs, others } =
        *planning;
    let prompt = PlanPrompt { facts, plan_file, earlier_plan, design_docs, library_docs, others };
    templates.render(Template::Plan, &prompt)
}

/// Returns the prompt of a reviewer; where there are findings, of one that looks at these again.
pub(crate) fn review(
    templates: &Templates,
    facts: &TaskFacts<'_>,
    kind: Review,
    reading: &ReviewFiles,
) -> Result<String, TemplateError> {
    let template =
        if facts.findings.is_empty() { Template::of_review(kind) } else { Template::ReReview };
    templates.render(template, &ReviewPrompt { facts, kind: kind.word(), reading })
}

/// Returns the prompt of whoever reads all that a run did, from its base to its integration
/// branch. The answer has the form of any review.
pub(crate) fn final_review(
    templates: &Templates,
    whole: &RunFacts<'_>,
) -> Result<String, TemplateError> {
    templates
        .render(Template::FinalReview, &FinalReviewPrompt { whole, kind: Review::Whole.word() })
}
