//! Changes of files that belong to other tasks.
//!
//! Invariant: pure. Such a change goes to the reviewers of the task, or blocks it if there are none;
//! it is never passed over. A task may build on files of the tasks that it depends on.

use super::leftovers::ChangeKind;
use crate::domain::plan::TaskId;

/// A changed file that another task declares or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignChange {
    pub path: String,
    pub kind: ChangeKind,
    pub owner: TaskId,
    /// The task depends on the owner.
    pub is_dependency: bool,
}

/// What follows from changes of others' files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ForeignVerdict {
    /// The paths for which the task is blocked, and why.
    pub escaped: Option<(Vec<String>, String)>,
    /// For the reviewers and the user.
    pub concern: Option<String>,
    /// For the user alone: files of a dependency that the task builds on.
    pub remark: Option<String>,
}

/// At most this many files are named.
const MAX_NAMED: usize = 8;

/// Judges changes of others' files.
pub(crate) fn judge(changes: &[ForeignChange], is_reviewed: bool) -> ForeignVerdict {
    let builds_on = |it: &&ForeignChange| it.is_dependency && it.kind != ChangeKind::Deleted;
    let (built_on, grave): (Vec<&ForeignChange>, Vec<&ForeignChange>) =
        changes.iter().partition(builds_on);
    let mut verdict = ForeignVerdict::default();
    if !built_on.is_empty() {
        verdict.remark =
            Some(format!("changed files of tasks that it builds on: {}", list(&built_on)));
    }
    if !grave.is_empty() {
        let text = format!("changed files that belong to other tasks: {}", list(&grave));
        if is_reviewed {
            verdict.concern = Some(format!("it {text}"));
        } else {
            let paths = grave.iter().map(|it| it.path.clone()).collect();
            let text = format!("it {text}; no reviewer would see that");
            verdict.escaped = Some((paths, text));
        }
    }
    verdict
}

fn list(changes: &[&ForeignChange]) -> String {
    let text = |it: &&ForeignChange| {
        let deleted = if it.kind == ChangeKind::Deleted { ", deleted" } else { "" };
        format!("{} (task '{}'{deleted})", it.path, it.owner)
    };
    let more = changes.len().saturating_sub(MAX_NAMED);
    let named: Vec<String> = changes.iter().take(MAX_NAMED).map(text).collect();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    named.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, kind: ChangeKind, is_dependency: bool) -> ForeignChange {
        let owner = TaskId::new("b").expect("an id");
        ForeignChange { path: path.into(), kind, owner, is_dependency }
    }

    #[test]
    fn reviewers_see_it_or_it_blocks() {
        let changes =
            [change("x", ChangeKind::Modified, false), change("y", ChangeKind::Deleted, true)];
        let reviewed = judge(&changes, true);
        let concern = reviewed.concern.expect("a concern");
        assert!(concern.contains("x (task 'b'), y (task 'b', deleted)"), "{concern}");
        assert_eq!(reviewed.escaped, None);
        let (paths, _) = judge(&changes, false).escaped.expect("a block");
        assert_eq!(paths, ["x", "y"]);
    }

    #[test]
    fn a_task_may_build_on_its_dependencies() {
        let verdict = judge(&[change("x", ChangeKind::Modified, true)], false);
        assert_eq!((verdict.escaped, verdict.concern), (None, None));
        assert!(verdict.remark.is_some());
        assert_eq!(judge(&[], false), ForeignVerdict::default());
    }
}
