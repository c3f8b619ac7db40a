//! JSON values with the lines they begin on.
//!
//! Invariant: an id may be a text or a number, since programs write both. A message says what is
//! wrong with the JSON in words of JSON, never in those of the library that reads it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::domain::text::fault;
use crate::plan::diagnostic::Diagnostics;

/// Returns true if a text is one JSON object on each line: the first line is a whole object, and is
/// not a task-master file on a single line.
pub(super) fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_object = |line: &str| serde_json::from_str::<serde_json::Map<_, _>>(line).is_ok();
    let is_whole = lines.next().is_some_and(is_object);
    let is_alone = text.contains("\"tasks\"") && lines.next().is_none();
    is_whole && !is_alone
}

/// Reads JSON whose first line has the number `line`.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    text: &'a str,
    line: usize,
    remedy: &str,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let at = (line + error.line().max(1) - 1).max(1);
            diagnostics.error(at, fault::json(&error), remedy);
            None
        }
    }
}

/// Returns the line that a value begins on; `whole` is the text that it is a part of.
pub(super) fn line_of(value: &RawValue, whole: &str) -> usize {
    // A raw value is a slice of the whole text, so its address tells where it begins.
    let offset = (value.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    let before = whole.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Reads the objects of a list, each with its line; reports those that cannot be read.
pub(super) fn objects<T: DeserializeOwned>(
    list: &[&RawValue],
    whole: &str,
    remedy: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<(T, usize)> {
    let read = |value: &&RawValue| {
        let line = line_of(value, whole);
        Some((parse(value.get(), line, remedy, diagnostics)?, line))
    };
    list.iter().filter_map(read).collect()
}

/// An id as programs write it: a text or a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum TextOrNumber {
    Text(String),
    Number(serde_json::Number),
}

impl TextOrNumber {
    pub(super) fn text(&self) -> String {
        match self {
            TextOrNumber::Text(text) => text.trim().to_owned(),
            TextOrNumber::Number(number) => number.to_string(),
        }
    }
}
