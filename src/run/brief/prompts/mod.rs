//! What an attempt is told: the files in its folder that its agent reads.
//!
//! Invariant: written before anything is launched, from the task's record alone; an agent never
//! needs the plan.

pub(crate) mod blueprint;
pub(crate) mod whole_branch;

use std::path::PathBuf;

use anyhow::Context;

use super::{Spec, stage_of};
use crate::domain::config::Role;
use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::pipeline;
use crate::domain::prompt::{self, Conflict, Earlier, Facts, FailedTest, Named, Reading};
use crate::domain::review::{Review, Verdict};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Record, Stage};
use crate::journal::Journal;
use crate::run::Drive;
use crate::run::folder::AttemptFolder;

/// Of so many tasks that one builds on it is told what they made; the others are named.
const MAX_EARLIER: usize = 8;
/// So many of the files are named that an earlier task changed.
const MAX_FILES: usize = 8;
/// What is told of the interfaces of all of them, in bytes.
const MAX_INTERFACES: usize = 1200;
/// What stands in the place of more.
const TOO_LONG: &str = "  (what it declares is too long to repeat here: read its files)";

/// What a prompt is made of.
pub(crate) struct Told<'a> {
    pub(super) drive: &'a Drive,
    pub(super) snapshot: &'a Snapshot,
    pub(super) task: &'a Task,
    pub(super) record: &'a Record,
    pub(super) index: usize,
    pub(super) branch: String,
    pub(super) text: String,
    pub(super) files: Vec<String>,
    pub(super) notes: Vec<String>,
    /// The text of the plan that was made for it.
    pub(super) blueprint: Option<String>,
    /// Where the plan is for its agent to read.
    pub(super) plan: String,
    pub(super) earlier: Vec<Earlier<'a>>,
}

impl<'a> Told<'a> {
    pub(crate) fn new(
        drive: &'a Drive,
        snapshot: &'a Snapshot,
        task: &'a Task,
        record: &'a Record,
        folder: &AttemptFolder,
    ) -> anyhow::Result<Told<'a>> {
        let index = snapshot.dag.index(&task.id).context("the plan has no such task")?;
        let branch = record.branch.clone().unwrap_or_else(|| drive.settings.branch_of(&task.id));
        let notes = record.notes.iter().cloned().chain(blueprint::lacking(task, record)).collect();
        let blueprint = match &record.blueprint {
            Some(_) => Journal::new(&drive.git, &snapshot.run.name).blueprint(&task.id)?,
            None => None,
        };
        let files = snapshot.files(index).into_iter().map(str::to_owned).collect();
        let plan = folder.approved_blueprint().display().to_string();
        // Who reads or mends what a command did has to know the command.
        let command =
            task.run.iter().map(|command| format!("The command that does it:\n\n    {command}\n"));
        let text = std::iter::once(task.prompt.clone()).filter(|text| !text.is_empty());
        let text = text.chain(command).collect::<Vec<_>>().join("\n");
        let earlier = earlier(drive, snapshot, index);
        Ok(Told {
            drive,
            snapshot,
            task,
            record,
            index,
            branch,
            text,
            files,
            notes,
            blueprint,
            plan,
            earlier,
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
            builds_on: self.earlier.clone(),
            needed_by: dag.dependents(self.index).iter().map(title).collect(),
            files: &self.files,
            tests: self.drive.tests(self.task),
            criteria: blueprint::criteria(self.task),
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

    /// The facts for a reviewer, with what it found before.
    fn findings_of(&self, kind: Review) -> Facts<'_> {
        Facts { findings: lines(pipeline::latest(self.record, kind)), ..self.facts() }
    }

    /// Returns the whole prompt of a stage.
    fn prompt(&self, folder: &AttemptFolder, stage: Stage) -> Result<String, prompt::Mistake> {
        let templates = &self.drive.settings.prompts;
        match (stage.review(), stage) {
            (Some(Review::Whole), _) => whole_branch::prompt(self, folder),
            (Some(kind), _) => {
                prompt::review(templates, &self.findings_of(kind), kind, &reading(folder))
            }
            (None, Stage::Plan) => self.planning(folder, &self.facts()),
            (None, Stage::Fix) => prompt::fix(templates, &self.facts()),
            (None, Stage::FixTests) => self.fix_tests(folder),
            (None, Stage::FixConflict) => self.fix_conflict(),
            (None, _) => prompt::implement(templates, &self.facts()),
        }
    }

    fn fix_tests(&self, folder: &AttemptFolder) -> Result<String, prompt::Mistake> {
        let output = std::fs::read(self.drive.folder.test_log(&self.task.id)).unwrap_or_default();
        let command = self.record.sent_back.as_ref().and_then(|why| why.command.as_deref());
        let failed = FailedTest {
            command: command.unwrap_or_default(),
            output: &String::from_utf8_lossy(&output),
            log: &folder.test_log().display().to_string(),
        };
        prompt::fix_tests(&self.drive.settings.prompts, &self.facts(), &failed)
    }

    fn fix_conflict(&self) -> Result<String, prompt::Mistake> {
        let why = self.record.sent_back.as_ref();
        let title =
            |id: &'a str| self.snapshot.plan.tasks.iter().find(|task| task.id.as_str() == id);
        let others = why.iter().flat_map(|why| &why.with);
        let others: Vec<Named<'_>> = others
            .map(|id| Named { id, title: title(id).map_or("", |task| &task.title) })
            .collect();
        let conflict = Conflict {
            tip: why.and_then(|why| why.against.as_ref()).map_or("", Oid::as_str),
            files: why.map_or(&[], |why| &why.files),
            others: &others,
        };
        prompt::fix_conflict(&self.drive.settings.prompts, &self.facts(), &conflict)
    }

    /// Returns what an agent is told whose conversation goes on.
    fn go_on(&self, folder: &AttemptFolder, stage: Stage) -> Result<String, prompt::Mistake> {
        let templates = &self.drive.settings.prompts;
        let facts = Facts { resumed: true, ..self.facts() };
        match stage {
            Stage::Plan => self.planning(folder, &facts),
            Stage::Fix => prompt::fix(templates, &facts),
            // What is to be read lies in another folder now.
            _ if stage.review().is_some() => self.prompt(folder, stage),
            _ => prompt::resume(templates, &facts),
        }
    }

    /// Returns the text that the work is read against: where it settles what the final review
    /// found, that too.
    fn text_for_review(&self) -> String {
        let found = lines(pipeline::latest(self.record, Review::Whole));
        let found = found.iter().map(|finding| format!("- {finding}\n")).collect::<String>();
        if found.is_empty() {
            self.text.clone()
        } else {
            format!("{}\n\nIt found this:\n\n{found}", self.text)
        }
    }

    /// Returns what the implementer said last, and that it said nothing where it did not.
    fn report(&self) -> String {
        let work = self.record.attempts.iter().rev().filter(|a| a.stage.is_work());
        let said = match work.filter_map(|attempt| attempt.report.as_ref()).next() {
            Some(report) => format!("{} {}\n", report.status, report.message),
            None => "It made no report.\n".into(),
        };
        let concerns = pipeline::concerns(self.record);
        let lines: String = concerns.iter().map(|concern| format!("- {concern}\n")).collect();
        if concerns.is_empty() {
            said
        } else {
            format!("{said}\nOf concern, since the work began:\n\n{lines}")
        }
    }
}

/// Returns what is told of the tasks that one builds on; of those that would make the prompt long,
/// no more than the names.
fn earlier<'a>(drive: &Drive, snapshot: &'a Snapshot, index: usize) -> Vec<Earlier<'a>> {
    let mut left = MAX_INTERFACES;
    let told = |(at, dependency): (usize, &usize)| {
        let (task, record) = snapshot.at(*dependency);
        let named = Earlier { id: task.id.as_str(), title: &task.title, ..Earlier::default() };
        if at >= MAX_EARLIER {
            return named;
        }
        let declared = prompt::declared(&task.prompt);
        let interfaces = match left.checked_sub(declared.len()) {
            Some(rest) => {
                left = rest;
                declared
            }
            None => TOO_LONG.into(),
        };
        Earlier { interfaces, files: changed(drive, task, record), ..named }
    };
    snapshot.dag.dependencies(index).iter().enumerate().map(told).collect()
}

