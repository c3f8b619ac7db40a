//! What a task depends on, as people write it: `[model, api]`, `Task 1 and 3`, `Tasks 2–4`.
//!
//! Invariant: a name that is given is never dropped: it becomes an id, or an unknown name
//! that the checks report. Only prose that names nothing is left out, with a warning.

use crate::domain::plan::value::{is_nothing, without_remarks};
use std::collections::{BTreeMap, HashMap};

use super::heading::Number;
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;

/// What the tasks of a plan can be called by.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: Vec<String>,
    by_id: HashMap<String, usize>,
    by_number: BTreeMap<Number, usize>,
}

impl Names {
    pub(super) fn new(drafts: &[Draft]) -> Names {
        let mut names = Names::default();
        for (i, draft) in drafts.iter().enumerate() {
            let id = draft.id_text().to_owned();
            names.by_id.entry(id.clone()).or_insert(i);
            names.ids.push(id);
            if let Some(number) = draft.number.as_deref().and_then(Number::parse) {
                names.by_number.entry(number).or_insert(i);
            }
        }
        names
    }

    fn task(&self, name: &str) -> Option<usize> {
        let by_number = || self.by_number.get(&Number::parse(name)?).copied();
        self.by_id.get(name).copied().or_else(by_number)
    }
}

/// A task that was named, or a name that no task has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    Task(usize),
    Unknown(String),
}

/// Splits a value at commas and the like, without remarks in round brackets.
pub(super) fn parts(value: &str) -> Vec<String> {
    let text = without_remarks(value);
    let text = text.trim().trim_matches('`').trim();
    let is_list = text.starts_with('[');
    let text = text.trim_start_matches('[').trim_end_matches(['.', ' ']).trim_end_matches(']');
    if !is_list && is_nothing(text) {
        return Vec::new();
    }
    let parts = text.split([',', ';', '、', '，', '\n']).map(bare);
    parts.filter(|part| !is_nothing(part)).map(str::to_owned).collect()
}

/// Resolves a value that stands in the task at index `task`.
pub(super) fn resolve(
    value: &Written,
    task: usize,
    names: &Names,
    findings: &mut Findings,
) -> Vec<Written> {
    let mut found = Vec::new();
    for part in parts(&value.text) {
        match named(&part, task, names) {
            Some(named) => found.extend(named),
            None => findings.warning(
                value.line,
                format!("no task is named in {part:?}, so it is no dependency"),
                "name the tasks, for example `Depends on: Task 1, Task 3`, or write `None`",
            ),
        }
    }
    let text = |named| match named {
        Named::Task(i) => names.ids.get(i).cloned().unwrap_or_default(),
        Named::Unknown(name) => name,
    };
    found.into_iter().map(|named| Written { text: text(named), line: value.line }).collect()
}

/// Returns the tasks that a part of a value names; `None` where it is prose.
pub(super) fn named(part: &str, task: usize, names: &Names) -> Option<Vec<Named>> {
    if let Some(i) = names.task(part) {
        return Some(vec![Named::Task(i)]);
    }
    if let Some(all) = in_words(part, task, names) {
        return Some(all);
    }
    let tokens = tokens(part, names);
    let found = scan(&tokens, task, names);
    if !found.is_empty() {
        return Some(found);
    }
    // One word where a name should be is a name, though no task has it.
    match tokens.as_slice() {
        [Token::Word(word)] | [Token::Task, Token::Word(word)] => {
            Some(vec![Named::Unknown((*word).to_owned())])
        }
        _ => None,
    }
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    /// `Task`, `Tasks`
    Task,
    Number(Number),
    Id(usize),
    /// A dash between numbers, `to`, `through`
    To,
    /// A word that says nothing: `and`, `the`
    Filler,
    Word(&'a str),
}

fn scan(tokens: &[Token], task: usize, names: &Names) -> Vec<Named> {
    let mut found = Vec::new();
    // After a word of prose a number may count anything, until `Task` is said again.
    let mut is_prose = false;
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token {
            Token::Task => is_prose = false,
            Token::Word(_) => is_prose = true,
            Token::Filler | Token::To => {}
            _ if is_prose => {}
            Token::Id(i) => found.push(Named::Task(*i)),
            Token::Number(first) => match after {
                [Token::To, Token::Number(last), more @ ..] => {
                    rest = more;
                    found.extend(range(first, last, task, names));
                }
                [Token::To, Token::Task, Token::Number(last), more @ ..] => {
                    rest = more;
                    found.extend(range(first, last, task, names));
                }
                _ => found.push(number(first, names)),
            },
        }
    }
    found
}

