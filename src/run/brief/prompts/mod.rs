//! What an attempt's agent reads: its prompt, and the files in its folder that the prompt names.
//!
//! Invariant: written before anything is launched, from the snapshot alone; an agent never needs the
//! plan.

pub(crate) mod blueprint;
pub(crate) mod whole_branch;

use std::path::PathBuf;

use super::project::Project;
use super::spec::Spec;
use crate::domain::config::Role;
use crate::domain::oid::Oid;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::Choice;
use crate::domain::policy::pipeline;
use crate::domain::prompt::{
    self, Conflict, Dependency, FailedTest, PlanContext, ReviewFiles, TaskFacts, TaskName,
};
use crate::domain::review::{Review, Verdict};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, Record, Stage};
use crate::domain::text::one_line;
use crate::journal::Journal;
use crate::run::Drive;
use crate::run::folder::AttemptFolder;
use crate::run::paths::worktree_path;
use crate::system::private;

/// At most this many dependencies are described in full; the rest are only named.
const MAX_DESCRIBED: usize = 8;
/// At most this many files of a dependency are named.
const MAX_FILES: usize = 8;
/// At most this many bytes of interfaces are repeated, of all dependencies together.
const MAX_INTERFACES: usize = 1200;
/// Stands in the place of interfaces beyond [`MAX_INTERFACES`].
const TOO_LONG: &str = "  (what it declares is too long to repeat here: read its files)";

/// Everything that the prompts of one attempt are made from.
pub(crate) struct Brief<'a> {
    pub(super) drive: &'a Drive,
    pub(super) snapshot: &'a Snapshot,
    pub(super) task: &'a Task,
    pub(super) record: &'a Record,
    pub(super) choice: &'a Choice<'a>,
    index: usize,
    branch: String,
    /// The task's own text, and the command of a `run` task.
    text: String,
    files: Vec<String>,
    notes: Vec<String>,
    concerns: Vec<String>,
    /// The text of the task's blueprint.
    pub(super) blueprint: Option<String>,
    /// The path of the file with the approved blueprint.
    approved_blueprint: String,
    dependencies: Vec<Dependency<'a>>,
    /// The path of the file with the plan's whole preamble.
    preamble: String,
    guides: Vec<String>,
    /// The folders with design documents, for a planner.
    pub(super) design_docs: Vec<String>,
}

