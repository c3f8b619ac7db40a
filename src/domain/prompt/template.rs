//! The prompt templates: their names, purposes and built-in texts.
//!
//! Invariant: every template renders with every set of its variables, and [`MEANINGS`] explains
//! each variable; tests hold that.

use crate::domain::review::Review;

/// The template of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Template {
    Plan,
    Implement,
    Resume,
    Settle,
    SpecReview,
    QualityReview,
    Review,
    ReReview,
    Fix,
    FixTests,
    FixConflict,
    FinalReview,
}

impl Template {
    /// All templates, in the order in which a task uses them.
    pub(crate) const ALL: [Template; 12] = [
        Template::Plan,
        Template::Implement,
        Template::Resume,
        Template::Settle,
        Template::SpecReview,
        Template::QualityReview,
        Template::Review,
        Template::ReReview,
        Template::Fix,
        Template::FixTests,
        Template::FixConflict,
        Template::FinalReview,
    ];

    /// Returns the name, which is also that of the file that replaces it, without `.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Template::Plan => "plan",
            Template::Implement => "implement",
            Template::Resume => "resume",
            Template::Settle => "settle",
            Template::SpecReview => "spec-review",
            Template::QualityReview => "quality-review",
            Template::Review => "review",
            Template::ReReview => "re-review",
            Template::Fix => "fix",
            Template::FixTests => "fix-tests",
            Template::FixConflict => "fix-conflict",
            Template::FinalReview => "final-review",
        }
    }

    /// Finds a template by its name.
    pub(crate) fn from_name(name: &str) -> Option<Template> {
        Template::ALL.into_iter().find(|template| template.name() == name)
    }

    /// Returns the template for the first review of this kind.
    pub(crate) fn of_review(review: Review) -> Template {
        match review {
            Review::Spec => Template::SpecReview,
            Review::Quality => Template::QualityReview,
            Review::Combined => Template::Review,
            Review::Whole => Template::FinalReview,
        }
    }

    /// Returns what the template is for, as in "For planning a task".
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Template::Plan => "planning a task, without writing code",
            Template::Implement => "doing a task",
            Template::Resume => "resuming a task after an interruption",
            Template::Settle => "settling the implementer's own doubts, before any review",
            Template::SpecReview => "reviewing the work against the text of the task",
            Template::QualityReview => "reviewing the quality of the code",
            Template::Review => "both reviews at once, if `reviews` is combined",
            Template::ReReview => "checking whether findings are fixed",
            Template::Fix => "fixing the findings of a review",
            Template::FixTests => "fixing a merge candidate on which a test failed twice",
            Template::FixConflict => "resolving a conflict on the branch of a task",
            Template::FinalReview => "reviewing the whole integration branch at the end of a run",
        }
    }

    /// Returns the built-in text.
    pub(super) fn built_in(self) -> &'static str {
        match self {
            Template::Plan => include_str!("text/plan.md"),
            Template::Implement => include_str!("text/implement.md"),
            Template::Resume => include_str!("text/resume.md"),
            Template::Settle => include_str!("text/settle.md"),
            Template::SpecReview => include_str!("text/spec-review.md"),
            Template::QualityReview => include_str!("text/quality-review.md"),
            Template::Review => include_str!("text/review.md"),
            Template::ReReview => include_str!("text/re-review.md"),
            Template::Fix => include_str!("text/fix.md"),
            Template::FixTests => include_str!("text/fix-tests.md"),
            Template::FixConflict => include_str!("text/fix-conflict.md"),
            Template::FinalReview => include_str!("text/final-review.md"),
        }
    }
}

