//! The conversation of an attempt that was broken off, and how to go on with it.
//!
//! Invariant: a convenience. It is found in the log of the attempt, which may be gone, and the
//! agent program may have forgotten it: then the task is begun afresh, in the same worktree.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Spec, agent_of, allowed, for_reader, model_of, next_folder};
use crate::domain::plan::Task;
use crate::domain::report;
use crate::domain::report::{Format, Usage};
use crate::domain::snapshot::Run;
use crate::domain::task::{Attempt, Ending, Record, Stage};
use crate::run::Drive;
use crate::run::folder::{RunFolder, read_json};

/// How much of a log's beginning is searched (1 MiB).
const HEAD: u64 = 1 << 20;

/// Returns the command that goes on with the last attempt, where that was broken off, or with
/// the work that a fix is for; with the rights of its stage.
pub(crate) fn resumed(
    drive: &Drive,
    run: &Run,
    task: &Task,
    record: &Record,
) -> Option<Vec<String>> {
    let stage = record.next_stage(task);
    let last = match stage {
        Stage::Implement | Stage::FixTests | Stage::FixConflict => {
            record.last_attempt().filter(|last| was_broken_off(last))?
        }
        // Whoever made a plan makes it better.
        Stage::Plan => record.last_attempt().filter(|last| last.stage == Stage::Plan)?,
        // Whoever did the work settles what was found.
        Stage::Fix => record.attempts.iter().rev().find(|last| last.stage.is_work())?,
        Stage::SpecReview | Stage::QualityReview | Stage::Review | Stage::FinalReview => {
            record.last_attempt().filter(|last| last.stage == stage && was_broken_off(last))?
        }
    };
    let folder = drive.folder.attempt(&task.id, last.number);
    let spec: Spec = read_json(&folder.spec()).ok()??;
    let id = of_log(&folder.log(), spec.format)?;
    let (model, _) = model_of(drive, task, record, stage);
    let test = drive.settings.test.as_deref();
    let agent = agent_of(drive, task, record, stage)?;
    let (model, rules) = (model.as_deref(), allowed(drive, run));
    let launch = if stage.is_work() {
        agent.resume(&id, model, test)?.allowing(&rules)
    } else {
        agent.resume_reviewer(&id, model, test)?.allowing(&for_reader(rules))
    };
    let launch = launch.reading(&next_folder(drive, task, record).0);
    // Another agent knows nothing of it.
    (launch.argv.first() == spec.argv.first()).then_some(launch.argv)
}

/// Returns what of a total an attempt used itself, where its agent's program counts from the
/// beginning of the conversation, which attempts before may have begun.
pub(crate) fn own_usage(total: Usage, run: &RunFolder, spec: &Spec, record: &Record) -> Usage {
    let of_attempt = |number| of_log(&run.attempt(&spec.task, number).log(), spec.format);
    let own = of_attempt(spec.attempt).filter(|_| spec.format.counts_whole_conversation());
    let Some(own) = own else { return total };
    let earlier = record.attempts.iter().filter(|attempt| attempt.number < spec.attempt);
    let same = earlier.filter(|attempt| of_attempt(attempt.number).as_ref() == Some(&own));
    let before = report::sum(same.filter_map(|attempt| attempt.usage));
    total.since(before.unwrap_or_default())
}

fn was_broken_off(attempt: &Attempt) -> bool {
    matches!(attempt.ending, Some(Ending::Stopped | Ending::Lost | Ending::Limited))
}

/// Returns the id of the conversation that a log begins with.
pub(crate) fn of_log(log: &Path, format: Format) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(log).ok()?.take(HEAD).read_to_end(&mut bytes).ok()?;
    report::conversation(format, &String::from_utf8_lossy(&bytes))
}
