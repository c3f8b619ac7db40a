//! Beginning a run: everything that could be in its way is told before anything is made.
//!
//! Invariant: the journal's first commit is the moment a run exists. Before it nothing is
//! written; what must follow it is made by `recover`, so a crash between the two is harmless.

use super::dispatch::no_agent;
use super::place::checkout_path;
use crate::agent::Agent;
use crate::clock;
use crate::config::Settings;
use crate::error::failure;
use crate::git::Git;
use crate::oid::Oid;
use crate::plan::Plan;
use crate::snapshot::{Flags, Run};
use crate::store::Journal;

/// What a new run is made of.
#[derive(Debug, Clone)]
pub struct Beginning<'a> {
    pub plan: &'a Plan,
    pub settings: &'a Settings,
    pub flags: Flags,
    /// The branch to merge into, where the user named one.
    pub into: Option<&'a str>,
    /// The tasks' agents are launched, so they must be there.
    pub launches: bool,
}

/// Checks everything and returns the run as it would be; writes nothing.
pub fn prepare(git: &Git, beginning: &Beginning<'_>) -> anyhow::Result<Run> {
    git.check_ready()?;
    if beginning.launches {
        check_agent(beginning.plan, beginning.settings)?;
    }
    let name = &beginning.plan.name;
    let (branch, head) = git.head()?;
    let integration = beginning.into.map_or_else(|| format!("feat/{name}"), str::to_owned);
    git.check_branch_name(&integration)?;
    let base = base_of(git, beginning, &integration, &head)?;
    check_branches(git, beginning, &integration)?;
    let checkout = checkout_path(git, beginning.settings, name);
    if checkout.symlink_metadata().is_ok() {
        return Err(failure(
            format!("'{}' exists, and is where the run would test its merges", checkout.display()),
            "move it away, or give the run another name: git orchestrate start PLAN --run NAME",
        ));
    }
    Ok(Run {
        name: name.clone(),
        base_branch: beginning.into.map(str::to_owned).or(branch).unwrap_or_else(|| "HEAD".into()),
        base,
        checkout: checkout.display().to_string(),
        integration,
        created: clock::now_ms(),
        flags: beginning.flags.clone(),
    })
}

/// Writes the journal's first commit.
pub fn create(git: &Git, beginning: &Beginning<'_>) -> anyhow::Result<Run> {
    let run = prepare(git, beginning)?;
    Journal::new(git, &run.name).create(&run, beginning.plan)?;
    Ok(run)
}

/// Fails where a task has no agent, or one known by name that is not installed.
pub fn check_agent(plan: &Plan, settings: &Settings) -> anyhow::Result<()> {
    for task in plan.tasks.iter().filter(|task| task.run.is_none()) {
        let agent = task.agent.as_deref().or(settings.agent.as_deref()).ok_or_else(no_agent)?;
        let program = Agent::from_text(agent).program();
        if let Some(missing) = program.filter(|program| !is_installed(program)) {
            return Err(failure(
                format!("the agent '{missing}' is not on the PATH"),
                "install it, or name another: git orchestrate start --agent COMMAND",
            ));
        }
    }
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A branch that is named with `--into` may exist; one of our own making may not.
fn base_of(
    git: &Git,
    beginning: &Beginning<'_>,
    integration: &str,
    head: &Oid,
) -> anyhow::Result<Oid> {
    match (git.find_branch(integration)?, beginning.into) {
        (None, _) => Ok(head.clone()),
        (Some(tip), Some(_)) => Ok(tip),
        (Some(_), None) => Err(failure(
            format!("the branch '{integration}' exists already, and no run is its owner"),
            format!(
                "merge into it with --into {integration}, or rename it: \
                 git branch -m {integration} {integration}-old"
            ),
        )),
    }
}

/// Fails where git could not make the branches: one exists, or stands where a folder must be.
pub(super) fn check_branches(
    git: &Git,
    beginning: &Beginning<'_>,
    integration: &str,
) -> anyhow::Result<()> {
    let settings = beginning.settings;
    if !settings.branch.contains("{id}") {
        return Err(failure(
            format!("the setting 'branch' is '{}', without {{id}} in it", settings.branch),
            "git config orchestrate.branch 'feat/task-{id}'",
        ));
    }
    let tasks: Vec<String> =
        beginning.plan.tasks.iter().map(|task| settings.branch_of(&task.id)).collect();
    if tasks.iter().any(|name| name == integration) {
        return Err(failure(
            format!("'{integration}' would be the branch of the run and of a task"),
            "give the run another name: git orchestrate start PLAN --run NAME",
        ));
    }
    let refs = git.list_refs("refs/heads/")?;
    let existing: Vec<&str> =
        refs.iter().filter_map(|(full, _)| full.strip_prefix("refs/heads/")).collect();
    check_free(&tasks, &existing)?;
    for name in tasks.iter().map(String::as_str).chain([integration]) {
        git.check_branch_name(name)?;
        check_folders(name, &existing)?;
    }
    Ok(())
}

/// A task's branch that exists before the run is somebody else's, or another run's.
fn check_free(tasks: &[String], existing: &[&str]) -> anyhow::Result<()> {
    let taken: Vec<&str> =
        tasks.iter().map(String::as_str).filter(|name| existing.contains(name)).collect();
    match taken.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(failure(
            format!("there are branches already that tasks would have: {}", taken.join(", ")),
            format!(
                "if another run made them, finish it first; else rename: git branch -m {first} {first}-old\n\
                 or let tasks have other branches: git config orchestrate.branch 'NAME/task-{{id}}'"
            ),
        )),
    }
}

/// git keeps refs like files: `feat` and `feat/x` cannot both exist.
fn check_folders(name: &str, existing: &[&str]) -> anyhow::Result<()> {
    let is_folder_of = |folder: &str, path: &str| {
        path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let in_the_way =
        existing.iter().find(|other| is_folder_of(other, name) || is_folder_of(name, other));
    match in_the_way {
        None => Ok(()),
        Some(other) => Err(failure(
            format!("the branch '{other}' exists, so git cannot make '{name}'"),
            format!(
                "rename it: git branch -m {other} {}-old, or choose other names: \
                 --into NAME, git config orchestrate.branch 'NAME-{{id}}'",
                other.replace('/', "-")
            ),
        )),
    }
}
