//! What a new run would begin from, and what the user should know about that.
//!
//! Invariant: only looks. A checkout whose HEAD is on its way somewhere else is an error; what
//! is merely missing in the base is a remark.

use crate::domain::error::failure;
use crate::domain::shell::quoted;
use crate::git::Git;
use crate::git::operation::Upstream;
use crate::journal::{Journal, run_names};

/// Something that does not keep a run from beginning, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    pub text: String,
    pub remedy: String,
}

/// Fails where HEAD is a commit that a rebase, for example, only passes through.
pub(crate) fn check_head(git: &Git) -> anyhow::Result<()> {
    match git.operation().filter(|operation| operation.moves_head()) {
        None => Ok(()),
        Some(operation) => Err(failure(
            format!("a {} is in progress here, so HEAD is no base to begin from", operation.verb()),
            format!(
                "{}\nor begin from a branch, and merge into it: git orchestrate start PLAN --into BRANCH",
                operation.remedy()
            ),
        )),
    }
}

/// Fails where a branch is checked out here in a work tree that git was only told of: it does not
/// list such a one, so a merge would move the branch and leave the files as they are.
pub(super) fn check_listed(git: &Git, branch: &str) -> anyhow::Result<()> {
    let is_here = git.top_level().is_some() && git.head()?.0.as_deref() == Some(branch);
    if !(is_here && git.worktree_of(branch)?.is_none()) {
        Ok(())
    } else {
        Err(failure(
            format!(
                "'{branch}' is checked out in a work tree that 'git worktree list' does not know"
            ),
            "leave --into away, and merge the run's branch when it is finished: git merge BRANCH",
        ))
    }
}

/// Returns what is not in HEAD, where a run begins from it.
pub(crate) fn beside_head(git: &Git) -> anyhow::Result<Vec<Remark>> {
    if let Some(operation) = git.operation() {
        return Ok(vec![Remark {
            text: format!(
                "a {} is in progress here: what it has not committed is not in the base of the run",
                operation.verb()
            ),
            remedy: operation.remedy(),
        }]);
    }
    let changed = git.has_changes()?.then(|| Remark {
        text: "there are uncommitted changes here, and they are not in the base of the run".into(),
        remedy: "if tasks need them, commit them first: git commit -a".into(),
    });
    Ok(changed.into_iter().collect())
}

/// Says that the branch which is to be merged into is made by the run.
pub(super) fn is_new(branch: &str, from: Option<&str>) -> Remark {
    let from = from.unwrap_or("HEAD");
    Remark {
        text: format!("there is no branch '{branch}' yet: the run makes it, from {from}"),
        remedy: "if another is meant, see which there are: git branch --list".into(),
    }
}

/// Says that a branch is that of a task of another run, which goes when that is merged.
pub(super) fn of_task(git: &Git, branch: &str) -> anyhow::Result<Option<Remark>> {
    for name in run_names(git)? {
        let Some(tip) = Journal::new(git, &name).load()? else { continue };
        let mut tasks = tip.snapshot.tasks();
        let Some((task, _)) = tasks.find(|(_, record)| record.branch.as_deref() == Some(branch))
        else {
            continue;
        };
        let text = format!(
            "the run begins from {branch}, the branch of task '{}' of run '{name}'",
            task.id
        );
        let home = quoted(&git.home().display().to_string());
        let mut remedy = format!("to begin from what is checked out there: cd {home}, then again");
        if tip.snapshot.run.base_branch != "HEAD" {
            let base = quoted(&tip.snapshot.run.base_branch);
            remedy += &format!(
                "\nto begin from {base}, and merge into it: git orchestrate start PLAN --into {base}"
            );
        }
        return Ok(Some(Remark { text, remedy }));
    }
    Ok(None)
}

/// Returns how far a branch is behind its upstream, as far as is known here.
pub(crate) fn behind(git: &Git, branch: &str) -> anyhow::Result<Option<Remark>> {
    let behind = git.upstream(branch)?.filter(|upstream| upstream.behind > 0);
    let Some(Upstream { name, ahead, behind }) = behind else { return Ok(None) };
    let commits = if behind == 1 { "commit" } else { "commits" };
    let is_here = git.head().is_ok_and(|(head, _)| head.as_deref() == Some(branch));
    let remedy = match (ahead, is_here) {
        (0, true) => "to have them in it: git pull --ff-only".to_owned(),
        (0, false) => format!("to have them in it: git fetch . {name}:{branch}"),
        (_, true) => "to have them in it: git pull --rebase".to_owned(),
        (_, false) => format!("to have them in it: git switch {branch} && git pull --rebase"),
    };
    let text = format!(
        "{branch} is {behind} {commits} behind {name}: the run begins without {}",
        if behind == 1 { "it" } else { "them" }
    );
    Ok(Some(Remark { text, remedy }))
}
