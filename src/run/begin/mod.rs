//! Beginning a run: every obstacle is reported before anything is made.
//!
//! Invariant: a run exists from the journal's first commit on. Nothing is written before it; what
//! must follow it is made by `recover`, so that a crash between the two is harmless.

pub(crate) mod base;
pub(crate) mod batch;
pub(crate) mod branch_names;
pub(crate) mod complete;
pub(crate) mod plan_source;
pub(crate) mod programs;
pub(crate) mod storage;
pub(crate) mod tickets;
pub(crate) mod update;

use super::paths::{checkout_path, worktree_path};
use crate::domain::config::Settings;
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::plan::{Plan, Task};
use crate::domain::snapshot::{Flags, Run};
use crate::domain::steps::{self, Remedy, StartOption, Step};
use crate::git::Git;
use crate::journal::Journal;
use crate::journal::settings::InForce;
use crate::system::clock;

pub(crate) use base::Warning;
pub(super) use branch_names::check as check_names;

/// A run that does not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct NewRun<'a> {
    pub plan: &'a Plan,
    pub settings: &'a Settings,
    pub flags: Flags,
    /// The branch to merge into, if the user named one.
    pub into: Option<&'a str>,
    /// Whether the run launches agents, so that their programs must be installed.
    pub launches: bool,
}

/// Checks everything and returns the run as it would be; writes nothing.
pub(crate) fn prepare(git: &Git, new: &NewRun<'_>) -> anyhow::Result<Run> {
    git.check_ready()?;
    storage::check(git, new.settings)?;
    if new.launches {
        programs::check_agents(git, new.plan, new.settings)?;
    }
    programs::check_tests(new.plan, new.settings)?;
    let name = &new.plan.name;
    let (branch, head) = git.head()?;
    let integration = new.into.map_or_else(|| format!("feat/{name}"), str::to_owned);
    // All obstacles before the first write: a run that begins half would have to be cleaned up.
    branch_names::check(git, new, &integration)?;
    let base = base_of(git, new, &integration, &head)?;
    let checkout = checkout_path(git, new.settings, name);
    let is_it = |task: &Task| worktree_path(git, new.settings, &task.id) == checkout;
    if let Some(task) = new.plan.tasks.iter().find(|task| is_it(task)) {
        let folder = checkout.display();
        return Err(failure(
            format!("the run and its task '{}' would both use the folder '{folder}'", task.id),
            Step::begin([StartOption::Name]).to("Give the run another name"),
        ));
    }
    // Not `exists`, which follows links: a dangling one is in the way too.
    if checkout.symlink_metadata().is_ok() {
        return Err(failure(
            format!("'{}' exists, but the run needs it to test its merges", checkout.display()),
            Step::begin([StartOption::Name]).to("Move it aside, or give the run another name"),
        ));
    }
    Ok(Run {
        name: name.clone(),
        base_branch: onto(git, new).or(branch).unwrap_or_else(|| "HEAD".into()),
        base,
        checkout: checkout.display().to_string(),
        integration,
        created: clock::now_ms(),
        flags: new.flags.clone(),
        kept: None,
        settings: None,
        closed: None,
    })
}

/// Returns the branch named by `--into` if it exists: it is the base. Every other run starts from
/// HEAD.
fn onto(git: &Git, new: &NewRun<'_>) -> Option<String> {
    let is_there = |into: &&str| matches!(git.find_branch(into), Ok(Some(_)));
    new.into.filter(is_there).map(str::to_owned)
}

/// Returns what may surprise the user about such a run.
pub(crate) fn warnings(git: &Git, new: &NewRun<'_>) -> anyhow::Result<Vec<Warning>> {
    let onto = onto(git, new);
    let (mut remarks, branch) = match &onto {
        Some(branch) => (Vec::new(), Some(branch.to_owned())),
        None => (base::beside_head(git)?, git.head()?.0),
    };
    if let Some(new) = new.into.filter(|_| onto.is_none()) {
        remarks.push(base::is_new(new, branch.as_deref()));
    }
    if branch.is_none() {
        remarks.push(base::detached(&git.head()?.1));
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
        remarks.extend(tickets::uncommitted(git, &base, new.plan)?);
    }
    remarks.extend(programs::missing_test_file(git, new));
    Ok(remarks)
}

/// Writes the first commit of a run's journal; from then on the run exists.
pub(crate) fn create(git: &Git, run: &Run, plan: &Plan) -> anyhow::Result<()> {
    let settings = InForce::read(git)?;
    let run = Run { settings: Some(settings.digest), ..run.clone() };
    Journal::new(git, &run.name).create_with(&run, plan, Some(&settings.text))
}

/// Returns the base of the run. A branch named by `--into` may exist; the run's own may not.
fn base_of(git: &Git, new: &NewRun<'_>, integration: &str, head: &Oid) -> anyhow::Result<Oid> {
    match (git.find_branch(integration)?, new.into) {
        (None, _) => base::check_head(git).map(|()| head.clone()),
        (Some(tip), Some(_)) => base::check_listed(git, integration).map(|()| tip),
        (Some(_), None) => Err(failure(
            format!("the branch '{integration}' exists already, and belongs to no run"),
            Remedy::from(
                Step::begin([StartOption::Into(integration.to_owned())]).to("Merge into it"),
            )
            .or(steps::git("branch -m")
                .word(integration)
                .word(format!("{integration}-old"))
                .to("Or rename it")),
        )),
    }
}
