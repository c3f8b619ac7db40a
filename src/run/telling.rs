//! What an attempt is told: the files in its folder that its agent reads.
//!
//! Invariant: written before anything is launched, from the task's record alone; an agent never
//! needs the plan.

use std::path::PathBuf;

use anyhow::Context;

use super::Drive;
use super::dispatch::{Spec, stage_of};
use super::folder::AttemptFolder;
use crate::config::Role;
use crate::pipeline;
use crate::plan::{Criterion, Task};
use crate::prompt::{self, Earlier, Facts, Planning, Reading};
use crate::report::Format;
use crate::review::{Review, Verdict};
use crate::snapshot::Snapshot;
use crate::store::Journal;
use crate::task::{Record, Stage};

/// So many of the files are named that an earlier task changed.
const MAX_FILES: usize = 8;

/// What a prompt is made of.
pub(super) struct Told<'a> {
    drive: &'a Drive,
    snapshot: &'a Snapshot,
    task: &'a Task,
    record: &'a Record,
    index: usize,
    branch: String,
    notes: Vec<String>,
    text: String,
    files: Vec<String>,
    /// The text of the plan that was made for it.
    blueprint: Option<String>,
    /// Where the plan is for its agent to read.
    plan: String,
}

impl<'a> Told<'a> {
    pub(super) fn new(
        drive: &'a Drive,
        snapshot: &'a Snapshot,
        task: &'a Task,
        record: &'a Record,
        folder: &AttemptFolder,
    ) -> anyhow::Result<Told<'a>> {
        let index = snapshot.dag.index(&task.id).context("the plan has no such task")?;
        let branch = record.branch.clone().unwrap_or_else(|| drive.settings.branch_of(&task.id));
        let mending = mending(drive, snapshot, task, record);
        let lacking = lacking(task, record);
        let notes = record.notes.iter().cloned().chain(mending).chain(lacking).collect();
        let blueprint = match &record.blueprint {
            Some(_) => Journal::new(&drive.git, &snapshot.run.name).blueprint(&task.id)?,
            None => None,
        };
        let files = snapshot.files(index).into_iter().map(str::to_owned).collect();
        let plan = folder.approved_plan().display().to_string();
        // Who reads or mends what a command did has to know the command.
        let command =
            task.run.iter().map(|command| format!("The command that does it:\n\n    {command}\n"));
        let text = std::iter::once(task.prompt.clone()).filter(|text| !text.is_empty());
        let text = text.chain(command).collect::<Vec<_>>().join("\n");
        Ok(Told {
            drive,
            snapshot,
            task,
            record,
            index,
            branch,
            notes,
            text,
            files,
            blueprint,
            plan,
        })
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
            builds_on: dag.dependencies(self.index).iter().map(|i| self.earlier(*i)).collect(),
            needed_by: dag.dependents(self.index).iter().map(title).collect(),
            files: &self.files,
            tests: self.drive.tests(self.task),
            criteria: criteria(self.task),
            plan: self.record.is_approved().then_some(self.plan.as_str()),
            skills: self.drive.settings.skills.of(role_of(stage_of(self.task, self.record))),
            notes: &self.notes,
            findings: match stage_of(self.task, self.record) {
                Stage::Fix => lines(pipeline::newest(self.record)),
                _ => Vec::new(),
            },
            resumed: false,
        }
    }

    /// Returns what is told of a task that this one builds on.
    fn earlier(&self, index: usize) -> Earlier<'_> {
        let (task, record) = self.snapshot.at(index);
        Earlier {
            id: task.id.as_str(),
            title: &task.title,
            interfaces: prompt::declared(&task.prompt),
            files: self.changed(task, record),
        }
    }

    /// Returns the files that the merge of a task changed, or else those that it says it owns; the
    /// first of them, where there are many.
    fn changed(&self, task: &Task, record: &Record) -> Vec<String> {
        let git = &self.drive.git;
        let merge = record.state.merge();
        let changed = merge.and_then(|merge| git.changed_files(merge).ok());
        let mut files = changed.unwrap_or_else(|| task.files.clone());
        let more = files.len().saturating_sub(MAX_FILES);
        files.truncate(MAX_FILES);
        files.extend((more > 0).then(|| format!("and {more} more")));
        files
    }

    /// The facts for a reviewer, with what it found before.
    fn findings_of(&self, kind: Review) -> Facts<'_> {
        Facts { findings: lines(pipeline::latest(self.record, kind)), ..self.facts() }
    }

    /// Returns the whole prompt of a stage.
    fn prompt(&self, folder: &AttemptFolder, spec: &Spec) -> Result<String, prompt::Mistake> {
        let templates = &self.drive.settings.prompts;
        match (spec.stage.review(), spec.stage) {
            (Some(kind), _) => {
                prompt::review(templates, &self.findings_of(kind), kind, &reading(folder))
            }
            (None, Stage::Plan) => self.planning(folder, spec, &self.facts()),
            (None, Stage::Fix) => prompt::fix(templates, &self.facts()),
            (None, _) => prompt::implement(templates, &self.facts()),
        }
    }

    /// Returns what an agent is told whose conversation goes on.
    fn go_on(&self, folder: &AttemptFolder, spec: &Spec) -> Result<String, prompt::Mistake> {
        let templates = &self.drive.settings.prompts;
        let facts = Facts { resumed: true, ..self.facts() };
        match spec.stage {
            Stage::Plan => self.planning(folder, spec, &facts),
            Stage::Fix => prompt::fix(templates, &facts),
            _ => prompt::resume(templates, &facts),
        }
    }

    /// Returns what a planning agent is told: a program whose output is for people may print more
    /// than its answer, so that its plan has a file of its own.
    fn planning(
        &self,
        folder: &AttemptFolder,
        spec: &Spec,
        facts: &Facts<'_>,
    ) -> Result<String, prompt::Mistake> {
        let is_clear = !spec.by_hand && spec.format != Format::Text;
        let written = folder.plan().display().to_string();
        let earlier = folder.earlier_plan().display().to_string();
        let planning = Planning {
            file: (!is_clear).then_some(written.as_str()),
            earlier: self.blueprint.is_some().then_some(earlier.as_str()),
        };
        prompt::plan(&self.drive.settings.prompts, facts, &planning)
    }

    /// Writes the plan where the agent reads it: with the answers of whoever approved it, or as
    /// what is to be made better.
    fn write_plan(&self, folder: &AttemptFolder, stage: Stage) -> std::io::Result<()> {
        // A folder of the same name may be left of a run that was removed.
        let _ = std::fs::remove_file(folder.plan());
        let Some(text) = &self.blueprint else { return Ok(()) };
        if stage == Stage::Plan {
            return std::fs::write(folder.earlier_plan(), text);
        }
        let said: String = self.record.notes.iter().map(|note| format!("\n- {note}\n")).collect();
        let said = if said.is_empty() { said } else { format!("\n## What was said of it\n{said}") };
        match self.record.is_approved() {
            true => std::fs::write(folder.approved_plan(), format!("{text}{said}")),
            false => Ok(()),
        }
    }

    /// Returns what the implementer said last, and that it said nothing where it did not.
    fn report(&self) -> String {
        let work = self.record.attempts.iter().rev().filter(|a| a.stage.is_work());
        match work.filter_map(|attempt| attempt.report.as_ref()).next() {
            Some(report) => format!("{} {}\n", report.status, report.message),
            None => "It made no report.\n".into(),
        }
    }
}

