//! Unfinished operations of git in a worktree, and how far a branch is from its upstream.
//!
//! Invariant: only reads, and only what this repository knows: nothing is fetched.

use super::Git;
use crate::domain::steps::{self, Remedy};

/// An operation that git began in a worktree and that the user must finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Rebase,
    Mailbox,
    Bisect,
    Merge,
    CherryPick,
    Revert,
}

/// The files that show an operation, in this order: during a rebase there may also be a
/// `CHERRY_PICK_HEAD`.
const SIGNS: &[(&str, Operation)] = &[
    ("rebase-merge", Operation::Rebase),
    ("rebase-apply/applying", Operation::Mailbox),
    ("rebase-apply", Operation::Rebase),
    ("BISECT_LOG", Operation::Bisect),
    ("MERGE_HEAD", Operation::Merge),
    ("CHERRY_PICK_HEAD", Operation::CherryPick),
    ("REVERT_HEAD", Operation::Revert),
];

impl Operation {
    /// Returns git's verb for the operation.
    pub fn verb(self) -> &'static str {
        match self {
            Operation::Rebase => "rebase",
            Operation::Mailbox => "am",
            Operation::Bisect => "bisect",
            Operation::Merge => "merge",
            Operation::CherryPick => "cherry-pick",
            Operation::Revert => "revert",
        }
    }

    /// Returns true if HEAD is only passing through commits, so that no run should start from it.
    pub fn moves_head(self) -> bool {
        match self {
            Operation::Rebase | Operation::Mailbox | Operation::Bisect => true,
            Operation::Merge | Operation::CherryPick | Operation::Revert => false,
        }
    }

    /// Returns the commands that end the operation.
    pub(crate) fn remedy(self) -> Remedy {
        match self {
            Operation::Bisect => steps::git("bisect reset").to("Finish it").into(),
            other => {
                let verb = other.verb();
                Remedy::from(steps::git(verb).word("--continue").to("Finish it")).or(steps::git(
                    verb,
                )
                .word("--abort")
                .to("Or abort it"))
            }
        }
    }
}

/// A branch compared with its upstream, as far as this repository knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// As git shows it: `origin/main`.
    pub name: String,
    /// Commits that only the branch has.
    pub ahead: u32,
    /// Commits that only the upstream has.
    pub behind: u32,
}

impl Git {
    /// Returns the unfinished operation in the caller's worktree.
    pub fn operation(&self) -> Option<Operation> {
        let stands = |sign: &&(&str, Operation)| self.git_dir.join(sign.0).exists();
        SIGNS.iter().find(stands).map(|(_, operation)| *operation)
    }

    /// Returns the upstream of a branch (short name); `None` if it has none or the upstream is
    /// gone.
    pub fn upstream(&self, branch: &str) -> anyhow::Result<Option<Upstream>> {
        let full = format!("refs/heads/{branch}");
        let asked = ["for-each-ref", "--format=%(upstream) %(upstream:short)", &full];
        let answer = self.command().args(asked).text()?;
        let Some((upstream, name)) = answer.lines().next().and_then(|line| line.split_once(' '))
        else {
            return Ok(None);
        };
        if self.find_ref(upstream).ok().flatten().is_none() {
            return Ok(None);
        }
        let range = format!("{full}...{upstream}");
        let counted = self.command().args(["rev-list", "--left-right", "--count", &range, "--"]);
        let counted = counted.text()?;
        let mut counts = counted.split_whitespace().map(|count| count.parse().unwrap_or(0));
        let (ahead, behind) = (counts.next().unwrap_or(0), counts.next().unwrap_or(0));
        Ok(Some(Upstream { name: name.to_owned(), ahead, behind }))
    }

    /// Returns true if tracked files of the caller's worktree differ from HEAD.
    pub fn has_changes(&self) -> anyhow::Result<bool> {
        if self.top_level.is_none() {
            return Ok(false);
        }
        let asked = ["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"];
        Ok(!self.here().args(asked).bytes()?.is_empty())
    }
}
