//! Who may call: a person drives the runs of a repository, and an attempt reports only its own end.
//!
//! Invariant: asked once, before a command begins. The signs are the process tree's, so an agent
//! cannot take them off; what they do not show is in the manual.

use std::path::{Path, PathBuf};

use super::Context;
use crate::cli::arguments::Command;
use crate::domain::error::failure;
use crate::domain::plan::TaskId;
use crate::domain::policy::access::{Act, Insider, forbidden, foreign};
use crate::domain::steps::{Ending, Remedy, Step};
use crate::domain::task::{Record, State};
use crate::git::Git;
use crate::run::attempt::insiders::{insiders, is_below};
use crate::system::process;

/// Fails if the command is for a person, and an attempt of the same repository called it.
pub(super) fn check(context: &Context, command: &Command) -> anyhow::Result<()> {
    let act = act_of(command);
    if matches!(act, Act::Show | Act::Report) {
        return Ok(());
    }
    let Some(common) = common_of(context, command) else { return Ok(()) };
    let insiders = insiders(&common);
    let Some(insider) = forbidden(act, &insiders) else { return Ok(()) };
    Err(failure(
        format!("only a person may do this, and it was called by {insider}"),
        remedy(insider),
    ))
}

/// Fails if an attempt reports on another one, or if a verdict does not come from its reviewer.
pub(super) fn check_report(
    git: &Git,
    run: &str,
    (id, record): (&TaskId, &Record),
    is_verdict: bool,
) -> anyhow::Result<()> {
    let number = record.last_attempt().map(|attempt| attempt.number);
    let insiders = insiders(git.common_dir());
    if let Some(insider) = foreign(&insiders, (run, id, number)) {
        return Err(failure(
            format!("only an attempt at task '{id}' may report on it, and not {insider}"),
            remedy(insider),
        ));
    }
    let State::Running { worker: Some(worker), .. } = &record.state else { return Ok(()) };
    // A supervisor that is not seen is gone, or in another namespace: then the variables count.
    let is_proven = if process::is_alive(worker) { is_below(worker) } else { !insiders.is_empty() };
    if !is_verdict || is_proven {
        return Ok(());
    }
    Err(failure(
        format!("an agent reviews task '{id}', so only that agent can give the verdict"),
        Remedy::from(Step::stop(id).to("To decide yourself, stop the review"))
            .or(Step::merge(id).to("Then merge the work as it is")),
    ))
}

fn act_of(command: &Command) -> Act {
    match command {
        Command::Status(args) if args.fetch => Act::Decide,
        Command::Report(_) => Act::Report,
        Command::Exec(_) => Act::Supervise,
        Command::Compare(_)
        | Command::Complete(_)
        | Command::Config(_)
        | Command::Demo(_)
        | Command::Doctor(_)
        | Command::Help(_)
        | Command::InstallMan(_)
        | Command::Log(_)
        | Command::Plan(_)
        | Command::Show(_)
        | Command::Skill
        | Command::Status(_)
        | Command::Wait(_) => Act::Show,
        Command::Allow(_)
        | Command::Approve(_)
        | Command::Clean(_)
        | Command::Finish(_)
        | Command::Merge(_)
        | Command::Retry(_)
        | Command::Start(_)
        | Command::Stop(_)
        | Command::Trust(_) => Act::Decide,
    }
}

/// Returns the common git directory of the repository that the command acts on.
fn common_of(context: &Context, command: &Command) -> Option<PathBuf> {
    match command {
        // An attempt's folder is `<common directory>/orchestrate/<run>/<task>/<number>`.
        Command::Exec(args) => {
            let folder = context.directory.join(&args.attempt);
            folder.canonicalize().ok()?.ancestors().nth(4).map(Path::to_owned)
        }
        _ => context.git().ok().map(|git| git.common_dir().to_owned()),
    }
}

fn remedy(insider: &Insider) -> Remedy {
    match insider {
        Insider::Attempt { task, .. } => Step::report(task, Ending::Done)
            .to("An attempt can look at the run, and report its own end")
            .into(),
        Insider::Program { .. } => "type it in a shell that the run did not start".into(),
    }
}