impl<'a> Brief<'a> {
    pub(crate) fn new(
        drive: &'a Drive,
        snapshot: &'a Snapshot,
        id: &TaskId,
        choice: &'a Choice<'a>,
        folder: &AttemptFolder,
    ) -> anyhow::Result<Brief<'a>> {
        let index = snapshot.index(id)?;
        let (task, record) = snapshot.at(index);
        let branch = record.branch.clone().unwrap_or_else(|| drive.settings.branch_of(&task.id));
        let lacks = blueprint::missing_parts(record, choice.stage);
        let blueprint = match &record.blueprint {
            Some(_) => Journal::new(&drive.git, &snapshot.run.name).blueprint(&task.id)?,
            None => None,
        };
        // A reviewer and a fixer must know which command did the work.
        let command =
            task.run.iter().map(|command| format!("The command that does it:\n\n    {command}\n"));
        let text = std::iter::once(task.prompt.clone()).filter(|text| !text.is_empty());
        let worktree = worktree_path(&drive.git, &drive.settings, id);
        let branches = [branch.as_str(), snapshot.run.integration.as_str()];
        let project = Project::at(&drive.git, &branches, &worktree);
        let whole = choice.stage == Stage::FinalReview;
        let concerned = snapshot.plan.tasks.iter().filter(|other| whole || other.id == *id);
        let files = concerned.flat_map(|task| task.files.iter().chain(&task.reads));
        let guides = project.guides(files.map(String::as_str));
        let design_docs =
            if choice.stage == Stage::Plan { project.design_docs() } else { Vec::new() };
        Ok(Brief {
            drive,
            snapshot,
            task,
            record,
            choice,
            index,
            branch,
            text: text.chain(command).collect::<Vec<_>>().join("\n"),
            files: snapshot.files(index).into_iter().map(str::to_owned).collect(),
            notes: record.notes.iter().cloned().chain(lacks).collect(),
            concerns: pipeline::concerns(record).into_iter().map(one_line).collect(),
            blueprint,
            approved_blueprint: folder.approved_blueprint().display().to_string(),
            dependencies: dependencies(drive, snapshot, index),
            preamble: folder.preamble().display().to_string(),
            guides,
            design_docs,
        })
    }

    fn facts(&self) -> TaskFacts<'_> {
        let title = |i: &usize| self.snapshot.at(*i).0.title.as_str();
        let is_work = |i: &&usize| !self.snapshot.at(**i).0.final_review;
        let dag = &self.snapshot.dag;
        TaskFacts {
            run: &self.snapshot.run.name,
            task: self.task.id.as_str(),
            title: &self.task.title,
            text: &self.text,
            branch: &self.branch,
            integration: &self.snapshot.run.integration,
            builds_on: self.dependencies.clone(),
            needed_by: dag.dependents(self.index).iter().filter(is_work).map(title).collect(),
            files: &self.files,
            tests: self.drive.tests(self.task),
            criteria: self.criteria(),
            plan: self.record.is_approved().then_some(self.approved_blueprint.as_str()),
            skills: self.drive.settings.skills.of(Role::of(self.choice.stage)),
            notes: &self.notes,
            answers: &self.record.answers,
            concerns: self.concerns.clone(),
            ticket: self.task.ticket.as_deref(),
            findings: self.failure().map(lines_of).unwrap_or_default(),
            review: self.failure().map(text_of_review).unwrap_or_default(),
            unclear: pipeline::unclear(self.record, self.choice.stage),
            resumed: false,
            preamble: self.context(),
            guides: &self.guides,
        }
    }

    /// Returns the acceptance criteria; none for work if its text, which it has verbatim, lists them.
    fn criteria(&self) -> Vec<String> {
        let criteria = blueprint::criteria(self.task);
        let is_repeated = criteria.iter().all(|criterion| self.text.contains(criterion.as_str()));
        if self.choice.stage.is_work() && is_repeated { Vec::new() } else { criteria }
    }

    /// Returns what the plan says outside its tasks.
    fn context(&self) -> Option<PlanContext<'_>> {
        let preamble = self.snapshot.plan.preamble.as_ref()?;
        let (text, is_cut) = preamble.excerpt();
        let file = is_cut.then_some(self.preamble.as_str());
        Some(PlanContext { constraints: &preamble.constraints, text, file })
    }

    /// Returns the review that this attempt answers: a fix the newest one that failed, and a
    /// reviewer its own, which it looks at again.
    fn failure(&self) -> Option<&Verdict> {
        let verdict = match (self.choice.stage, self.choice.stage.review()) {
            (Stage::Fix, _) => pipeline::newest(self.record),
            (_, Some(kind)) => pipeline::latest(self.record, kind),
            _ => None,
        };
        verdict.filter(|verdict| !verdict.pass)
    }

    /// Returns the whole prompt.
    pub(super) fn prompt(&self, folder: &AttemptFolder) -> Result<String, prompt::TemplateError> {
        let templates = &self.drive.settings.prompts;
        let stage = self.choice.stage;
        match (stage.review(), stage) {
            (Some(Review::Whole), _) => whole_branch::prompt(self, folder),
            (Some(kind), _) => {
                prompt::review(templates, &self.facts(), kind, &review_files(folder))
            }
            (None, Stage::Plan) => self.plan_prompt(folder, &self.facts()),
            (None, Stage::Fix) => self.fix_prompt(&self.facts()),
            (None, Stage::FixTests) => self.fix_tests_prompt(folder),
            (None, Stage::FixConflict) => self.fix_conflict_prompt(),
            (None, _) => prompt::implement(templates, &self.facts()),
        }
    }

    fn fix_prompt(&self, facts: &TaskFacts<'_>) -> Result<String, prompt::TemplateError> {
        let templates = &self.drive.settings.prompts;
        if pipeline::settles(self.record, Stage::Fix) {
            prompt::settle(templates, facts)
        } else {
            prompt::fix(templates, facts)
        }
    }

    fn fix_tests_prompt(&self, folder: &AttemptFolder) -> Result<String, prompt::TemplateError> {
        let output = std::fs::read(self.drive.folder.test_log(&self.task.id)).unwrap_or_default();
        let command = self.record.sent_back.as_ref().and_then(|why| why.command.as_deref());
        let failed = FailedTest {
            command: command.unwrap_or_default(),
            output: &String::from_utf8_lossy(&output),
            log: &folder.test_log().display().to_string(),
        };
        prompt::fix_tests(&self.drive.settings.prompts, &self.facts(), &failed)
    }

    fn fix_conflict_prompt(&self) -> Result<String, prompt::TemplateError> {
        let why = self.record.sent_back.as_ref();
        let title =
            |id: &'a str| self.snapshot.plan.tasks.iter().find(|task| task.id.as_str() == id);
        let others = why.iter().flat_map(|why| &why.with);
        let others: Vec<TaskName<'_>> = others
            .map(|id| TaskName { id, title: title(id).map_or("", |task| &task.title) })
            .collect();
        let conflict = Conflict {
            tip: why.and_then(|why| why.against.as_ref()).map_or("", Oid::as_str),
            files: why.map_or(&[], |why| &why.files),
            others: &others,
        };
        prompt::fix_conflict(&self.drive.settings.prompts, &self.facts(), &conflict)
    }

    /// Returns the prompt for an agent that continues its conversation.
    fn resume_prompt(&self, folder: &AttemptFolder) -> Result<String, prompt::TemplateError> {
        let templates = &self.drive.settings.prompts;
        let facts = TaskFacts { resumed: true, ..self.facts() };
        match self.choice.stage {
            Stage::Plan => self.plan_prompt(folder, &facts),
            Stage::Fix => self.fix_prompt(&facts),
            // The files that a reviewer reads lie in another folder now, so it needs all of it.
            stage if stage.review().is_some() => self.prompt(folder),
            _ => prompt::resume(templates, &facts),
        }
    }

    /// Returns the text that a review compares the work with. Work that settles findings of the
    /// final review is compared with these, too.
    fn text_for_review(&self) -> String {
        let found = lines_of_failure(pipeline::latest(self.record, Review::Whole));
        let found = found.iter().map(|finding| format!("- {finding}\n")).collect::<String>();
        if found.is_empty() {
            self.text.clone()
        } else {
            format!("{}\n\nIt found this:\n\n{found}", self.text)
        }
    }

    /// Returns the report on the work for a reviewer: the implementer's, and that of each fix since.
    fn report(&self) -> String {
        let begun = self.record.attempts.iter().rposition(|it| it.stage == Stage::Implement);
        let work = self.record.attempts[begun.unwrap_or(0)..].iter();
        let work = work.filter(|attempt| attempt.stage.is_work() && attempt.ended.is_some());
        let reports: Vec<String> = work.map(report_of).collect();
        if reports.is_empty() {
            "The implementer made no report.\n".into()
        } else {
            reports.join("\n")
        }
    }
}

