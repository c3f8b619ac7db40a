//! The settings: understood, trusted, and the programs in them installed.

use super::{Finding, Place};
use crate::domain::config::{self, FILE, KEYS, Layer, Settings, merge};
use crate::domain::prompt::FOLDER;
use crate::domain::shell::quoted;
use crate::domain::snapshot::Flags;
use crate::git::Git;
use crate::git::settings::{Origin, Setting};
use crate::journal::trust;
use crate::run::brief::templates;
use crate::system::process::find_program;

/// Reads the settings; what is not understood is told, and left out. The last is false where that
/// is the repository's whole file.
pub(super) fn read(git: &Git) -> (Vec<Finding>, Settings, bool) {
    let mut found = Vec::new();
    let mut sound = Vec::new();
    for set in git.config_origins() {
        let key = &set.key;
        if !KEYS.iter().any(|(known, _)| known == key) {
            let text = format!("there is no setting 'orchestrate.{key}', so it does nothing");
            found.push(Finding::warning("settings", text, unset(&set)));
        }
        let pair = (key.clone(), set.value.clone());
        match Layer::from_git([pair.clone()]) {
            Ok(_) => sound.push(pair),
            Err(text) => found.push(Finding::error("settings", text, unset(&set))),
        }
    }
    let from_git = Layer::from_git(sound).unwrap_or_default();
    let file = git.top_level().map(|top| top.join(FILE));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let from_file = Layer::from_toml(&text);
    let is_understood = from_file.is_ok();
    let from_file = from_file.unwrap_or_else(|error| {
        let text = format!("{FILE} is not understood: {}", error.to_string().replace('\n', " "));
        let remedy = "mend it; 'git help orchestrate' lists the settings under CONFIGURATION";
        found.push(Finding::error("settings", text.trim_end(), remedy));
        Layer::default()
    });
    let commands = from_file.commands();
    let file = trust::Commands { file: FILE.as_ref(), content: text.as_bytes(), commands };
    if trust::require(git, &file).is_err() {
        let text = format!("commands in {FILE} were not trusted yet: a run would not begin");
        found.push(Finding::error("trust", text, "git orchestrate trust   # after reading it"));
    }
    found.extend(prompts(git));
    (found, merge(&Flags::default(), from_git, from_file), is_understood)
}

/// Returns what takes a setting away from where it stands.
fn unset(set: &Setting) -> String {
    let key = format!("orchestrate.{}", set.key);
    match &set.origin {
        Origin::Local => format!("git config --unset-all {key}"),
        Origin::Scope(option) => format!("git config {option} --unset-all {key}"),
        Origin::File(file) => {
            let file = quoted(&file.to_string_lossy());
            format!("git config --file {file} --unset-all {key}")
        }
        Origin::Command => {
            format!("leave {key} out of the command line (git -c) and of GIT_CONFIG_* variables")
        }
    }
}

/// Looks at the repository's own prompts.
fn prompts(git: &Git) -> Option<Finding> {
    let prompts = match templates::read(git) {
        Ok(prompts) => prompts,
        Err(error) => return Some(Finding::of("prompts", &error)),
    };
    trust::require_prompts(git, prompts.own()).err().map(|_| {
        let text = format!("prompts in {FOLDER} were not trusted yet: a run would not begin");
        Finding::error("trust", text, "git orchestrate trust   # after reading them")
    })
}

/// Looks whether the programs of commands are installed.
pub(super) fn programs(place: &Place<'_>) -> Vec<Finding> {
    let Some(test) = place.settings.test.as_deref() else {
        let text = "no test command is set: merges are published untested";
        return vec![Finding::note("test", text, "git config orchestrate.test 'COMMAND'")];
    };
    let missing = missing_program(place, test).map(|program| {
        let text = format!("'{program}' of the test command is not installed: every merge fails");
        let remedy = "install it, or: git config orchestrate.test 'COMMAND'";
        Finding::error("test", text, remedy)
    });
    missing.into_iter().collect()
}

/// Returns the program that a shell command line begins with, where it is not there.
///
/// What a shell would have to work out first is not judged.
pub(super) fn missing_program(place: &Place<'_>, line: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    let word = line.split_whitespace().find(|word| !config::is_assignment(word))?;
    if !word.chars().all(is_plain) || is_of_the_shell(word) {
        return None;
    }
    let is_there = if word.contains('/') {
        place.top_level().is_none_or(|top| top.join(word).exists())
    } else {
        find_program(word).is_some()
    };
    (!is_there).then(|| word.to_owned())
}

fn is_of_the_shell(word: &str) -> bool {
    const WORDS: &[&str] = &[
        ".", "alias", "break", "case", "cd", "command", "continue", "echo", "eval", "exec", "exit",
        "export", "false", "for", "if", "printf", "pwd", "read", "return", "set", "shift", "test",
        "time", "times", "trap", "true", "type", "ulimit", "umask", "unset", "until", "wait",
        "while",
    ];
    WORDS.contains(&word)
}
