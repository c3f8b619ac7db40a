//! The part of a man page that no definition holds: one TOML file for each command.
//!
//! Invariant: the files are compiled into the program, and a test parses all of them.

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
    ("config", include_str!("text/setup/config.toml")),
    ("demo", include_str!("text/begin/demo.toml")),
    ("doctor", include_str!("text/setup/doctor.toml")),
    ("finish", include_str!("text/end/finish.toml")),
    ("help", include_str!("text/setup/help.toml")),
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
    /// The exit codes of the command and what they mean; 2 may be left out, because its meaning is
    /// the same for every command.
    pub(super) exit: BTreeMap<String, String>,
    /// The settings that affect the command.
    pub(super) settings: Vec<String>,
    /// The files and refs that the command reads and writes.
    pub(super) file: Vec<File>,
    /// Related pages: our own commands by name, others as `git-log(1)`.
    #[serde(default)]
    pub(super) see: Vec<String>,
}

/// One example: what it does, ending in a colon, and the lines to type.
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
    let file = FILES.iter().find(|(name, _)| *name == command);
    let (_, text) = file.with_context(|| format!("command '{command}' has no file in text/"))?;
    toml::from_str(text).with_context(|| format!("the file in text/ of command '{command}'"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::arguments::Cli;
    use crate::domain::config::KEYS;
    use crate::domain::error::Exit;

    #[test]
    fn every_file_belongs_to_a_command_and_parses() {
        let program = Cli::command();
        let codes: Vec<String> = Exit::table().into_iter().map(|(code, _)| code).collect();
        for (command, _) in FILES {
            let known = command.is_empty() || program.find_subcommand(command).is_some();
            assert!(known, "there is no command '{command}'");
            let prose = of(command).expect("it parses");
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
    fn every_setting_is_on_the_page_of_a_command() {
        let pages: Vec<Prose> =
            FILES.iter().map(|(command, _)| of(command).expect("it parses")).collect();
        for (key, _) in KEYS {
            let is_listed = pages.iter().any(|prose| prose.settings.iter().any(|name| name == key));
            assert!(is_listed, "add '{key}' to `settings` in the file of a command it affects");
        }
    }
}
