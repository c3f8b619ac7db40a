//! The base of a new run, and warnings about it.
//!
//! Invariant: changes nothing. A HEAD that a rebase or bisect only passes through is an error; work
//! that is merely missing in the base is a warning.

use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::steps::{self, Remedy, StartOption, Step};
use crate::git::Git;
use crate::git::operation::Upstream;
use crate::journal::{Journal, run_names};

/// A fact that does not prevent the run but may surprise the user, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    pub text: String,
    pub remedy: Remedy,
}

/// Fails if an operation in progress, such as a rebase, only passes through HEAD.
pub(crate) fn check_head(git: &Git) -> anyhow::Result<()> {
    match git.operation().filter(|operation| operation.moves_head()) {
        None => Ok(()),
        Some(operation) => Err(failure(
            format!("a {} is in progress here, so a run cannot start from HEAD", operation.verb()),
            operation
                .remedy()
                .or(Step::begin([StartOption::IntoAny])
                    .to("Or start from a branch and merge into it")),
        )),
    }
}

/// Fails if the branch is checked out here in a work tree that git does not list.
///
/// A work tree given by `GIT_WORK_TREE` or `core.worktree` is not in `git worktree list`, so a
/// merge would move the branch and leave its files behind: they would look like a revert of the
/// merge.
pub(super) fn check_listed(git: &Git, branch: &str) -> anyhow::Result<()> {
    let is_here = git.top_level().is_some() && git.head()?.0.as_deref() == Some(branch);
    if !(is_here && git.worktree_of(branch)?.is_none()) {
        Ok(())
    } else {
        Err(failure(
            format!(
                "'{branch}' is checked out in a work tree that 'git worktree list' does not list"
            ),
            "leave out --into, and merge the run's branch when it is finished",
        ))
    }
}

/// Returns warnings about work here that a run from HEAD would not contain.
pub(crate) fn beside_head(git: &Git) -> anyhow::Result<Vec<Warning>> {
    if let Some(operation) = git.operation() {
        return Ok(vec![Warning {
            text: format!(
                "a {} is in progress here: the run starts without its uncommitted changes",
                operation.verb()
            ),
            remedy: operation.remedy(),
        }]);
    }
    let changed = git.has_changes()?.then(|| Warning {
        text: "there are uncommitted changes here, and the run starts without them".into(),
        remedy: steps::git("commit -a").to("If tasks need them, commit them first").into(),
    });
    Ok(changed.into_iter().collect())
}

/// Returns the warning that a run from a detached HEAD has no branch to merge into at its end.
pub(super) fn detached(head: &Oid) -> Warning {
    let switch = Step::from(steps::git("switch").blank("BRANCH"));
    Warning {
        text: format!(
            "HEAD is detached at {}, so `finish` will have no branch to merge the work into",
            head.short()
        ),
        remedy: switch.to("To start from a branch, switch to it first").into(),
    }
}

/// Returns the warning that the run creates the branch to merge into: its name may be a typo.
pub(super) fn is_new(branch: &str, from: Option<&str>) -> Warning {
    let from = from.unwrap_or("HEAD");
    Warning {
        text: format!("there is no branch '{branch}' yet: the run creates it from {from}"),
        remedy: steps::git("branch --list").to("If you meant another branch, list them").into(),
    }
}

/// Returns a warning if the branch belongs to a task of another run: `clean` removes it once that
/// task is merged.
pub(super) fn of_task(git: &Git, branch: &str) -> anyhow::Result<Option<Warning>> {
    for name in run_names(git)? {
        let Some(tip) = Journal::new(git, &name).load()? else { continue };
        let mut tasks = tip.snapshot.tasks();
        let Some((task, _)) = tasks.find(|(_, record)| record.branch.as_deref() == Some(branch))
        else {
            continue;
        };
        let text = format!(
            "the run starts from {branch}, the branch of task '{}' of run '{name}'",
            task.id
        );
        let home = Step::cd(git.home().display());
        let mut remedy = Remedy::from(
            home.to("To start from what is checked out in the main worktree, run this again there"),
        );
        let base = &tip.snapshot.run.base_branch;
        if base != "HEAD" {
            let into = Step::begin([StartOption::Into(base.clone())]);
            remedy = remedy.or(into.to(format!("Or start from {base} and merge into it")));
        }
        return Ok(Some(Warning { text, remedy }));
    }
    Ok(None)
}

/// Returns a warning if a branch is behind its upstream, as of the last fetch.
pub(crate) fn behind(git: &Git, branch: &str) -> anyhow::Result<Option<Warning>> {
    let behind = git.upstream(branch)?.filter(|upstream| upstream.behind > 0);
    let Some(Upstream { name, ahead, behind }) = behind else { return Ok(None) };
    let commits = if behind == 1 { "commit" } else { "commits" };
    let is_here = git.head().is_ok_and(|(head, _)| head.as_deref() == Some(branch));
    let bring = match (ahead, is_here) {
        (0, true) => Step::from(steps::git("pull --ff-only")),
        (0, false) => steps::git("fetch .").word(format!("{name}:{branch}")).into(),
        (_, true) => steps::git("pull --rebase").into(),
        (_, false) => {
            Step::from(steps::git("switch").word(branch)).and(steps::git("pull --rebase"))
        }
    };
    let remedy = bring.to("Include them first").into();
    let text = format!(
        "{branch} is {behind} {commits} behind {name}: the run starts without {}",
        if behind == 1 { "it" } else { "them" }
    );
    Ok(Some(Warning { text, remedy }))
}
