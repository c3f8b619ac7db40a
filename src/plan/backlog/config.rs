//! The settings of a backlog: the meaning of its statuses and ids.
//!
//! Invariant: read as Backlog.md reads them, key by key, so a value elsewhere in the file that is
//! not valid YAML does no harm.

use super::BacklogFile;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::syntax::yaml::{self, YamlValue};

/// The statuses that Backlog.md itself uses if the settings name none.
const STATUSES: [&str; 3] = ["To Do", "In Progress", "Done"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BacklogConfig {
    /// In the order of work; the last one means done. Never empty.
    pub(super) statuses: Vec<String>,
    /// The status of a new ticket.
    pub(super) default_status: Option<String>,
    /// The prefix of ids, in lower case as in file names.
    pub(super) prefix: String,
}

impl BacklogConfig {
    pub(super) fn is_done(&self, status: &str) -> bool {
        self.statuses.last().is_some_and(|done| same(done, status))
    }

    /// Returns true for the status of a ticket that nobody has started: the first status, the one
    /// for new tickets, or none.
    pub(super) fn is_new(&self, status: &str) -> bool {
        // New tickets get the default status, which need not be the first of the list.
        let first = self.statuses.first().into_iter().chain(&self.default_status);
        !self.is_done(status)
            && (status.trim().is_empty() || first.into_iter().any(|s| same(s, status)))
    }
}

/// The statuses that a run may give to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TicketStatuses {
    /// `None` if the backlog has no status between the first and the last.
    pub in_progress: Option<String>,
    pub done: String,
}

/// Returns the statuses of a backlog from the text of its settings, or the defaults if it has none;
/// `None` if they cannot be read.
pub(crate) fn ticket_statuses(text: Option<&str>) -> Option<TicketStatuses> {
    let file = text.map(|text| BacklogFile { name: String::new(), path: None, bytes: text.into() });
    let statuses = read(file.as_ref(), &mut Diagnostics::new(""))?.statuses;
    let named = statuses.iter().find(|status| same(status, "In Progress"));
    // The last status means done; with two of them, none is left for work in progress.
    let between = || statuses.get(1).filter(|_| statuses.len() > 2);
    let in_progress = named.or_else(between).cloned();
    Some(TicketStatuses { in_progress, done: statuses.last()?.clone() })
}

/// Compares two statuses as Backlog.md does: ignores case and all spaces.
pub(super) fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
    };
    plain(one) == plain(other)
}

/// Reads the settings; without a file they are Backlog.md's defaults.
pub(super) fn read(
    file: Option<&BacklogFile>,
    diagnostics: &mut Diagnostics,
) -> Option<BacklogConfig> {
    let text = match file.map(|file| std::str::from_utf8(&file.bytes)) {
        None => "",
        Some(Ok(text)) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Some(Err(_)) => {
            diagnostics.error(0, "the settings are not UTF-8", "save the file as UTF-8");
            return None;
        }
    };
    let statuses = statuses(text, diagnostics)?;
    let prefix = single(text, "task_prefix").unwrap_or_else(|| "task".to_owned()).to_lowercase();
    Some(BacklogConfig { statuses, default_status: single(text, "default_status"), prefix })
}

fn statuses(text: &str, diagnostics: &mut Diagnostics) -> Option<Vec<String>> {
    let default = || STATUSES.map(str::to_owned).to_vec();
    let Some((block, line)) = block(text, "statuses") else { return Some(default()) };
    let remedy = "write for example `statuses: [\"To Do\", \"In Progress\", \"Done\"]`";
    match yaml::read(&block, line) {
        Err(fault) => {
            diagnostics.error(
                fault.line,
                format!("`statuses` is not valid YAML: {}", fault.why),
                remedy,
            );
            None
        }
        Ok(node) => {
            let value = node.get("statuses");
            let names = match value.map(|node| &node.value) {
                Some(YamlValue::List(_)) => value.map(|node| node.texts()).unwrap_or_default(),
                Some(YamlValue::Nothing) | None => Vec::new(),
                Some(_) => {
                    diagnostics.error(line, "`statuses` must be a list", remedy);
                    return None;
                }
            };
            let names: Vec<String> = names.into_iter().map(|(name, _)| name.to_owned()).collect();
            // Without a last status no ticket would ever be done.
            Some(if names.is_empty() { default() } else { names })
        }
    }
}

/// Returns the lines of a key at the left margin, and the number of the first line. If the key
/// appears several times, the last one counts.
fn block(text: &str, key: &str) -> Option<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_key =
        |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    let start = lines.iter().rposition(is_key)?;
    let continues = |line: &&&str| {
        // A list may begin at the left margin, so `- Done` and `]` still belong to the key.
        let is_next = !line.starts_with([' ', '\t', '#', '-', ']', '}']) && line.contains(':');
        line.trim().is_empty() || !is_next
    };
    let more = lines[start + 1..].iter().take_while(continues).count();
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

    fn config(text: &str) -> Option<BacklogConfig> {
        let file = BacklogFile { name: "c".into(), path: None, bytes: text.into() };
        read(Some(&file), &mut Diagnostics::new("c"))
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
    fn the_status_for_started_tickets_comes_from_the_backlog() {
        let of = |text: &str| {
            ticket_statuses(Some(text)).map(|statuses| (statuses.in_progress, statuses.done))
        };
        let some = |one: &str, done: &str| Some((Some(one.to_owned()), done.to_owned()));
        assert_eq!(of("statuses: [A, in progress, B, C]\n"), some("in progress", "C"));
        assert_eq!(of("statuses: [To Do, Doing, Shipped]\n"), some("Doing", "Shipped"));
        assert_eq!(of("statuses: [Open, Closed]\n"), Some((None, "Closed".into())));
        assert_eq!(of("statuses: Done\n"), None);
        assert_eq!(ticket_statuses(None).expect("the program's own").done, "Done");
    }

    #[test]
    fn missing_settings_are_those_of_the_program() {
        let read = config("").unwrap();
        assert_eq!((read.statuses.len(), read.prefix.as_str()), (3, "task"));
        assert_eq!(config("statuses:\n").unwrap().statuses, STATUSES);
        assert_eq!(config("statuses: Done\n"), None);
        assert_eq!(config("statuses: [a\nx: y\n"), None);
    }
}
