//! GitHub's issues, as `gh issue list --json number,title,body,labels,state` prints them.
//!
//! Invariant: an issue depends on another only where a line of its body begins with the words
//! for that, outside of code; a number in passing orders nothing.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::items::{Item, State};
use super::{KNOWN, json};
use crate::domain::plan::value;
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;

#[derive(Debug, Deserialize)]
struct Issue {
    number: u64,
    title: String,
    body: Option<String>,
    state: Option<String>,
    url: Option<String>,
}

/// What a line begins with that names what an issue waits for.
const WORDS: [&str; 5] = ["depends on", "depend on", "blocked by", "dependencies", "requires"];

/// Reads all issues; `None` where the text is no list of them.
pub(super) fn read(text: &str, findings: &mut Findings) -> Option<Vec<Item>> {
    let list: Vec<&RawValue> = json::parse(text, 1, KNOWN, findings)?;
    let issues = json::objects::<Issue>(&list, text, KNOWN, findings);
    Some(issues.into_iter().map(|(issue, line)| item(issue, line)).collect())
}

fn item(issue: Issue, line: usize) -> Item {
    let body = issue.body.unwrap_or_default().replace("\r\n", "\n");
    let home = issue.url.as_deref().and_then(|url| url.rsplit_once('/')).map(|(home, _)| home);
    let on = dependencies(&body, home).into_iter().map(|text| Written { text, line });
    let status = issue.state.unwrap_or_else(|| "OPEN".to_owned());
    let draft = Draft {
        id: Some(Written { text: issue.number.to_string(), line }),
        number: Some(format!("#{}", issue.number)),
        title: value::title(&issue.title),
        depends_on: Some(on.collect()),
        prompt: body,
        line,
        ..Draft::default()
    };
    let state = if status.eq_ignore_ascii_case("closed") { State::Done } else { State::Open };
    Item { draft, state, status, parent: None, is_group: false }
}

/// Returns the numbers of the issues that a body says it depends on.
fn dependencies(body: &str, home: Option<&str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // Below a line that only says `Blocked by:`, the items of the list count.
    let mut is_list = false;
    for line in lines(body) {
        let plain =
            line.trim().trim_start_matches(['-', '*', '>', '[', ']', ' ', '_']).to_lowercase();
        let said = WORDS.iter().find_map(|word| plain.strip_prefix(word));
        let said = said.filter(|rest| !rest.starts_with(char::is_alphanumeric));
        let numbers = match said {
            Some(rest) => {
                let rest = rest.trim_start_matches([':', '*', '_', ' ']);
                is_list = rest.is_empty();
                named(rest, home)
            }
            None if is_list && !line.trim().is_empty() => named(&plain, home),
            None => Vec::new(),
        };
        is_list = is_list && (said.is_some() || line.trim().is_empty() || !numbers.is_empty());
        found.extend(numbers);
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|number| seen.insert(number.clone()));
    found
}

/// Returns the lines of text of a body, without code; each paragraph, item and heading apart.
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

/// Returns the numbers that a text begins with: `#4, #5 and #6`, or addresses of issues.
fn named(text: &str, home: Option<&str>) -> Vec<String> {
    let is_gap = |c: char| c.is_whitespace() || ",;&()[]".contains(c);
    let mut numbers = Vec::new();
    for word in text.split(is_gap).filter(|word| !word.is_empty()) {
        let word = word.trim_end_matches(['.', ':', '*', '_', '`', ')', '!']);
        let digits = word.strip_prefix('#').or_else(|| of_address(word, home));
        match digits {
            Some(digits) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => {
                numbers.push(digits.to_owned());
            }
            _ if ["and", "or", "issue", "issues", "", "x"].contains(&word) => {}
            _ => break,
        }
    }
    numbers
}

/// Returns the number in the address of an issue of the same repository.
fn of_address<'a>(word: &'a str, home: Option<&str>) -> Option<&'a str> {
    let (before, number) = word.rsplit_once('/')?;
    let is_issue = before.starts_with("http") && before.ends_with("/issues");
    (is_issue && home.is_none_or(|home| home.eq_ignore_ascii_case(before))).then_some(number)
}
