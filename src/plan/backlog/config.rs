//! The settings of a folder that say what a status and an id mean.
//!
//! Invariant: read as the program reads them, key by key, so that a value elsewhere in the file
//! which is no YAML does no harm.

use super::File;
use crate::plan::finding::Findings;
use crate::plan::syntax::yaml::{self, Value};

/// What the program itself takes where nothing is said.
const STATUSES: [&str; 3] = ["To Do", "In Progress", "Done"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    /// In the order of work; the last one means done. Never empty.
    pub(super) statuses: Vec<String>,
    /// What a new ticket gets.
    pub(super) default_status: Option<String>,
    /// In lower case, as in the names of files.
    pub(super) prefix: String,
}

impl Config {
    pub(super) fn is_done(&self, status: &str) -> bool {
        self.statuses.last().is_some_and(|done| same(done, status))
    }

    /// Returns true for a ticket that nobody has begun: it has the first status, the one that
    /// new tickets get, or none.
    pub(super) fn is_new(&self, status: &str) -> bool {
        let first = self.statuses.first().into_iter().chain(&self.default_status);
        !self.is_done(status)
            && (status.trim().is_empty() || first.into_iter().any(|s| same(s, status)))
    }
}

/// The statuses that a run may give to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// `None` where the backlog has no status between the first and the last.
    pub in_progress: Option<String>,
    pub done: String,
}

/// Returns the statuses of a backlog by the text of its settings, `None` for one without; `None`
/// where they cannot be read.
pub(crate) fn words(text: Option<&str>) -> Option<Words> {
    let file = text.map(|text| File { name: String::new(), place: None, bytes: text.into() });
    let statuses = read(file.as_ref(), &mut Findings::new(""))?.statuses;
    let named = statuses.iter().find(|status| same(status, "In Progress"));
    let between = || statuses.get(1).filter(|_| statuses.len() > 2);
    let in_progress = named.or_else(between).cloned();
    Some(Words { in_progress, done: statuses.last()?.clone() })
}

/// Case, and space around and within, mean nothing.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
    };
    plain(one) == plain(other)
}

/// Reads the settings; without a file they are the program's own defaults.
pub(super) fn read(file: Option<&File>, findings: &mut Findings) -> Option<Config> {
    let text = match file.map(|file| std::str::from_utf8(&file.bytes)) {
        None => "",
        Some(Ok(text)) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Some(Err(_)) => {
            findings.error(0, "it is not UTF-8", "save the settings of the backlog as UTF-8");
            return None;
        }
    };
    let statuses = statuses(text, findings)?;
    let prefix = single(text, "task_prefix").unwrap_or_else(|| "task".to_owned()).to_lowercase();
    Some(Config { statuses, default_status: single(text, "default_status"), prefix })
}

fn statuses(text: &str, findings: &mut Findings) -> Option<Vec<String>> {
    let default = || STATUSES.map(str::to_owned).to_vec();
    let Some((block, line)) = block(text, "statuses") else { return Some(default()) };
    let remedy = "write for example `statuses: [\"To Do\", \"In Progress\", \"Done\"]`";
    match yaml::read(&block, line) {
        Err(fault) => {
            findings.error(fault.line, format!("`statuses` is not YAML: {}", fault.why), remedy);
            None
        }
        Ok(node) => {
            let value = node.get("statuses");
            let names = match value.map(|node| &node.value) {
                Some(Value::List(_)) => value.map(|node| node.texts()).unwrap_or_default(),
                Some(Value::Nothing) | None => Vec::new(),
                Some(_) => {
                    findings.error(line, "`statuses` is no list", remedy);
                    return None;
                }
            };
            let names: Vec<String> = names.into_iter().map(|(name, _)| name.to_owned()).collect();
            Some(if names.is_empty() { default() } else { names })
        }
    }
}

/// Returns the lines that belong to a key at the left margin, and the number of the first; the
/// last of several counts.
fn block(text: &str, key: &str) -> Option<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_key =
        |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    let start = lines.iter().rposition(is_key)?;
    let goes_on = |line: &&&str| {
        let is_next = !line.starts_with([' ', '\t', '#', '-', ']', '}']) && line.contains(':');
        line.trim().is_empty() || !is_next
    };
    let more = lines[start + 1..].iter().take_while(goes_on).count();
    Some((lines[start..=start + more].join("\n"), start + 1))
}

/// Returns the value of a key on one line, without its quotes.
fn single(text: &str, key: &str) -> Option<String> {
    let value = |line: &str| {
        let (name, value) = line.trim().split_once(':')?;
        (name.trim() == key).then(|| value.replace(['"', '\''], "").trim().to_owned())
    };
    text.lines().filter_map(value).next_back().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Option<Config> {
        let file = File { name: "c".into(), place: None, bytes: text.into() };
        read(Some(&file), &mut Findings::new("c"))
    }

    #[test]
    fn statuses_and_prefix_come_from_the_file() {
        let text = "project_name: \"a: \"b\"\"\nstatuses:\n  - 'Won''t Do'\n  - \"Doing\" # x\n  - Shipped\ntask_prefix: \"BACK\"\n";
        let read = config(text).unwrap();
        assert_eq!(read.statuses, ["Won't Do", "Doing", "Shipped"]);
        assert_eq!(read.prefix, "back");
        assert!(read.is_done("shipped ") && !read.is_done("Done"));
        assert!(read.is_new("won't do") && read.is_new("") && !read.is_new("Doing"));
        let read = config("statuses: [\"To Do\",\n  Done]\nlabels: []\n").unwrap();
        assert_eq!(read.statuses, ["To Do", "Done"]);
    }

    #[test]
    fn the_status_of_what_is_begun_is_the_backlogs_own() {
        let of = |text: &str| words(Some(text)).map(|words| (words.in_progress, words.done));
        let some = |one: &str, done: &str| Some((Some(one.to_owned()), done.to_owned()));
        assert_eq!(of("statuses: [A, in progress, B, C]\n"), some("in progress", "C"));
        assert_eq!(of("statuses: [To Do, Doing, Shipped]\n"), some("Doing", "Shipped"));
        assert_eq!(of("statuses: [Open, Closed]\n"), Some((None, "Closed".into())));
        assert_eq!(of("statuses: Done\n"), None);
        assert_eq!(words(None).expect("the program's own").done, "Done");
    }

    #[test]
    fn what_is_not_said_is_as_the_program_has_it() {
        let read = config("").unwrap();
        assert_eq!((read.statuses.len(), read.prefix.as_str()), (3, "task"));
        assert_eq!(config("statuses:\n").unwrap().statuses, STATUSES);
        assert_eq!(config("statuses: Done\n"), None);
        assert_eq!(config("statuses: [a\nx: y\n"), None);
    }
}
