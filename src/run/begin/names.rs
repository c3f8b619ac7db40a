//! The branches that a new run would make: git takes them, and nothing is in their way.
//!
//! Invariant: told before anything is made, each with the setting or option that helps.

use crate::domain::error::failure;
use crate::git::Git;
use crate::journal::{Journal, run_names};
use crate::run::begin::Beginning;

const OTHER_RUN: &str = "give the run another name: git orchestrate start PLAN --run NAME";
const OTHER_TASKS: &str =
    "let tasks have other branches: git config orchestrate.branch 'NAME/task-{id}'";

/// A branch that would be made, and what changes its name.
struct Wanted {
    name: String,
    remedy: &'static str,
}

/// Fails where git could not make the branches, or somebody else has them.
pub(in crate::run) fn check(
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
    let refs = git.list_refs("refs/heads/")?;
    let existing: Vec<&str> =
        refs.iter().filter_map(|(full, _)| full.strip_prefix("refs/heads/")).collect();
    let tasks: Vec<Wanted> = beginning
        .plan
        .tasks
        .iter()
        .map(|task| Wanted { name: settings.branch_of(&task.id), remedy: OTHER_TASKS })
        .collect();
    let of_run = match beginning.into {
        Some(_) => "name another branch: git orchestrate start PLAN --into BRANCH",
        None => OTHER_RUN,
    };
    let run = Wanted { name: integration.to_owned(), remedy: of_run };
    check_own(&tasks, &run)?;
    check_free(git, &tasks, &existing)?;
    let ignores_case = git.ignores_case();
    for wanted in tasks.iter().chain([&run]) {
        check_taken(git, wanted)?;
        check_folders(wanted, &existing)?;
        // A branch that is named with --into may be there.
        if ignores_case && !existing.contains(&wanted.name.as_str()) {
            check_case(wanted, &existing)?;
        }
    }
    Ok(())
}

/// The run's own branches are not in each other's way.
fn check_own(tasks: &[Wanted], run: &Wanted) -> anyhow::Result<()> {
    let integration = &run.name;
    if tasks.iter().any(|task| task.name == *integration) {
        return Err(failure(
            format!("'{integration}' would be the branch of the run and of a task"),
            run.remedy,
        ));
    }
    let clash = tasks
        .iter()
        .find(|task| is_below(integration, &task.name) || is_below(&task.name, integration));
    match clash {
        None => Ok(()),
        Some(task) => Err(failure(
            format!("git cannot have both '{integration}' and '{}', a branch of a task", task.name),
            format!("{}\nor {OTHER_TASKS}", run.remedy),
        )),
    }
}

fn check_taken(git: &Git, wanted: &Wanted) -> anyhow::Result<()> {
    if git.takes_branch_name(&wanted.name) {
        Ok(())
    } else {
        Err(failure(
            format!("git does not take '{}' as the name of a branch", wanted.name),
            format!("{}\n'git help check-ref-format' says what git takes", wanted.remedy),
        ))
    }
}

/// A task's branch that exists before the run is somebody else's, or another run's.
fn check_free(git: &Git, tasks: &[Wanted], existing: &[&str]) -> anyhow::Result<()> {
    let taken: Vec<&str> = tasks
        .iter()
        .map(|task| task.name.as_str())
        .filter(|name| existing.contains(name))
        .collect();
    let Some(first) = taken.first() else { return Ok(()) };
    let what = format!("there are branches already that tasks would have: {}", taken.join(", "));
    let owned = taken.iter().find_map(|name| Some((name, owner(git, name)?)));
    let remedy = match owned {
        // A rename would take it away from who works on it.
        Some((name, run)) => format!(
            "'{name}' is of run '{run}': finish that one first: git orchestrate start --run {run}\n\
             or {OTHER_TASKS}"
        ),
        None => format!("rename it: git branch -m {first} {first}-old\nor {OTHER_TASKS}"),
    };
    Err(failure(what, remedy))
}

/// Returns the run that has a task on this branch; a journal that cannot be read has none.
fn owner(git: &Git, branch: &str) -> Option<String> {
    let has_it = |name: &String| {
        let tip = Journal::new(git, name).load().ok().flatten();
        tip.is_some_and(|tip| {
            let mut records = tip.snapshot.tasks().map(|(_, record)| record);
            records.any(|record| record.branch.as_deref() == Some(branch))
        })
    };
    run_names(git).ok()?.into_iter().find(has_it)
}

/// git keeps refs like files: `feat` and `feat/x` cannot both exist.
fn check_folders(wanted: &Wanted, existing: &[&str]) -> anyhow::Result<()> {
    let name = wanted.name.as_str();
    let in_the_way = existing.iter().find(|other| is_below(other, name) || is_below(name, other));
    match in_the_way {
        None => Ok(()),
        Some(other) => Err(failure(
            format!("the branch '{other}' exists, so git cannot make '{name}'"),
            format!(
                "rename it: git branch -m {other} {}-old\nor {}",
                other.replace('/', "-"),
                wanted.remedy
            ),
        )),
    }
}

/// Where files that differ only in case are one file, so are refs: `Feat/a` and `feat/b` would
/// share a folder, and one of them its name.
fn check_case(wanted: &Wanted, existing: &[&str]) -> anyhow::Result<()> {
    match existing.iter().find(|other| differs_in_case(other, &wanted.name)) {
        None => Ok(()),
        Some(other) => Err(failure(
            format!(
                "the branch '{other}' exists, and '{}' differs from it in case, which file names here do not",
                wanted.name
            ),
            format!(
                "rename it: git branch -m {other} {}-old\nor {}",
                other.replace('/', "-"),
                wanted.remedy
            ),
        )),
    }
}

/// Returns true where the first parts of two names that are not the same are the same in
/// another case.
fn differs_in_case(one: &str, other: &str) -> bool {
    let mut parts = one.split('/').zip(other.split('/'));
    let differs = parts.find(|(a, b)| a != b);
    differs.is_some_and(|(a, b)| a.to_lowercase() == b.to_lowercase())
}

/// Returns true where the first name would be a folder of the second.
pub(crate) fn is_below(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_part_by_part() {
        assert!(differs_in_case("Feat/a", "feat/b"));
        assert!(differs_in_case("feat/Ä", "feat/ä"));
        assert!(!differs_in_case("feat/a", "feat/b"));
        assert!(!differs_in_case("feat/a", "feat/a/b"));
        assert!(!differs_in_case("a/Feat", "b/feat"));
    }
}
