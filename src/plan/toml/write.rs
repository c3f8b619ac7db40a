//! The normalised form of a plan.
//!
//! Invariant: any text survives, byte for byte; text with line breaks stays readable, since people
//! look at it with `git show`. Every task of a DAG has `depends_on` and no task of a sequential
//! plan has it, so the mode survives too.

use std::fmt::Write as _;

use crate::domain::plan::{Mode, Plan, Task};

/// Returns the plan as TOML.
pub(crate) fn write(plan: &Plan) -> String {
    let mut out = format!("name = {}\n", string(&plan.name));
    if let Some(preamble) = &plan.preamble {
        for (key, value) in
            [("preamble.constraints", &preamble.constraints), ("preamble.text", &preamble.text)]
        {
            text(&mut out, key, Some(value.as_str()).filter(|value| !value.is_empty()));
        }
    }
    for task in &plan.tasks {
        write_task(&mut out, task, plan.mode);
    }
    out
}

fn write_task(out: &mut String, task: &Task, mode: Mode) {
    out.push_str("\n[[task]]\n");
    pair(out, "id", string(task.id.as_str()));
    text(out, "number", task.number.as_deref());
    pair(out, "title", string(&task.title));
    if mode == Mode::Dag {
        pair(
            out,
            "depends_on",
            list(task.depends_on.iter().map(crate::domain::plan::id::TaskId::as_str)),
        );
    }
    if !task.parallel_safe {
        pair(out, "parallel_safe", "false".to_owned());
    }
    if task.done {
        pair(out, "done", "true".to_owned());
    }
    for (key, paths) in [("files", &task.files), ("reads", &task.reads)] {
        if !paths.is_empty() {
            pair(out, key, list(paths.iter().map(String::as_str)));
        }
    }
    text(out, "run", task.run.as_deref());
    text(out, "model", task.model.as_deref());
    text(out, "agent", task.agent.as_deref());
    text(out, "test", task.test.as_deref());
    if let Some(seconds) = task.timeout {
        pair(out, "timeout", seconds.to_string());
    }
    if task.plan_first {
        pair(out, "plan_first", "true".to_owned());
    }
    if !task.criteria.is_empty() {
        pair(out, "criteria", list(task.criteria.iter().map(|c| c.text.as_str())));
    }
    let ticked: Vec<String> =
        task.criteria.iter().filter(|c| c.checked).map(|c| c.index.to_string()).collect();
    if !ticked.is_empty() {
        pair(out, "ticked", format!("[{}]", ticked.join(", ")));
    }
    text(out, "ticket", task.ticket.as_deref());
    if task.final_review {
        pair(out, "final_review", "true".to_owned());
    }
    if let Some(reviews) = &task.reviews {
        pair(out, "reviews", list(reviews.iter().map(|review| review.word())));
    }
    pair(out, "line", task.line.to_string());
    if !task.prompt.is_empty() {
        text(out, "prompt", Some(&task.prompt));
    }
}

fn pair(out: &mut String, key: &str, value: String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{key} = {value}");
}

fn text(out: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        pair(out, key, string(value));
    }
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(string).collect::<Vec<_>>().join(", "))
}

/// Returns a text as a basic string, or as a multi-line one if it has several lines.
fn string(text: &str) -> String {
    let is_long = text.contains('\n');
    let mut out = String::with_capacity(text.len() + 8);
    // TOML drops a line break right after the opening quotes, so it is not part of the text.
    out.push_str(if is_long { "\"\"\"\n" } else { "\"" });
    let mut chars = text.chars().peekable();
    let mut after_quote = false;
    while let Some(c) = chars.next() {
        // A lone quote can stay as it is; two in a row or one at the end could close the string.
        let plain_quote = is_long && c == '"' && !after_quote && chars.peek().is_some();
        after_quote = plain_quote;
        match c {
            '"' if plain_quote => out.push('"'),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' | '\t' if is_long => out.push(c),
            '\t' => out.push_str("\\t"),
            // A reader may turn CRLF into LF, so the CR must not be a plain character.
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push_str(if is_long { "\"\"\"" } else { "\"" });
    out
}
