//! GitHub issues, in the output of `gh issue list --json number,title,body,labels,state`.
//!
//! Invariant: an issue depends on another only if a line of its body, outside of code, begins with
//! words such as `Depends on`; a number elsewhere orders nothing.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::items::{ItemState, ListItem};
use super::{KNOWN, json};
use crate::domain::plan::value;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};

#[derive(Debug, Deserialize)]
struct Issue {
    number: u64,
    title: String,
    body: Option<String>,
    state: Option<String>,
    url: Option<String>,
}

/// The beginnings of lines that name dependencies.
const DEPENDENCY_WORDS: [&str; 5] =
    ["depends on", "depend on", "blocked by", "dependencies", "requires"];

/// Reads all issues; `None` if the text is not a list.
pub(super) fn read(text: &str, diagnostics: &mut Diagnostics) -> Option<Vec<ListItem>> {
    let list: Vec<&RawValue> = json::parse(text, 1, KNOWN, diagnostics)?;
    let issues = json::objects::<Issue>(&list, text, KNOWN, diagnostics);
    Some(issues.into_iter().map(|(issue, line)| item(issue, line)).collect())
}

fn item(issue: Issue, line: usize) -> ListItem {
    // GitHub keeps the line ends that browsers send, which are CRLF.
    let body = issue.body.unwrap_or_default().replace("\r\n", "\n");
    // An issue of another repository has a number too, and must not be taken for one of this list.
    let home = issue.url.as_deref().and_then(|url| url.rsplit_once('/')).map(|(home, _)| home);
    let on = dependencies(&body, home).into_iter().map(|text| SourceText { text, line });
    let status = issue.state.unwrap_or_else(|| "OPEN".to_owned());
    let draft = Draft {
        id: Some(SourceText { text: issue.number.to_string(), line }),
        number: Some(format!("#{}", issue.number)),
        title: value::title(&issue.title),
        // Always a list, if an empty one: issues without edges are independent, and not a sequence.
        depends_on: Some(on.collect()),
        prompt: body,
        line,
        ..Draft::default()
    };
    let state =
        if status.eq_ignore_ascii_case("closed") { ItemState::Done } else { ItemState::Open };
    ListItem { draft, state, status, parent: None, is_group: false }
}

/// Returns the numbers of the issues that a body declares as dependencies.
fn dependencies(body: &str, home: Option<&str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // After a line with nothing but `Blocked by:`, the items of the list below it count.
    let mut is_list = false;
    for line in lines(body) {
        // `- [ ] **Depends on** #4` in a list or a quote is a declaration like any other.
        let plain =
            line.trim().trim_start_matches(['-', '*', '>', '[', ']', ' ', '_']).to_lowercase();
        let declared = DEPENDENCY_WORDS.iter().find_map(|word| plain.strip_prefix(word));
        // `Depends only on time` begins with the same letters.
        let declared = declared.filter(|rest| !rest.starts_with(char::is_alphanumeric));
        let numbers = match declared {
            Some(rest) => {
                let rest = rest.trim_start_matches([':', '*', '_', ' ']);
                is_list = rest.is_empty();
                issue_numbers(rest, home)
            }
            None if is_list && !line.trim().is_empty() => issue_numbers(&plain, home),
            None => Vec::new(),
        };
        is_list = is_list && (declared.is_some() || line.trim().is_empty() || !numbers.is_empty());
        found.extend(numbers);
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|number| seen.insert(number.clone()));
    found
}

/// Returns the lines of a body's text, without code; each paragraph, item and heading begins a
/// line.
fn lines(body: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut is_code = false;
    for event in Parser::new(body) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Text(text) if !is_code => {
                if let Some(line) = lines.last_mut() {
                    line.push_str(&text);
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                // The text of a link may be a title; then only the address has the number.
                if let Some(line) = lines.last_mut() {
                    line.push_str(&format!(" {dest_url} "));
                }
            }
            Event::SoftBreak | Event::HardBreak => lines.push(String::new()),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_)) => {
                lines.push(String::new());
            }
            Event::Start(Tag::Item | Tag::Paragraph) => lines.push(String::new()),
            _ => {}
        }
    }
    lines
}

/// Returns the issue numbers at the start of a text: `#4, #5 and #6`, or URLs of issues.
fn issue_numbers(text: &str, home: Option<&str>) -> Vec<String> {
    let is_gap = |c: char| c.is_whitespace() || ",;&()[]".contains(c);
    let mut numbers = Vec::new();
    for word in text.split(is_gap).filter(|word| !word.is_empty()) {
        let word = word.trim_end_matches(['.', ':', '*', '_', '`', ')', '!']);
        let digits = word.strip_prefix('#').or_else(|| number_in_url(word, home));
        match digits {
            Some(digits) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => {
                numbers.push(digits.to_owned());
            }
            _ if ["and", "or", "issue", "issues", "", "x"].contains(&word) => {}
            // In `#4, as of version 3` the second number is no issue.
            _ => break,
        }
    }
    numbers
}

/// Returns the number in the URL of an issue of the same repository.
fn number_in_url<'a>(word: &'a str, home: Option<&str>) -> Option<&'a str> {
    let (before, number) = word.rsplit_once('/')?;
    let is_issue = before.starts_with("http") && before.ends_with("/issues");
    (is_issue && home.is_none_or(|home| home.eq_ignore_ascii_case(before))).then_some(number)
}
