//! What Claude Code 2.1 prints with `--output-format stream-json`: its last line is the result.
//!
//! Invariant: as `report`: pure text in, values out.

use serde_json::Value;

use super::usage::{Usage, tokens};
use super::{Limit, Output, first_line, json_lines, last_status, rule};

/// Without a result, it has not come to its end.
pub(super) fn output(text: &str) -> Output {
    let result = json_lines(text).rev().find_map(|value| result(&value)).unwrap_or_default();
    Output { limit: limit(text, &result), trouble: trouble(text), ..result }
}

/// The time is a number in an event before the result, which has it in words alone.
fn limit(text: &str, result: &Output) -> Option<Limit> {
    let limit = Limit::of_error(result.error.as_deref()?)?;
    let reset = |value: Value| {
        let info = value.get("rate_limit_info")?;
        (info["status"] == "rejected").then(|| info["resetsAt"].as_i64())?
    };
    let reset = limit.reset.or_else(|| json_lines(text).rev().find_map(reset));
    Some(Limit { reset, ..limit })
}

/// It asks again by itself for minutes where the service does not answer.
fn trouble(text: &str) -> Option<String> {
    let retry = json_lines(text).rev().find(|value| value["subtype"] == "api_retry")?;
    let what = retry["error"].as_str().unwrap_or("no more was said");
    let status = retry["error_status"].as_u64().map(|code| format!(" ({code})"));
    let (nth, of) = (&retry["attempt"], &retry["max_retries"]);
    Some(format!("asks again, {nth} of {of}: {what}{}", status.unwrap_or_default()))
}

/// `subtype` says "success" of failures too, so only `is_error` counts.
fn result(value: &Value) -> Option<Output> {
    if value["type"] != "result" {
        return None;
    }
    let answer = value["result"].as_str().unwrap_or_default();
    let is_error = value["is_error"].as_bool().unwrap_or(false);
    // Where turns or money ran out there is no `result`, only a list of errors.
    let first_error = value["errors"][0].as_str().unwrap_or(answer);
    let refusals = value["permission_denials"].as_array().map(Vec::as_slice).unwrap_or_default();
    Some(Output {
        report: last_status(answer),
        error: is_error.then(|| first_line(first_error)),
        denied: refusals.iter().map(refusal).collect(),
        answer: answer.to_owned(),
        usage: usage(value),
        ..Output::default()
    })
}

fn refusal(denial: &Value) -> String {
    let input = &denial["tool_input"];
    // Files it may edit anyway, so it is the place that was refused.
    let what = input["command"].as_str().or_else(|| input["file_path"].as_str());
    rule(denial["tool_name"].as_str().unwrap_or("a tool"), what)
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
