//! The agent: whether one is set, installed and logged in.
//!
//! Invariant: no network and no cost: only local files and the programs' own status commands.

use std::path::PathBuf;
use std::time::Duration;

use super::{Finding, Repository};
use crate::domain::agent::Agent;
use crate::domain::steps::{Remedy, git, program};
use crate::run::begin::programs::missing_program;
use crate::system::process::{ask, find_program};

/// Time limit for an agent program to print its login status.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn check(repo: &Repository<'_>) -> Option<Finding> {
    let Some(text) = repo.settings.agent.as_deref() else {
        // The file that cannot be parsed may name an agent.
        if !repo.is_understood {
            return None;
        }
        let text = "no agent is set, so only plans whose tasks are all shell commands can run";
        return Some(Finding::note("agent", text, git("config orchestrate.agent claude")));
    };
    let agent = Agent::from_text(text);
    let missing = match agent.program() {
        Some(program) => find_program(program).is_none().then(|| program.to_owned()),
        None => missing_program(repo.top_level(), text),
    };
    if let Some(program) = missing {
        let text = format!("the agent '{program}' is not installed, or not on the PATH");
        return Some(Finding::error("agent", text, install(&agent)));
    }
    match agent {
        Agent::Claude => claude(repo),
        Agent::Codex => codex(repo),
        Agent::Gemini | Agent::Opencode | Agent::Copilot | Agent::Aider | Agent::Command(_) => None,
    }
}

fn install(agent: &Agent) -> Remedy {
    let line = match agent {
        Agent::Claude => "npm install -g @anthropic-ai/claude-code",
        Agent::Codex => "npm install -g @openai/codex",
        Agent::Gemini => "npm install -g @google/gemini-cli",
        Agent::Opencode => "npm install -g opencode-ai",
        Agent::Copilot => "npm install -g @github/copilot",
        Agent::Aider => "pipx install aider-chat",
        Agent::Command(_) => {
            let other = git("config orchestrate.agent").blank("COMMAND");
            return other.to("Install it, or set another agent").into();
        }
    };
    program(line).into()
}

/// Checks the login only if no key or token is in the environment or stored. Versions before 2.1 do
/// not know `auth status` and would take the words as a prompt, which costs tokens.
fn claude(repo: &Repository<'_>) -> Option<Finding> {
    const KEYS: &[&str] = &[
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
    ];
    let stored = folder("CLAUDE_CONFIG_DIR", ".claude").join(".credentials.json");
    if is_set(KEYS) || stored.is_file() {
        return None;
    }
    let directory = repo.git.home();
    let (_, version) = ask(&["claude", "--version"], &directory, LIMIT)?;
    let mut numbers = version.split('.').map(|part| part.trim().parse::<u32>());
    let version = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    if version < (2, 1) {
        return None;
    }
    let (code, output) = ask(&["claude", "auth", "status"], &directory, LIMIT)?;
    // Code and text, so that no other failure is taken for a missing login.
    let is_logged_out = code == 1 && output.replace(' ', "").contains("\"loggedIn\":false");
    is_logged_out.then(|| {
        let text = "Claude Code is not logged in and ANTHROPIC_API_KEY is not set, so every task would fail";
        Finding::error("agent", text, program("claude auth login"))
    })
}

/// Only a warning: a custom provider in the configuration of codex needs no login.
fn codex(repo: &Repository<'_>) -> Option<Finding> {
    if is_set(&["CODEX_API_KEY"]) || folder("CODEX_HOME", ".codex").join("auth.json").is_file() {
        return None;
    }
    let (code, output) = ask(&["codex", "login", "status"], &repo.git.home(), LIMIT)?;
    let is_logged_out = code == 1 && output.contains("Not logged in");
    is_logged_out.then(|| {
        let text = "codex is not logged in and CODEX_API_KEY is not set, so tasks fail unless it has another provider";
        Finding::warning("agent", text, program("codex login"))
    })
}

fn is_set(names: &[&str]) -> bool {
    names.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Returns the folder that a variable names, else a folder in the home directory.
fn folder(variable: &str, name: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(name);
    std::env::var_os(variable).map_or_else(home, PathBuf::from)
}
