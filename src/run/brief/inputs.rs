//! What the last attempt at a task depended on, and what the next one would.
//!
//! Invariant: writes nothing; asks git and the attempt's own folder. What cannot be found out, for
//! example because the folder is gone, counts as unchanged.

use super::spec::{LaunchMode, Spec};
use super::spec_of;
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::Choice;
use crate::domain::policy::retry::{self, Changes};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, Event, Record, Stage};
use crate::run::Drive;
use crate::run::folder::{AttemptFolder, read_json};

/// Returns true if another try of a blocked task may end differently, although a person adds
/// nothing to it.
pub(crate) fn may_end_differently(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
) -> anyhow::Result<bool> {
    let (task, record) = snapshot.task(id)?;
    let changes = match record.last_attempt() {
        Some(last) => changes_since(drive, snapshot, task, record, last)?,
        None => Changes::default(),
    };
    Ok(retry::may_end_differently(task, record, changes))
}

fn changes_since(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    record: &Record,
    last: &Attempt,
) -> anyhow::Result<Changes> {
    let git = &drive.git;
    let tip = record.branch.as_deref().map(|name| git.find_branch(name)).transpose()?.flatten();
    let target = retry::misfit(record);
    let folder = drive.folder.attempt(&task.id, last.number);
    Ok(Changes {
        own_branch: last.commit.is_some() && tip != last.commit,
        integration: match target {
            Some(against) => git.find_branch(&snapshot.run.integration)?.as_ref() != Some(against),
            None => false,
        },
        text: is_reworded(&folder, snapshot, task, last.stage),
        launch: has_other_launch(drive, snapshot, task, record, &folder),
    })
}

/// Returns true if the text of the task or the preamble was another one: an implementer's prompt
/// holds both word for word.
fn is_reworded(folder: &AttemptFolder, snapshot: &Snapshot, task: &Task, stage: Stage) -> bool {
    let preamble = snapshot.plan.preamble.as_ref();
    let preamble = preamble.map_or(["", ""], |it| [&it.constraints, it.excerpt().0]);
    let texts = [task.prompt.trim_end()].into_iter().chain(preamble);
    let texts: Vec<&str> = texts.collect();
    let holds = |prompt: String| texts.iter().all(|text| prompt.contains(text));
    let prompt = std::fs::read_to_string(folder.prompt()).ok();
    stage == Stage::Implement && prompt.is_some_and(|prompt| !holds(prompt))
}

/// Returns true if the next attempt would be launched in another way: another command line with
/// other rules, another model, other limits.
fn has_other_launch(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    record: &Record,
    folder: &AttemptFolder,
) -> bool {
    let before: Option<Spec> = read_json(&folder.spec()).ok().flatten();
    let Some(before) = before.filter(|spec| spec.launch.mode != LaunchMode::ByHand) else {
        return false;
    };
    let retried = Event::Retried { note: None, model: None, agent: None };
    let Ok(next) = record.apply(&retried) else { return false };
    let defaults = drive.settings.defaults();
    let choice = Choice::of(task, &next, &defaults);
    let number = next.next_attempt();
    let spec = spec_of(drive, snapshot, (task, &next), &choice, number, LaunchMode::Apart);
    spec.is_ok_and(|now| {
        let key = |spec: &Spec| {
            let launch = &spec.launch;
            let of_model = (launch.model.clone(), launch.class);
            (words_of(drive, spec), of_model, launch.timeout, launch.idle)
        };
        now.task.stage == before.task.stage && key(&now) != key(&before)
    })
}

/// Returns the words of a launch without the folder of its attempt, which differs each time.
fn words_of(drive: &Drive, spec: &Spec) -> Vec<String> {
    let folder = drive.folder.attempt(&spec.task.id, spec.task.attempt).0.display().to_string();
    spec.launch.argv.iter().map(|word| word.replace(&folder, "")).collect()
}