/// The parts that templates share, with the name for `{% include %}`.
pub(super) const PIECES: [(&str, &str); 15] = [
    ("criteria", include_str!("text/piece/criteria.md")),
    ("fits", include_str!("text/piece/fits.md")),
    ("said", include_str!("text/piece/said.md")),
    ("answers", include_str!("text/piece/answers.md")),
    ("skills", include_str!("text/piece/skills.md")),
    ("project", include_str!("text/piece/project.md")),
    ("preamble", include_str!("text/piece/preamble.md")),
    ("task", include_str!("text/piece/task.md")),
    ("verify", include_str!("text/piece/verify.md")),
    ("rules", include_str!("text/piece/rules.md")),
    ("report", include_str!("text/piece/report.md")),
    ("reviewer", include_str!("text/piece/reviewer.md")),
    ("quality", include_str!("text/piece/quality.md")),
    ("reading", include_str!("text/piece/reading.md")),
    ("verdict", include_str!("text/piece/verdict.md")),
];

/// Returns the names of the shared parts.
pub(crate) fn parts() -> [&'static str; 15] {
    PIECES.map(|(name, _)| name)
}

/// What each variable holds, for the man page.
pub(crate) const MEANINGS: [(&str, &str); 37] = [
    ("run", "the name of the run"),
    ("task", "the id of the task"),
    ("title", "the title of the task"),
    ("text", "the whole text of the task"),
    ("branch", "the branch that the agent is on; when planning, the branch for the later work"),
    ("integration", "the integration branch"),
    (
        "builds_on",
        "a list of the tasks that this one builds on, each with id, title, interfaces (what its \
         text declares under Interfaces, indented) and files (which it changed)",
    ),
    ("needed_by", "a list of the titles of the tasks that will build on this one"),
    ("files", "a list of the files that the task declares"),
    ("tests", "a list of the commands that must pass"),
    ("plan", "the file with the approved task plan; none if there is none"),
    ("skills", "a list of the skills to load, from the setting of the role"),
    ("criteria", "a list of the acceptance criteria, each with its number"),
    ("notes", "a list of notes on how earlier attempts ended"),
    ("answers", "a list of what a person decided with `retry -m` and `approve -m`"),
    ("ticket", "the ticket that the task was made from; none if there is none"),
    ("findings", "a list of the findings of the last review, one line each"),
    ("review", "the last review, if it failed, in the reviewer's own words; else empty"),
    ("unclear", "why the previous reviewer's answer did not count; none if it did"),
    ("resumed", "true if the conversation is resumed, so that it already has the text of the task"),
    ("kind", "the kind of review: spec, quality, combined or final"),
    (
        "reading",
        "what a reviewer reads: folder (an absolute path) and the names of the files in it: task, \
         report, diff and fix (the changes since the last review); in a final review: diff, \
         texts (of the tasks; may be none) and fix",
    ),
    (
        "failed",
        "the failed test: command, output (its last lines) and log (the file with all of it)",
    ),
    (
        "conflict",
        "the conflict: tip (the commit to merge), files (a list) and others (a list of the tasks \
         that it conflicts with, each with id and title)",
    ),
    ("plan_file", "the file to write the task plan to; none if the final message is the task plan"),
    ("earlier_plan", "the file with the previous task plan, if it was sent back"),
    ("base", "the branch or commit that the run started from"),
    ("commit", "the commit of the integration branch to review"),
    ("tasks", "a list of the tasks of the run, each with id and title"),
    ("concerns", "a list of concerns about the work, from its agents and from how they ended"),
    ("parked", "a list of findings that reviews left open"),
    (
        "preamble",
        "what the plan says outside its tasks: constraints (all of them), text (the beginning of \
         the rest) and file (with all of it, if text is not all); none if there is nothing",
    ),
    ("guides", "a list of the project's files for agents, such as CLAUDE.md"),
    ("design_docs", "a list of the folders with design documents"),
    ("library_docs", "the tool in which to look up libraries, from `docs`; none if it is not set"),
    (
        "others",
        "a list of the other tasks that are planned in the run and not done, each with id, title and \
         files (which it names)",
    ),
    ("divergences", "a list of differences in style between tasks"),
];
