//! What a man page says beyond the definitions: one TOML file for each command.
//!
//! Invariant: read from text that is part of the program; a file that is not understood is a
//! mistake of ours, and a test finds it.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

/// The files; `""` is the main page.
const FILES: &[(&str, &str)] = &[
    ("", include_str!("text/main.toml")),
    ("allow", include_str!("text/decide/allow.toml")),
    ("approve", include_str!("text/decide/approve.toml")),
    ("clean", include_str!("text/end/clean.toml")),
    ("compare", include_str!("text/watch/compare.toml")),
    ("demo", include_str!("text/begin/demo.toml")),
    ("doctor", include_str!("text/setup/doctor.toml")),
    ("finish", include_str!("text/end/finish.toml")),
    ("install-man", include_str!("text/setup/install-man.toml")),
    ("log", include_str!("text/watch/log.toml")),
    ("merge", include_str!("text/drive/merge.toml")),
    ("plan", include_str!("text/begin/plan.toml")),
    ("report", include_str!("text/for_agents/report.toml")),
    ("retry", include_str!("text/decide/retry.toml")),
    ("show", include_str!("text/watch/show.toml")),
    ("skill", include_str!("text/for_agents/skill.toml")),
    ("start", include_str!("text/drive/start.toml")),
    ("status", include_str!("text/watch/status.toml")),
    ("stop", include_str!("text/drive/stop.toml")),
    ("trust", include_str!("text/decide/trust.toml")),
    ("wait", include_str!("text/watch/wait.toml")),
];

/// The prose of one page. Words between backticks are set as commands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prose {
    /// Further paragraphs of the description.
    #[serde(default)]
    pub(super) more: Vec<String>,
    pub(super) example: Vec<Example>,
    /// The codes that the command can end with, and what they mean for it. What 2 means is the
    /// same for all, and need not be said.
    pub(super) exit: BTreeMap<String, String>,
    /// The settings that the command heeds.
    pub(super) settings: Vec<String>,
    /// What the command reads and writes.
    pub(super) file: Vec<File>,
    /// Other pages that help: commands of ours by name, others as `git-log(1)`.
    #[serde(default)]
    pub(super) see: Vec<String>,
}

/// One example: a remark that ends in a colon, and the lines that are typed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    pub(super) does: String,
    pub(super) line: String,
}

/// A ref, file or folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) does: String,
}

/// Returns the prose for a command, `""` for the program itself.
pub(super) fn of(command: &str) -> anyhow::Result<Prose> {
    let found = FILES.iter().find(|(name, _)| *name == command);
    let (_, text) = found.with_context(|| format!("src/pages/{command}.toml is missing"))?;
    toml::from_str(text).with_context(|| format!("src/pages/{command}.toml"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::arguments::Cli;
    use crate::domain::config::KEYS;
    use crate::domain::error::Exit;

    #[test]
    fn every_file_is_of_a_command_and_sound() {
        let program = Cli::command();
        let codes: Vec<String> = Exit::table().into_iter().map(|(code, _)| code).collect();
        for (command, _) in FILES {
            let known = command.is_empty() || program.find_subcommand(command).is_some();
            assert!(known, "src/pages/{command}.toml is of no command");
            let prose = of(command).expect("it is understood");
            assert!(!prose.example.is_empty(), "{command}: no example");
            for code in prose.exit.keys() {
                assert!(codes.contains(code), "{command}: there is no exit code {code}");
            }
            for key in &prose.settings {
                let known = KEYS.iter().any(|(name, _)| name == key);
                assert!(known, "{command}: there is no setting '{key}'");
            }
        }
    }
    #[test]
    fn every_setting_is_heeded_by_a_command() {
        let pages: Vec<Prose> =
            FILES.iter().map(|(command, _)| of(command).expect("it is understood")).collect();
        for (key, _) in KEYS {
            let heeded = pages.iter().any(|prose| prose.settings.iter().any(|name| name == key));
            assert!(heeded, "name '{key}' in src/pages/, where a command heeds it");
        }
    }
}
