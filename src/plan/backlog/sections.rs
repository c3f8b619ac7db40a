//! The sections of a ticket, and where in its text they stand.
//!
//! Invariant: every range is one of the text as it is, whatever its line ends are. A section is
//! a known heading with its markers below it, or, in older tickets, without; a heading between
//! the markers of another section is text.

use std::ops::Range;

use crate::domain::plan::Criterion;

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Description,
    Criteria,
    Done,
    Plan,
    Notes,
    Comments,
    Summary,
    /// A title that ends the section before it, and is no section that is read.
    Other,
}

use Kind::{Comments, Criteria, Description, Done, Notes, Other, Plan, Summary};

const TITLES: [(&str, Kind); 12] = [
    ("Description", Description),
    ("Acceptance Criteria", Criteria),
    ("Acceptance Criteria (Optional)", Other),
    ("Definition of Done", Done),
    ("Implementation Plan", Plan),
    ("Implementation Plan (Optional)", Other),
    ("Implementation Notes", Notes),
    ("Implementation Notes (Optional)", Other),
    ("Notes", Other),
    ("Notes & Comments (Optional)", Other),
    ("Comments", Comments),
    ("Final Summary", Summary),
];

impl Kind {
    /// Returns the word in its markers.
    pub(super) fn marker(self) -> &'static str {
        match self {
            Description => "SECTION:DESCRIPTION",
            Criteria => "AC",
            Done => "DOD",
            Plan => "SECTION:PLAN",
            Notes => "SECTION:NOTES",
            Comments => "COMMENTS",
            Summary => "SECTION:FINAL_SUMMARY",
            Other => "",
        }
    }

    pub(super) fn begin(self) -> String {
        format!("<!-- {}:BEGIN -->", self.marker())
    }

    pub(super) fn end(self) -> String {
        format!("<!-- {}:END -->", self.marker())
    }

    fn has_items(self) -> bool {
        matches!(self, Criteria | Done)
    }
}

/// One section of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) kind: Kind,
    /// Where its heading begins, and where its markers or its text end.
    pub(super) whole: Range<usize>,
    /// The text between the markers, or below the heading.
    pub(super) inner: Range<usize>,
    pub(super) marked: bool,
}

/// A line of the text without its end.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    start: usize,
    /// Where the next line begins.
    next: usize,
}

impl Line<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Returns the sections of a ticket whose front matter ends at `start`.
pub(super) fn find(text: &str, start: usize) -> Vec<Section> {
    let lines = lines(text, start);
    let mut sections: Vec<Section> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(kind) = title(lines[at].text) else {
            at += 1;
            continue;
        };
        match marked(&lines, at, kind) {
            Some((section, next)) => {
                sections.push(section);
                at = next;
            }
            None => {
                let end = (at + 1..lines.len()).find(|i| ends(lines[*i].text, kind));
                let end = end.unwrap_or(lines.len());
                sections.push(plain(&lines, at, end, kind));
                at = end;
            }
        }
    }
    sections
}

fn lines(text: &str, start: usize) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut at = start;
    for raw in text[start..].split_inclusive('\n') {
        let body = raw.strip_suffix('\n').unwrap_or(raw);
        let body = body.strip_suffix('\r').unwrap_or(body);
        lines.push(Line { text: body, start: at, next: at + raw.len() });
        at += raw.len();
    }
    lines
}

fn title(line: &str) -> Option<Kind> {
    let title = line.strip_prefix("##").filter(|rest| rest.starts_with([' ', '\t']))?.trim();
    TITLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(title)).map(|(_, kind)| *kind)
}

/// Returns whether a line ends a section without markers.
fn ends(line: &str, kind: Kind) -> bool {
    if kind.has_items() {
        line.starts_with("## ")
    } else {
        title(line).is_some_and(|other| other != kind)
    }
}

