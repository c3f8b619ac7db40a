//! What cleaning removed and kept, with the commands that undo it or remove what was kept.
//!
//! Invariant: pure; a line for each thing, so that a script can count them.

use crate::domain::plan::TaskId;
use crate::domain::steps::{Scope, Step, git};
use crate::run::cleanup::{Backup, CleanReport, KeptItem, Removal};

/// How the lines are worded.
#[derive(Debug, Clone)]
pub(crate) struct Wording {
    /// Nothing was done: the lines say what would be.
    pub dry_run: bool,
    /// Where suggested commands are typed.
    pub scope: Scope,
}

impl Wording {
    fn verb(&self) -> &'static str {
        if self.dry_run { "would remove" } else { "removed" }
    }

    /// Returns the lines about one task, or about the run as a whole.
    pub(crate) fn lines(&self, cleaned: &CleanReport) -> Vec<String> {
        let verb = self.verb();
        let mut lines: Vec<String> =
            cleaned.removed.iter().map(|what| format!("{verb} {what}")).collect();
        for kept in &cleaned.kept {
            lines.push(format!("kept {}: {}", kept.what, kept.reason));
            lines.extend(removal(cleaned, kept).map(|step| self.hint(step, "To remove it anyway")));
        }
        for Backup { name, branch } in &cleaned.backups {
            lines.push(format!("backup written: {name}"));
            lines.push(self.hint(git("branch").word(branch).word(name), "To get it back"));
        }
        if !cleaned.left_out.is_empty() {
            let gone = if self.dry_run {
                "would not be in the backup"
            } else {
                "not in the backup, and gone"
            };
            lines.push(format!("{gone}: {}", cleaned.left_out.join(", ")));
        }
        if let Some((journal, backup)) = &cleaned.journal {
            let back = git("update-ref").word(journal).word(backup);
            lines.push(format!("backup written: {backup}"));
            lines.push(self.hint(back, "To get the journal back"));
        }
        lines
    }

    /// Returns the lines of a suggestion, below what it is about.
    fn hint(&self, step: impl Into<Step>, text: &str) -> String {
        let lines = self.scope.lines(&step.into().to(text).into());
        lines.iter().map(|line| format!("    {line}\n")).collect()
    }

    /// Returns how much was removed and kept; `branches` more were kept, because they hold the work of
    /// a run.
    pub(crate) fn sum(&self, all: &[CleanReport], branches: usize) -> String {
        let removed: usize = all.iter().map(|cleaned| cleaned.removed.len()).sum();
        let kept: usize = all.iter().map(|cleaned| cleaned.kept.len()).sum::<usize>() + branches;
        match removed + kept {
            0 => "nothing to clean".into(),
            _ => format!("{} {removed}, kept {kept}", self.verb()),
        }
    }
}

/// Returns what removes something that was kept.
fn removal(cleaned: &CleanReport, kept: &KeptItem) -> Option<Step> {
    let clean = |force| Step::Clean { id: cleaned.task.as_ref().map(TaskId::to_string), force };
    match &kept.removal {
        Removal::None => None,
        Removal::Force => Some(clean(true)),
        Removal::Clean => Some(clean(false)),
        Removal::Command(step) => Some(step.clone()),
        Removal::First(step) => Some(step.clone().and(clean(false))),
    }
}
