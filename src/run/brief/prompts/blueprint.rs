//! How a task's blueprint appears in prompts: for the planner, and for those who follow it.
//!
//! Invariant: an implementer or a reviewer reads a blueprint only once it is approved, together with
//! all notes on it.

use super::{Brief, MAX_FILES};
use crate::domain::plan::{Criterion, Task};
use crate::domain::policy::pipeline;
use crate::domain::prompt::{self, Dependency, Planning, TaskFacts};
use crate::domain::report::Format;
use crate::domain::task::{Record, Stage};
use crate::run::folder::AttemptFolder;
use crate::system::private;

/// At most this many other tasks are named to a planner.
const MAX_BESIDE: usize = 12;

impl Brief<'_> {
    /// Returns the prompt of a planner.
    pub(super) fn plan_prompt(
        &self,
        folder: &AttemptFolder,
        facts: &TaskFacts<'_>,
    ) -> Result<String, prompt::TemplateError> {
        // A program whose output is for people may print more than its answer, so that the
        // blueprint could not be told apart: it is written to a file of its own.
        let agent = self.choice.agent();
        let is_text = agent.is_none_or(|agent| agent.launch(None, None).format == Format::Text);
        let plan = folder.blueprint().display().to_string();
        let earlier = folder.earlier_blueprint().display().to_string();
        let planning = Planning {
            file: (is_text || self.snapshot.run.flags.manual).then_some(plan.as_str()),
            earlier: self.blueprint.is_some().then_some(earlier.as_str()),
            design_docs: &self.design_docs,
            library_docs: self.drive.settings.docs.as_deref(),
            others: &self.planned_beside(),
        };
        prompt::plan(&self.drive.settings.prompts, facts, &planning)
    }

    /// Returns the other tasks that are planned in the run, so that plans for the same files agree.
    /// What this task builds on is described elsewhere.
    fn planned_beside(&self) -> Vec<Dependency<'_>> {
        let is_other = |at: &usize| {
            let (task, record) = self.snapshot.at(*at);
            let is_below = self.snapshot.dag.dependencies(self.index).contains(at);
            *at != self.index && task.plan_first && !record.state.is_done() && !is_below
        };
        let describe = |at: usize| {
            let (task, _) = self.snapshot.at(at);
            let files = self.snapshot.files(at).into_iter().take(MAX_FILES).map(str::to_owned);
            let (id, title) = (task.id.as_str(), task.title.as_str());
            Dependency { id, title, files: files.collect(), ..Dependency::default() }
        };
        (0..self.snapshot.len()).filter(is_other).take(MAX_BESIDE).map(describe).collect()
    }

    /// Writes the blueprint where the agent reads it: approved, with the notes of the person who
    /// approved it; or sent back, for the planner to improve.
    pub(super) fn write_plan(&self, folder: &AttemptFolder) -> std::io::Result<()> {
        // A removed run may have left a folder of the same name.
        let _ = std::fs::remove_file(folder.blueprint());
        let Some(text) = &self.blueprint else { return Ok(()) };
        if self.choice.stage == Stage::Plan {
            return private::write(&folder.earlier_blueprint(), text);
        }
        let notes: String = self.record.answers.iter().map(|it| format!("\n- {it}\n")).collect();
        let notes =
            if notes.is_empty() { notes } else { format!("\n## Notes on this plan\n{notes}") };
        if self.record.is_approved() {
            private::write(&folder.approved_blueprint(), format!("{text}{notes}"))
        } else {
            Ok(())
        }
    }
}

/// Returns the acceptance criteria, each with the number that a reviewer calls it by.
pub(super) fn criteria(task: &Task) -> Vec<String> {
    let line = |criterion: &Criterion| format!("#{} {}", criterion.index, criterion.text);
    task.criteria.iter().map(line).collect()
}

/// Returns what the last blueprint lacked, if the planner has to write it again for that.
pub(super) fn missing_parts(record: &Record, stage: Stage) -> Option<String> {
    let last = record.last_attempt().filter(|last| last.stage == Stage::Plan)?;
    let is_repeated = stage == Stage::Plan && pipeline::unplanned(record) > 0;
    is_repeated.then(|| last.remarks.join("; ")).filter(|text| !text.is_empty())
}
