//! What Claude Code 2.1 prints with `--output-format stream-json`: its last line is the result.
//!
//! Invariant: as `report`: pure text in, values out.

use serde_json::Value;

use super::usage::{Usage, tokens};
use super::{Output, first_line, last_status};

/// `subtype` says "success" of failures too, so only `is_error` counts.
pub(super) fn result(value: &Value) -> Option<Output> {
    if value["type"] != "result" {
        return None;
    }
    let answer = value["result"].as_str().unwrap_or_default();
    let is_error = value["is_error"].as_bool().unwrap_or(false);
    let first_error = value["errors"][0].as_str().unwrap_or(answer);
    let refusals = value["permission_denials"].as_array().map(Vec::as_slice).unwrap_or_default();
    Some(Output {
        report: last_status(answer),
        error: is_error.then(|| first_line(first_error)),
        denied: refusals.iter().map(refusal).collect(),
        answer: answer.to_owned(),
        usage: usage(value),
    })
}

fn refusal(denial: &Value) -> String {
    let tool = denial["tool_name"].as_str().unwrap_or("a tool");
    match denial["tool_input"]["command"].as_str() {
        Some(command) => format!("{tool}({})", first_line(command)),
        None => tool.to_owned(),
    }
}

/// What came from a cache was given to the model, too.
fn usage(value: &Value) -> Option<Usage> {
    let counts = value["usage"].as_object()?;
    let count = |key: &str| counts.get(key).map(tokens).unwrap_or_default();
    let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"].map(count);
    Some(Usage {
        input_tokens: cached.into_iter().fold(count("input_tokens"), u64::saturating_add),
        output_tokens: count("output_tokens"),
        cost_usd: value["total_cost_usd"].as_f64().map(Into::into),
    })
}
