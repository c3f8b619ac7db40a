//! The id of a ticket, normalised for comparison: `TASK-7`, `task-07` and `7` are the same.
//!
//! Invariant: numbers stay text, so a number of any length keeps its digits.

use crate::domain::plan::TaskId;

/// A ticket's id in its normal form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TicketKey {
    /// In upper case.
    prefix: String,
    /// Digits and dots without leading zeros, or anything else in upper case.
    body: String,
}

impl TicketKey {
    /// Reads an id; an id without a prefix gets `prefix`.
    pub(super) fn new(id: &str, prefix: &str) -> TicketKey {
        let id = id.trim();
        let (prefix, body) = split(id).unwrap_or((prefix, id));
        // Only numbers are padded with zeros; `a01` and `a1` are different names.
        let is_number = body.chars().all(|c| c.is_ascii_digit() || c == '.');
        let body = if is_number {
            body.split('.').map(without_zeros).collect::<Vec<_>>().join(".")
        } else {
            body.to_uppercase()
        };
        TicketKey { prefix: prefix.to_uppercase(), body }
    }

    /// Returns the same number under another prefix.
    pub(super) fn under(&self, prefix: &str) -> TicketKey {
        TicketKey { prefix: prefix.to_uppercase(), body: self.body.clone() }
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// Returns the id of the task as older versions made it: without the zeros of its number.
    pub(super) fn plain_task_id(&self) -> Option<TaskId> {
        id_from(&self.prefix, &self.body)
    }

    /// Returns a value that sorts keys by their numbers, part by part.
    pub(super) fn order(&self) -> (String, Vec<(usize, String)>) {
        // By length first: without leading zeros the longer number is the larger one, of any
        // length.
        let parts = self.body.split('.').map(|part| (part.len(), part.to_owned()));
        (self.prefix.clone(), parts.collect())
    }
}

/// Returns the id of a ticket's task: `back-7`, but `7` for `task-7`, since the branch is named
/// `feat/task-<id>` already. A number keeps the zeros that the backlog pads it with.
pub(super) fn task_id(ticket: &str, prefix: &str) -> Option<TaskId> {
    let ticket = ticket.trim();
    let (prefix, body) = split(ticket).unwrap_or((prefix, ticket));
    id_from(prefix, body)
}

fn id_from(prefix: &str, body: &str) -> Option<TaskId> {
    let text = match prefix.to_lowercase().as_str() {
        "task" => body.to_lowercase(),
        prefix => format!("{prefix}-{}", body.to_lowercase()),
    };
    TaskId::new(&text).ok()
}

/// Returns true if `typed` means the ticket with this id; its prefix and zeros may be left out.
pub(crate) fn means(typed: &str, ticket: &str) -> bool {
    split(ticket.trim())
        .is_some_and(|(prefix, _)| TicketKey::new(typed, prefix) == TicketKey::new(ticket, prefix))
}

/// Splits `TASK-7` at the first `-`, if only letters come before it.
fn split(id: &str) -> Option<(&str, &str)> {
    let (prefix, body) = id.split_once('-')?;
    let is_prefix = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_alphabetic());
    (is_prefix && !body.is_empty()).then_some((prefix, body))
}

fn without_zeros(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" if !digits.is_empty() => "0",
        rest => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_id_are_equal() {
        let key = |id| TicketKey::new(id, "back");
        assert_eq!(key("BACK-355.02"), key("back-355.2"));
        assert_eq!(key("7"), key("Back-007"));
        assert_eq!(key("000"), key("0"));
        assert_ne!(key("task-7"), key("back-7"));
        assert_eq!(key("task-7").under("back"), key("7"));
        assert_ne!(key("1.10"), key("1.1"));
        assert_ne!(key("99999999999999999999999"), key("99999999999999999999998"));
    }

    #[test]
    fn branches_do_not_repeat_the_word_task() {
        let id = |id| task_id(id, "task").map(String::from);
        assert_eq!(id("TASK-004").as_deref(), Some("004"));
        assert_eq!(id("TASK-007.02").as_deref(), Some("007.02"));
        assert_eq!(id("TASK-4").as_deref(), Some("4"));
        assert_eq!(id("12").as_deref(), Some("12"));
        assert_eq!(id("BACK-7").as_deref(), Some("back-7"));
        assert_eq!(id("JIRA-x y"), None);
    }

    #[test]
    fn a_ticket_is_found_without_its_prefix_and_zeros() {
        assert!(means("4", "TASK-004") && means("task-4", "TASK-004") && means("004", "TASK-4"));
        assert!(!means("40", "TASK-004") && !means("BACK-4", "TASK-004") && !means("4", "4"));
    }

    #[test]
    fn keys_sort_by_number() {
        let mut ids = vec!["t-10", "t-9", "t-9.2", "t-9.10", "t-2"];
        ids.sort_by_key(|id| TicketKey::new(id, "t").order());
        assert_eq!(ids, ["t-2", "t-9", "t-9.2", "t-9.10", "t-10"]);
    }
}
