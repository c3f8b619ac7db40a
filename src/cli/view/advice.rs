//! What to type next for a task that is blocked.
//!
//! Invariant: every line is a command that works when it is pasted into a shell, from any
//! directory of the repository; what follows a `#` is a remark.

use super::Facts;
use super::undo::undo_all;
use crate::domain::shell::quoted;
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::task::{Block, Ending, Pause, Reason, Record};
use crate::domain::text::printable;

/// Where a person can answer what an agent asks.
const FOREGROUND: &str =
    "with parallel_safe = false in the plan it runs in the foreground, where you answer";

/// Returns the commands that lead on from a block, the likeliest first.
#[expect(clippy::too_many_lines, reason = "one arm for each case")]
pub(crate) fn next(
    run: &Run,
    id: &str,
    record: &Record,
    block: &Block,
    facts: &Facts,
) -> Vec<String> {
    let option = &facts.option;
    let log = format!("git orchestrate log {id}{option}");
    let then = match facts.controller {
        // Whoever drives the run sees what was said.
        Some(_) => String::new(),
        None => format!(" && {}", start(run, facts)),
    };
    let retry = format!("git orchestrate retry {id}{option}{then}");
    let tell = |what: &str| format!("git orchestrate retry {id}{option} -m '{what}'{then}");
    let merge = format!("git orchestrate merge {id}{option}");
    // As it was, where that is not refused.
    let again = if record.may_be_repeated() { retry.clone() } else { tell("what it should know") };
    match block.reason {
        // What was to be mended is not there any more.
        Reason::Conflict | Reason::Tests | Reason::Escaped if facts.is_gone(id) => vec![log, again],
        Reason::Conflict => {
            let fetch =
                format!("git orchestrate status --fetch{option}   # once it is merged there");
            let there = block.url.as_ref().map(|_| fetch);
            let by_hand = block.unopened.iter().flat_map(|unopened| to_others(&unopened.next));
            resolve(run, record, block, merge).into_iter().chain(there).chain(by_hand).collect()
        }
        Reason::Tests => {
            let (place, made) = place(run, record);
            let merged = quoted(&run.integration);
            let mend =
                format!("git -C {place} merge {merged}   # what it was tested with; mend, commit");
            let last = format!("{merge}   # or: {}", tell("what to mend"));
            [format!("{log} --test")].into_iter().chain(made).chain([mend, last]).collect()
        }
        Reason::Timeout => vec![log, tell("what to do otherwise")],
        Reason::NeedsContext => vec![tell("the answer")],
        Reason::Permission if !block.rules.is_empty() => {
            let allow = |rule: &String| format!("git orchestrate allow {}{option}", quoted(rule));
            let retry = format!("{retry}   # {FOREGROUND}");
            block.rules.iter().map(allow).chain([retry]).collect()
        }
        Reason::Permission => {
            let tell = tell("how to do without");
            vec![log, format!("{tell}   # {FOREGROUND}")]
        }
        Reason::Agent if is_missing(record) => {
            let other = format!("git orchestrate retry {id}{option} --agent COMMAND{then}");
            vec![log, format!("{other}   # 127: its command was not found"), again]
        }
        Reason::Agent => vec![log, again],
        Reason::NoChanges => {
            vec![log, tell("what is missing"), format!("{merge}   # if nothing had to change")]
        }
        Reason::Escaped if block.moved.is_empty() => back(run, record, log, tell("where to work")),
        Reason::Escaped => {
            let undone = undo_all(&block.moved);
            let merge = format!("{merge}   # if its own branch holds what it should");
            std::iter::once(log).chain(undone).chain([merge, tell("what to leave alone")]).collect()
        }
        Reason::ReviewLimit => vec![
            format!("git orchestrate show {id}{option}   # what was found, round by round"),
            tell("how to settle it"),
            format!("{merge}   # takes it as it is"),
        ],
        Reason::Approval => {
            let asks = record.blueprint.as_ref().is_some_and(|drawn| drawn.questions > 0);
            let (remark, words) = if asks {
                ("   # its open questions come first", "the answer")
            } else {
                ("", "what to change")
            };
            vec![
                format!("git orchestrate show {id} --plan{option}{remark}"),
                format!("git orchestrate approve {id}{option}{then}"),
                format!("{}   # sends it back", tell(words)),
            ]
        }
        Reason::Stopped => vec![retry, tell("what it should know")],
        Reason::Worktree if block.against.is_some() => {
            vec![format!("{merge}   # after the cause is mended")]
        }
        Reason::Worktree => vec![format!("{retry}   # after the cause is mended")],
    }
}

/// Returns true where a shell did not find the agent's program.
fn is_missing(record: &Record) -> bool {
    let last = record.last_attempt();
    last.is_some_and(|last| last.agent.is_some() && last.ending == Some(Ending::Exited(127)))
}

