//! One thing more that the agents of a run may do: in its journal, and where Claude Code looks.
//!
//! Invariant: all that could be in the way is found before anything is written. The file of
//! settings is the user's own: never one that git tracks, and nothing in it is lost.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::allow::{claude_settings, refusal};
use crate::domain::error::failure;
use crate::domain::snapshot::{Flags, Run};
use crate::git::Git;
use crate::journal::Journal;
use crate::system::lock::LockFile;

/// A rule that was checked, and what has to be written for it.
pub(crate) struct Allowance {
    rule: String,
    is_in_run: bool,
    file: Option<NewFile>,
    remark: Option<String>,
}

/// The file of settings, and its text with the rule.
struct NewFile {
    path: PathBuf,
    text: String,
}

impl Allowance {
    /// Checks the rule and reads the file; writes nothing.
    pub(crate) fn prepare(git: &Git, run: &Run, rule: &str) -> anyhow::Result<Allowance> {
        let rule = rule.trim().to_owned();
        if let Some(why) = refusal(&rule) {
            return Err(failure(
                format!("'{rule}' is not allowed: {why}"),
                "allow the very command: git orchestrate allow 'Bash(make lint)'",
            ));
        }
        let is_in_run = run.flags.allow.contains(&rule);
        let Some(top) = git.top_level() else {
            let remark = format!("a bare repository has no {}", claude_settings::FILE);
            return Ok(Allowance { rule, is_in_run, file: None, remark: Some(remark) });
        };
        let file = Allowance::read(git, &rule)?;
        let remark = (!git.ignores(top, claude_settings::FILE)?).then(|| {
            format!(
                "git does not ignore {}: it could be committed by mistake \
                 (echo {} >>.git/info/exclude)",
                claude_settings::FILE,
                claude_settings::FILE
            )
        });
        Ok(Allowance { rule, is_in_run, remark: remark.filter(|_| file.is_some()), file })
    }

    /// Returns the file with the rule in it; `None` where it has it, or there is no place for it.
    fn read(git: &Git, rule: &str) -> anyhow::Result<Option<NewFile>> {
        let Some(top) = git.top_level() else { return Ok(None) };
        let path = top.join(claude_settings::FILE);
        let text = read(git, top, &path)?;
        let shown = path.display();
        let new = claude_settings::with_rule(&text, rule).map_err(|why| {
            failure(
                format!("the rule cannot be added to '{shown}': {why}"),
                "mend that file, then once more; nothing was changed",
            )
        })?;
        Ok(new.map(|text| NewFile { path, text }))
    }

    pub(crate) fn rule(&self) -> &str {
        &self.rule
    }

    /// Returns true where nothing has to be written.
    pub(crate) fn is_there(&self) -> bool {
        self.is_in_run && self.file.is_none()
    }

    /// Returns the file that will be written.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// Returns what the user should know of the file.
    pub(crate) fn remark(&self) -> Option<String> {
        self.remark.clone()
    }

    /// Writes both; the file is in place as a whole or not at all.
    pub(crate) fn write(&self, git: &Git, journal: &Journal) -> anyhow::Result<()> {
        let lock = LockFile::open(git.locks().join(".settings"))?;
        lock.hold()?;
        // Somebody may have written to it since it was read, and a person may have thought long.
        let file = match &self.file {
            Some(_) => Allowance::read(git, &self.rule)?,
            None => None,
        };
        let draft = file.as_ref().map(NewFile::draft).transpose()?;
        if !self.is_in_run {
            journal.amend(&format!("allowed {}", self.rule), |run| with_rule(run, &self.rule))?;
        }
        if let (Some(draft), Some(file)) = (draft, &file) {
            draft.persist(&file.path).with_context(|| told(&file.path))?;
        }
        Ok(())
    }
}

fn with_rule(run: Run, rule: &str) -> Run {
    let mut allow = run.flags.allow.clone();
    if !allow.iter().any(|known| known == rule) {
        allow.push(rule.to_owned());
    }
    Run { flags: Flags { allow, ..run.flags.clone() }, ..run }
}

/// Returns the text of the file; none where there is no file.
fn read(git: &Git, top: &Path, path: &Path) -> anyhow::Result<String> {
    if git.tracks(top, claude_settings::FILE) {
        return Err(failure(
            format!("git tracks {}: the rule would be everybody's", claude_settings::FILE),
            format!("git rm --cached {} && git commit   # keeps the file", claude_settings::FILE),
        ));
    }
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(failure(
            format!("'{}' is no file", path.display()),
            "the rule would be written elsewhere: put a file there",
        )),
        Ok(_) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read '{}'", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read '{}'", path.display())),
    }
}

fn told(path: &Path) -> String {
    format!("cannot write '{}'", path.display())
}

impl NewFile {
    /// Writes the text beside its place, with the mode that the file has.
    fn draft(&self) -> anyhow::Result<tempfile::NamedTempFile> {
        let folder = self.path.parent().context("a file lies in a folder")?;
        let write = || -> std::io::Result<_> {
            std::fs::create_dir_all(folder)?;
            let mut draft = tempfile::NamedTempFile::new_in(folder)?;
            draft.write_all(self.text.as_bytes())?;
            if let Ok(metadata) = self.path.metadata() {
                draft.as_file().set_permissions(metadata.permissions())?;
            }
            Ok(draft)
        };
        write().with_context(|| told(&self.path))
    }
}
