//! JSON whose values know the line they stand on.
//!
//! Invariant: a number, a text and a truth are told as texts, since programs write ids as either.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::plan::finding::Findings;

/// Returns whether a text begins with a whole object on its first line, and more on the next.
pub(super) fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_object = |line: &str| serde_json::from_str::<serde_json::Map<_, _>>(line).is_ok();
    let is_whole = lines.next().is_some_and(is_object);
    let is_alone = text.contains("\"tasks\"") && lines.next().is_none();
    is_whole && !is_alone
}

/// Reads JSON; `line` is that of its beginning.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    text: &'a str,
    line: usize,
    remedy: &str,
    findings: &mut Findings,
) -> Option<T> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let at = (line + error.line().max(1) - 1).max(1);
            let told = error.to_string();
            let told = told.split(" at line ").next().unwrap_or(&told);
            findings.error(at, format!("it is not understood: {told}"), remedy);
            None
        }
    }
}

/// Returns the number of the line that a value begins at; `whole` is what it was read from.
pub(super) fn line_of(value: &RawValue, whole: &str) -> usize {
    let offset = (value.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    let before = whole.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Reads the objects of a list, each with its line; those that are not understood are told.
pub(super) fn objects<T: DeserializeOwned>(
    list: &[&RawValue],
    whole: &str,
    remedy: &str,
    findings: &mut Findings,
) -> Vec<(T, usize)> {
    let read = |value: &&RawValue| {
        let line = line_of(value, whole);
        Some((parse(value.get(), line, remedy, findings)?, line))
    };
    list.iter().filter_map(read).collect()
}

/// A text, or a number that stands for one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Word {
    Text(String),
    Number(serde_json::Number),
}

impl Word {
    pub(super) fn text(&self) -> String {
        match self {
            Word::Text(text) => text.trim().to_owned(),
            Word::Number(number) => number.to_string(),
        }
    }
}