/// Returns the commands that go on with a task that waits for the end of a usage limit.
pub(crate) fn of_pause(run: &Run, id: &str, pause: &Pause, facts: &Facts) -> Vec<String> {
    let start = start(run, facts);
    let then = if facts.controller.is_some() { String::new() } else { format!(" && {start}") };
    let retry = format!("git orchestrate retry {id}{}{then}", facts.option);
    match (pause.until, &facts.controller) {
        (Some(_), Some(_)) => vec![format!("{retry}   # goes on now")],
        (Some(_), None) => vec![
            format!("{start}   # waits until then, and goes on"),
            format!("{retry}   # goes on now"),
        ],
        (None, _) => vec![format!("{retry}   # when it can be used again")],
    }
}

/// Returns the command that goes on with a run, in the way in which it was driven so far.
pub(crate) fn start(run: &Run, facts: &Facts) -> String {
    let manual = if run.flags.manual { " --manual" } else { "" };
    format!("git orchestrate start{manual}{}", facts.option)
}

/// Leads a worktree back to its own branch.
fn back(run: &Run, record: &Record, log: String, retry: String) -> Vec<String> {
    let (place, made) = place(run, record);
    let branch = quoted(record.branch.as_deref().unwrap_or_default());
    let status = format!("git -C {place} status   # where it is, and what it holds");
    let back = format!("git -C {place} switch {branch}");
    let take = format!("git -C {place} merge --ff-only OTHER   # if you want what it did there");
    [log].into_iter().chain(made).chain([status, back, take, retry]).collect()
}

/// Returns the command that goes on with a run that nobody drives, where something could go on, or
/// that ends one in which all is done.
pub(crate) fn next_of_run(snapshot: &Snapshot, facts: &Facts) -> Vec<String> {
    let is_work = |index: usize| {
        let state = &snapshot.at(index).1.state;
        let waits_for_time = state.pause().is_some_and(|pause| pause.until.is_some());
        waits_for_time || snapshot.is_ready(index) || (state.is_active() && !state.is_by_hand())
    };
    let could_go_on = (0..snapshot.len()).any(is_work);
    let is_over = snapshot.run.closed.is_some();
    if snapshot.is_finished() && !is_over {
        return vec![format!(
            "git orchestrate finish --run {}   # merge it, or what else is to become of it",
            snapshot.run.name
        )];
    }
    if !could_go_on || is_over || facts.controller.is_some() || facts.merges_wait.is_some() {
        return Vec::new();
    }
    vec![start(&snapshot.run, facts)]
}

fn resolve(run: &Run, record: &Record, block: &Block, merge: String) -> Vec<String> {
    let files: Vec<String> = block.files.iter().map(|file| quoted(file)).collect();
    let (place, made) = place(run, record);
    let begin = format!(
        "git -C {place} merge {}   # conflicts in {}",
        quoted(&run.integration),
        block.files.join(", ")
    );
    let end = format!(
        "git -C {place} add {} && git -C {place} commit   # after both sides are in",
        files.join(" ")
    );
    let brought = block
        .brought
        .as_ref()
        .map(|commit| format!("git -C {place} merge {commit}   # what was merged on the remote"));
    made.into_iter().chain(brought).chain([begin, end, merge]).collect()
}

/// Returns what shows a conflict to others, as remarks: that is done in place of the commands
/// before it, and would fail after them, when the branch is merged and gone.
fn to_others(next: &[String]) -> Vec<String> {
    let mut lead = "# or, to show it to others: ";
    let line = |line: &String| {
        if line.starts_with('#') {
            return line.clone();
        }
        format!("{}{line}", std::mem::replace(&mut lead, "# and then: "))
    };
    next.iter().map(line).collect()
}

/// Returns a line that says where a conflict is shown, or why it is not.
pub(crate) fn pull_request(block: &Block) -> Option<String> {
    match (&block.url, &block.unopened) {
        (Some(url), _) => Some(format!("pull request: {}", printable(url))),
        (None, Some(unopened)) => {
            Some(format!("no pull request ({}): {}", unopened.why, printable(&unopened.text)))
        }
        (None, None) => None,
    }
}

/// Returns where the task's branch is checked out, as a word for the shell, and what makes that
/// place where the task ran alone and has none of its own.
fn place(run: &Run, record: &Record) -> (String, Option<String>) {
    let branch = record.branch.as_deref().unwrap_or_default();
    match record.worktree.as_deref().filter(|place| *place != run.checkout) {
        Some(place) => (quoted(place), None),
        None => {
            let place =
                run.checkout.replace("integration-", "alone-") + "-" + &branch.replace('/', "-");
            let place = quoted(&place);
            let make = format!("git worktree add {place} {}", quoted(branch));
            (place, Some(make))
        }
    }
}
