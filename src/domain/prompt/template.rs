//! The templates by name: what each is for, and the text that the program brings along.
//!
//! Invariant: every template renders with every set of its variables, and each variable has its
//! meaning in [`MEANINGS`]; tests hold that.

use crate::domain::review::Review;

/// A text that agents are given, with variables in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Template {
    Plan,
    Implement,
    Resume,
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
    /// All of them, in the order in which a task meets them.
    pub(crate) const ALL: [Template; 11] = [
        Template::Plan,
        Template::Implement,
        Template::Resume,
        Template::SpecReview,
        Template::QualityReview,
        Template::Review,
        Template::ReReview,
        Template::Fix,
        Template::FixTests,
        Template::FixConflict,
        Template::FinalReview,
    ];

    /// Returns the name: of the file that takes its place, without `.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Template::Plan => "plan",
            Template::Implement => "implement",
            Template::Resume => "resume",
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

    /// Returns the first review of this kind.
    pub(crate) fn of_review(review: Review) -> Template {
        match review {
            Review::Spec => Template::SpecReview,
            Review::Quality => Template::QualityReview,
            Review::Combined => Template::Review,
            Review::Whole => Template::FinalReview,
        }
    }

    /// Returns what it is for, for the man page.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Template::Plan => "planning a task, without writing code",
            Template::Implement => "doing a task",
            Template::Resume => "going on with a task after an interruption",
            Template::SpecReview => "reading the work against the text of the task",
            Template::QualityReview => "reading the quality of the code",
            Template::Review => "reading for both at once, where `reviews` is combined",
            Template::ReReview => "reading whether findings are settled",
            Template::Fix => "settling the findings of a review",
            Template::FixTests => "mending a merge candidate on which a test failed twice",
            Template::FixConflict => "resolving a conflict on the branch of a task",
            Template::FinalReview => "reading the whole integration branch at the end of a run",
        }
    }

    /// Returns the text that the program brings along.
    pub(super) fn built_in(self) -> &'static str {
        match self {
            Template::Plan => include_str!("text/plan.md"),
            Template::Implement => include_str!("text/implement.md"),
            Template::Resume => include_str!("text/resume.md"),
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

/// Parts that templates share, by the name that `{% include %}` takes.
pub(super) const PIECES: [(&str, &str); 11] = [
    ("criteria", include_str!("text/piece/criteria.md")),
    ("fits", include_str!("text/piece/fits.md")),
    ("said", include_str!("text/piece/said.md")),
    ("skills", include_str!("text/piece/skills.md")),
    ("task", include_str!("text/piece/task.md")),
    ("verify", include_str!("text/piece/verify.md")),
    ("rules", include_str!("text/piece/rules.md")),
    ("report", include_str!("text/piece/report.md")),
    ("reviewer", include_str!("text/piece/reviewer.md")),
    ("reading", include_str!("text/piece/reading.md")),
    ("verdict", include_str!("text/piece/verdict.md")),
];

/// Returns the names of the parts that templates share.
pub(crate) fn parts() -> [&'static str; 11] {
    PIECES.map(|(name, _)| name)
}

/// What each variable holds, in the words of the man page.
pub(crate) const MEANINGS: [(&str, &str); 28] = [
    ("run", "the name of the run"),
    ("task", "the id of the task"),
    ("title", "the title of the task"),
    ("text", "the whole text of the task"),
    ("branch", "the branch that the agent is on; in a plan, the one that the work will be on"),
    ("integration", "the integration branch"),
    (
        "builds_on",
        "a list of the tasks that this one builds on, each with id, title, interfaces (what its \
         text declares under Interfaces, in lines that are indented) and files (those it changed)",
    ),
    ("needed_by", "a list of the titles of the tasks that will build on this one"),
    ("files", "a list of the files that the task says it owns"),
    ("tests", "a list of the commands that must pass"),
    ("plan", "the file with the plan that was approved for the task; none where none was made"),
    ("skills", "a list of the skills to load, from the setting of the role"),
    ("criteria", "a list of the acceptance criteria, each with its number"),
    ("notes", "a list of what was said since: by `retry -m`, and by the attempt before"),
    ("findings", "a list of what the last review found, a line each"),
    ("resumed", "true where the conversation goes on, and so the text of the task is known in it"),
    ("kind", "which review it is: spec, quality, combined or final"),
    (
        "reading",
        "where a reviewer reads: folder (absolute) and the names of the files in it: task, report, \
         diff and fix (what changed since the last review); in a final review diff and texts (of \
         the tasks; may be none)",
    ),
    (
        "failed",
        "the test that failed: command, output (the end of it) and log (the file with all of it)",
    ),
    (
        "conflict",
        "the conflict: tip (the commit to merge), files (a list) and others (a list of the tasks it \
         is with, each with id and title)",
    ),
    (
        "plan_file",
        "the file that a plan is to be written to; none where it is the end of the answer",
    ),
    ("earlier_plan", "the file with the plan before, where a person sent it back"),
    ("base", "what the run was started from"),
    ("commit", "the commit of the integration branch that is read"),
    ("tasks", "a list of the tasks of the run, each with id and title"),
    ("concerns", "a list of the doubts that implementers had"),
    ("parked", "a list of what reviews found and left open"),
    ("divergences", "a list of where tasks that should agree do not"),
];
