//! Grants the agents of a run one more permission: in the run's journal, and in the settings of
//! Claude Code.
//!
//! Invariant: every obstacle is found before anything is written. The settings are the user's own:
//! a file that git tracks is never changed, and nothing in the file is lost.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::allow::{claude_settings, refusal};
use crate::domain::error::{WithHint, failure};
use crate::domain::snapshot::{Flags, Run};
use crate::domain::steps::{self, Remedy, Step};
use crate::git::Git;
use crate::journal::Journal;
use crate::system::lock::LockFile;

/// A checked rule, and what has to be written for it.
pub(crate) struct PermissionGrant {
    rule: String,
    is_in_run: bool,
    file: Option<NewFile>,
    remark: Option<(String, Remedy)>,
}

/// The settings of Claude Code, and their text with the rule.
struct NewFile {
    path: PathBuf,
    text: String,
}

impl PermissionGrant {
    /// Checks the rule and reads the file; writes nothing.
    pub(crate) fn prepare(git: &Git, run: &Run, rule: &str) -> anyhow::Result<PermissionGrant> {
        let rule = rule.trim().to_owned();
        if let Some(why) = refusal(&rule) {
            return Err(failure(
                format!("cannot allow '{rule}': {why}"),
                Step::allow("Bash(make lint)").to("Name the exact command, for example"),
            ));
        }
        let is_in_run = run.flags.allow.contains(&rule);
        let Some(top) = git.top_level() else {
            let remark = format!("a bare repository has no {}", claude_settings::FILE);
            let remark = Some((remark, Remedy::default()));
            return Ok(PermissionGrant { rule, is_in_run, file: None, remark });
        };
        let file = PermissionGrant::read(git, &rule)?;
        let remark = (!git.ignores(top, claude_settings::FILE)?).then(|| {
            let file = claude_settings::FILE;
            let text = format!("git does not ignore {file}: it could be committed by mistake");
            (text, Step::exclude(file).to("Let git ignore it").into())
        });
        Ok(PermissionGrant { rule, is_in_run, remark: remark.filter(|_| file.is_some()), file })
    }

    /// Returns the settings with the rule added; `None` if they have it, or in a bare repository.
    fn read(git: &Git, rule: &str) -> anyhow::Result<Option<NewFile>> {
        let Some(top) = git.top_level() else { return Ok(None) };
        let path = top.join(claude_settings::FILE);
        let text = read(git, top, &path)?;
        let shown = path.display();
        let new = claude_settings::with_rule(&text, rule).map_err(|why| {
            failure(
                format!("cannot add the rule to '{shown}': {why}"),
                "fix that file, then run the command again; nothing was changed",
            )
        })?;
        Ok(new.map(|text| NewFile { path, text }))
    }

    pub(crate) fn rule(&self) -> &str {
        &self.rule
    }

    /// Returns true if nothing has to be written.
    pub(crate) fn is_there(&self) -> bool {
        self.is_in_run && self.file.is_none()
    }

    /// Returns the file that will be written, if any.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// Returns a warning about the file, if any, and what to do about it.
    pub(crate) fn remark(&self) -> Option<(String, Remedy)> {
        self.remark.clone()
    }

    /// Writes the rule to the journal and the file.
    ///
    /// The draft of the file is written first, because it may fail (full disk, no permission), and
    /// renamed last, because that hardly can: so the rule is in both or in neither.
    pub(crate) fn write(&self, git: &Git, journal: &Journal) -> anyhow::Result<()> {
        // Of two `allow` at once, the second must read the file that the first has written.
        let lock = LockFile::open(git.locks().join(".settings"))?;
        lock.hold()?;
        // Read again: the user may have changed the file while the question was waiting.
        let file = match &self.file {
            Some(_) => PermissionGrant::read(git, &self.rule)?,
            None => None,
        };
        let draft = file.as_ref().map(NewFile::draft).transpose()?;
        if !self.is_in_run {
            journal.amend(&format!("allowed {}", self.rule), |run| with_rule(run, &self.rule))?;
        }
        if let (Some(draft), Some(file)) = (draft, &file) {
            draft.persist(&file.path).with_context(|| write_error(&file.path))?;
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

/// Returns the text of the settings; empty if there is no file.
fn read(git: &Git, top: &Path, path: &Path) -> anyhow::Result<String> {
    if git.tracks(top, claude_settings::FILE) {
        return Err(failure(
            format!("git tracks {}, so the rule would apply to everybody", claude_settings::FILE),
            Step::from(steps::git("rm --cached").word(claude_settings::FILE))
                .and(steps::git("commit"))
                .to("Untrack it; the file stays"),
        ));
    }
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(failure(
            format!("'{}' is not a regular file", path.display()),
            "replace it by a regular file, then run the command again",
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        found => found
            .and_then(|_| std::fs::read_to_string(path))
            .with_context(|| format!("cannot read '{}'", path.display()))
            .hint("it must be a file in UTF-8 that you may read; nothing was changed"),
    }
}

fn write_error(path: &Path) -> String {
    format!("cannot write '{}'", path.display())
}

impl NewFile {
    /// Writes the text to a temporary file beside the settings, with their mode.
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
        write().with_context(|| write_error(&self.path))
    }
}
