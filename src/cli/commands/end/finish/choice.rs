//! Which of the four ends a person wants, and whether a name was typed.
//!
//! Invariant: nothing is chosen for anybody: without a flag and without a terminal it is an error.

use crate::cli::arguments::FinishArgs;
use crate::cli::ui::ask::{ask, can_ask};
use crate::domain::error::{failure, usage};
use crate::domain::snapshot::{How, Run};
use crate::domain::steps::{Finish, Step};
use crate::system::process::StopSwitch;

/// Returns the choice that was given as a flag.
pub(super) fn given(args: &FinishArgs) -> Option<How> {
    let flags = [
        (args.merge, How::Merge),
        (args.pr, How::Pr),
        (args.keep, How::Keep),
        (args.discard, How::Discard),
    ];
    flags.into_iter().find(|(is_given, _)| *is_given).map(|(_, how)| how)
}

/// Fails where nothing was chosen and nobody can be asked.
pub(super) fn check_can_choose(given: Option<How>) -> anyhow::Result<()> {
    if given.is_some() || can_ask() {
        Ok(())
    } else {
        Err(usage(
            "what is to become of the work is not said",
            [Finish::Merge, Finish::Pr, Finish::Keep, Finish::Discard].map(Step::Finish),
        ))
    }
}

/// Asks which of the four it is; `None` where that is not answered.
pub(super) fn ask_for(run: &Run, stop: &StopSwitch) -> anyhow::Result<Option<How>> {
    let question = format!(
        "What is to become of {}?\n  \
         1. merge it into {}\n  \
         2. push it, and open a pull request\n  \
         3. keep it as it is\n  \
         4. discard it\n\
         [1-4]",
        run.integration, run.base_branch
    );
    loop {
        let Some(answer) = ask(&question, &|| stop.is_stopped())? else { return Ok(None) };
        match answer.to_lowercase().as_str() {
            "1" | "merge" => return Ok(Some(How::Merge)),
            "2" | "pr" => return Ok(Some(How::Pr)),
            "3" | "keep" => return Ok(Some(How::Keep)),
            "4" | "discard" => return Ok(Some(How::Discard)),
            "" => return Ok(None),
            _ => {}
        }
    }
}

/// Returns true where the run's name was typed, here or with `--confirm`.
pub(super) fn is_confirmed(
    name: &str,
    typed: Option<&str>,
    stop: &StopSwitch,
) -> anyhow::Result<bool> {
    match typed {
        Some(typed) => Ok(typed == name),
        None if can_ask() => {
            let question = format!(
                "All work of run '{name}' goes, after a backup. Type its name to discard it:"
            );
            Ok(ask(&question, &|| stop.is_stopped())?.as_deref() == Some(name))
        }
        None => Err(failure(
            format!("run '{name}' is only discarded when its name is typed"),
            Step::Finish(Finish::Confirm(name.to_owned())),
        )),
    }
}