/// Returns the tasks that a task builds on. Those that would make the prompt long are only named.
fn dependencies<'a>(drive: &Drive, snapshot: &'a Snapshot, index: usize) -> Vec<Dependency<'a>> {
    let mut bytes_left = MAX_INTERFACES;
    let describe = |(at, dependency): (usize, &usize)| {
        let (task, record) = snapshot.at(*dependency);
        let name = Dependency { id: task.id.as_str(), title: &task.title, ..Dependency::default() };
        if at >= MAX_DESCRIBED {
            return name;
        }
        let declared = prompt::declared(&task.prompt);
        let interfaces = match bytes_left.checked_sub(declared.len()) {
            Some(rest) => {
                bytes_left = rest;
                declared
            }
            None => TOO_LONG.into(),
        };
        Dependency { interfaces, files: changed_files(drive, task, record), ..name }
    };
    snapshot.dag.dependencies(index).iter().enumerate().map(describe).collect()
}

/// Returns the files that the merge of a task changed, or else those that the plan names for it;
/// at most [`MAX_FILES`].
fn changed_files(drive: &Drive, task: &Task, record: &Record) -> Vec<String> {
    let changed = record.state.merge().and_then(|merge| drive.git.changed_files(merge).ok());
    let mut files = changed.unwrap_or_else(|| task.files.clone());
    let more = files.len().saturating_sub(MAX_FILES);
    files.truncate(MAX_FILES);
    files.extend((more > 0).then(|| format!("and {more} more")));
    files
}

