//! The settings: whether they are valid and trusted, and whether their programs are installed.

use super::{Finding, Repository};
use crate::domain::config::{FILE, FileFault, KEYS, Layer, Settings, merge};
use crate::domain::prompt::FOLDER;
use crate::domain::snapshot::Flags;
use crate::domain::steps::{Remedy, Step, Trust, git};
use crate::git::Git;
use crate::git::settings::{Origin, Setting};
use crate::journal::trust;
use crate::run::begin::programs::missing_program;
use crate::run::brief::templates;

/// Reads the settings. Invalid ones become findings and are left out. The last value is false if
/// the settings file as a whole is invalid.
pub(super) fn read(git: &Git) -> (Vec<Finding>, Settings, bool) {
    let mut found = Vec::new();
    let mut sound = Vec::new();
    for set in git.config_origins() {
        let key = &set.key;
        if !KEYS.iter().any(|(known, _)| known == key) {
            let text = format!("there is no setting 'orchestrate.{key}', so it has no effect");
            found.push(Finding::warning("settings", text, unset(&set)));
        }
        let pair = (key.clone(), set.value.clone());
        // One by one, so that an invalid one does not hide the others.
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
    let from_file = from_file.unwrap_or_else(|faults| {
        found.extend(faults.iter().map(of_file));
        Layer::default()
    });
    let commands = from_file.commands();
    let file = trust::CommandFile { file: FILE.as_ref(), content: text.as_bytes(), commands };
    if trust::require(git, &file).is_err() {
        let text = format!(
            "you have not trusted the commands in {FILE} yet, so a run would not start: read them first"
        );
        found.push(Finding::error("trust", text, Step::Trust(Trust::Repository)));
    }
    found.extend(prompts(git));
    (found, merge(&Flags::default(), from_git, from_file), is_understood)
}

/// Returns the finding for a fault in the settings file.
fn of_file(fault: &FileFault) -> Finding {
    let remedy = fault.remedy.clone().map(Remedy::from).unwrap_or_default();
    let manual = Step::Help("configuration").to("See the settings");
    Finding::error("settings", fault.located(), remedy.or(manual))
}

/// Returns the command that removes a setting from the file that has it.
fn unset(set: &Setting) -> Remedy {
    let key = format!("orchestrate.{}", set.key);
    match &set.origin {
        Origin::Local => git("config --unset-all").word(key).into(),
        Origin::Scope(option) => git("config").word(option).word("--unset-all").word(key).into(),
        Origin::File(file) => {
            let config = git("config --file").word(file.display());
            config.word("--unset-all").word(key).into()
        }
        Origin::Command => {
            format!("leave {key} out of the command line (git -c) and of GIT_CONFIG_* variables")
                .into()
        }
    }
}

/// Checks the repository's own prompt templates.
fn prompts(git: &Git) -> Option<Finding> {
    let prompts = match templates::read(git) {
        Ok(prompts) => prompts,
        Err(error) => return Some(Finding::of("prompts", &error)),
    };
    trust::require_prompts(git, prompts.own()).err().map(|_| {
        let text = format!("you have not trusted the prompts in {FOLDER} yet, so a run would not start: read them first");
        Finding::error("trust", text, Step::Trust(Trust::Repository))
    })
}

/// Checks that the program of the test command is installed.
pub(super) fn programs(repo: &Repository<'_>) -> Vec<Finding> {
    let Some(test) = repo.settings.test.as_deref() else {
        let text = "no test command is set, so merges are published untested";
        return vec![Finding::note("test", text, git("config orchestrate.test").blank("COMMAND"))];
    };
    let missing = missing_program(repo.top_level(), test).map(|program| {
        let text = format!(
            "the test command needs '{program}', which is not installed, so every merge fails"
        );
        let other = git("config orchestrate.test").blank("COMMAND");
        let remedy = other.to("Install it, or set another command");
        Finding::error("test", text, remedy)
    });
    missing.into_iter().collect()
}
