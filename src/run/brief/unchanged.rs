//! Whether a blocked task that runs again as it is would meet anything else than before.
//!
//! Invariant: writes nothing, and asks git and the attempt's own folder. What cannot be told, as
//! where the folder is gone, counts as the same.

use anyhow::Context;

use super::{Spec, Way, spec_of};
use crate::domain::plan::{Task, TaskId};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, Event, Reason, Record, Stage};
use crate::run::Drive;
use crate::run::folder::{AttemptFolder, read_json};

/// Returns true where another try of a blocked task could end otherwise although a person adds
/// nothing: by what the record says, or because something has moved since.
pub(crate) fn could_end_otherwise(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<bool> {
    let (task, record) = snapshot.find(id).context("the plan has no such task")?;
    let Some(last) = record.last_attempt() else { return Ok(true) };
    // A command is told nothing, and depends on what lies around it.
    let is_command = task.run.is_some() && last.stage == Stage::Implement;
    Ok(is_command
        || record.may_be_repeated()
        || has_other_commits(drive, snapshot, record, last)?
        || is_told_otherwise(drive, snapshot, task, record, last))
}

/// Somebody moved the task's branch, or what it did not fit.
fn has_other_commits(
    drive: &Drive,
    snapshot: &Snapshot,
    record: &Record,
    last: &Attempt,
) -> anyhow::Result<bool> {
    let git = &drive.git;
    let tip = record.branch.as_deref().map(|name| git.find_branch(name)).transpose()?.flatten();
    let own_moved = last.commit.is_some() && tip != last.commit;
    let block = record.state.block();
    let misfit = block.filter(|block| matches!(block.reason, Reason::Conflict | Reason::Tests));
    let others_moved = match misfit.and_then(|block| block.against.as_ref()) {
        Some(against) => git.find_branch(&snapshot.run.integration)?.as_ref() != Some(against),
        None => false,
    };
    Ok(own_moved || others_moved)
}

/// The plan or the settings are others than those of the last attempt: its text, its command line
/// with all that it allows, its model, its limits.
fn is_told_otherwise(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    record: &Record,
    last: &Attempt,
) -> bool {
    let folder = drive.folder.attempt(&task.id, last.number);
    let before: Option<Spec> = read_json(&folder.spec()).ok().flatten();
    let Some(before) = before.filter(|spec| spec.stage == last.stage) else { return false };
    if is_reworded(&folder, task, last.stage) {
        return true;
    }
    let Ok(next) = record.apply(&Event::Retried { note: None, model: None, agent: None }) else {
        return false;
    };
    match spec_of(drive, snapshot, task, &next, Way::Apart) {
        Ok(now) if now.stage == before.stage && !before.by_hand => {
            let launch = |spec: &Spec| (words_of(drive, spec), spec.model.clone(), spec.class);
            let limits = |spec: &Spec| (spec.timeout, spec.idle);
            launch(&now) != launch(&before) || limits(&now) != limits(&before)
        }
        Ok(_) | Err(_) => false,
    }
}

/// Returns the words of a launch without the folder of its attempt, which is another one each time.
fn words_of(drive: &Drive, spec: &Spec) -> Vec<String> {
    let folder = drive.folder.attempt(&spec.task, spec.attempt).0.display().to_string();
    spec.argv.iter().map(|word| word.replace(&folder, "")).collect()
}

/// Returns true where the text was another one: a prompt of an implementer holds it word for word.
fn is_reworded(folder: &AttemptFolder, task: &Task, stage: Stage) -> bool {
    let holds = |told: String| told.contains(task.prompt.trim_end());
    let told = std::fs::read_to_string(folder.prompt()).ok();
    stage == Stage::Implement && told.is_some_and(|told| !holds(told))
}
