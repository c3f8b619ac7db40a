//! What gemini, opencode, copilot and aider print.
//!
//! Invariant: as `report`: pure text in, values out. An error counts although the program may
//! have ended with 0.

use serde_json::Value;

use super::usage::{self, Usage, tokens};
use super::{Limit, Output, first_line, json_lines, last_status, rule};

/// gemini: the answer comes in pieces since the last tool was used; `result` comes last.
pub(super) fn gemini(text: &str) -> Output {
    let mut output = Output::default();
    let mut has_ended = false;
    for value in json_lines(text) {
        match value["type"].as_str().unwrap_or_default() {
            "message" if value["role"] == "assistant" => {
                output.answer += value["content"].as_str().unwrap_or_default();
            }
            "tool_use" => output.answer.clear(),
            "error" => output.trouble = Some(message(&value, "no more was said")),
            "result" => {
                let failed = value["status"] != "success";
                output.error = failed.then(|| message(&value["error"], "no more was said"));
                has_ended = true;
                output.usage = counts(&value["stats"], "input_tokens", "output_tokens");
            }
            _ => {}
        }
    }
    // Of a quota that is used up it may say no more than a line for people.
    let is_text = |line: &&str| !line.starts_with('{') && Limit::of_error(line).is_some();
    let said = text.lines().rev().find(is_text).map(first_line);
    match has_ended {
        true => {}
        false if output.answer.is_empty() => output.error = said,
        false => output.trouble = output.trouble.or(said),
    }
    Output { report: last_status(&output.answer), ..limited(output) }
}

/// opencode: what a step used is said at its end.
pub(super) fn opencode(text: &str) -> Output {
    let mut output = Output::default();
    let mut steps = Vec::new();
    for value in json_lines(text) {
        let part = &value["part"];
        match value["type"].as_str().unwrap_or_default() {
            "text" => output.answer = part["text"].as_str().unwrap_or_default().to_owned(),
            "step_finish" => {
                let cost = part["cost"].as_f64().filter(|cost| *cost > 0.0);
                let step = counts(&part["tokens"], "input", "output");
                steps.extend(step.map(|u| Usage { cost_usd: cost.map(Into::into), ..u }));
            }
            "error" => {
                let data = &value["error"]["data"];
                output.error = Some(message(data, "no more was said"));
                output.limit = told_limit(data);
            }
            "tool_use" if is_refused(&part["state"]) => output
                .denied
                .push(refused(part["tool"].as_str().unwrap_or("a tool"), &part["state"]["input"])),
            _ => {}
        }
    }
    Output { report: last_status(&output.answer), usage: usage::sum(steps), ..limited(output) }
}

/// Returns the limit of an answer of a service that is handed on with its number and its headers.
fn told_limit(data: &Value) -> Option<Limit> {
    let text = message(data, "usage limit");
    let wait = data["responseHeaders"]["retry-after"].as_str().and_then(|it| it.parse().ok());
    let wait = wait.map(|seconds: u64| format!("{text} (try again in {seconds} s)"));
    let is_limit = data["statusCode"] == 429;
    is_limit.then(|| Limit { text: wait.unwrap_or(text), reset: None })
}

/// Adds the limit that the error is about, where nothing more is known of one.
fn limited(output: Output) -> Output {
    let limit = output.limit.or_else(|| Limit::of_error(output.error.as_deref()?));
    Output { limit, ..output }
}

fn is_refused(state: &Value) -> bool {
    let error = state["error"].as_str().unwrap_or_default();
    state["status"] == "error"
        && (error.contains("rejected permission") || error.contains("a rule which prevents"))
}

/// copilot: a tool that was refused is told at its end by number, and by name at its begin.
pub(super) fn copilot(text: &str) -> Output {
    let mut output = Output::default();
    let mut begun: Vec<Value> = Vec::new();
    for mut value in json_lines(text) {
        let data = value["data"].take();
        match value["type"].as_str().unwrap_or_default() {
            "assistant.message" => {
                output.answer = data["content"].as_str().unwrap_or_default().to_owned();
            }
            "tool.execution_start" => begun.push(data),
            "tool.execution_complete" if data["error"]["code"] == "denied" => {
                let of_call = begun.iter().find(|it| it["toolCallId"] == data["toolCallId"]);
                let name = of_call.and_then(|it| it["toolName"].as_str()).unwrap_or("a tool");
                let input = of_call.map_or(&Value::Null, |it| &it["arguments"]);
                output.denied.push(refused(name, input));
            }
            "session.error" => {
                output.error = Some(message(&data, "no more was said"));
                output.limit = told_limit(&data);
            }
            _ => {}
        }
    }
    Output { report: last_status(&output.answer), ..limited(output) }
}

/// aider: an error of the model's library is a line of its own.
pub(super) fn aider(text: &str) -> Output {
    let is_error = |line: &&str| {
        let name = line.trim().strip_prefix("litellm.").unwrap_or_default();
        name.split([':', ' ']).next().is_some_and(|name| name.ends_with("Error"))
    };
    let error = text.lines().rev().find(is_error).map(first_line);
    let (report, answer) = (last_status(text), text.to_owned());
    // What it tried again and could do at last is no failure.
    let error = error.filter(|_| report.is_none());
    let usage = usage::sum(text.lines().filter_map(aider_usage));
    limited(Output { report, error, answer, usage, ..Output::default() })
}