/// Reads a section whose heading is followed by its first marker; returns it with the number of
/// the line behind it.
fn marked(lines: &[Line<'_>], heading: usize, kind: Kind) -> Option<(Section, usize)> {
    if kind == Other {
        return None;
    }
    let (begin, end) = (kind.begin(), kind.end());
    let first = (heading + 1..lines.len()).find(|i| !lines[*i].text.trim().is_empty())?;
    if lines[first].text.trim() != begin {
        return None;
    }
    let last = (first + 1..lines.len()).find(|i| lines[*i].text.contains(&end))?;
    let at = lines[last].text.find(&end)?;
    let close = lines[last].start + at;
    let section = Section {
        kind,
        whole: lines[heading].start..close + end.len(),
        inner: lines[first].next..close,
        marked: true,
    };
    Some((section, last + 1))
}

fn plain(lines: &[Line<'_>], heading: usize, end: usize, kind: Kind) -> Section {
    let start = lines[heading].next;
    let last = (heading + 1..end).rev().find(|i| !lines[*i].text.trim().is_empty());
    let inner = start..last.map_or(start, |last| lines[last].end());
    let close = last.map_or(lines[heading].end(), |last| lines[last].end());
    Section { kind, whole: lines[heading].start..close, inner, marked: false }
}

/// Returns the text of a section, trimmed; one with markers goes before one without.
pub(super) fn text_of<'a>(text: &'a str, sections: &[Section], kind: Kind) -> Option<&'a str> {
    let chosen = chosen(sections, kind)?;
    Some(text[chosen.inner.clone()].trim()).filter(|inner| !inner.is_empty())
}

/// Returns the section that counts where there are several.
pub(super) fn chosen(sections: &[Section], kind: Kind) -> Option<&Section> {
    let mut all = sections.iter().filter(|section| section.kind == kind);
    let first = all.clone().next();
    all.find(|section| section.marked).or(first)
}

/// An item of a list of criteria, and where the character between its brackets stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) criterion: Criterion,
    pub(super) at: usize,
}

/// Returns the items of a list, numbered as they come; none where its markers are torn.
pub(super) fn items(text: &str, sections: &[Section], kind: Kind) -> Vec<Item> {
    if is_torn(text, sections, kind) {
        return Vec::new();
    }
    let of = |marked: bool| -> Vec<Item> {
        let sections = sections.iter().filter(|s| s.kind == kind && s.marked == marked);
        let lines = sections.flat_map(|s| lines(&text[..s.inner.end], s.inner.start));
        let found = lines.filter_map(|line| item(line, marked)).zip(1..);
        let numbered = |((checked, said, at), index)| Item {
            criterion: Criterion { index, text: said, checked },
            at,
        };
        found.map(numbered).collect()
    };
    let has_marked = sections.iter().any(|s| s.kind == kind && s.marked);
    of(has_marked)
}

/// Reads `- [x] #1 text`: whether it is ticked, what it says, and where the tick stands.
fn item(line: Line<'_>, numbered: bool) -> Option<(bool, String, usize)> {
    let rest = line.text.strip_prefix("- [")?;
    let checked = match rest.get(..3)? {
        "x] " => true,
        " ] " => false,
        _ => return None,
    };
    let said = &rest[3..];
    let said = if numbered { without_number(said) } else { said };
    (!said.is_empty()).then(|| (checked, said.to_owned(), line.start + 3))
}

fn without_number(text: &str) -> &str {
    let rest =
        text.strip_prefix('#').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let is_number = rest.is_some_and(|rest| rest.len() + 1 < text.len());
    match rest.and_then(|rest| rest.strip_prefix(' ')).filter(|rest| is_number && !rest.is_empty())
    {
        Some(rest) => rest,
        None => text,
    }
}

/// Returns whether a list's markers do not come in pairs; those in other sections are text.
pub(super) fn is_torn(text: &str, sections: &[Section], kind: Kind) -> bool {
    let others: Vec<&Section> =
        sections.iter().filter(|section| section.marked && section.kind != kind).collect();
    let is_text = |at: usize| others.iter().any(|section| section.inner.contains(&at));
    let find = |marker: &str, begins: bool| -> Vec<(usize, bool)> {
        text.match_indices(marker).map(|(at, _)| (at, begins)).collect()
    };
    let mut markers = find(&kind.begin(), true);
    markers.extend(find(&kind.end(), false));
    markers.retain(|(at, _)| !is_text(*at));
    markers.sort_unstable();
    let alternate = markers.iter().zip([true, false].into_iter().cycle());
    markers.len() % 2 == 1 || alternate.into_iter().any(|((_, begins), due)| *begins != due)
}
