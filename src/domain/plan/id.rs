//! The id of a task: a word that is safe in a branch name, a folder name and a shell.
//!
//! Invariant: a [`TaskId`] that exists is a valid last component of a ref name, is not hidden, and
//! contains no character that a shell or a file system treats specially.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest id in bytes. git locks a ref with `<ref>.lock`, and this name must still fit into a file
/// name (255 bytes).
const MAX_LEN: usize = 100;

/// The id of a task, for example `model`, `1.2` or `8b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

/// Why a text cannot be the id of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdError {
    Empty,
    TooLong,
    /// It contains this character; letters, digits, `.`, `_`, `+` and `-` are allowed.
    Character(char),
    /// It begins with `.` or `-`, ends with `.` or `.lock`, or contains `..`.
    Form,
}

impl TaskId {
    /// Checks a text against what git allows in a ref name and what is safe as a folder name.
    ///
    /// git refuses `..`, a leading or trailing `.` and a trailing `.lock` in ref names; a leading
    /// `-` would read as an option on a command line.
    pub fn new(text: &str) -> Result<TaskId, IdError> {
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.len() > MAX_LEN {
            return Err(IdError::TooLong);
        }
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        if let Some(c) = text.chars().find(|c| !fits(*c)) {
            return Err(IdError::Character(c));
        }
        let bad_start = text.starts_with(['.', '-']);
        let bad_end = text.ends_with('.') || text.ends_with(".lock");
        if bad_start || bad_end || text.contains("..") {
            return Err(IdError::Form);
        }
        Ok(TaskId(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> String {
        id.0
    }
}

impl TryFrom<String> for TaskId {
    type Error = IdError;

    fn try_from(text: String) -> Result<TaskId, IdError> {
        TaskId::new(&text)
    }
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdError::Empty => write!(f, "it is empty"),
            IdError::TooLong => write!(f, "it is longer than {MAX_LEN} bytes"),
            IdError::Character(c) => write!(f, "it contains {c:?}"),
            IdError::Form => {
                write!(f, "it begins with '.' or '-', ends with '.' or '.lock', or contains '..'")
            }
        }
    }
}

impl std::error::Error for IdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_words_and_numbers() {
        for id in ["model", "1", "1.2", "8b", "a_b-c", "größe", "c++"] {
            assert_eq!(TaskId::new(id).map(String::from), Ok(id.to_owned()));
        }
    }

    #[test]
    fn refuses_what_a_branch_name_cannot_hold() {
        for id in ["", ".a", "-a", "a..b", "a.lock", "a.", "a b", "a/b", "a~1", "a:b", "a\\b", "@{"]
        {
            assert!(TaskId::new(id).is_err(), "{id:?} should be refused");
        }
    }
}