/// `Tokens: 2.3k sent, 120 received. Cost: $0.01 message, $0.02 session.`
fn aider_usage(line: &str) -> Option<Usage> {
    let (sent, rest) = line.trim().strip_prefix("Tokens: ")?.split_once(" sent, ")?;
    let (received, rest) = rest.split_once(" received.")?;
    let cost =
        rest.trim().strip_prefix("Cost: $").and_then(|it| it.split(' ').next()?.parse().ok());
    let cost = cost.map(|dollars: f64| dollars.into());
    let (input, output) = (aider_count(sent)?, aider_count(received)?);
    Some(Usage { input_tokens: input, output_tokens: output, cost_usd: cost })
}

fn aider_count(text: &str) -> Option<u64> {
    let (number, unit) = match text.trim().strip_suffix(['k', 'M']) {
        Some(number) if text.trim().ends_with('k') => (number, 1e3),
        Some(number) => (number, 1e6),
        None => (text.trim(), 1.0),
    };
    Some((number.replace(',', "").parse::<f64>().ok()? * unit).round() as u64)
}

fn counts(value: &Value, input: &str, output: &str) -> Option<Usage> {
    let (input, output) = (value.get(input)?, value.get(output)?);
    Some(Usage { input_tokens: tokens(input), output_tokens: tokens(output), cost_usd: None })
}

fn message(value: &Value, none: &str) -> String {
    first_line(value["message"].as_str().unwrap_or(none))
}

fn refused(name: &str, input: &Value) -> String {
    let paths = ["filePath", "path", "file_path"].iter().find_map(|key| input[key].as_str());
    rule(name, input["command"].as_str().or(paths))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::Status;

    #[test]
    fn gemini_answers_in_pieces() {
        let text = r#"{"type":"init","session_id":"d8af","model":"gemini-2.5-flash"}
{"type":"message","role":"user","content":"STATUS: BLOCKED\n"}
{"type":"message","role":"assistant","content":"I write. STATUS: BLOCKED","delta":true}
{"type":"tool_use","tool_name":"write_file","parameters":{}}
{"type":"message","role":"assistant","content":"STATUS: ","delta":true}
{"type":"message","role":"assistant","content":"DONE","delta":true}
{"type":"result","status":"success","stats":{"input_tokens":200,"output_tokens":40}}"#;
        let output = gemini(text);
        assert_eq!(output.report.map(|r| r.status), Some(Status::Done));
        assert_eq!(output.usage.map(|u| u.to_string()).as_deref(), Some("200 tokens in, 40 out"));
        assert_eq!(output.error, None);
        let failed = r#"{"type":"result","status":"error","error":{"message":"quota"}}"#;
        assert_eq!(gemini(failed).error.as_deref(), Some("quota"));
    }

    #[test]
    fn opencode_tells_each_step() {
        let step = r#"{"type":"step_finish","sessionID":"ses_1","part":{"tokens":{"total":120,
            "input":100,"output":20},"cost":0.5}}"#;
        let step = step.replace('\n', "");
        let text = format!(
            "{step}\n{{\"type\":\"text\",\"part\":{{\"text\":\"STATUS: DONE\"}}}}\n{step}\n"
        );
        let output = opencode(&text);
        assert_eq!(output.report.map(|r| r.status), Some(Status::Done));
        let used = output.usage.expect("said").to_string();
        assert_eq!(used, "200 tokens in, 40 out, $1.00");
        let failed = r#"{"type":"error","error":{"name":"UnknownError","data":{"message":"no"}}}"#;
        assert_eq!(opencode(failed).error.as_deref(), Some("no"));
    }

    #[test]
    fn copilot_names_a_refused_tool_by_its_call() {
        let text = r#"{"type":"tool.execution_start","data":{"toolCallId":"c","toolName":"bash",
"arguments":{"command":"rm x"}}}
{"type":"tool.execution_complete","data":{"toolCallId":"c","success":false,
"error":{"message":"Permission denied","code":"denied"}}}
{"type":"assistant.message","data":{"content":"STATUS: DONE"}}
{"type":"result","exitCode":0}"#;
        let output = copilot(&text.replace(",\n", ","));
        assert_eq!(output.denied, ["Bash(rm x)"]);
        assert_eq!(output.report.map(|r| r.status), Some(Status::Done));
    }

    #[test]
    fn aider_ends_with_0_although_it_failed() {
        let text = "Aider v0.86.2\nlitellm.AuthenticationError: no key\nhttps://x\n";
        let failed = aider(text);
        assert_eq!(failed.error.as_deref(), Some("litellm.AuthenticationError: no key"));
        assert_eq!(aider("litellm.RateLimitError: x\nSTATUS: DONE\n").error, None);
        let text = "Tokens: 2.3k sent, 120 received. Cost: $0.01 message, $0.02 session.\n\
                    Tokens: 100 sent, 20 received.\nSTATUS: DONE\n";
        let used = aider(text).usage.expect("said").to_string();
        assert_eq!(used, "2400 tokens in, 140 out, $0.0100");
    }
}
