//! What differs from run to run, and what stands in its place.
//!
//! Invariant: a replacement keeps the width if columns follow, so that the layout of a table is
//! seen; times of the story's clock are the same in every run, and stay.

use serde_json::Value;

/// Keys of JSON that hold what differs: numbers of processes, seconds by the real clock, and the
/// numbers of worktrees that were made at the same time.
const KEYS: [&str; 4] = ["pid", "seconds", "began", "slot"];

/// Replaces ids, and puts tasks that started at the same time in the order of their names: they are
/// started by processes of their own, in any order.
pub fn redact(text: &str) -> String {
    let mut lines: Vec<String> = without_ids(text).lines().map(str::to_owned).collect();
    for group in lines.chunk_by_mut(|one, other| is_start(one) && is_start(other)) {
        group.sort();
    }
    lines.join("\n") + "\n"
}

/// Returns whether a line says that a task started, of the run's output or its journal.
fn is_start(line: &str) -> bool {
    line.trim_start().starts_with("started ") || line.contains(": waiting -> running")
}

fn without_ids(text: &str) -> String {
    let mut redacted = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        redacted += if is_id(&word) { id_of(&word) } else { &word };
        word.clear();
        redacted.push(c);
    }
    redacted.pop();
    redacted
}

/// Returns whether a word is an id of git, whole or short. It may consist of digits alone.
fn is_id(word: &str) -> bool {
    (7..=40).contains(&word.len()) && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

fn id_of(word: &str) -> &'static str {
    if word.len() == 40 { "<commit>" } else { "<id>" }
}

/// Replaces the values of [`KEYS`].
pub fn redact_json(value: &mut Value) {
    match value {
        Value::Object(object) => object.iter_mut().for_each(|(key, value)| {
            if KEYS.contains(&key.as_str()) && value.is_number() {
                *value = Value::from(format!("<{key}>"));
            }
            redact_json(value);
        }),
        Value::Array(array) => array.iter_mut().for_each(redact_json),
        _ => {}
    }
}

#[test]
fn ids_are_replaced_and_starts_sorted() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    assert_eq!(redact(&format!("at {id}, deadbee.\n")), "at <commit>, <id>.\n");
    assert_eq!(redact("a1b2c3 1234567890 deadbeef-x"), "a1b2c3 <id> <id>-x\n");
    let run = " merged z: as 1\n started b: B\n started a: A\n";
    assert_eq!(redact(run), " merged z: as 1\n started a: A\n started b: B\n");
}
