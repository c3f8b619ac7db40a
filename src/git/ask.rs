//! Small questions about the checkout and the configuration, which git answers.
//!
//! Invariant: an answer that git does not give is none, or no; nothing is changed.

use std::path::Path;

use super::Git;
use super::command::git;

impl Git {
    /// Returns true where a path, relative to a worktree, is ignored there.
    pub fn ignores(&self, worktree: &Path, path: &str) -> anyhow::Result<bool> {
        let output = git(worktree).args(["check-ignore", "-q", "--", path]).output()?;
        Ok(output.status.success())
    }

    /// Returns true where a configuration key has a value.
    pub fn has_config(&self, key: &str) -> bool {
        self.here().args(["config", "--get", key]).bytes().is_ok()
    }

    /// Returns the value of a key that holds a path, `~` resolved.
    pub fn config_path(&self, key: &str) -> Option<String> {
        let text = self.here().args(["config", "--type=path", "--get", key]).text().ok()?;
        Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns true where git tracks a file, or something below a folder.
    pub fn tracks(&self, worktree: &Path, path: &str) -> bool {
        let listed =
            git(worktree).env("GIT_LITERAL_PATHSPECS", "1").args(["ls-files", "-z", "--", path]);
        listed.bytes().is_ok_and(|listed| !listed.is_empty())
    }

    /// Returns true where a tracked file that matches one of the patterns holds a text.
    pub fn tracks_text(&self, worktree: &Path, text: &str, patterns: &[&str]) -> bool {
        let asked = ["grep", "--quiet", "--fixed-strings", "-e", text, "--"];
        git(worktree).args(asked).args(patterns).output().is_ok_and(|told| told.status.success())
    }
}
