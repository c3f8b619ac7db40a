//! The agent: set, installed, and logged in, as far as that can be told here and at once.

use std::path::PathBuf;
use std::time::Duration;

use super::settings::missing_program;
use super::{Finding, Place};
use crate::domain::agent::Agent;
use crate::system::process::{ask, find_program};

/// How long an agent program may take to say whether somebody is logged in.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn look(place: &Place<'_>) -> Option<Finding> {
    let Some(text) = place.settings.agent.as_deref() else {
        if !place.is_understood {
            return None;
        }
        let text = "no agent is set: a run begins only where all tasks are shell commands";
        return Some(Finding::note("agent", text, "git config orchestrate.agent claude"));
    };
    let agent = Agent::from_text(text);
    let missing = match agent.program() {
        Some(program) => find_program(program).is_none().then(|| program.to_owned()),
        None => missing_program(place, text),
    };
    if let Some(program) = missing {
        let text = format!("the agent's program '{program}' is not installed, or not on the PATH");
        return Some(Finding::error("agent", text, install(&agent)));
    }
    match agent {
        Agent::Claude => claude(place),
        Agent::Codex => codex(place),
        Agent::Gemini | Agent::Opencode | Agent::Copilot | Agent::Aider | Agent::Command(_) => None,
    }
}

fn install(agent: &Agent) -> &'static str {
    match agent {
        Agent::Claude => "npm install -g @anthropic-ai/claude-code",
        Agent::Codex => "npm install -g @openai/codex",
        Agent::Gemini => "npm install -g @google/gemini-cli",
        Agent::Opencode => "npm install -g opencode-ai",
        Agent::Copilot => "npm install -g @github/copilot",
        Agent::Aider => "pipx install aider-chat",
        Agent::Command(_) => "install it, or: git config orchestrate.agent 'COMMAND'",
    }
}

/// Claude Code answers `auth status` from version 2.1 on; an older one would take the words for
/// a prompt. A key or token in the environment, or stored ones, need no question.
fn claude(place: &Place<'_>) -> Option<Finding> {
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
    let directory = place.git.home();
    let (_, version) = ask(&["claude", "--version"], &directory, LIMIT)?;
    let mut numbers = version.split('.').map(|part| part.trim().parse::<u32>());
    let version = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    if version < (2, 1) {
        return None;
    }
    let (code, said) = ask(&["claude", "auth", "status"], &directory, LIMIT)?;
    let is_out = code == 1 && said.replace(' ', "").contains("\"loggedIn\":false");
    is_out.then(|| {
        let text = "Claude Code is not logged in: every task would fail";
        Finding::error("agent", text, "claude auth login   # or set ANTHROPIC_API_KEY")
    })
}

/// A provider of one's own, in codex's configuration, needs no login; so this is a warning.
fn codex(place: &Place<'_>) -> Option<Finding> {
    if is_set(&["CODEX_API_KEY"]) || folder("CODEX_HOME", ".codex").join("auth.json").is_file() {
        return None;
    }
    let (code, said) = ask(&["codex", "login", "status"], &place.git.home(), LIMIT)?;
    let is_out = code == 1 && said.contains("Not logged in");
    is_out.then(|| {
        let text = "codex is not logged in: tasks fail, unless it has a provider of its own";
        Finding::warning("agent", text, "codex login   # or set CODEX_API_KEY")
    })
}

fn is_set(names: &[&str]) -> bool {
    names.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Returns the folder that a variable names, or one in the user's home.
fn folder(variable: &str, name: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(name);
    std::env::var_os(variable).map_or_else(home, PathBuf::from)
}
