//! The programs beside Claude Code and codex: gemini, opencode, copilot and aider.
//!
//! Invariant: as `agent`: words, and nothing is launched. Files of the worktree may be edited,
//! and of commands only git and the run's own test are allowed, where a program can tell.

use super::Launch;
use crate::domain::report::Format;
use crate::domain::steps::shell::shell;

fn words(line: &[&str], model: Option<&str>) -> Vec<String> {
    let model = model.into_iter().flat_map(|model| ["--model", model]);
    line.iter().copied().chain(model).map(str::to_owned).collect()
}

/// gemini 0.61: reads the prompt from standard input, where that is no terminal. In a mode that
/// would ask, it refuses without a person; the worktree is new to it, so it is told to trust it.
pub(super) fn gemini(mode: &str, test: Option<&str>, model: Option<&str>) -> Launch {
    let line =
        ["gemini", "--output-format", "stream-json", "--skip-trust", "--approval-mode", mode];
    let argv = words(&line, model).into_iter().chain(gemini_tools(test)).collect();
    Launch { argv, format: Format::GeminiStream }
}

fn gemini_tools(test: Option<&str>) -> impl Iterator<Item = String> {
    ["git"].into_iter().chain(test).flat_map(gemini_may)
}

/// With a person, who answers.
pub(super) fn gemini_beside(told: &str, test: Option<&str>, model: Option<&str>) -> Launch {
    let line = ["gemini", "--prompt-interactive", told, "--approval-mode", "auto_edit"];
    let mut argv = words(&line, model);
    argv.extend(gemini_tools(test));
    Launch { argv, format: Format::GeminiStream }
}

/// A command of gemini's is allowed with whatever follows it.
pub(super) fn gemini_may(command: &str) -> [String; 2] {
    let begin = command.split(" *").next().unwrap_or(command);
    ["--allowed-tools".to_owned(), format!("run_shell_command({begin})")]
}

/// opencode 1.18: reads the prompt from standard input. What it may do comes in a variable, as
/// there is no option for it; without one it may do anything.
pub(super) fn opencode(
    writes: bool,
    model: Option<&str>,
    test: Option<&str>,
    resumed: Option<&str>,
) -> Launch {
    let variable = opencode_variable(writes, "deny", test);
    let mut argv = words(&["env", &variable, "opencode", "run", "--format", "json"], model);
    argv.extend(resumed.into_iter().flat_map(|id| ["--session".to_owned(), id.to_owned()]));
    Launch { argv, format: Format::OpencodeJson }
}

