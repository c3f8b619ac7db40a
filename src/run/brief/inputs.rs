//! What the last attempt at a task depended on, and what the next one would.
//!
//! Invariant: writes nothing; asks git and the attempt's own folder. What cannot be found out, for
//! example because the folder is gone, counts as unchanged.

use super::spec::{LaunchMode, Spec};
use super::{next_prompt, spec_of};
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::choice::Choice;
use crate::domain::policy::retry::{self, Changes};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Attempt, Event, Record};
use crate::run::Drive;
use crate::run::folder::{AttemptFolder, read_json};

/// Returns true if another try of a blocked task may end differently than the last one, with what a
/// person adds to it in `retried`.
pub(crate) fn may_end_differently(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    retried: &Event,
) -> anyhow::Result<bool> {
    let (task, record) = snapshot.task(id)?;
    let changes = match (record.last_attempt(), record.apply(retried)) {
        (Some(last), Ok(next)) => changes_since(drive, snapshot, task, last, &next, retried)?,
        _ => Changes::default(),
    };
    Ok(retry::may_end_differently(task, record, changes))
}

fn changes_since(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    last: &Attempt,
    next: &Record,
    retried: &Event,
) -> anyhow::Result<Changes> {
    let (_, record) = snapshot.task(&task.id)?;
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
        prompt: has_other_prompt(drive, snapshot, task, last, next, retried)?,
        launch: has_other_launch(drive, snapshot, task, next, &folder, retried),
    })
}

/// Returns true if the next prompt is not that of the last attempt, to the byte, apart from the
/// folders of the two attempts.
///
/// Where the next stage is another one, the prompts are not comparable, and a person's words count.
fn has_other_prompt(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    last: &Attempt,
    next: &Record,
    retried: &Event,
) -> anyhow::Result<bool> {
    let has_words = matches!(retried, Event::Retried { answer: Some(_), .. });
    if next.next_stage(task) != last.stage {
        return Ok(has_words);
    }
    let folder = drive.folder.attempt(&task.id, last.number);
    let Ok(before) = std::fs::read_to_string(folder.prompt()) else { return Ok(has_words) };
    let snapshot = snapshot.with_record(&task.id, next.clone());
    let prompt = next_prompt(drive, &snapshot, &task.id)?;
    let next_folder = drive.folder.attempt(&task.id, next.next_attempt());
    Ok(without_folder(&prompt, &next_folder) != without_folder(&before, &folder))
}

fn without_folder(text: &str, folder: &AttemptFolder) -> String {
    text.replace(&folder.0.display().to_string(), "")
}

/// Returns true if the next attempt would be launched in another way: another command line with
/// other rules, another model, other limits.
fn has_other_launch(
    drive: &Drive,
    snapshot: &Snapshot,
    task: &Task,
    next: &Record,
    folder: &AttemptFolder,
    retried: &Event,
) -> bool {
    // A person's choice is worth a try, also of a task that was done by hand.
    if let Event::Retried { model: Some(_), .. } | Event::Retried { agent: Some(_), .. } = retried {
        return true;
    }
    let before: Option<Spec> = read_json(&folder.spec()).ok().flatten();
    let Some(before) = before.filter(|spec| spec.launch.mode != LaunchMode::ByHand) else {
        return false;
    };
    let defaults = drive.settings.defaults();
    let choice = Choice::of(task, next, &defaults);
    let number = next.next_attempt();
    let spec = spec_of(drive, snapshot, (task, next), &choice, number, LaunchMode::Apart);
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