fn number(number: &Number, names: &Names) -> Named {
    let known = names.by_number.get(number).copied().or_else(|| names.task(&number.to_string()));
    known.map_or_else(|| Named::Unknown(number.to_string()), Named::Task)
}

/// Returns the tasks from one number to another, without the task that says so.
fn range(first: &Number, last: &Number, task: usize, names: &Names) -> Vec<Named> {
    let missing: Vec<Named> = [first, last]
        .into_iter()
        .map(|end| number(end, names))
        .filter(|named| matches!(named, Named::Unknown(_)))
        .collect();
    if !missing.is_empty() || first > last {
        return if missing.is_empty() {
            vec![number(first, names), number(last, names)]
        } else {
            missing
        };
    }
    let between = names.by_number.range(first..=last).map(|(_, i)| *i);
    between.filter(|i| *i != task).map(Named::Task).collect()
}

fn tokens<'a>(part: &'a str, names: &Names) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    for word in part.split_whitespace() {
        let word = bare(word.trim_end_matches([':', '!', '?']));
        let word = word.strip_suffix("'s").unwrap_or(word);
        let dashed = |dash: &str| {
            let (a, b) = word.split_once(dash)?;
            Some((prefixed(a)?, prefixed(b)?))
        };
        let ends = ["–", "—", "..", "-", "~"].iter().find_map(|dash| dashed(dash));
        let number = prefixed(word);
        let by_number = number.as_ref().and_then(|number| names.by_number.get(number));
        // A number that is its task's id too may begin a range.
        let id = names.by_id.get(word).filter(|id| by_number != Some(*id));
        match (id, number, ends) {
            (Some(i), _, _) => tokens.push(Token::Id(*i)),
            (_, Some(number), _) => tokens.push(Token::Number(number)),
            (_, _, Some((a, b))) => {
                tokens.extend([Token::Number(a), Token::To, Token::Number(b)]);
            }
            _ => tokens.extend(word_token(word)),
        }
    }
    tokens
}

fn word_token(word: &str) -> Option<Token<'_>> {
    match word.to_lowercase().as_str() {
        "" => None,
        "task" | "tasks" | "任务" => Some(Token::Task),
        "to" | "through" | "thru" | "–" | "—" | "-" | "~" | "至" => Some(Token::To),
        "and" | "&" | "+" | "plus" | "the" | "of" | "on" | "both" | "after" | "和" | "及" => {
            Some(Token::Filler)
        }
        _ => Some(Token::Word(word)),
    }
}

/// Reads `3`, `#3`, `T3`, `Task3` and `task-3` as a number.
fn prefixed(word: &str) -> Option<Number> {
    let lower = word.to_ascii_lowercase();
    let rest = ["tasks", "task", "t", "#", ""].iter().find_map(|prefix| {
        let rest = lower.strip_prefix(prefix)?.trim_start_matches(['-', '_', '#']);
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest)
    })?;
    // A minus alone is no prefix: `-3` is part of something else.
    if word.starts_with(['-', '_']) { None } else { Number::parse(rest) }
}

