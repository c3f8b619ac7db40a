//! Changes to one ticket's text: its status, its implementation plan, the ticks of its criteria.
//!
//! Invariant: nothing else changes, byte for byte, neither line ends nor quotes nor the order of
//! keys; a second change to the same value changes nothing. The new text is read again before it is
//! returned, and refused if anything reads differently that was not asked for. `updated_date` stays
//! as it is: Backlog.md writes it when a person edits the ticket.

use std::fmt;

use super::sections::{self, SectionKind, TicketSection};
use super::ticket::{self, Ticket};
use crate::domain::plan::Criterion;
use crate::plan::syntax::front_matter;

/// Why a ticket cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketEditError {
    /// It has no id, or no valid front matter.
    Unreadable,
    /// The new value is empty, or contains something that is not allowed there.
    Value(&'static str),
    /// It has no criterion with this number.
    NoCriterion(usize),
    /// The markers of its criteria do not come in pairs.
    UnpairedMarkers,
    /// Something else would have changed with it.
    Unsafe,
}

impl fmt::Display for TicketEditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TicketEditError::Unreadable => write!(f, "its front matter cannot be read"),
            TicketEditError::Value(why) => write!(f, "{why}"),
            TicketEditError::NoCriterion(index) => {
                write!(f, "it has no acceptance criterion #{index}")
            }
            TicketEditError::UnpairedMarkers => {
                write!(f, "the markers of its acceptance criteria do not come in pairs")
            }
            TicketEditError::Unsafe => write!(f, "something else in it would change too"),
        }
    }
}

impl std::error::Error for TicketEditError {}

/// Returns the text with another status.
pub fn set_status(text: &str, status: &str) -> Result<String, TicketEditError> {
    let status = status.trim();
    // A line break in the value would begin another key.
    if status.is_empty() || status.chars().any(char::is_control) {
        return Err(TicketEditError::Value("a status must be one line of text"));
    }
    let before = read(text)?;
    // Not even the quotes change, so there is nothing to commit.
    if before.status == status {
        return Ok(text.to_owned());
    }
    let matter = front_matter::range(text).ok_or(TicketEditError::Unreadable)?.matter;
    let line = format!("status: {}", scalar(status));
    let after = match status_value(text, matter.start, matter.end) {
        Some((start, end)) => format!("{}{line}{}", &text[..start], &text[end..]),
        None => format!("{}{line}{}{}", &text[..matter.end], eol(text), &text[matter.end..]),
    };
    checked(after, |after| *after == Ticket { status: status.to_owned(), ..before.clone() })
}

/// Returns the text with this implementation plan between its markers.
///
/// If there is no such section, it is added where Backlog.md adds it: after the definition of done,
/// else the criteria, else the description.
pub fn set_plan(text: &str, plan: &str) -> Result<String, TicketEditError> {
    let plan = plan.replace("\r\n", "\n");
    let plan = plan.trim();
    if plan.is_empty() {
        return Err(TicketEditError::Value("the plan is empty"));
    }
    // The marker would end the section in the middle of the plan.
    if has_marker(plan) {
        return Err(TicketEditError::Value(
            "the plan contains a marker such as <!-- SECTION:PLAN:END -->",
        ));
    }
    let before = read(text)?;
    let eol = eol(text);
    let lines = plan.replace('\n', eol);
    let start = front_matter::range(text).ok_or(TicketEditError::Unreadable)?.end;
    let sections = sections::find(text, start);
    let body = format!("{}{eol}{lines}{eol}{}", SectionKind::Plan.begin(), SectionKind::Plan.end());
    let after = match sections::chosen(&sections, SectionKind::Plan) {
        Some(TicketSection { marked: true, inner, .. }) => {
            format!("{}{lines}{eol}{}", &text[..inner.start], &text[inner.end..])
        }
        // A section without markers gets them, so that the next change finds where it ends.
        Some(TicketSection { whole, .. }) => {
            let heading = text[whole.start..].lines().next().unwrap_or_default();
            let (head, tail) = (&text[..whole.start], &text[whole.end..]);
            format!("{head}{heading}{eol}{eol}{body}{tail}")
        }
        None => {
            let block = format!("## Implementation Plan{eol}{eol}{body}");
            insert_section(text, start, &sections, &block)
        }
    };
    checked(after, |after| {
        let same = |t: &Ticket| {
            let Ticket { id, title, status, labels, dependencies, parent, .. } = t.clone();
            (id, title, status, labels, dependencies, parent, t.description.clone())
        };
        let lists = |t: &Ticket| (t.criteria.clone(), t.done.clone());
        same(after) == same(&before)
            && lists(after) == lists(&before)
            && after.plan.as_deref() == Some(plan)
    })
}

