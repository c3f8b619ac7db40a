//! Beginning a run: everything that could be in its way is told before anything is made.
//!
//! Invariant: the journal's first commit is the moment a run exists. Before it nothing is
//! written; what must follow it is made by `recover`, so a crash between the two is harmless.

pub(crate) mod base;
pub(crate) mod names;
pub(crate) mod plan_source;
pub(crate) mod room;
pub(crate) mod tickets;
pub(crate) mod update;

use super::brief::no_agent;
use super::paths::{checkout_path, worktree_path};
use crate::domain::agent::Agent;
use crate::domain::config::Settings;
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::{Plan, Task};
use crate::domain::snapshot::{Flags, Run};
use crate::git::Git;
use crate::journal::Journal;
use crate::system::clock;
use crate::system::process::find_program;

pub(crate) use base::Remark;
pub(super) use names::check as check_names;

/// What a new run is made of.
#[derive(Debug, Clone)]
pub(crate) struct Beginning<'a> {
    pub plan: &'a Plan,
    pub settings: &'a Settings,
    pub flags: Flags,
    /// The branch to merge into, where the user named one.
    pub into: Option<&'a str>,
    /// The tasks' agents are launched, so they must be there.
    pub launches: bool,
}

/// Checks everything and returns the run as it would be; writes nothing.
pub(crate) fn prepare(git: &Git, beginning: &Beginning<'_>) -> anyhow::Result<Run> {
    git.check_ready()?;
    room::check(git, beginning.settings)?;
    if beginning.launches {
        check_agent(beginning.plan, beginning.settings)?;
    }
    let name = &beginning.plan.name;
    let (branch, head) = git.head()?;
    let integration = beginning.into.map_or_else(|| format!("feat/{name}"), str::to_owned);
    names::check(git, beginning, &integration)?;
    let base = base_of(git, beginning, &integration, &head)?;
    let checkout = checkout_path(git, beginning.settings, name);
    let is_it = |task: &Task| worktree_path(git, beginning.settings, &task.id) == checkout;
    if let Some(task) = beginning.plan.tasks.iter().find(|task| is_it(task)) {
        let folder = checkout.display();
        return Err(failure(
            format!("'{folder}' would be the folder of the run and of task '{}'", task.id),
            "give the run another name: git orchestrate start PLAN --run NAME",
        ));
    }
    if checkout.symlink_metadata().is_ok() {
        return Err(failure(
            format!("'{}' exists, and is where the run would test its merges", checkout.display()),
            "move it away, or give the run another name: git orchestrate start PLAN --run NAME",
        ));
    }
    Ok(Run {
        name: name.clone(),
        base_branch: onto(git, beginning).or(branch).unwrap_or_else(|| "HEAD".into()),
        base,
        checkout: checkout.display().to_string(),
        integration,
        created: clock::now_ms(),
        flags: beginning.flags.clone(),
        closed: None,
    })
}

/// Returns the branch that is merged into and exists, which is the base; that of any other run is
/// HEAD.
fn onto(git: &Git, beginning: &Beginning<'_>) -> Option<String> {
    let is_there = |into: &&str| matches!(git.find_branch(into), Ok(Some(_)));
    beginning.into.filter(is_there).map(str::to_owned)
}

/// Returns what the user should know before such a run begins, and what to do about it.
pub(crate) fn remarks(git: &Git, beginning: &Beginning<'_>) -> anyhow::Result<Vec<Remark>> {
    let onto = onto(git, beginning);
    let (mut remarks, branch) = match &onto {
        Some(branch) => (Vec::new(), Some(branch.to_owned())),
        None => (base::beside_head(git)?, git.head()?.0),
    };
    if let Some(new) = beginning.into.filter(|_| onto.is_none()) {
        remarks.push(base::is_new(new, branch.as_deref()));
    }
    if let Some(branch) = branch {
        remarks.extend(base::behind(git, &branch)?);
        remarks.extend(base::of_task(git, &branch)?);
    }
    let base = match &onto {
        Some(branch) => git.find_branch(branch)?,
        None => Some(git.head()?.1),
    };
    if let Some(base) = base {
        remarks.extend(tickets::uncommitted(git, &base, beginning.plan)?);
    }
    Ok(remarks)
}

/// Writes the journal's first commit of a run that was prepared.
pub(crate) fn create(git: &Git, run: &Run, plan: &Plan) -> anyhow::Result<()> {
    Journal::new(git, &run.name).create(run, plan)
}

/// Fails where a task has no agent, or one known by name that is not installed.
pub(crate) fn check_agent(plan: &Plan, settings: &Settings) -> anyhow::Result<()> {
    let is_reviewed = |task: &Task| task.reviews.as_ref().is_some_and(|list| !list.is_empty());
    for task in plan.tasks.iter().filter(|task| task.run.is_none() || is_reviewed(task)) {
        let agent = task.agent.as_deref().or(settings.agent.as_deref()).ok_or_else(no_agent)?;
        let program = Agent::from_text(agent).program();
        if let Some(missing) = program.filter(|program| find_program(program).is_none()) {
            return Err(failure(
                format!("the agent '{missing}' is not on the PATH"),
                "install it, or name another: git orchestrate start --agent COMMAND",
            ));
        }
    }
    Ok(())
}

/// A branch that is named with `--into` may exist; one of our own making may not.
fn base_of(
    git: &Git,
    beginning: &Beginning<'_>,
    integration: &str,
    head: &Oid,
) -> anyhow::Result<Oid> {
    match (git.find_branch(integration)?, beginning.into) {
        (None, _) => base::check_head(git).map(|()| head.clone()),
        (Some(tip), Some(_)) => base::check_listed(git, integration).map(|()| tip),
        (Some(_), None) => Err(failure(
            format!("the branch '{integration}' exists already, and no run is its owner"),
            format!(
                "merge into it with --into {integration}, or rename it: \
                 git branch -m {integration} {integration}-old"
            ),
        )),
    }
}
