//! Rules for tools other than the shell: what edits files, and the tools of MCP servers.
//!
//! Invariant: an editing rule stays in the worktree, and does not reach what decides about git or
//! about permissions.

use super::ANYTHING;

/// The tools that change files.
const EDITORS: [&str; 4] = ["edit", "multiedit", "notebookedit", "write"];
/// Folders in a worktree whose files decide what programs run, and what agents may do.
const RULING: [&str; 2] = [".git", ".claude"];
/// Parts of the names of MCP tools that run commands.
const RUNNING: [&str; 9] =
    ["shell", "bash", "terminal", "exec", "command", "eval", "powershell", "run_code", "runcode"];

/// Returns why a rule for this tool is refused; `None` where it may be used.
pub(super) fn refusal(tool: &str, pattern: Option<&str>) -> Option<&'static str> {
    let name = tool.to_ascii_lowercase();
    if let Some(mcp) = name.strip_prefix("mcp__") {
        return of_mcp(mcp);
    }
    if tool.contains(['*', '.']) {
        return Some(ANYTHING);
    }
    let path = pattern.filter(|_| EDITORS.contains(&name.as_str()))?;
    of_path(path)
}

fn of_mcp(name: &str) -> Option<&'static str> {
    if name.contains('*') {
        return Some("it allows tools that it does not name; name one: mcp__SERVER__TOOL");
    }
    let runs = RUNNING.iter().any(|word| name.contains(word));
    runs.then_some("a tool of this name runs commands, whatever they are")
}

fn of_path(path: &str) -> Option<&'static str> {
    let path = path.trim().replace('\\', "/");
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    let leaves = path.starts_with(['/', '~']) || path.contains('$') || is_drive;
    let mut parts = path.split('/').map(str::to_ascii_lowercase);
    if leaves || parts.clone().any(|part| part == "..") {
        return Some("it reaches files outside of the worktree; write a path such as src/**");
    }
    let rules = parts.any(|part| RULING.contains(&part.as_str()));
    rules.then_some("such files decide what git runs, or what agents may do")
}
