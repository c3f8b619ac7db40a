//! Changes to one ticket's text: its status, its plan, the ticks of its criteria.
//!
//! Invariant: byte for byte nothing else changes, neither line ends nor quotes nor the order of
//! keys; doing a thing twice is doing it once. What comes out is read again before it is handed
//! back, and where anything but what was asked for would read otherwise, it is refused.
//! `updated_date` stays as it is: it is the program's, which writes it when a person edits.

use std::fmt;

use super::sections::{self, Kind, Section};
use super::ticket::{self, Ticket};
use crate::domain::plan::Criterion;
use crate::plan::syntax::front_matter;

/// Why a ticket is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It has no front matter, or one that is no YAML, or no id.
    Unreadable,
    /// What was to be written is empty, or holds what cannot stand there.
    Value(&'static str),
    /// It has no criterion with this number.
    NoCriterion(usize),
    /// The markers of its criteria do not come in pairs.
    Torn,
    /// Something else would have changed with it.
    Unsafe,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unreadable => write!(f, "it has no front matter that can be read"),
            Refused::Value(why) => write!(f, "{why}"),
            Refused::NoCriterion(index) => write!(f, "it has no acceptance criterion #{index}"),
            Refused::Torn => write!(f, "the markers of its acceptance criteria are not in pairs"),
            Refused::Unsafe => write!(f, "something else in it would change too"),
        }
    }
}

impl std::error::Error for Refused {}

/// Returns the text with another status.
pub fn set_status(text: &str, status: &str) -> Result<String, Refused> {
    let status = status.trim();
    if status.is_empty() || status.chars().any(char::is_control) {
        return Err(Refused::Value("a status is one line of text"));
    }
    let before = read(text)?;
    if before.status == status {
        return Ok(text.to_owned());
    }
    let matter = front_matter::range(text).ok_or(Refused::Unreadable)?.matter;
    let line = format!("status: {}", scalar(status));
    let after = match status_value(text, matter.start, matter.end) {
        Some((start, end)) => format!("{}{line}{}", &text[..start], &text[end..]),
        None => format!("{}{line}{}{}", &text[..matter.end], eol(text), &text[matter.end..]),
    };
    checked(after, |after| *after == Ticket { status: status.to_owned(), ..before.clone() })
}

/// Returns the text with this implementation plan, between its markers.
///
/// Where there is no such section it comes after the definition of done, else the criteria, else
/// the description, as the program places it.
pub fn set_plan(text: &str, plan: &str) -> Result<String, Refused> {
    let plan = plan.replace("\r\n", "\n");
    let plan = plan.trim();
    if plan.is_empty() {
        return Err(Refused::Value("the plan is empty"));
    }
    if has_marker(plan) {
        return Err(Refused::Value("the plan holds a marker such as <!-- SECTION:PLAN:END -->"));
    }
    let before = read(text)?;
    let eol = eol(text);
    let lines = plan.replace('\n', eol);
    let start = front_matter::range(text).ok_or(Refused::Unreadable)?.end;
    let sections = sections::find(text, start);
    let body = format!("{}{eol}{lines}{eol}{}", Kind::Plan.begin(), Kind::Plan.end());
    let after = match sections::chosen(&sections, Kind::Plan) {
        Some(Section { marked: true, inner, .. }) => {
            format!("{}{lines}{eol}{}", &text[..inner.start], &text[inner.end..])
        }
        Some(Section { whole, .. }) => {
            let heading = text[whole.start..].lines().next().unwrap_or_default();
            let (head, tail) = (&text[..whole.start], &text[whole.end..]);
            format!("{head}{heading}{eol}{eol}{body}{tail}")
        }
        None => {
            let block = format!("## Implementation Plan{eol}{eol}{body}");
            inserted(text, start, &sections, &block)
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

/// Returns the acceptance criteria of a ticket; `None` where it cannot be read.
pub(crate) fn criteria(text: &str) -> Option<Vec<Criterion>> {
    ticket::parse(text).map(|ticket| ticket.criteria)
}

/// Returns the text with these acceptance criteria ticked; others stay as they are.
pub fn tick(text: &str, indexes: &[usize]) -> Result<String, Refused> {
    let before = read(text)?;
    let start = front_matter::range(text).ok_or(Refused::Unreadable)?.end;
    let sections = sections::find(text, start);
    if sections::is_torn(text, &sections, Kind::Criteria) {
        return Err(Refused::Torn);
    }
    let items = sections::items(text, &sections, Kind::Criteria);
    let mut after = text.to_owned();
    let mut expected = before.clone();
    for index in indexes {
        let item = items.iter().find(|item| item.criterion.index == *index);
        let item = item.ok_or(Refused::NoCriterion(*index))?;
        after.replace_range(item.at..item.at + 1, "x");
        expected.criteria[*index - 1].checked = true;
    }
    checked(after, |after| *after == expected)
}

fn read(text: &str) -> Result<Ticket, Refused> {
    ticket::parse(text).ok_or(Refused::Unreadable)
}

fn checked(text: String, is_right: impl Fn(&Ticket) -> bool) -> Result<String, Refused> {
    if ticket::parse(&text).is_some_and(|ticket| is_right(&ticket)) {
        Ok(text)
    } else {
        Err(Refused::Unsafe)
    }
}

/// Returns the line end that a text has.
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

/// Returns where `status: value` stands in a front matter, without a remark behind it.
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

/// Returns how long a value is, with the space before it and without a remark behind it.
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

/// Returns a text as YAML takes it, without quotes where they are not needed.
fn scalar(text: &str) -> String {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let fits = |c: char| c.is_alphanumeric() || " -_'/()".contains(c);
    let begins = text.starts_with(char::is_alphabetic);
    if begins && text.chars().all(fits) && !words.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Puts a block behind the section it belongs behind, one empty line from its neighbours.
fn inserted(text: &str, start: usize, sections: &[Section], block: &str) -> String {
    let eol = eol(text);
    let before = [Kind::Done, Kind::Criteria, Kind::Description];
    let before = before.iter().find_map(|kind| sections::chosen(sections, *kind));
    let Some(section) = before else { return begun_with(text, start, block) };
    let (head, tail) = text.split_at(section.whole.end);
    let breaks = tail.chars().take_while(|c| c.is_whitespace()).filter(|c| *c == '\n').count();
    let missing = if tail.trim().is_empty() { 0 } else { 2_usize.saturating_sub(breaks) };
    format!("{head}{eol}{eol}{block}{}{tail}", eol.repeat(missing))
}

/// Puts a block before all that stands behind the front matter, below an empty line.
fn begun_with(text: &str, start: usize, block: &str) -> String {
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
