//! Which of the four ends the user chooses, and the confirmation of the last one.
//!
//! Invariant: there is no default: without a flag and without a terminal it is an error.

use crate::cli::arguments::FinishArgs;
use crate::cli::ui::ask::{ask, can_ask};
use crate::domain::error::{failure, usage};
use crate::domain::snapshot::{FinishChoice, Run};
use crate::domain::steps::{Finish, Step};
use crate::system::process::StopSwitch;

/// Returns the choice that was given as a flag.
pub(super) fn given(args: &FinishArgs) -> Option<FinishChoice> {
    let flags = [
        (args.merge, FinishChoice::Merge),
        (args.pr, FinishChoice::Pr),
        (args.keep, FinishChoice::Keep),
        (args.discard, FinishChoice::Discard),
    ];
    flags.into_iter().find(|(is_given, _)| *is_given).map(|(_, how)| how)
}

/// Fails if nothing was chosen and there is no terminal to ask on.
pub(super) fn check_can_choose(given: Option<FinishChoice>) -> anyhow::Result<()> {
    if given.is_some() || can_ask() {
        Ok(())
    } else {
        Err(usage(
            "choose one of --merge, --pr, --keep, --discard",
            [Finish::Merge, Finish::Pr, Finish::Keep, Finish::Discard].map(Step::Finish),
        ))
    }
}

/// Asks which of the four it is; `None` if there is no answer.
pub(super) fn ask_for(run: &Run, stop: &StopSwitch) -> anyhow::Result<Option<FinishChoice>> {
    let question = format!(
        "What should happen to {}?\n  \
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
            "1" | "merge" => return Ok(Some(FinishChoice::Merge)),
            "2" | "pr" => return Ok(Some(FinishChoice::Pr)),
            "3" | "keep" => return Ok(Some(FinishChoice::Keep)),
            "4" | "discard" => return Ok(Some(FinishChoice::Discard)),
            "" => return Ok(None),
            _ => {}
        }
    }
}

/// Returns true if the user typed the run's name, here or with `--confirm`.
pub(super) fn is_confirmed(
    name: &str,
    typed: Option<&str>,
    stop: &StopSwitch,
) -> anyhow::Result<bool> {
    match typed {
        Some(typed) => Ok(typed == name),
        None if can_ask() => {
            let question = format!(
                "This discards all work of run '{name}', after a backup. Type its name to confirm:"
            );
            Ok(ask(&question, &|| stop.is_stopped())?.as_deref() == Some(name))
        }
        None => Err(failure(
            format!("discarding run '{name}' must be confirmed with its name"),
            Step::Finish(Finish::Confirm(name.to_owned())),
        )),
    }
}