/// Returns the acceptance criteria of a ticket; `None` if it cannot be read.
pub(crate) fn criteria(text: &str) -> Option<Vec<Criterion>> {
    ticket::parse(text).map(|ticket| ticket.criteria)
}

/// Returns the text with these acceptance criteria ticked; others stay as they are.
pub fn tick(text: &str, indexes: &[usize]) -> Result<String, TicketEditError> {
    let before = read(text)?;
    let start = front_matter::range(text).ok_or(TicketEditError::Unreadable)?.end;
    let sections = sections::find(text, start);
    if sections::has_unpaired_markers(text, &sections, SectionKind::Criteria) {
        return Err(TicketEditError::UnpairedMarkers);
    }
    let items = sections::items(text, &sections, SectionKind::Criteria);
    let mut after = text.to_owned();
    let mut expected = before.clone();
    for index in indexes {
        let item = items.iter().find(|item| item.criterion.index == *index);
        let item = item.ok_or(TicketEditError::NoCriterion(*index))?;
        // One byte for one byte, so the offsets of the other items stay right.
        after.replace_range(item.at..item.at + 1, "x");
        expected.criteria[*index - 1].checked = true;
    }
    checked(after, |after| *after == expected)
}

/// Returns true if a ticket has this status.
pub(crate) fn has_status(text: &str, status: &str) -> Result<bool, TicketEditError> {
    Ok(super::config::same(&read(text)?.status, status))
}

/// Returns the text with the status and the ticks of an earlier text.
///
/// Fails if it is not the same ticket any more, with the same criteria.
pub(crate) fn with_marks_of(text: &str, earlier: &str) -> Result<String, TicketEditError> {
    let (before, now) = (read(earlier)?, read(text)?);
    let texts = |list: &[Criterion]| -> Vec<String> {
        list.iter().map(|criterion| criterion.text.clone()).collect()
    };
    let is_same = now.id == before.id
        && texts(&now.criteria) == texts(&before.criteria)
        && texts(&now.done) == texts(&before.done);
    if !is_same {
        return Err(TicketEditError::Unsafe);
    }
    let mut after = if now.status == before.status {
        text.to_owned()
    } else {
        set_status(text, &before.status)?
    };
    for (kind, list) in
        [(SectionKind::Criteria, &before.criteria), (SectionKind::Done, &before.done)]
    {
        // Read again: a new status has moved everything below it.
        let start = front_matter::range(&after).ok_or(TicketEditError::Unreadable)?.end;
        let sections = sections::find(&after, start);
        let items = sections::items(&after, &sections, kind);
        for (item, criterion) in items.iter().zip(list) {
            if item.criterion.checked != criterion.checked {
                let mark = if criterion.checked { "x" } else { " " };
                after.replace_range(item.at..item.at + 1, mark);
            }
        }
    }
    let expected = Ticket {
        status: before.status.clone(),
        criteria: before.criteria.clone(),
        done: before.done.clone(),
        ..now
    };
    checked(after, |after| *after == expected)
}

fn read(text: &str) -> Result<Ticket, TicketEditError> {
    ticket::parse(text).ok_or(TicketEditError::Unreadable)
}

