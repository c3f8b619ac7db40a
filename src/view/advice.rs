//! What to type next for a task that is blocked.
//!
//! Invariant: every line is a command that works when it is pasted into a shell, from any
//! directory of the repository; what follows a `#` is a remark.

use super::Facts;
use super::undo::undo;
use crate::agent::quoted;
use crate::snapshot::{Run, Snapshot};
use crate::task::{Block, Reason, Record};

/// Returns the commands that lead on from a block, the likeliest first.
///
/// `option` is what they need to be about this run where there are several: ` --run NAME`.
pub fn next(run: &Run, id: &str, record: &Record, block: &Block, option: &str) -> Vec<String> {
    let log = format!("git orchestrate log {id}{option}");
    let start = format!("git orchestrate start{option}");
    let retry = format!("git orchestrate retry {id}{option} && {start}");
    let tell = |what: &str| format!("git orchestrate retry {id}{option} -m '{what}' && {start}");
    let merge = format!("git orchestrate merge {id}{option}");
    match block.reason {
        Reason::Conflict => resolve(run, record, block, merge),
        Reason::Tests => vec![
            format!("{log} --test"),
            go(run, record),
            format!(
                "git merge {}   # what it was tested with; mend, commit",
                quoted(&run.integration)
            ),
            format!("{merge}   # or: {}", tell("what to mend")),
        ],
        Reason::Timeout => vec![log, retry],
        Reason::NeedsContext => vec![tell("the answer")],
        Reason::Agent | Reason::Permission => vec![log, tell("what it should know")],
        Reason::NoChanges => {
            vec![log, tell("what is missing"), format!("{merge}   # if nothing had to change")]
        }
        Reason::Escaped if block.moved.is_empty() => vec![log, go(run, record), retry],
        Reason::Escaped => {
            let undone = block.moved.iter().flat_map(undo);
            let merge = format!("{merge}   # if its own branch holds what it should");
            std::iter::once(log).chain(undone).chain([merge, retry]).collect()
        }
        Reason::ReviewLimit => vec![
            format!("git orchestrate show {id}{option}   # what was found, round by round"),
            tell("how to settle it"),
            format!("{merge}   # takes it as it is"),
        ],
        Reason::Stopped => vec![retry, tell("what it should know")],
        Reason::Worktree if block.against.is_some() => {
            vec![format!("{merge}   # after the cause is mended")]
        }
        Reason::Worktree => vec![format!("{retry}   # after the cause is mended")],
    }
}

/// Returns the command that goes on with a run that nobody drives, where something could go on.
pub fn next_of_run(snapshot: &Snapshot, facts: &Facts) -> Vec<String> {
    let is_work = |index: usize| {
        let state = &snapshot.at(index).1.state;
        snapshot.is_ready(index) || (state.is_active() && !state.is_by_hand())
    };
    let could_go_on = (0..snapshot.len()).any(is_work);
    if !could_go_on || facts.controller.is_some() || facts.merges_wait.is_some() {
        return Vec::new();
    }
    let by_hand = snapshot.tasks().any(|(_, record)| record.state.is_by_hand());
    let manual = if by_hand { " --manual" } else { "" };
    vec![format!("git orchestrate start{manual}{}", facts.option)]
}

fn resolve(run: &Run, record: &Record, block: &Block, merge: String) -> Vec<String> {
    let files: Vec<String> = block.files.iter().map(|file| quoted(file)).collect();
    vec![
        go(run, record),
        format!(
            "git merge {}   # conflicts in {}",
            quoted(&run.integration),
            block.files.join(", ")
        ),
        format!("git add {} && git commit   # after both sides are in", files.join(" ")),
        merge,
    ]
}

/// Returns the command that goes to where the task's branch is; a task that ran alone has no
/// worktree of its own, so one is made.
fn go(run: &Run, record: &Record) -> String {
    let branch = record.branch.as_deref().unwrap_or_default();
    match record.worktree.as_deref().filter(|place| *place != run.checkout) {
        Some(place) => format!("cd {}", quoted(place)),
        None => {
            let place =
                run.checkout.replace("integration-", "alone-") + "-" + &branch.replace('/', "-");
            let place = quoted(&place);
            format!("git worktree add {place} {} && cd {place}", quoted(branch))
        }
    }
}
