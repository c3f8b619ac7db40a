//! The programs beside Claude Code and codex: gemini, opencode, copilot and aider.
//!
//! Invariant: as `agent`: words, and nothing is launched. Files of the worktree may be edited,
//! and of commands only git and the run's own test are allowed, where a program can tell.

use super::{Launch, shell};
use crate::report::Format;

fn words(line: &[&str], model: Option<&str>) -> Vec<String> {
    let model = model.into_iter().flat_map(|model| ["--model", model]);
    line.iter().copied().chain(model).map(str::to_owned).collect()
}

/// gemini 0.61: reads the prompt from standard input, where that is no terminal. In a mode that
/// would ask, it refuses without a person; the worktree is new to it, so it is told to trust it.
pub(super) fn gemini(mode: &str, test: Option<&str>, model: Option<&str>) -> Launch {
    let line =
        ["gemini", "--output-format", "stream-json", "--skip-trust", "--approval-mode", mode];
    let mut argv = words(&line, model);
    let commands = ["git"].into_iter().chain(test).map(|it| format!("run_shell_command({it})"));
    argv.extend(commands.flat_map(|tool| ["--allowed-tools".to_owned(), tool]));
    Launch { argv, format: Format::GeminiStream }
}

/// opencode 1.18: reads the prompt from standard input. What it may do comes in a variable, as
/// there is no option for it; without one it may do anything.
pub(super) fn opencode(model: Option<&str>, test: Option<&str>, resumed: Option<&str>) -> Launch {
    // What stands last holds, so the order is kept by hand.
    let test = test.map(|test| format!(",{}:\"allow\"", serde_json::Value::from(test)));
    let bash = format!(r#"{{"*":"deny","git *":"allow"{}}}"#, test.unwrap_or_default());
    let may = format!(r#"{{"edit":"allow","external_directory":"deny","bash":{bash}}}"#);
    let variable = format!("OPENCODE_PERMISSION={may}");
    let mut argv = words(&["env", &variable, "opencode", "run", "--format", "json"], model);
    argv.extend(resumed.into_iter().flat_map(|id| ["--session".to_owned(), id.to_owned()]));
    Launch { argv, format: Format::OpencodeJson }
}

/// copilot 1.0: reads the prompt from standard input, where that is no terminal.
pub(super) fn copilot(writes: bool, model: Option<&str>, test: Option<&str>) -> Launch {
    let mut argv = words(&["copilot", "--output-format", "json"], model);
    argv.extend(writes.then(|| "--allow-tool=write".to_owned()));
    let commands = ["git:*"].into_iter().chain(test);
    argv.extend(commands.map(|command| format!("--allow-tool=shell({command})")));
    Launch { argv, format: Format::CopilotJson }
}

/// aider 0.86: reads the prompt from a file and not from standard input, commits by itself, and
/// ends with 0 although its model could not be asked.
pub(super) fn aider(model: Option<&str>) -> Launch {
    let line = "exec aider --message-file \"$ORCHESTRATE_PROMPT\" --yes-always --no-gitignore \
                --no-check-update --no-stream --no-pretty \"$@\"";
    let mut argv = shell(line);
    argv.extend(words(&["aider"], model));
    Launch { argv, format: Format::AiderText }
}
