//! Finds out whether this command was called from inside of a run of the repository.
//!
//! Invariant: nothing is written, and no journal is read. Every sign counts: the supervisor above
//! this process, the processes that the run's files and locks name, and the variables with which this
//! process or one above it was started. Only the processes of this repository count: a project's
//! tests may drive runs of their own elsewhere.

use std::path::Path;

use crate::domain::policy::access::Insider;
use crate::domain::task::Worker;
use crate::git::worktree::same_path;
use crate::run::folder::read_json;
use crate::system::lock::LockFile;
use crate::system::process::ancestry::{Ancestor, ancestors};

/// Returns every sign that this process belongs to a run of the repository with this common git
/// directory.
pub(crate) fn insiders(common: &Path) -> Vec<Insider> {
    let family = ancestors();
    let Some((_, above)) = family.split_first() else { return Vec::new() };
    let mut found: Vec<Insider> = family.iter().filter_map(|it| by_variables(common, it)).collect();
    found.extend(above.iter().filter_map(|it| by_command(common, it)));
    let locks = common.join("orchestrate-locks");
    for run in names_in(&locks) {
        found.extend(by_files(common, &run, above));
        found.extend(by_locks(&locks, &run, above));
    }
    found.sort_by_key(|it| matches!(it, Insider::Program { .. }));
    found.dedup();
    found
}

/// Returns the attempt, or the test, whose variables a process was started with.
fn by_variables(common: &Path, process: &Ancestor) -> Option<Insider> {
    let repository = process.variable("ORCHESTRATE_REPOSITORY")?;
    let run =
        process.variable("ORCHESTRATE_RUN").filter(|_| same_path(repository.as_ref(), common))?;
    let number = process.variable("ORCHESTRATE_ATTEMPT").and_then(|number| number.parse().ok());
    Some(match (process.variable("ORCHESTRATE_TASK"), number) {
        (Some(task), Some(number)) => Insider::Attempt { run, task, number: Some(number) },
        _ => Insider::Program { run },
    })
}

/// Returns the attempt that a process supervises, by its command line.
fn by_command(common: &Path, process: &Ancestor) -> Option<Insider> {
    let at = process.words.iter().position(|word| word == "exec").filter(|_| process.is_ours())?;
    attempt_of(common, Path::new(process.words.get(at + 1)?))
}

/// Returns the attempt whose folder this is.
fn attempt_of(common: &Path, folder: &Path) -> Option<Insider> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let (task, number) = (folder.parent()?, name(folder)?.parse().ok()?);
    let run = task.parent()?;
    same_path(run.parent()?, &common.join("orchestrate")).then_some(())?;
    Some(Insider::Attempt { run: name(run)?, task: name(task)?, number: Some(number) })
}

/// Returns the agents, setups and tests above this process that files name.
fn by_files(common: &Path, run: &str, above: &[Ancestor]) -> Vec<Insider> {
    let is_above = |file: &Path| {
        let worker = read_json::<Worker>(file).unwrap_or_default();
        worker.is_some_and(|worker| above.iter().any(|it| it.worker == worker))
    };
    let files = common.join("orchestrate").join(run);
    let agents = common.join("orchestrate-locks").join(run).join("agents");
    let tasks = names_in(&agents).into_iter().filter(|file| is_above(&agents.join(file)));
    let of_task = |file: String| {
        let task = file.strip_suffix(".json")?.to_owned();
        let numbers = names_in(&files.join(&task)).into_iter();
        let own = |number: &String| is_above(&files.join(&task).join(number).join("agent.json"));
        let number = { numbers }.find(own).and_then(|number| number.parse().ok());
        Some(Insider::Attempt { run: run.to_owned(), task, number })
    };
    let programs = [".tester.json", ".talker.json"].into_iter();
    let programs = programs.filter(|file| is_above(&files.join(file)));
    let programs = programs.map(|_| Insider::Program { run: run.to_owned() });
    tasks.filter_map(of_task).chain(programs).collect()
}

/// Returns the run if a process above this one drives it, or tests its work.
fn by_locks(locks: &Path, run: &str, above: &[Ancestor]) -> Option<Insider> {
    let holds = |name: &str| {
        let file = locks.join(run).join(name);
        let holder = file.exists().then(|| LockFile::open(file).ok()?.holder_pid())??;
        above.iter().find(|it| it.worker.pid == holder && it.is_ours())
    };
    ["controller", "checkout"].into_iter().find_map(holds)?;
    Some(Insider::Program { run: run.to_owned() })
}

/// Returns true if a process is above this one.
pub(crate) fn is_below(worker: &Worker) -> bool {
    ancestors().iter().any(|it| it.worker == *worker)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
