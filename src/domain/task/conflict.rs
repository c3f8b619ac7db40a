//! What both sides of a merge have at a path where they conflict.
//!
//! Invariant: pure. A conflict of two texts needs no words; everything that an editor cannot show,
//! because there are no marks in a file, is said.

use serde::{Deserialize, Serialize};

use crate::domain::oid::Oid;

/// What one side of a merge has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    Nothing,
    File,
    SymbolicLink,
    Folder,
    /// A commit of another repository.
    Commit(Oid),
}

/// What is special about a conflict, and in no file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HiddenConflict {
    /// The paths at which one side has a commit of another repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// The two branches have no common history.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrelated: bool,
}

/// A path in conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathConflict {
    pub path: String,
    /// On the branch that is merged into.
    pub ours: Side,
    /// On the task's branch.
    pub theirs: Side,
    /// `.gitmodules` names the path, so git can fetch the other repository.
    pub is_declared: bool,
}

impl PathConflict {
    /// Returns true if one side has a commit of another repository at the path.
    pub fn is_module(&self) -> bool {
        [&self.ours, &self.theirs].iter().any(|side| matches!(side, Side::Commit(_)))
    }

    /// Returns what is at the path on both sides; `None` for two files, whose conflict is marked in
    /// the file. The names stand for the two sides.
    pub fn words(&self, into: &str, from: &str) -> Option<String> {
        let kind = match (self.is_module(), self.is_declared) {
            (true, true) => " is a submodule",
            (true, false) => {
                " is a gitlink, a commit of a repository that .gitmodules does not name"
            }
            (false, _) => "",
        };
        let sides = match (&self.ours, &self.theirs) {
            (Side::File, Side::File) | (Side::Nothing, Side::Nothing) => return None,
            (ours, theirs) => {
                format!("{into} has {}, and {from} has {}", ours.words(), theirs.words())
            }
        };
        Some(format!("{}{kind}: {sides}", self.path))
    }
}

impl Side {
    fn words(&self) -> String {
        match self {
            Side::Nothing => "nothing there".into(),
            Side::File => "a file".into(),
            Side::SymbolicLink => "a symbolic link".into(),
            Side::Folder => "a folder".into(),
            Side::Commit(commit) => format!("commit {}", commit.short()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ours: Side, theirs: Side, is_declared: bool) -> Option<String> {
        PathConflict { path: "lib".into(), ours, theirs, is_declared }.words("feat/p", "the task")
    }

    fn commit(digits: &str) -> Side {
        Side::Commit(Oid::from_hex(&digits.repeat(20)).expect("an id"))
    }

    #[test]
    fn what_no_file_shows_is_said() {
        assert_eq!(words(Side::File, Side::File, false), None);
        assert_eq!(
            words(Side::Nothing, Side::File, false).as_deref(),
            Some("lib: feat/p has nothing there, and the task has a file")
        );
        let module = words(commit("1a"), commit("2b"), true).expect("words");
        assert_eq!(
            module,
            "lib is a submodule: feat/p has commit 1a1a1a1a1a, and the task has commit 2b2b2b2b2b"
        );
        let link = words(commit("1a"), Side::Folder, false).expect("words");
        assert!(link.starts_with("lib is a gitlink") && link.ends_with("has a folder"), "{link}");
    }
}
