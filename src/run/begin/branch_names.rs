//! The names of the branches that a new run would create: git accepts them and they are free.
//!
//! Invariant: each conflict is reported before anything is made, with the setting or option that
//! changes the name.

use crate::domain::error::failure;
use crate::domain::snapshot::Run;
use crate::domain::steps::{self, Hint, StartOption, Step, program};
use crate::git::Git;
use crate::journal::{Journal, run_names};
use crate::run::begin::NewRun;

/// A branch that the run would create, and what changes its name.
struct NewBranch {
    name: String,
    remedy: Hint,
}

/// Fails if git cannot create the branches, or if one of them exists.
pub(in crate::run) fn check(git: &Git, new: &NewRun<'_>, integration: &str) -> anyhow::Result<()> {
    let settings = new.settings;
    if !settings.branch.contains("{id}") {
        return Err(failure(
            format!("the setting 'branch' is '{}', which lacks {{id}}", settings.branch),
            steps::git("config orchestrate.branch").word("feat/task-{id}"),
        ));
    }
    let refs = git.list_refs("refs/heads/")?;
    let existing: Vec<&str> =
        refs.iter().filter_map(|(full, _)| full.strip_prefix("refs/heads/")).collect();
    let tasks: Vec<NewBranch> = new
        .plan
        .tasks
        .iter()
        .map(|task| NewBranch {
            name: settings.branch_of(&task.id),
            remedy: other_branches("Change the branches of tasks"),
        })
        .collect();
    let of_run = match new.into {
        Some(_) => Step::begin([StartOption::IntoAny]).to("Choose another branch"),
        None => Step::begin([StartOption::Name]).to("Give the run another name"),
    };
    let run = NewBranch { name: integration.to_owned(), remedy: of_run };
    check_own(&tasks, &run)?;
    check_free(git, &tasks, &existing)?;
    let ignores_case = git.ignores_case();
    for wanted in tasks.iter().chain([&run]) {
        check_taken(git, wanted)?;
        check_folders(wanted, &existing)?;
        // The branch named by --into may exist, and then is not created.
        if ignores_case && !existing.contains(&wanted.name.as_str()) {
            check_case(wanted, &existing)?;
        }
    }
    Ok(())
}

/// Fails if two branches of the run exclude each other.
fn check_own(tasks: &[NewBranch], run: &NewBranch) -> anyhow::Result<()> {
    let integration = &run.name;
    if tasks.iter().any(|task| task.name == *integration) {
        return Err(failure(
            format!("the run and one of its tasks would both use the branch '{integration}'"),
            run.remedy.clone(),
        ));
    }
    let clash = tasks
        .iter()
        .find(|task| is_below(integration, &task.name) || is_below(&task.name, integration));
    match clash {
        None => Ok(()),
        Some(task) => Err(failure(
            format!("git cannot create both '{integration}' and the task's branch '{}'", task.name),
            [run.remedy.clone(), other_branches(OR_OTHERS)],
        )),
    }
}

fn check_taken(git: &Git, wanted: &NewBranch) -> anyhow::Result<()> {
    if git.takes_branch_name(&wanted.name) {
        Ok(())
    } else {
        Err(failure(
            format!("'{}' is not a valid branch name", wanted.name),
            [
                wanted.remedy.clone(),
                program("git help check-ref-format").to("See the rules for names of branches"),
            ],
        ))
    }
}

/// Fails if a task's branch exists: it belongs to the user or to another run.
fn check_free(git: &Git, tasks: &[NewBranch], existing: &[&str]) -> anyhow::Result<()> {
    let taken: Vec<&str> = tasks
        .iter()
        .map(|task| task.name.as_str())
        .filter(|name| existing.contains(name))
        .collect();
    let Some(first) = taken.first() else { return Ok(()) };
    let what = format!("branches that tasks would create exist already: {}", taken.join(", "));
    let owned = taken.iter().find_map(|name| Some((name, owner(git, name)?)));
    let first = match owned {
        // No hint to rename it: an agent may be working on it.
        Some((name, run)) => Step::start()
            .of(&run.name, run.flags.manual)
            .to(format!("'{name}' belongs to run '{}'. Finish that run first", run.name)),
        None => rename(first, &format!("{first}-old")),
    };
    let own_ids = Hint::from(
        "Or give the tasks of this plan ids of their own, such as **id**: login, or id = 'login'",
    );
    Err(failure(what, [first, own_ids, other_branches(OR_OTHERS)]))
}

/// Returns the run that has a task on this branch; journals that cannot be read are skipped.
fn owner(git: &Git, branch: &str) -> Option<Run> {
    let owner = |name: &String| {
        let snapshot = Journal::new(git, name).load().ok()??.snapshot;
        let mut records = snapshot.tasks().map(|(_, record)| record);
        let has_it = records.any(|record| record.branch.as_deref() == Some(branch));
        has_it.then(|| snapshot.run.clone())
    };
    run_names(git).ok()?.iter().find_map(owner)
}

fn rename(branch: &str, other: &str) -> Hint {
    steps::git("branch -m").word(branch).word(other).to("Rename it")
}

const OR_OTHERS: &str = "Or change the branches of tasks";

fn other_branches(why: &str) -> Hint {
    steps::git("config orchestrate.branch").word("tasks/{id}").to(why)
}

/// Fails if a branch would need a folder that is a branch, or the other way round: git stores refs
/// as files, so `feat` and `feat/x` cannot both exist.
fn check_folders(wanted: &NewBranch, existing: &[&str]) -> anyhow::Result<()> {
    let name = wanted.name.as_str();
    let in_the_way = existing.iter().find(|other| is_below(other, name) || is_below(name, other));
    match in_the_way {
        None => Ok(()),
        Some(other) => Err(failure(
            format!("the branch '{other}' exists, so git cannot create '{name}'"),
            [rename(other, &format!("{}-old", other.replace('/', "-"))), wanted.remedy.clone()],
        )),
    }
}

/// Fails if a branch differs only in case from one that exists.
///
/// On a file system that ignores case, refs do too: `Feat/a` and `feat/b` would share a folder, and
/// one of them would be listed under the wrong name.
fn check_case(wanted: &NewBranch, existing: &[&str]) -> anyhow::Result<()> {
    match existing.iter().find(|other| differs_in_case(other, &wanted.name)) {
        None => Ok(()),
        Some(other) => Err(failure(
            format!(
                "the branch '{other}' exists, and '{}' needs a name or a folder that differs from it \
                 only in case, which this file system ignores",
                wanted.name
            ),
            [rename(other, &format!("{}-old", other.replace('/', "-"))), wanted.remedy.clone()],
        )),
    }
}

/// Returns true if the first part in which two names differ differs only in case.
fn differs_in_case(one: &str, other: &str) -> bool {
    let mut parts = one.split('/').zip(other.split('/'));
    let differs = parts.find(|(a, b)| a != b);
    differs.is_some_and(|(a, b)| a.to_lowercase() == b.to_lowercase())
}

/// Returns true if the first name would be a folder of the second.
pub(crate) fn is_below(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_compared_part_by_part() {
        assert!(differs_in_case("Feat/a", "feat/b"));
        assert!(differs_in_case("feat/Ä", "feat/ä"));
        assert!(!differs_in_case("feat/a", "feat/b"));
        assert!(!differs_in_case("feat/a", "feat/a/b"));
        assert!(!differs_in_case("a/Feat", "b/feat"));
    }
}
