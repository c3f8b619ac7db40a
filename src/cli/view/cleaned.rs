//! What cleaning removed and kept, with the commands that undo it or remove what was kept.
//!
//! Invariant: pure; a line for each thing, so that a script can count them.

use crate::domain::shell::quoted;
use crate::run::cleanup::{Backup, CleanReport, KeptItem, Remedy};

/// How the lines are worded.
#[derive(Debug, Clone)]
pub(crate) struct Wording {
    /// Nothing was done: the lines say what would be.
    pub dry_run: bool,
    /// What a command must be given to act on this run: ` --run NAME`.
    pub option: String,
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
            let command = self.command(cleaned, kept);
            lines.extend(command.map(|command| format!("    to remove it anyway: {command}")));
        }
        for Backup { name, branch } in &cleaned.backups {
            let back = format!("git branch {} {}", quoted(branch), quoted(name));
            lines.push(format!("backup written; to get it back: {back}"));
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
            let back = format!("git update-ref {journal} {backup}");
            lines.push(format!("backup written; to get the journal back: {back}"));
        }
        lines
    }

    /// Returns the command that removes what was kept.
    fn command(&self, cleaned: &CleanReport, kept: &KeptItem) -> Option<String> {
        let id = cleaned.task.as_ref().map_or("--all", |id| id.as_str());
        let clean = format!("git orchestrate clean {id}{}", self.option);
        match &kept.remedy {
            Remedy::None => None,
            Remedy::Force => Some(format!("{clean} --force   # after a backup")),
            Remedy::Clean => Some(clean),
            Remedy::Command(command) => Some(command.clone()),
            Remedy::First(command) => Some(format!("{command} && {clean}")),
        }
    }

    /// Returns how much was removed and kept.
    pub(crate) fn sum(&self, all: &[CleanReport]) -> String {
        let removed: usize = all.iter().map(|cleaned| cleaned.removed.len()).sum();
        let kept: usize = all.iter().map(|cleaned| cleaned.kept.len()).sum();
        match removed + kept {
            0 => "nothing to clean".into(),
            _ => format!("{} {removed}, kept {kept}", self.verb()),
        }
    }
}
