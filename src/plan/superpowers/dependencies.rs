//! Dependencies as people write them: `[model, api]`, `Task 1 and 3`, `Tasks 2–4`.
//!
//! Invariant: a name in the text is never dropped: it becomes an id, or an unknown name that the
//! checks report. Only prose that names nothing is ignored, with a warning.

use crate::domain::plan::value::{is_nothing, without_remarks};
use std::collections::{BTreeMap, HashMap};

use super::heading::TaskNumber;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};

/// The names by which dependencies can refer to the tasks of a plan.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: Vec<String>,
    by_id: HashMap<String, usize>,
    by_number: BTreeMap<TaskNumber, usize>,
}

impl Names {
    pub(super) fn new(drafts: &[Draft]) -> Names {
        let mut names = Names::default();
        for (i, draft) in drafts.iter().enumerate() {
            let id = draft.id_text().to_owned();
            names.by_id.entry(id.clone()).or_insert(i);
            names.ids.push(id);
            if let Some(number) = draft.number.as_deref().and_then(TaskNumber::parse) {
                names.by_number.entry(number).or_insert(i);
            }
        }
        names
    }

    fn task(&self, name: &str) -> Option<usize> {
        let by_number = || self.by_number.get(&TaskNumber::parse(name)?).copied();
        self.by_id.get(name).copied().or_else(by_number)
    }
}

/// A task that a text refers to, or a name that no task has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TaskReference {
    Task(usize),
    Unknown(String),
}

/// Splits a value at commas and the like, without remarks in parentheses. A word such as `none` means
/// that there are no dependencies, unless a task has it as its id.
pub(super) fn parts(value: &str, names: &Names) -> Vec<String> {
    let is_nothing = |text: &str| is_nothing(text) && !names.by_id.contains_key(bare(text));
    let text = without_remarks(value);
    // The list as a whole may be written as code.
    let text = text.trim().trim_matches('`').trim();
    let is_list = text.starts_with('[');
    let text = text.trim_start_matches('[').trim_end_matches(['.', ' ']).trim_end_matches(']');
    if !is_list && is_nothing(text) {
        return Vec::new();
    }
    let parts = text.split([',', ';', '、', '，', '\n']).map(bare);
    parts.filter(|part| !is_nothing(part)).map(str::to_owned).collect()
}