/// Writes the prompt of an attempt, and the files that the prompt names.
pub(super) fn write_prompts(
    folder: &AttemptFolder,
    spec: &Spec,
    brief: &Brief<'_>,
) -> anyhow::Result<()> {
    let stage = brief.choice.stage;
    if stage == Stage::FinalReview {
        whole_branch::write_texts(brief, folder)?;
    } else if stage.review().is_some() {
        private::write(&folder.task(), brief.text_for_review())?;
        private::write(&folder.report(), brief.report())?;
    }
    // A removed run may have left a folder of the same name.
    let _ = std::fs::remove_file(folder.test_log());
    if stage == Stage::FixTests {
        // The agent may read its own folder alone. If there is no log, the prompt says what is
        // known.
        let _ = std::fs::copy(brief.drive.folder.test_log(&brief.task.id), folder.test_log());
    }
    brief.write_plan(folder)?;
    if let Some(preamble) = &brief.snapshot.plan.preamble {
        private::write(&folder.preamble(), preamble.whole())?;
    }
    private::write(&folder.prompt(), brief.prompt(folder)?)?;
    match spec.launch.resume {
        Some(_) => private::write(&folder.resume_prompt(), brief.resume_prompt(folder)?)?,
        // A removed run may have left a folder of the same name.
        None => drop(std::fs::remove_file(folder.resume_prompt())),
    }
    Ok(())
}

/// Returns the report of one attempt: its status, and its final message if that says more.
fn report_of(attempt: &Attempt) -> String {
    let name = attempt.stage.name();
    let said = match &attempt.report {
        Some(report) => format!("{} {}", report.status, report.message).trim().to_owned(),
        None => "no report".into(),
    };
    let account = attempt.account.trim();
    if account.is_empty() {
        format!("{name}: {said}\n")
    } else {
        format!("{name}: {said}\n\n{account}\n")
    }
}

fn review_files(folder: &AttemptFolder) -> ReviewFiles {
    ReviewFiles {
        folder: folder.0.display().to_string(),
        task: name(folder.task()),
        report: name(folder.report()),
        diff: name(folder.diff()),
        fix: name(folder.fix_diff()),
    }
}

/// Returns the findings of a verdict that failed, a line each.
fn lines_of_failure(verdict: Option<&Verdict>) -> Vec<String> {
    verdict.filter(|verdict| !verdict.pass).map(lines_of).unwrap_or_default()
}

/// Returns a review as its reviewer wrote it; records of older versions have its findings alone.
fn text_of_review(verdict: &Verdict) -> String {
    if verdict.answer.is_empty() {
        lines_of(verdict).iter().map(|line| format!("- {line}\n")).collect()
    } else {
        verdict.answer.clone()
    }
}

/// Returns the findings of a verdict, a line each.
pub(super) fn lines_of(verdict: &Verdict) -> Vec<String> {
    verdict.findings.iter().map(ToString::to_string).collect()
}

/// Returns the name of a file in the attempt's folder.
pub(super) fn name(path: PathBuf) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}
