//! The sections of a ticket, and their places in its text.
//!
//! Invariant: every range is a range of the original text, whatever its line ends are. A section is
//! a known heading with its markers below it or, in older tickets, without markers; a heading
//! between the markers of another section is plain text.

use std::ops::Range;

use crate::domain::plan::Criterion;

/// The kind of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionKind {
    Description,
    Criteria,
    Done,
    Plan,
    Notes,
    Comments,
    Summary,
    /// A title that ends the section before it, and whose own section is not read.
    Other,
}

use SectionKind::{Comments, Criteria, Description, Done, Notes, Other, Plan, Summary};

const TITLES: [(&str, SectionKind); 12] = [
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

impl SectionKind {
    /// Returns the word in the section's markers.
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
pub(super) struct TicketSection {
    pub(super) kind: SectionKind,
    /// From the start of the heading to the end of the markers or the text.
    pub(super) whole: Range<usize>,
    /// The text between the markers, or below the heading.
    pub(super) inner: Range<usize>,
    pub(super) marked: bool,
}

/// A line of the text without its end.
#[derive(Debug, Clone, Copy)]
struct TicketLine<'a> {
    text: &'a str,
    start: usize,
    /// The offset of the next line.
    next: usize,
}

impl TicketLine<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Returns the sections of a ticket whose front matter ends at `start`.
pub(super) fn find(text: &str, start: usize) -> Vec<TicketSection> {
    let lines = lines(text, start);
    let mut sections: Vec<TicketSection> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(kind) = title(lines[at].text) else {
            at += 1;
            continue;
        };
        // Markers first: a heading between them is text of the section, not its end.
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

fn lines(text: &str, start: usize) -> Vec<TicketLine<'_>> {
    let mut lines = Vec::new();
    let mut at = start;
    for raw in text[start..].split_inclusive('\n') {
        let body = raw.strip_suffix('\n').unwrap_or(raw);
        // Offsets count bytes of the file as it is, so the CR is cut from the text alone.
        let body = body.strip_suffix('\r').unwrap_or(body);
        lines.push(TicketLine { text: body, start: at, next: at + raw.len() });
        at += raw.len();
    }
    lines
}

fn title(line: &str) -> Option<SectionKind> {
    let title = line.strip_prefix("##").filter(|rest| rest.starts_with([' ', '\t']))?.trim();
    TITLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(title)).map(|(_, kind)| *kind)
}

/// Returns true if a line ends a section that has no markers.
fn ends(line: &str, kind: SectionKind) -> bool {
    // A description may have headings of its own; a list of criteria has none.
    if kind.has_items() {
        line.starts_with("## ")
    } else {
        title(line).is_some_and(|other| other != kind)
    }
}

/// Reads a section whose heading is followed by its first marker; returns the section and the index
/// of the line after it.
fn marked(
    lines: &[TicketLine<'_>],
    heading: usize,
    kind: SectionKind,
) -> Option<(TicketSection, usize)> {
    if kind == Other {
        return None;
    }
    let (begin, end) = (kind.begin(), kind.end());
    let first = (heading + 1..lines.len()).find(|i| !lines[*i].text.trim().is_empty())?;
    // Markers further down belong to another section.
    if lines[first].text.trim() != begin {
        return None;
    }
    let last = (first + 1..lines.len()).find(|i| lines[*i].text.contains(&end))?;
    let at = lines[last].text.find(&end)?;
    let close = lines[last].start + at;
    let section = TicketSection {
        kind,
        whole: lines[heading].start..close + end.len(),
        inner: lines[first].next..close,
        marked: true,
    };
    Some((section, last + 1))
}

fn plain(lines: &[TicketLine<'_>], heading: usize, end: usize, kind: SectionKind) -> TicketSection {
    let start = lines[heading].next;
    let last = (heading + 1..end).rev().find(|i| !lines[*i].text.trim().is_empty());
    let inner = start..last.map_or(start, |last| lines[last].end());
    let close = last.map_or(lines[heading].end(), |last| lines[last].end());
    TicketSection { kind, whole: lines[heading].start..close, inner, marked: false }
}

/// Returns the trimmed text of a section; a section with markers goes before one without.
pub(super) fn text_of<'a>(
    text: &'a str,
    sections: &[TicketSection],
    kind: SectionKind,
) -> Option<&'a str> {
    let chosen = chosen(sections, kind)?;
    Some(text[chosen.inner.clone()].trim()).filter(|inner| !inner.is_empty())
}

/// Returns the section that counts if there are several of a kind: the first with markers, else the
/// first.
pub(super) fn chosen(sections: &[TicketSection], kind: SectionKind) -> Option<&TicketSection> {
    let mut all = sections.iter().filter(|section| section.kind == kind);
    let first = all.clone().next();
    all.find(|section| section.marked).or(first)
}

/// An item of a list of criteria, and the offset of the character between its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CriterionItem {
    pub(super) criterion: Criterion,
    pub(super) at: usize,
}

/// Returns the items of a list, numbered in order; none if its markers do not come in pairs.
pub(super) fn items(
    text: &str,
    sections: &[TicketSection],
    kind: SectionKind,
) -> Vec<CriterionItem> {
    // If a marker is missing, nobody knows which boxes are criteria, and a wrong one could be
    // ticked.
    if has_unpaired_markers(text, sections, kind) {
        return Vec::new();
    }
    let of = |marked: bool| -> Vec<CriterionItem> {
        let sections = sections.iter().filter(|s| s.kind == kind && s.marked == marked);
        let lines = sections.flat_map(|s| lines(&text[..s.inner.end], s.inner.start));
        let found = lines.filter_map(|line| item(line, marked)).zip(1..);
        let numbered = |((checked, text, at), index)| CriterionItem {
            criterion: Criterion { index, text, checked },
            at,
        };
        found.map(numbered).collect()
    };
    let has_marked = sections.iter().any(|s| s.kind == kind && s.marked);
    of(has_marked)
}

/// Reads `- [x] #1 text`; returns whether it is ticked, the text, and the offset of the tick.
fn item(line: TicketLine<'_>, numbered: bool) -> Option<(bool, String, usize)> {
    let rest = line.text.strip_prefix("- [")?;
    let checked = match rest.get(..3)? {
        "x] " => true,
        " ] " => false,
        _ => return None,
    };
    let text = &rest[3..];
    let text = if numbered { without_number(text) } else { text };
    (!text.is_empty()).then(|| (checked, text.to_owned(), line.start + 3))
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

/// Returns true if a list's markers do not come in pairs; markers inside other sections are text.
pub(super) fn has_unpaired_markers(
    text: &str,
    sections: &[TicketSection],
    kind: SectionKind,
) -> bool {
    let others: Vec<&TicketSection> =
        sections.iter().filter(|section| section.marked && section.kind != kind).collect();
    let is_text = |at: usize| others.iter().any(|section| section.inner.contains(&at));
    // In the whole text: a section that lost one of its markers counts as one without markers.
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
