//! `git orchestrate log`

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::cli::arguments::LogArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::ui::stdout_is_terminal;
use crate::domain::error::{Exit, failure};
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::steps::{Step, git};
use crate::domain::task::{Ending, State};
use crate::domain::text::LogCleaner;

/// How often `--follow` looks for new output.
const GLANCE: Duration = Duration::from_millis(100);

pub(crate) fn run(context: &Context, args: LogArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let Some(task) = &args.task else { return history(context, target, args.follow) };
    let id = target.task(task)?;
    if args.setup {
        return setup(context, &target, &id, &args);
    }
    let path = if args.test {
        target.drive.folder.test_log(&id)
    } else {
        target.drive.folder.attempt(&id, attempt(&target, &id, args.attempt)?).log()
    };
    let mut file = File::open(&path).map_err(|_| missing(&target, &id, &args))?;
    let (mut printed, mut cleaner) = (0, cleaner(args.raw));
    loop {
        // Asked before the rest is read, or what the agent printed last could be missed.
        let runs = args.follow && runs(&target, &id)?;
        printed += print_rest(context, &mut file, &mut cleaner)?;
        if !runs {
            if printed == 0 {
                context.ui.status(&silence(&target, &id, &args));
            }
            return Ok(Exit::Ok);
        }
        std::thread::sleep(GLANCE);
        target.reload()?;
    }
}

/// Prints a line for every step of the run.
fn history(context: &Context, mut target: Target, follow: bool) -> anyhow::Result<Exit> {
    let mut printed: Option<Oid> = None;
    loop {
        // Asked before the journal is read, or its last events could be missed.
        let continues = follow && !target.is_idle()?;
        target.reload()?;
        let (name, tip) = (target.journal.ref_name(), target.tip.commit.clone());
        if printed.as_ref() != Some(&tip) {
            let lines = target.drive.git.history(&name, printed.as_ref())?;
            lines.iter().try_for_each(|line| context.ui.answer(line))?;
            printed = Some(tip);
        }
        if !continues {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(GLANCE);
    }
}

/// Prints the setup of the worktrees that were made for a task: its own, and the one where its merge
/// was tested.
fn setup(context: &Context, target: &Target, id: &TaskId, args: &LogArgs) -> anyhow::Result<Exit> {
    let (folder, wanted) = (&target.drive.folder, args.attempt);
    let (_, record) = target.snapshot().task(id)?;
    let attempts = record.attempts.iter().map(|attempt| attempt.number);
    let mut logs: Vec<_> = attempts
        .filter(|number| wanted.is_none_or(|wanted| wanted == *number))
        .map(|number| folder.attempt(id, number).setup_log())
        .collect();
    logs.extend(wanted.is_none().then(|| folder.checkout_log(id)));
    logs.retain(|log| log.exists());
    if logs.is_empty() {
        return Err(failure(
            format!("no setup ran in the worktree of task '{id}'"),
            git("config orchestrate.setup")
                .blank("COMMAND")
                .to("Set a command that runs in each new worktree"),
        ));
    }
    for log in logs {
        print_rest(context, &mut File::open(log)?, &mut cleaner(args.raw))?;
    }
    Ok(Exit::Ok)
}

fn is_by_hand(target: &Target, id: &TaskId) -> bool {
    let record = target.snapshot().find(id).map(|(_, record)| record);
    let last = record.and_then(|record| record.last_attempt());
    last.is_some_and(|attempt| attempt.ending == Some(Ending::ByHand))
        || record.is_some_and(|record| record.state.is_by_hand())
}

fn missing(target: &Target, id: &TaskId, args: &LogArgs) -> anyhow::Error {
    let attempts = target.snapshot().find(id).map_or(0, |(_, record)| record.attempts.len());
    let what = match (args.test, args.attempt) {
        (true, _) => format!("no test ran on the merge of task '{id}'"),
        (false, Some(number)) => format!("task '{id}' has no attempt {number}; it has {attempts}"),
        (false, None) if is_by_hand(target, id) => {
            format!("task '{id}' was done by hand, so there is no output")
        }
        (false, None) => format!("the output of task '{id}' was deleted"),
    };
    failure(what, Step::show(id).to("See its attempts and how they ended"))
}

fn attempt(target: &Target, id: &TaskId, wanted: Option<u32>) -> anyhow::Result<u32> {
    let (_, record) = target.snapshot().task(id)?;
    let last = record.last_attempt().map(|attempt| attempt.number);
    wanted.or(last).ok_or_else(|| {
        let show = Step::show(id).to("See what it waits for");
        failure(format!("task '{id}' has not started"), show)
    })
}

fn runs(target: &Target, id: &TaskId) -> anyhow::Result<bool> {
    let (_, record) = target.snapshot().task(id)?;
    Ok(matches!(record.state, State::Running { .. }))
}

/// Says that a log is empty: nothing at all on the screen would look like a mistake.
fn silence(target: &Target, id: &TaskId, args: &LogArgs) -> String {
    let record = target.snapshot().find(id).map(|(_, record)| record);
    let is_last = |number| record.and_then(|it| it.last_attempt()).map(|it| it.number) == number;
    let is_running = record.is_some_and(|record| matches!(record.state, State::Running { .. }));
    match (args.test, args.attempt) {
        (true, _) => format!("the test on the merge of task '{id}' printed nothing"),
        (false, number) if is_running && (number.is_none() || is_last(number)) => {
            format!("task '{id}' has printed nothing yet")
        }
        (false, Some(number)) => format!("attempt {number} of task '{id}' printed nothing"),
        (false, None) => format!("task '{id}' printed nothing"),
    }
}

/// Returns what makes a log safe to see; `None` if its bytes are wanted, or do not go to a terminal.
fn cleaner(raw: bool) -> Option<LogCleaner> {
    (!raw && stdout_is_terminal()).then(LogCleaner::default)
}

/// Prints what a file holds from here on, and returns how many bytes that were.
fn print_rest(
    context: &Context,
    file: &mut File,
    cleaner: &mut Option<LogCleaner>,
) -> anyhow::Result<usize> {
    let (mut chunk, mut printed) = (vec![0; 64 * 1024], 0);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(printed),
            length => {
                let bytes = &chunk[..length];
                match cleaner {
                    Some(cleaner) => context.ui.raw(cleaner.clean(bytes).as_bytes())?,
                    None => context.ui.raw(bytes)?,
                }
                printed += length;
            }
        }
    }
}
