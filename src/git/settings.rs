//! The settings in git config, and the file that each of them is in.
//!
//! Invariant: only reads. The place of a setting is the one in which git would unset it.

use std::path::{Path, PathBuf};

use super::Git;

/// A setting in git config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key without the prefix `orchestrate.`.
    pub key: String,
    pub value: String,
    pub origin: Origin,
}

/// The place of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The repository's own file, which `git config` writes to by default.
    Local,
    /// The file that `git config` writes to if it has this option.
    Scope(&'static str),
    /// Another file, such as an included one.
    File(PathBuf),
    /// The command line or the environment.
    Command,
}

impl Git {
    /// Returns the values below `orchestrate.` with their places; none if git fails or is too old
    /// to print places.
    pub fn config_origins(&self) -> Vec<Setting> {
        let asked = ["config", "--null", "--show-scope", "--show-origin", "--get-regexp"];
        let output = self.here().args(asked).arg(r"^orchestrate\.").output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let parts: Vec<&str> = text.split('\0').collect();
        let set = |parts: &[&str]| {
            let [scope, origin, entry] = parts else { return None };
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            let key = key.strip_prefix("orchestrate.")?.to_owned();
            let origin = self.origin(scope, origin, &key);
            Some(Setting { key, value: value.to_owned(), origin })
        };
        parts.chunks(3).filter_map(set).collect()
    }

    /// Returns the keys and values of the whole configuration, each with the file that it is in:
    /// relative if it lies in the repository. Values of this call's own command line are left out.
    pub fn settings_in_force(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        let asked = ["config", "--list", "--null", "--show-scope", "--show-origin"];
        let text = self.command().args(asked).text()?;
        let parts: Vec<&str> = text.split('\0').collect();
        let set = |parts: &[&str]| {
            let [scope, origin, entry] = parts else { return None };
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            let file = self.common_dir.join(origin.strip_prefix("file:")?);
            let file = file.strip_prefix(&self.home).unwrap_or(&file).display().to_string();
            (*scope != "command").then(|| (key.to_owned(), value.to_owned(), file))
        };
        Ok(parts.chunks(3).filter_map(set).collect())
    }

    /// Returns true if a configuration key has a value.
    pub fn has_config(&self, key: &str) -> bool {
        self.here().args(["config", "--get", key]).bytes().is_ok()
    }

    /// Returns the value of a key that contains a path, with `~` expanded.
    pub fn config_path(&self, key: &str) -> Option<String> {
        let text = self.here().args(["config", "--type=path", "--get", key]).text().ok()?;
        Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty())
    }

    fn origin(&self, scope: &str, origin: &str, key: &str) -> Origin {
        let Some(file) = origin.strip_prefix("file:") else { return Origin::Command };
        let directory = self.top_level.as_deref().unwrap_or(&self.git_dir);
        let file = directory.join(file);
        match scope {
            "local" if is_same(&file, &self.common_dir.join("config")) => Origin::Local,
            "worktree" if is_same(&file, &self.git_dir.join("config.worktree")) => {
                Origin::Scope("--worktree")
            }
            "global" if self.is_written_with("--global", key) => Origin::Scope("--global"),
            "system" if self.is_written_with("--system", key) => Origin::Scope("--system"),
            _ => Origin::File(file),
        }
    }

    /// Returns true if the file itself has the setting, and not a file that it includes.
    ///
    /// `git config --global --unset` edits that file alone, so as a remedy for an included file it
    /// would do nothing.
    fn is_written_with(&self, option: &str, key: &str) -> bool {
        let key = format!("orchestrate.{key}");
        let asked = ["config", option, "--no-includes", "--get-all", &key];
        self.here().args(asked).output().is_ok_and(|output| output.status.success())
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}