/// Resolves the value of `depends_on` in the task at index `task`.
pub(super) fn resolve(
    value: &SourceText,
    task: usize,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> Vec<SourceText> {
    let mut found = Vec::new();
    for part in parts(&value.text, names) {
        match references(&part, task, names) {
            Some(references) => found.extend(references),
            None => diagnostics.warning(
                value.line,
                format!("ignored the dependency {part:?}: it names no task"),
                "name the tasks, for example `Depends on: Task 1, Task 3`, or write `None`",
            ),
        }
    }
    let text = |reference| match reference {
        TaskReference::Task(i) => names.ids.get(i).cloned().unwrap_or_default(),
        TaskReference::Unknown(name) => name,
    };
    found
        .into_iter()
        .map(|reference| SourceText { text: text(reference), line: value.line })
        .collect()
}

/// Returns the tasks that a part of a value refers to; `None` if the part is prose.
pub(super) fn references(part: &str, task: usize, names: &Names) -> Option<Vec<TaskReference>> {
    // Before any splitting: an id may be a word that means something below, such as `to`.
    if let Some(i) = names.task(part) {
        return Some(vec![TaskReference::Task(i)]);
    }
    if let Some(all) = in_words(part, task, names) {
        return Some(all);
    }
    let tokens = tokens(part, names);
    let found = scan(&tokens, task, names);
    if !found.is_empty() {
        return Some(found);
    }
    // A single word in the place of a name is a name, even if no task has it: an unknown name is
    // reported, while a word that is taken for prose would silently drop a dependency.
    match tokens.as_slice() {
        [Token::Word(word)] | [Token::Task, Token::Word(word)] => {
            Some(vec![TaskReference::Unknown((*word).to_owned())])
        }
        _ => None,
    }
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    /// `Task`, `Tasks`
    Task,
    Number(TaskNumber),
    Id(usize),
    /// A dash between numbers, `to`, `through`
    To,
    /// A word without meaning here: `and`, `the`
    Filler,
    Word(&'a str),
}

fn scan(tokens: &[Token], task: usize, names: &Names) -> Vec<TaskReference> {
    let mut found = Vec::new();
    // After a word of prose a number may count anything ("with 3 retries"), until the word `Task`
    // follows.
    let mut is_prose = false;
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token {
            Token::Task => is_prose = false,
            Token::Word(_) => is_prose = true,
            Token::Filler | Token::To => {}
            _ if is_prose => {}
            Token::Id(i) => found.push(TaskReference::Task(*i)),
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

fn number(number: &TaskNumber, names: &Names) -> TaskReference {
    // A number may be the written id of a task whose heading has another one.
    let known = names.by_number.get(number).copied().or_else(|| names.task(&number.to_string()));
    known.map_or_else(|| TaskReference::Unknown(number.to_string()), TaskReference::Task)
}

/// Returns the tasks from one number to another, except the task that declares the range.
fn range(first: &TaskNumber, last: &TaskNumber, task: usize, names: &Names) -> Vec<TaskReference> {
    let missing: Vec<TaskReference> = [first, last]
        .into_iter()
        .map(|end| number(end, names))
        .filter(|reference| matches!(reference, TaskReference::Unknown(_)))
        .collect();
    // Without both ends nobody knows which tasks are between them.
    if !missing.is_empty() || first > last {
        return if missing.is_empty() {
            vec![number(first, names), number(last, names)]
        } else {
            missing
        };
    }
    let between = names.by_number.range(first..=last).map(|(_, i)| *i);
    between.filter(|i| *i != task).map(TaskReference::Task).collect()
}

fn tokens<'a>(part: &'a str, names: &Names) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    for word in part.split_whitespace() {
        let word = bare(word.trim_end_matches([':', '!', '?']));
        // `Task 2's types` means task 2.
        let word = word.strip_suffix("'s").unwrap_or(word);
        let dashed = |dash: &str| {
            // Both ends must be numbers: `sign-in` is no range.
            let (a, b) = word.split_once(dash)?;
            Some((prefixed(a)?, prefixed(b)?))
        };
        let ends = ["–", "—", "..", "-", "~"].iter().find_map(|dash| dashed(dash));
        let number = prefixed(word);
        let by_number = number.as_ref().and_then(|number| names.by_number.get(number));
        // A number that is also its task's id stays a number, since it may begin a range.
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
fn prefixed(word: &str) -> Option<TaskNumber> {
    let lower = word.to_ascii_lowercase();
    let rest = ["tasks", "task", "t", "#", ""].iter().find_map(|prefix| {
        let rest = lower.strip_prefix(prefix)?.trim_start_matches(['-', '_', '#']);
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest)
    })?;
    // A leading minus is not a prefix: `-3` is part of something else.
    if word.starts_with(['-', '_']) { None } else { TaskNumber::parse(rest) }
}

/// Reads `all previous tasks`, `the previous task` and their like.
fn in_words(part: &str, task: usize, names: &Names) -> Option<Vec<TaskReference>> {
    let lower = part.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().filter(|word| *word != "the").collect();
    let says = |words: &[&str], known: &[&str]| words.iter().all(|word| known.contains(word));
    // A row of a table that names its own tasks stands at no place among them.
    let is_task = task < names.ids.len();
    let before =
        ["previous", "prior", "earlier", "preceding", "above", "task", "tasks", "of", "before"];
    match words.as_slice() {
        ["all" | "every", "other", "task" | "tasks"] => {
            Some((0..names.ids.len()).filter(|i| *i != task).map(TaskReference::Task).collect())
        }
        ["all" | "every" | "everything", rest @ ..] if is_task && says(rest, &before) => {
            Some((0..task).map(TaskReference::Task).collect())
        }
        ["previous" | "preceding"] | ["previous" | "preceding", "task"] if is_task => {
            Some(task.checked_sub(1).map(TaskReference::Task).into_iter().collect())
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
            id: id.map(|id| SourceText { text: id.to_owned(), line: 1 }),
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
        let mut diagnostics = Diagnostics::new("x");
        let value = SourceText { text: text.to_owned(), line: 1 };
        let found = resolve(&value, 6, &names(), &mut diagnostics);
        let found: Vec<String> = found.into_iter().map(|name| name.text).collect();
        (found.join(" "), diagnostics.into_sorted().len())
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
    fn nothing_has_many_spellings() {
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
    fn prose_that_names_nothing_is_reported() {
        assert_eq!(read("the design being agreed on"), (String::new(), 1));
        assert_eq!(read("Task 1, whatever else is needed"), ("1".to_owned(), 1));
    }
}
