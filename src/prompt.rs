//! What an agent is told: templates and facts in, text out.
//!
//! Invariant: the whole text of the task is in it, verbatim; the agent never needs the plan.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::review::Review;
use crate::task::{Block, Reason};

const IMPLEMENT: &str = include_str!("prompt/implement.md");
const RESUME: &str = include_str!("prompt/resume.md");
const REVIEW: &str = include_str!("prompt/review.md");
const FIX: &str = include_str!("prompt/fix.md");

/// The facts a prompt is made of.
#[derive(Debug, Clone, Serialize)]
pub struct Facts<'a> {
    pub run: &'a str,
    pub task: &'a str,
    pub title: &'a str,
    /// The task's own text.
    pub text: &'a str,
    pub branch: &'a str,
    pub integration: &'a str,
    /// Titles of the tasks whose work is in the worktree already.
    pub builds_on: Vec<&'a str>,
    /// Titles of the tasks that will build on this one.
    pub needed_by: Vec<&'a str>,
    pub files: &'a [String],
    /// What must pass before the work is merged.
    pub tests: Vec<&'a str>,
    /// What earlier attempts and the user left to say.
    pub notes: &'a [String],
    /// What the last review found, a line each.
    pub findings: Vec<String>,
}

/// What a reviewer is given beside the facts: the files to read, by path.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    pub task: String,
    pub report: String,
    pub diff: String,
    pub fix: String,
}

/// Returns the prompt of an implementer.
pub fn implement(facts: &Facts<'_>) -> Result<String, minijinja::Error> {
    render(IMPLEMENT, facts)
}

/// Returns what an implementer is told whose conversation goes on.
pub fn resume(facts: &Facts<'_>) -> Result<String, minijinja::Error> {
    render(RESUME, facts)
}

/// Returns what an implementer is told whose work did not pass a review.
pub fn fix(facts: &Facts<'_>) -> Result<String, minijinja::Error> {
    render(FIX, facts)
}

/// Returns the prompt of a reviewer.
pub fn review(
    facts: &Facts<'_>,
    kind: Review,
    files: &Reading,
) -> Result<String, minijinja::Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        task: &'a str,
        title: &'a str,
        branch: &'a str,
        tests: &'a [&'a str],
        findings: &'a [String],
        kind: &'a str,
        files: &'a Reading,
    }
    let Facts { task, title, branch, tests, findings, .. } = facts;
    render(REVIEW, &Told { task, title, branch, tests, findings, kind: kind.word(), files })
}

fn render(template: &str, facts: &impl Serialize) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    environment.render_str(template, Serde(facts))
}

/// Returns what the next attempt should know of a block.
pub fn after(block: &Block, integration: &str) -> String {
    let text = &block.text;
    match block.reason {
        Reason::Conflict => format!(
            "Your work conflicts with what {} holds now, in {}: run `git merge {}`, keep both sides' \
             intent, commit.",
            integration,
            block.files.join(", "),
            integration
        ),
        Reason::Tests => format!(
            "Merged with what {integration} holds now it did not pass: {text}. Run `git merge \
             {integration}` first, so that you see what the tests saw, then mend it and commit."
        ),
        Reason::Timeout
        | Reason::NeedsContext
        | Reason::Agent
        | Reason::Permission
        | Reason::NoChanges
        | Reason::Escaped
        | Reason::Worktree
        | Reason::Stopped
        | Reason::ReviewLimit => format!("The attempt before ended as {}: {text}.", block.reason),
    }
}

/// How much of the output of failed tests is passed on, in lines and in bytes.
const LINES: usize = 50;
const BYTES: usize = 4000;

/// Returns the end of what the tests printed, as a block of its own.
pub fn end_of_output(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut end = lines[lines.len().saturating_sub(LINES)..].join("\n");
    while end.len() > BYTES {
        end = end.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned());
    }
    match end.trim().is_empty() {
        true => String::new(),
        false => format!("\n\n  The end of what they printed:\n\n{}\n", indented(&end)),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Facts<'_> {
        Facts {
            run: "auth",
            task: "api",
            title: "HTTP API",
            text,
            branch: "feat/task-api",
            integration: "feat/auth",
            builds_on: vec!["User model"],
            needed_by: vec![],
            files: &[],
            tests: vec!["make test"],
            notes: &[],
            findings: vec![],
        }
    }

    #[test]
    fn the_text_of_the_task_is_verbatim() {
        let text = "Write {{ braces }}, {% tags %} and <html> & \"quotes\".\r\n";
        let prompt = implement(&facts(text)).expect("renders");
        assert!(prompt.contains(text), "{prompt}");
        assert!(prompt.contains("make test") && prompt.contains("User model"));
        assert!(!prompt.contains("Files you own"), "{prompt}");
    }

    #[test]
    fn who_goes_on_is_told_what_is_new() {
        let notes = ["Use the v2 API.".to_owned()];
        let prompt = resume(&Facts { notes: &notes, ..facts("the whole text") }).expect("renders");
        assert!(prompt.contains("Use the v2 API.") && prompt.contains("make test"), "{prompt}");
        assert!(!prompt.contains("the whole text"), "{prompt}");
    }

    #[test]
    fn a_reviewer_is_given_files_and_told_what_to_look_for() {
        let files =
            Reading { task: "/t".into(), report: "/r".into(), diff: "/d".into(), fix: "/f".into() };
        let spec = review(&facts("the whole text"), Review::Spec, &files).expect("renders");
        assert!(
            spec.contains("`/d`") && !spec.contains("`/f`") && !spec.contains("the whole text")
        );
        assert!(
            spec.contains("Is everything that the text asks for") && !spec.contains("edge cases")
        );
        let findings = vec!["[minor] a typo".to_owned()];
        let again = Facts { findings, ..facts("") };
        let both = review(&again, Review::Combined, &files).expect("renders");
        assert!(both.contains("`/f`") && both.contains("VERDICT (spec)"), "{both}");
        assert!(fix(&again).expect("renders").contains("- [minor] a typo"));
    }

    #[test]
    fn only_the_end_of_a_long_output_is_passed_on() {
        let long: String = (1..=200).map(|number| format!("line {number}\n")).collect();
        let end = end_of_output(&long);
        assert!(end.contains("line 151\n") && end.contains("line 200"), "{end}");
        assert!(!end.contains("line 150\n"));
        assert_eq!(end_of_output(""), "");
        assert!(end_of_output(&"x".repeat(100_000)).len() < BYTES);
    }

    #[test]
    fn it_is_small() {
        assert!(implement(&facts("")).expect("renders").len() < 2500);
    }
}
