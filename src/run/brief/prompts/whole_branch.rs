//! What the reviewer of the whole branch is given: all tasks, and what was left open on the way.
//!
//! Invariant: taken from the journal alone; the diff itself is written by the attempt.

use super::{Brief, lines_of};
use crate::domain::config::Role;
use crate::domain::plan::Task;
use crate::domain::policy::pipeline;
use crate::domain::prompt::{self, RunFacts, RunFiles, TaskName};
use crate::domain::task::{Record, Stage};
use crate::domain::text::one_line;
use crate::journal::Journal;
use crate::run::compare::compare;
use crate::run::folder::AttemptFolder;
use crate::style::sentences;
use crate::system::private;

/// Returns the prompt; the files that it names lie in the folder.
pub(crate) fn prompt(
    brief: &Brief<'_>,
    folder: &AttemptFolder,
) -> Result<String, prompt::TemplateError> {
    let run = &brief.snapshot.run;
    let others = || brief.snapshot.tasks().filter(|(task, _)| !task.final_review);
    let concerns: Vec<String> =
        others().flat_map(|(task, record)| concerns(task.id.as_str(), record)).collect();
    let parked: Vec<String> =
        others().flat_map(|(task, record)| parked(task.id.as_str(), record)).collect();
    let answers: Vec<String> =
        others().flat_map(|(task, record)| answers(task.id.as_str(), record)).collect();
    let own = brief.record.answers.iter().cloned();
    let answers: Vec<String> = answers.into_iter().chain(own).collect();
    let divergences = divergences(brief);
    // After a fix it reads the task's own branch, which has the fix and all that was merged.
    let commit = match brief.record.pending() {
        Some((_, Some(commit))) => Some(commit.clone()),
        _ => brief.drive.git.find_branch(&run.integration).ok().flatten(),
    };
    let whole = RunFacts {
        run: &run.name,
        base: run.base.as_str(),
        integration: &run.integration,
        commit: commit.as_ref().map_or(&run.integration, |commit| commit.as_str()),
        reading: RunFiles {
            folder: &folder.0.display().to_string(),
            diff: &super::name(folder.diff()),
            texts: Some(&super::name(folder.task())),
            fix: &super::name(folder.fix_diff()),
        },
        tasks: others()
            .map(|(task, _)| TaskName { id: task.id.as_str(), title: &task.title })
            .collect(),
        concerns: &concerns,
        parked: &parked,
        answers: &answers,
        review: brief.failure().map(super::text_of_review).unwrap_or_default(),
        divergences: &divergences,
        unclear: pipeline::unclear(brief.record, brief.choice.stage),
        tests: brief.drive.settings.test.iter().map(String::as_str).collect(),
        skills: brief.drive.settings.skills.of(Role::of(Stage::FinalReview)),
        preamble: brief.context(),
        guides: &brief.guides,
    };
    prompt::final_review(&brief.drive.settings.prompts, &whole)
}

/// Returns where merged tasks do the same thing in different ways. If the comparison fails, the
/// branch is reviewed without it.
fn divergences(brief: &Brief<'_>) -> Vec<String> {
    match compare(&brief.drive.git, brief.snapshot, &[]) {
        Ok(comparison) => sentences::all(&comparison.findings, &comparison.ids()),
        Err(_) => Vec::new(),
    }
}

/// Writes the texts of all tasks into one file.
pub(crate) fn write_texts(brief: &Brief<'_>, folder: &AttemptFolder) -> anyhow::Result<()> {
    let others = brief.snapshot.tasks().filter(|(task, _)| !task.final_review);
    let journal = Journal::new(&brief.drive.git, &brief.snapshot.run.name);
    let text = |(task, record): (&Task, &Record)| {
        let plan = if record.is_approved() { journal.blueprint(&task.id)? } else { None };
        let plan = plan.map(|plan| format!("\n# Its plan\n\n{plan}")).unwrap_or_default();
        let (id, title, text) = (&task.id, &task.title, task.prompt.trim());
        Ok(format!("# Task {id}: {title}\n\n{text}\n{plan}"))
    };
    let texts: Vec<String> = others.map(text).collect::<anyhow::Result<_>>()?;
    Ok(private::write(&folder.task(), texts.join("\n"))?)
}

/// Returns the doubts that the agents of a task had.
fn concerns(id: &str, record: &Record) -> Vec<String> {
    let doubts = pipeline::concerns(record).into_iter();
    doubts.map(|doubt| format!("{id}: {}", one_line(doubt))).collect()
}

/// Returns what a person decided about a task.
fn answers(id: &str, record: &Record) -> Vec<String> {
    record.answers.iter().map(|answer| format!("{id}: {}", one_line(answer))).collect()
}

/// Returns the findings of reviews that passed.
fn parked(id: &str, record: &Record) -> Vec<String> {
    let verdicts = record.attempts.iter().filter_map(|attempt| attempt.verdict.as_ref());
    let passed = verdicts.filter(|verdict| verdict.pass);
    passed.flat_map(lines_of).map(|line| format!("{id}: {line}")).collect()
}
