//! An agent's output: its report, and what else the output shows.
//!
//! Invariant: pure text in, values out. A report never decides alone whether a task is done; git
//! does (see `policy::verdicts`).

mod claude;
mod codex;
mod last_word;
mod other_programs;
mod usage;
mod usage_limit;

pub(crate) use last_word::{is_qualified, last_question, last_word, takes_back};
pub(crate) use usage::{Dollars, Usage, sum};
pub(crate) use usage_limit::Limit;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::text::Given;

/// How an attempt ended, in the agent's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Done,
    DoneWithConcerns,
    NeedsContext,
    Blocked,
}

/// A status with the sentence that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub status: Status,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Status {
    /// Returns true if the work is finished.
    pub fn is_done(self) -> bool {
        matches!(self, Status::Done | Status::DoneWithConcerns)
    }

    /// Returns the word, as an agent writes it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Done => "DONE",
            Status::DoneWithConcerns => "DONE_WITH_CONCERNS",
            Status::NeedsContext => "NEEDS_CONTEXT",
            Status::Blocked => "BLOCKED",
        }
    }

    fn from_word(word: &str) -> Option<Status> {
        let all = [Status::Done, Status::DoneWithConcerns, Status::NeedsContext, Status::Blocked];
        let plain =
            word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).replace([' ', '-'], "_");
        all.into_iter().find(|status| status.word().eq_ignore_ascii_case(&plain))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How an agent program writes its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line; the last of `type` `result` holds the answer (Claude Code 2.1).
    ClaudeStream,
    /// One JSON object a line; the last `agent_message` is the answer (codex 0.169).
    CodexJson,
    /// One JSON object a line; the words of the `assistant` are the answer (gemini 0.61).
    GeminiStream,
    /// One JSON object a line; the last `text` is the answer (opencode 1.18).
    OpencodeJson,
    /// One JSON object a line; the last `assistant.message` is the answer (copilot 1.0).
    CopilotJson,
    /// Text for people, which also says that the model could not be asked (aider 0.86).
    AiderText,
}

impl Format {
    /// Returns true if the answer holds nothing but the agent's own words. Text for people may hold
    /// the output of commands and the contents of files, too.
    pub(crate) fn is_structured(self) -> bool {
        match self {
            Format::Text | Format::AiderText => false,
            Format::ClaudeStream
            | Format::CodexJson
            | Format::GeminiStream
            | Format::OpencodeJson
            | Format::CopilotJson => true,
        }
    }

    /// Returns true if usage is a running total, so that a resumed attempt must subtract what
    /// earlier ones used.
    pub(crate) fn counts_whole_conversation(self) -> bool {
        match self {
            Format::CodexJson => true,
            Format::Text
            | Format::ClaudeStream
            | Format::GeminiStream
            | Format::OpencodeJson
            | Format::CopilotJson
            | Format::AiderText => false,
        }
    }
}

/// The contents of an agent's output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Output {
    /// The last `STATUS:` line of the final message.
    pub report: Option<Report>,
    /// The program's own error message, although it may have exited with 0.
    pub error: Option<String>,
    /// The usage limit that caused the error: no failure, since the task resumes later.
    pub limit: Option<Limit>,
    /// The last problem that the program reported while it was still trying; if it has to be
    /// stopped, nothing else shows the cause.
    pub trouble: Option<String>,
    /// The rules that would allow what the agent was refused.
    pub denied: Vec<String>,
    /// The final message; for plain text the whole output.
    pub answer: String,
    /// The usage, if the program reports it.
    pub usage: Option<Usage>,
}

/// Stands for the further lines of a command.
const MORE: char = '…';

/// Returns true if a refused tool is known exactly enough for a rule to allow it.
pub(crate) fn is_exact(rule: &str) -> bool {
    !rule.contains(MORE)
}

/// Reads an agent's output; `text` may be only the end of it.
pub(crate) fn read(format: Format, text: &str) -> Output {
    match format {
        Format::Text => Output {
            report: last_status(text),
            limit: Limit::of_last_line(text),
            answer: text.to_owned(),
            ..Output::default()
        },
        Format::ClaudeStream => claude::output(text),
        Format::CodexJson => codex::output(text),
        Format::GeminiStream => other_programs::gemini(text),
        Format::OpencodeJson => other_programs::opencode(text),
        Format::CopilotJson => other_programs::copilot(text),
        Format::AiderText => other_programs::aider(text),
    }
}

/// Returns the report in the agent's last word, if it is known to have printed nothing but its own
/// words.
fn last_status(text: &str) -> Option<Report> {
    last_word(text, &Given::default()).map(|last| last.report)
}