/// Reads `all previous tasks`, `the previous task` and their like.
fn in_words(part: &str, task: usize, names: &Names) -> Option<Vec<Named>> {
    let lower = part.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().filter(|word| *word != "the").collect();
    let says = |words: &[&str], known: &[&str]| words.iter().all(|word| known.contains(word));
    let before =
        ["previous", "prior", "earlier", "preceding", "above", "task", "tasks", "of", "before"];
    match words.as_slice() {
        ["all" | "every", "other", "task" | "tasks"] => {
            Some((0..names.ids.len()).filter(|i| *i != task).map(Named::Task).collect())
        }
        ["all" | "every" | "everything", rest @ ..] if says(rest, &before) => {
            Some((0..task).map(Named::Task).collect())
        }
        ["previous" | "preceding"] | ["previous" | "preceding", "task"] => {
            Some(task.checked_sub(1).map(Named::Task).into_iter().collect())
        }
        _ => None,
    }
}

fn bare(part: &str) -> &str {
    part.trim().trim_matches(['`', '"', '\'', '*']).trim_end_matches('.').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tasks 1, 2, 3, 8, 8b, and `model` and `api` with the numbers 4 and 5.
    fn names() -> Names {
        let draft = |number: &str, id: Option<&str>| Draft {
            number: Some(number.to_owned()),
            id: id.map(|id| Written { text: id.to_owned(), line: 1 }),
            ..Draft::default()
        };
        Names::new(&[
            draft("1", None),
            draft("2", None),
            draft("3", None),
            draft("4", Some("model")),
            draft("5", Some("api")),
            draft("8", None),
            draft("8b", None),
        ])
    }

    fn read(text: &str) -> (String, usize) {
        let mut findings = Findings::new("x");
        let value = Written { text: text.to_owned(), line: 1 };
        let found = resolve(&value, 6, &names(), &mut findings);
        let found: Vec<String> = found.into_iter().map(|name| name.text).collect();
        (found.join(" "), findings.into_sorted().len())
    }

    #[test]
    fn names_and_numbers_in_every_spelling() {
        for (text, expected) in [
            ("[model, api]", "model api"),
            ("[\"model\", 'api']", "model api"),
            ("`model`, `api`", "model api"),
            ("model and api", "model api"),
            ("Task 1", "1"),
            ("Task 1.", "1"),
            ("Task 1, Task 3", "1 3"),
            ("Tasks 2 and 3", "2 3"),
            ("Tasks 1, 2, and 3", "1 2 3"),
            ("Tasks 2–4", "2 3 model"),
            ("Tasks 2 – 4", "2 3 model"),
            ("Task 1 to Task 3", "1 2 3"),
            ("Tasks 8-8b", "8"),
            ("Task 4 (its schema, really (see Task 2)), Task 5 (x)", "model api"),
            ("Task 1 GREEN passing.", "1"),
            ("after Task 1 with 3 retries", "1"),
            ("T2,T3", "2 3"),
            ("#1 & #2", "1 2"),
            ("task-1", "1"),
            ("Task model", "model"),
            ("Task 3's output", "3"),
            ("all previous tasks", "1 2 3 model api 8"),
            ("the previous task", "8"),
        ] {
            assert_eq!(read(text), (expected.to_owned(), 0), "{text}");
        }
    }

    #[test]
    fn nothing_has_many_names() {
        for text in [
            "",
            "-",
            "—",
            "None",
            "none.",
            "[]",
            "n/a",
            "无",
            "`none`",
            "None (parallel-safe with Tasks 1–3)",
            "None - can start at once",
            "No dependencies",
        ] {
            assert_eq!(read(text), (String::new(), 0), "{text}");
        }
    }

    #[test]
    fn unknown_names_stay_names() {
        assert_eq!(read("[modle, 7]"), ("modle 7".to_owned(), 0));
        assert_eq!(read("Task 9"), ("9".to_owned(), 0));
        assert_eq!(read("Tasks 2–9"), ("9".to_owned(), 0));
        assert_eq!(read("Task frontend"), ("frontend".to_owned(), 0));
    }

    #[test]
    fn prose_that_names_nothing_is_told() {
        assert_eq!(read("the design being agreed on"), (String::new(), 1));
        assert_eq!(read("Task 1, whatever else is needed"), ("1".to_owned(), 1));
    }
}