/// Returns a changed text if it reads back as intended, else refuses it.
fn checked(text: String, is_right: impl Fn(&Ticket) -> bool) -> Result<String, TicketEditError> {
    if ticket::parse(&text).is_some_and(|ticket| is_right(&ticket)) {
        Ok(text)
    } else {
        Err(TicketEditError::Unsafe)
    }
}

/// Returns the line end that a text uses.
fn eol(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn has_marker(text: &str) -> bool {
    text.match_indices("<!-- ").any(|(at, opening)| {
        let rest = &text[at + opening.len()..];
        let name = rest.split(" -->").next().unwrap_or_default();
        let stem = name.strip_suffix(":BEGIN").or(name.strip_suffix(":END"));
        stem.is_some_and(|stem| {
            ["AC", "DOD", "COMMENT", "COMMENTS"].contains(&stem) || stem.starts_with("SECTION:")
        })
    })
}

/// Returns the range of `status: value` in a front matter, without a comment after it.
fn status_value(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let mut at = start;
    for line in text[start..end].split_inclusive('\n') {
        let value = line.strip_prefix("status").map(str::trim_start);
        if let Some(value) = value.and_then(|rest| rest.strip_prefix(':')) {
            let before = line.len() - value.len();
            return Some((at, at + before + value_length(value.trim_end_matches(['\n', '\r']))));
        }
        at += line.len();
    }
    None
}

/// Returns the length of a value, with the space before it and without a comment after it.
fn value_length(value: &str) -> usize {
    let space = value.len() - value.trim_start().len();
    let inner = &value[space..];
    let quote = inner.chars().next().filter(|c| ['"', '\''].contains(c));
    let end = match quote {
        Some(quote) => inner[1..].find(quote).map(|at| at + 2),
        None if inner.starts_with('#') => return 0,
        None => inner.find(" #"),
    };
    space + inner[..end.unwrap_or(inner.len())].trim_end().len()
}

/// Returns a text as a YAML scalar, with quotes only if they are needed.
fn scalar(text: &str) -> String {
    let yaml_words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    // Only what every YAML parser reads as the same text without quotes, unlike `#1` or `a: b`.
    let fits = |c: char| c.is_alphanumeric() || " -_'/()".contains(c);
    let begins = text.starts_with(char::is_alphabetic);
    if begins && text.chars().all(fits) && !yaml_words.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Inserts a block after the section it belongs after, with one empty line to its neighbours.
fn insert_section(text: &str, start: usize, sections: &[TicketSection], block: &str) -> String {
    let eol = eol(text);
    let before = [SectionKind::Done, SectionKind::Criteria, SectionKind::Description];
    let before = before.iter().find_map(|kind| sections::chosen(sections, *kind));
    let Some(section) = before else { return insert_first(text, start, block) };
    let (head, tail) = text.split_at(section.whole.end);
    let breaks = tail.chars().take_while(|c| c.is_whitespace()).filter(|c| *c == '\n').count();
    // At the end of the file nothing follows that would need a gap.
    let missing = if tail.trim().is_empty() { 0 } else { 2_usize.saturating_sub(breaks) };
    format!("{head}{eol}{eol}{block}{}{tail}", eol.repeat(missing))
}

/// Inserts a block right after the front matter and an empty line.
fn insert_first(text: &str, start: usize, block: &str) -> String {
    let eol = eol(text);
    let (matter, body) = text.split_at(start);
    let (empty, rest) = if body.trim().is_empty() {
        body.split_at(body.len().min(if body.starts_with(eol) { eol.len() } else { 0 }))
    } else {
        let lines = body.split_inclusive('\n');
        body.split_at(lines.take_while(|line| line.trim().is_empty()).map(str::len).sum())
    };
    let gap = match (matter.ends_with('\n'), empty.contains('\n')) {
        (true, true) => String::new(),
        (true, false) => eol.to_owned(),
        (false, _) => [eol, eol].concat(),
    };
    let behind = match rest {
        "" => eol.to_owned(),
        rest if rest.trim().is_empty() => String::new(),
        _ => [eol, eol].concat(),
    };
    format!("{matter}{empty}{gap}{block}{behind}{rest}")
}