/// Returns the id with which the program can resume the conversation of this output.
pub(crate) fn conversation(format: Format, text: &str) -> Option<String> {
    // Only the first event counts: Claude Code repeats an id in its result even if it does not know
    // it.
    let (kind, key) = match format {
        Format::OpencodeJson => {
            return json_lines(text).find_map(|v| v["sessionID"].as_str().map(str::to_owned));
        }
        Format::Text | Format::GeminiStream | Format::CopilotJson | Format::AiderText => {
            return None;
        }
        Format::ClaudeStream => ("system", "session_id"),
        Format::CodexJson => ("thread.started", "thread_id"),
    };
    let mut begun = json_lines(text).filter(|value| value["type"] == kind);
    begun.find_map(|value| value[key].as_str().map(str::to_owned))
}

/// Returns the rule that allows a refused tool, as Claude Code writes it. No rule can allow a
/// command of several lines: then the first line is named, with a sign that there is more.
fn rule(tool: &str, command: Option<&str>) -> String {
    let tool = match tool {
        "bash" | "shell" | "run_shell_command" | "local_shell" => "Bash",
        tool => tool,
    };
    let Some(command) = command.map(str::trim) else { return tool.to_owned() };
    match command.split_once('\n') {
        Some((first, _)) => format!("{tool}({} {MORE})", first.trim()),
        None => format!("{tool}({command})"),
    }
}

fn json_lines(text: &str) -> impl DoubleEndedIterator<Item = Value> + '_ {
    // Other lines are messages for people, or a first line of which only the end is there.
    text.lines().filter_map(|line| serde_json::from_str(line).ok())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_says_is_error_although_subtype_says_success() {
        let line =
            r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 400"}"#;
        let output = read(Format::ClaudeStream, &format!("{{\"type\":\"system\"}}\n{line}\n"));
        assert_eq!(output.error.as_deref(), Some("API Error: 400"));
    }

    #[test]
    fn claude_lists_what_it_was_refused() {
        let line = r#"{"type":"result","is_error":false,"result":"STATUS: DONE",
            "permission_denials":[{"tool_name":"Bash","tool_input":{"command":"rm x"}}]}"#;
        let output = read(Format::ClaudeStream, &line.replace('\n', ""));
        assert_eq!(output.denied, ["Bash(rm x)"]);
        assert_eq!(output.report.map(|r| r.status), Some(Status::Done));
    }

    #[test]
    fn what_was_used_is_in_the_last_words() {
        let claude = r#"{"type":"result","is_error":false,"result":"ok","total_cost_usd":0.0012,
            "usage":{"input_tokens":200,"cache_creation_input_tokens":10,
            "cache_read_input_tokens":5,"output_tokens":40,"server_tool_use":{}}}"#;
        let usage = read(Format::ClaudeStream, &claude.replace('\n', "")).usage.expect("said");
        assert_eq!(usage.to_string(), "215 tokens in, 40 out, $0.0012");
        let turn = r#"{"type":"turn.completed","usage":{"input_tokens":200,
            "cached_input_tokens":20,"output_tokens":40,"reasoning_output_tokens":0}}"#;
        let turn = turn.replace('\n', "");
        // Totals of the conversation, not of the turn: codex 0.169 says 200, then 300.
        let later = turn.replace("200", "300").replace("40", "60");
        let usage = read(Format::CodexJson, &format!("{turn}\n{later}\n")).usage.expect("said");
        assert_eq!(usage.to_string(), "300 tokens in, 60 out");
        assert_eq!(read(Format::CodexJson, "{\"type\":\"turn.started\"}").usage, None);
        assert_eq!(read(Format::Text, claude).usage, None);
    }

    #[test]
    fn a_conversation_is_known_from_its_first_words() {
        let claude = "not json\n{\"type\":\"system\",\"session_id\":\"c-1\"}\n";
        assert_eq!(conversation(Format::ClaudeStream, claude).as_deref(), Some("c-1"));
        let codex = "{\"type\":\"thread.started\",\"thread_id\":\"t-1\"}\n";
        assert_eq!(conversation(Format::CodexJson, codex).as_deref(), Some("t-1"));
        assert_eq!(conversation(Format::Text, codex), None);
        assert_eq!(conversation(Format::CodexJson, "Error: no such thread"), None);
        let unknown = r#"{"type":"result","is_error":true,"session_id":"c-2",
            "errors":["No conversation found with session ID: c-2"]}"#;
        assert_eq!(conversation(Format::ClaudeStream, &unknown.replace('\n', "")), None);
    }

    #[test]
    fn codex_answers_in_its_last_message() {
        let text = r#"{"type":"item.completed","item":{"type":"agent_message","text":"STATUS: BLOCKED no db"}}
{"type":"turn.failed","error":{"message":"stream closed"}}"#;
        let output = read(Format::CodexJson, text);
        assert_eq!(output.report.map(|r| r.message).as_deref(), Some("no db"));
        assert_eq!(output.error.as_deref(), Some("stream closed"));
    }
}