/// Says what is done about whatever is not allowed: `deny`, or `ask`. The path of a file to edit is
/// relative to the worktree there.
fn opencode_variable(writes: bool, else_: &str, test: Option<&str>) -> String {
    // What stands last holds, so the order is kept by hand.
    let test = test.map(|test| format!(",{}:\"allow\"", serde_json::Value::from(test)));
    let bash = format!(r#"{{"*":"{else_}","git *":"allow"{}}}"#, test.unwrap_or_default());
    let edit = if writes {
        format!(r#"{{"*":"allow","../*":"{else_}"}}"#)
    } else {
        format!(r#""{else_}""#)
    };
    let may = format!(r#"{{"edit":{edit},"external_directory":"{else_}","bash":{bash}}}"#);
    format!("OPENCODE_PERMISSION={may}")
}

/// With a person, who answers.
pub(super) fn opencode_beside(told: &str, model: Option<&str>, test: Option<&str>) -> Launch {
    let variable = opencode_variable(true, "ask", test);
    let argv = words(&["env", &variable, "opencode", "--prompt", told], model);
    Launch { argv, format: Format::OpencodeJson }
}

/// Adds commands to what the variable says.
pub(super) fn opencode_may(argv: &mut [String], commands: impl Iterator<Item = String>) {
    let Some(variable) = opencode_told(argv) else { return };
    let more: String =
        commands.map(|it| format!(",{}:\"allow\"", serde_json::Value::from(it))).collect();
    // The commands are the last entry, so more of them go in front of its two braces.
    if let Some(begin) = variable.strip_suffix("}}") {
        *variable = format!("{begin}{more}}}}}");
    }
}

/// Adds a folder whose files may be read.
pub(super) fn opencode_reads(argv: &mut [String], folder: &str) {
    let Some(variable) = opencode_told(argv) else { return };
    let files = serde_json::Value::from(format!("{folder}/*"));
    for else_ in ["deny", "ask"] {
        let nowhere = format!(r#""external_directory":"{else_}""#);
        let there = format!(r#""external_directory":{{"*":"{else_}",{files}:"allow"}}"#);
        *variable = variable.replacen(&nowhere, &there, 1);
    }
}

fn opencode_told(argv: &mut [String]) -> Option<&mut String> {
    argv.iter_mut().find(|word| word.starts_with("OPENCODE_PERMISSION="))
}

/// copilot 1.0: reads the prompt from standard input, where that is no terminal. Beside the
/// worktree it may use the folder for temporary files, if it is not told otherwise.
pub(super) fn copilot(writes: bool, model: Option<&str>, test: Option<&str>) -> Launch {
    let mut argv = words(&["copilot", "--output-format", "json"], model);
    argv.extend(copilot_tools(writes, test));
    argv.extend(writes.then(|| "--disallow-temp-dir".to_owned()));
    Launch { argv, format: Format::CopilotJson }
}

fn copilot_tools(writes: bool, test: Option<&str>) -> impl Iterator<Item = String> {
    let commands = ["git *"].into_iter().chain(test).map(copilot_may);
    writes.then(|| "--allow-tool=write".to_owned()).into_iter().chain(commands)
}

/// With a person, who answers.
pub(super) fn copilot_beside(told: &str, model: Option<&str>, test: Option<&str>) -> Launch {
    let mut argv = words(&["copilot", "--interactive", told], model);
    argv.extend(copilot_tools(true, test));
    Launch { argv, format: Format::CopilotJson }
}

/// A command with anything behind it is written with a colon there.
pub(super) fn copilot_may(command: &str) -> String {
    let command = match command.strip_suffix(" *") {
        Some(begin) => format!("{begin}:*"),
        None => command.to_owned(),
    };
    format!("--allow-tool=shell({command})")
}

/// aider 0.86: reads the prompt from a file and not from standard input, commits by itself, and
/// ends with 0 although its model could not be asked. What it keeps for itself (its history, its
/// map of the repository) would be taken for work of the task, so it keeps nothing. Its model sees
/// the files that it is given, so it is given those that lie beside its prompt.
pub(super) fn aider(model: Option<&str>) -> Launch {
    aider_with("--yes-always --no-stream --no-pretty", model)
}

/// With a person, who answers.
pub(super) fn aider_beside(model: Option<&str>) -> Launch {
    aider_with("", model)
}

/// What a prompt names in its folder.
const AIDER_READS: &str =
    "task.md report.md task.diff fix.diff approved-plan.md earlier-plan.md test.log";

fn aider_with(options: &str, model: Option<&str>) -> Launch {
    let line = format!(
        "for name in {AIDER_READS}; do file=\"${{ORCHESTRATE_PROMPT%/*}}/$name\"; \
         if test -f \"$file\"; then set -- \"$@\" --read \"$file\"; fi; done; \
         exec aider --message-file \"$ORCHESTRATE_PROMPT\" --no-gitignore --no-check-update \
         --no-show-release-notes --no-suggest-shell-commands --no-detect-urls --map-tokens 0 \
         --chat-history-file /dev/null --input-history-file /dev/null {options} \"$@\""
    );
    let mut argv = shell(&line);
    // The first word behind the line is the shell's `$0`.
    argv.extend(words(&["aider"], model));
    Launch { argv, format: Format::AiderText }
}
