//! What is told of the plan of a task: to who makes it, and to who goes by it.
//!
//! Invariant: who works and who reviews reads a plan only when it is approved, with all that was
//! said of it.

use super::Told;
use crate::domain::plan::{Criterion, Task};
use crate::domain::policy::pipeline;
use crate::domain::prompt::{self, Facts, Planning};
use crate::domain::report::Format;
use crate::domain::task::{Record, Stage};
use crate::run::brief::{agent_of, stage_of};
use crate::run::folder::AttemptFolder;

impl Told<'_> {
    /// Returns what a planning agent is told: a program whose output is for people may print more
    /// than its answer, so that its plan has a file of its own.
    pub(crate) fn planning(
        &self,
        folder: &AttemptFolder,
        facts: &Facts<'_>,
    ) -> Result<String, prompt::Mistake> {
        let agent = agent_of(self.drive, self.task, self.record, Stage::Plan);
        let is_text = agent.is_none_or(|agent| agent.launch(None, None).format == Format::Text);
        let written = folder.blueprint().display().to_string();
        let earlier = folder.earlier_blueprint().display().to_string();
        let planning = Planning {
            file: (is_text || self.snapshot.run.flags.manual).then_some(written.as_str()),
            earlier: self.blueprint.is_some().then_some(earlier.as_str()),
        };
        prompt::plan(&self.drive.settings.prompts, facts, &planning)
    }

    /// Writes the plan where the agent reads it: with the answers of whoever approved it, or as
    /// what is to be made better.
    pub(crate) fn write_plan(&self, folder: &AttemptFolder, stage: Stage) -> std::io::Result<()> {
        // A folder of the same name may be left of a run that was removed.
        let _ = std::fs::remove_file(folder.blueprint());
        let Some(text) = &self.blueprint else { return Ok(()) };
        if stage == Stage::Plan {
            return std::fs::write(folder.earlier_blueprint(), text);
        }
        let said: String = self.record.notes.iter().map(|note| format!("\n- {note}\n")).collect();
        let said = if said.is_empty() { said } else { format!("\n## What was said of it\n{said}") };
        if self.record.is_approved() {
            std::fs::write(folder.approved_blueprint(), format!("{text}{said}"))
        } else {
            Ok(())
        }
    }
}

/// Returns the acceptance criteria, each with the number that a reviewer calls it by.
pub(crate) fn criteria(task: &Task) -> Vec<String> {
    let line = |criterion: &Criterion| format!("#{} {}", criterion.index, criterion.text);
    task.criteria.iter().map(line).collect()
}

/// Returns what the plan before lacked, where one is to be made again for that.
pub(crate) fn lacking(task: &Task, record: &Record) -> Option<String> {
    let last = record.last_attempt().filter(|last| last.stage == Stage::Plan)?;
    let is_again = stage_of(task, record) == Stage::Plan && pipeline::unplanned(record) > 0;
    is_again.then(|| last.remarks.join("; ")).filter(|text| !text.is_empty())
}
