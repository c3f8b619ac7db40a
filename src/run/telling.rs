//! What an attempt is told: the files in its folder that its agent reads.
//!
//! Invariant: written before anything is launched, from the task's record alone; an agent never
//! needs the plan.

use std::path::PathBuf;

use anyhow::Context;

use super::Drive;
use super::dispatch::{Spec, stage_of};
use super::folder::AttemptFolder;
use crate::pipeline;
use crate::plan::Task;
use crate::prompt::{self, Facts, Reading};
use crate::review::{Review, Verdict};
use crate::snapshot::Snapshot;
use crate::task::{Record, Stage};

/// What a prompt is made of.
pub(super) struct Told<'a> {
    drive: &'a Drive,
    snapshot: &'a Snapshot,
    task: &'a Task,
    record: &'a Record,
    index: usize,
    branch: String,
    text: String,
}

impl<'a> Told<'a> {
    pub(super) fn new(
        drive: &'a Drive,
        snapshot: &'a Snapshot,
        task: &'a Task,
        record: &'a Record,
    ) -> anyhow::Result<Told<'a>> {
        let index = snapshot.dag.index(&task.id).context("the plan has no such task")?;
        let branch = record.branch.clone().unwrap_or_else(|| drive.settings.branch_of(&task.id));
        // Who reads or mends what a command did has to know the command.
        let command =
            task.run.iter().map(|command| format!("The command that does it:\n\n    {command}\n"));
        let text = std::iter::once(task.prompt.clone()).filter(|text| !text.is_empty());
        let text = text.chain(command).collect::<Vec<_>>().join("\n");
        Ok(Told { drive, snapshot, task, record, index, branch, text })
    }

    fn facts(&self) -> Facts<'_> {
        let title = |i: &usize| self.snapshot.at(*i).0.title.as_str();
        let dag = &self.snapshot.dag;
        Facts {
            run: &self.snapshot.run.name,
            task: self.task.id.as_str(),
            title: &self.task.title,
            text: &self.text,
            branch: &self.branch,
            integration: &self.snapshot.run.integration,
            builds_on: dag.dependencies(self.index).iter().map(title).collect(),
            needed_by: dag.dependents(self.index).iter().map(title).collect(),
            files: &self.task.files,
            tests: self.drive.tests(self.task),
            notes: &self.record.notes,
            findings: match stage_of(self.record) {
                Stage::Fix => lines(pipeline::newest(self.record)),
                _ => Vec::new(),
            },
        }
    }

    /// The facts for a reviewer, with what it found before.
    fn findings_of(&self, kind: Review) -> Facts<'_> {
        Facts { findings: lines(pipeline::latest(self.record, kind)), ..self.facts() }
    }

    /// Returns what the implementer said last, and that it said nothing where it did not.
    fn report(&self) -> String {
        let work = self.record.attempts.iter().rev().filter(|a| a.stage.review().is_none());
        let said = match work.filter_map(|attempt| attempt.report.as_ref()).next() {
            Some(report) => format!("{} {}\n", report.status, report.message),
            None => "It made no report.\n".into(),
        };
        let concerns = pipeline::concerns(self.record);
        let lines: String = concerns.iter().map(|concern| format!("- {concern}\n")).collect();
        match concerns.is_empty() {
            true => said,
            false => format!("{said}\nOf concern, since the work began:\n\n{lines}"),
        }
    }
}

/// Writes the prompt of an attempt, and the files that it names.
pub(super) fn write_prompts(
    folder: &AttemptFolder,
    spec: &Spec,
    told: &Told<'_>,
) -> anyhow::Result<()> {
    let facts = told.facts();
    let prompt = match spec.stage.review() {
        Some(kind) => {
            std::fs::write(folder.task(), &told.text)?;
            std::fs::write(folder.report(), told.report())?;
            prompt::review(&told.findings_of(kind), kind, &reading(folder))?
        }
        None => prompt::implement(&facts)?,
    };
    std::fs::write(folder.prompt(), prompt)?;
    let go_on = match spec.stage {
        Stage::Fix => prompt::fix(&facts)?,
        _ => prompt::resume(&facts)?,
    };
    match spec.resume {
        Some(_) => Ok(std::fs::write(folder.resume_prompt(), go_on)?),
        None => Ok(()),
    }
}

fn reading(folder: &AttemptFolder) -> Reading {
    let text = |path: PathBuf| path.display().to_string();
    Reading {
        task: text(folder.task()),
        report: text(folder.report()),
        diff: text(folder.diff()),
        fix: text(folder.fix_diff()),
    }
}

fn lines(verdict: Option<&Verdict>) -> Vec<String> {
    let findings = verdict.filter(|verdict| !verdict.pass).map(|verdict| verdict.findings.iter());
    findings.into_iter().flatten().map(ToString::to_string).collect()
}