/// Returns the files that the merge of a task changed, or else those that it says it owns; the
/// first of them, where there are many.
fn changed(drive: &Drive, task: &Task, record: &Record) -> Vec<String> {
    let changed = record.state.merge().and_then(|merge| drive.git.changed_files(merge).ok());
    let mut files = changed.unwrap_or_else(|| task.files.clone());
    let more = files.len().saturating_sub(MAX_FILES);
    files.truncate(MAX_FILES);
    files.extend((more > 0).then(|| format!("and {more} more")));
    files
}

/// Writes the prompt of an attempt, and the files that it names.
pub(crate) fn write_prompts(
    folder: &AttemptFolder,
    spec: &Spec,
    told: &Told<'_>,
) -> anyhow::Result<()> {
    if spec.stage == Stage::FinalReview {
        whole_branch::write_texts(told, folder)?;
    } else if spec.stage.review().is_some() {
        std::fs::write(folder.task(), told.text_for_review())?;
        std::fs::write(folder.report(), told.report())?;
    }
    // A folder of the same name may be left of a run that was removed.
    let _ = std::fs::remove_file(folder.test_log());
    if spec.stage == Stage::FixTests {
        // Its agent reads this folder alone; without a log, the prompt holds what is known.
        let _ = std::fs::copy(told.drive.folder.test_log(&spec.task), folder.test_log());
    }
    told.write_plan(folder, spec.stage)?;
    std::fs::write(folder.prompt(), told.prompt(folder, spec.stage)?)?;
    match spec.resume {
        Some(_) => std::fs::write(folder.resume_prompt(), told.go_on(folder, spec.stage)?)?,
        // A folder of the same name may be left of a run that was removed.
        None => drop(std::fs::remove_file(folder.resume_prompt())),
    }
    Ok(())
}

/// Returns what the next attempt at a task would be told, where its conversation does not go on.
pub(crate) fn next_prompt(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<String> {
    let (task, record) = snapshot.find(id).context("the plan has no such task")?;
    let folder = drive.folder.attempt(id, record.next_attempt());
    Ok(Told::new(drive, snapshot, task, record, &folder)?
        .prompt(&folder, stage_of(task, record))?)
}

/// Returns the role that the skills of a stage are for.
pub(super) fn role_of(stage: Stage) -> Role {
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
    Reading {
        folder: folder.0.display().to_string(),
        task: name(folder.task()),
        report: name(folder.report()),
        diff: name(folder.diff()),
        fix: name(folder.fix_diff()),
    }
}

/// Returns the findings that a verdict failed for, a line each.
fn lines(verdict: Option<&Verdict>) -> Vec<String> {
    verdict.filter(|verdict| !verdict.pass).map(lines_of).unwrap_or_default()
}

pub(super) fn lines_of(verdict: &Verdict) -> Vec<String> {
    verdict.findings.iter().map(ToString::to_string).collect()
}

/// Returns the name of a file in the attempt's folder.
pub(super) fn name(path: PathBuf) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}