/// Writes the prompt of an attempt, and the files that it names.
pub(super) fn write_prompts(
    folder: &AttemptFolder,
    spec: &Spec,
    told: &Told<'_>,
) -> anyhow::Result<()> {
    if spec.stage.review().is_some() {
        std::fs::write(folder.task(), &told.text)?;
        std::fs::write(folder.report(), told.report())?;
    }
    told.write_plan(folder, spec.stage)?;
    std::fs::write(folder.prompt(), told.prompt(folder, spec)?)?;
    match spec.resume {
        Some(_) => Ok(std::fs::write(folder.resume_prompt(), told.go_on(folder, spec)?)?),
        None => Ok(()),
    }
}

/// Returns what was wrong with a merge candidate, where the attempt is to mend it.
fn mending(drive: &Drive, snapshot: &Snapshot, task: &Task, record: &Record) -> Option<String> {
    let why = record.sent_back.as_ref().filter(|_| stage_of(task, record).is_mending())?;
    let said = std::fs::read(drive.folder.test_log(&task.id)).unwrap_or_default();
    let end = prompt::end_of_output(&String::from_utf8_lossy(&said));
    Some(prompt::after(why, &snapshot.run.integration) + &end)
}

/// Returns the acceptance criteria, each with the number that a reviewer calls it by.
fn criteria(task: &Task) -> Vec<String> {
    let line = |criterion: &Criterion| format!("#{} {}", criterion.index, criterion.text);
    task.criteria.iter().map(line).collect()
}

/// Returns what the plan before lacked, where one is to be made again for that.
fn lacking(task: &Task, record: &Record) -> Option<String> {
    let last = record.last_attempt().filter(|last| last.stage == Stage::Plan)?;
    let is_again = stage_of(task, record) == Stage::Plan && pipeline::unplanned(record) > 0;
    is_again.then(|| last.remarks.join("; ")).filter(|text| !text.is_empty())
}

/// Returns the role that the skills of a stage are for.
fn role_of(stage: Stage) -> Role {
    match stage {
        Stage::Plan => Role::Plan,
        Stage::Implement => Role::Implement,
        Stage::SpecReview | Stage::QualityReview | Stage::Review | Stage::FinalReview => {
            Role::Review
        }
        Stage::Fix | Stage::FixTests | Stage::FixConflict => Role::Fix,
    }
}

fn reading(folder: &AttemptFolder) -> Reading {
    let name = |path: PathBuf| path.file_name().unwrap_or_default().display().to_string();
    Reading {
        folder: folder.0.display().to_string(),
        task: name(folder.task()),
        report: name(folder.report()),
        diff: name(folder.diff()),
        fix: name(folder.fix_diff()),
    }
}

fn lines(verdict: Option<&Verdict>) -> Vec<String> {
    let findings = verdict.filter(|verdict| !verdict.pass).map(|verdict| verdict.findings.iter());
    findings.into_iter().flatten().map(ToString::to_string).collect()
}
