//! Changes outside of a task's own branch and worktree while an attempt ran.
//!
//! Invariant: data only. A change holds the state before it, so that the user can undo it; it does
//! not say which process made it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::oid::Oid;

/// One change; places are absolute paths of checkouts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum OutsideChange {
    /// A branch (short name): no `from` if it was created, no `to` if it was removed. `place` is
    /// the worktree that shows it.
    Branch {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Oid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Oid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    },
    /// A tag (short name), like a branch.
    Tag {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Oid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Oid>,
    },
    /// The newest stash.
    Stash {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Oid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Oid>,
    },
    /// The branch or commit that another checkout shows.
    Head { place: String, from: String, to: String },
    /// Uncommitted changes in another checkout.
    Files { place: String, files: Vec<String> },
    /// The branch that the task's own worktree shows instead of the task's branch; `found` is
    /// `None` if its HEAD is detached.
    Strayed {
        place: String,
        branch: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<String>,
    },
}

impl OutsideChange {
    /// Returns the changed paths.
    pub fn files(&self) -> &[String] {
        match self {
            OutsideChange::Files { files, .. } => files,
            OutsideChange::Branch { .. }
            | OutsideChange::Tag { .. }
            | OutsideChange::Stash { .. }
            | OutsideChange::Head { .. }
            | OutsideChange::Strayed { .. } => &[],
        }
    }
}

impl fmt::Display for OutsideChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutsideChange::Branch { name, from, to, .. } => write_ref(f, "branch", name, from, to),
            OutsideChange::Tag { name, from, to } => write_ref(f, "tag", name, from, to),
            OutsideChange::Stash { from: None, .. } => f.write_str("a stash was made"),
            OutsideChange::Stash { to: None, .. } => f.write_str("the last stash was taken away"),
            OutsideChange::Stash { .. } => f.write_str("the newest stash is another one"),
            OutsideChange::Head { place, from, to } => {
                write!(f, "{place} went from {from} to {to}")
            }
            OutsideChange::Files { place, files } => {
                write!(f, "uncommitted changes in {place}: {}", files.join(", "))
            }
            OutsideChange::Strayed { branch, found: Some(found), .. } => {
                write!(f, "it is on branch '{found}', not on '{branch}'")
            }
            OutsideChange::Strayed { branch, found: None, .. } => {
                write!(f, "its HEAD is on no branch, not on '{branch}'")
            }
        }
    }
}

fn write_ref(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    name: &str,
    from: &Option<Oid>,
    to: &Option<Oid>,
) -> fmt::Result {
    match (from, to) {
        (Some(from), Some(to)) => {
            write!(f, "the {kind} {name} moved from {} to {}", from.short(), to.short())
        }
        (Some(from), None) => write!(f, "the {kind} {name} is gone (it was at {})", from.short()),
        (None, Some(to)) => write!(f, "the {kind} {name} was made (at {})", to.short()),
        (None, None) => write!(f, "the {kind} {name} came and went"),
    }
}
