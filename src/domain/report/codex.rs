//! What codex 0.169 prints with `--json`: one event a line.
//!
//! Invariant: as `report`: pure text in, values out.

use serde_json::Value;

use super::usage::{Usage, tokens};
use super::{Limit, Output, first_line, json_lines, last_status};

pub(super) fn output(text: &str) -> Output {
    let answer = |v: &Value| {
        if v["item"]["type"] == "agent_message" {
            v["item"]["text"].as_str().map(str::to_owned)
        } else {
            None
        }
    };
    // Not an item of type `error`: that is a warning, for example about an unknown model.
    let failure = |v: &Value| {
        if v["type"] == "turn.failed" {
            v["error"]["message"].as_str().map(first_line)
        } else {
            None
        }
    };
    // While it asks again by itself, and before it gives up.
    let trouble =
        |v: &Value| if v["type"] == "error" { v["message"].as_str().map(first_line) } else { None };
    let said = json_lines(text).rev().find_map(|v| answer(&v)).unwrap_or_default();
    let error = json_lines(text).rev().find_map(|v| failure(&v));
    Output {
        report: last_status(&said),
        answer: said,
        limit: error.as_deref().and_then(Limit::of_error),
        trouble: json_lines(text).rev().find_map(|v| trouble(&v)),
        error,
        denied: Vec::new(),
        usage: usage(text),
    }
}

/// The last of the totals: codex counts from the beginning of the conversation on, a conversation
/// that is resumed too. It names no cost. What came from a cache is in `input_tokens`.
fn usage(text: &str) -> Option<Usage> {
    let turn = |v: Value| {
        let counts = (v["type"] == "turn.completed").then(|| v["usage"].clone())?;
        let (input_tokens, output_tokens) =
            (tokens(counts.get("input_tokens")?), tokens(counts.get("output_tokens")?));
        Some(Usage { input_tokens, output_tokens, cost_usd: None })
    };
    json_lines(text).rev().find_map(turn)
}
