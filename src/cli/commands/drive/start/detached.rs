//! `start --detach`: drives the run in a background process without a terminal.
//!
//! Invariant: it returns once that process is the controller, or has ended with an error.

use std::process::Child;
use std::time::Duration;

use anyhow::Context as _;

use super::Context;
use crate::domain::error::{Exit, failure};
use crate::domain::steps::{Look, Part, Remedy, Scope, Step};
use crate::run::Drive;
use crate::run::drive::controller;
use crate::system::private;
use crate::system::process::{self, Program, Streams};

/// How often to check the new process.
const GLANCE: Duration = Duration::from_millis(20);

pub(super) fn start(
    context: &Context,
    drive: &Drive,
    name: &str,
    only: &[String],
    scope: &Scope,
) -> anyhow::Result<Exit> {
    let mut child = spawn(context, drive, name, only).context("cannot start in the background")?;
    loop {
        // Until it holds the lock: an error that it meets before belongs on this terminal.
        let controller = controller::current(&drive.folder)?;
        let is_it = controller.and_then(|it| it.worker).is_some_and(|w| w.pid == child.id());
        if is_it {
            return say(context, name, &child, scope);
        }
        if let Some(status) = child.try_wait()? {
            return ended(context, drive, name, status.code());
        }
        std::thread::sleep(GLANCE);
    }
}

fn spawn(context: &Context, drive: &Drive, name: &str, only: &[String]) -> anyhow::Result<Child> {
    let this = process::this_program()?.display().to_string();
    let mut argv = vec![this];
    for (option, place) in
        [("--git-dir", &context.repository.git_dir), ("--work-tree", &context.repository.work_tree)]
    {
        argv.extend(place.iter().flat_map(|place| [option.into(), place.display().to_string()]));
    }
    argv.extend(["start".into(), "--in-background".into()]);
    argv.extend(["--run".into(), name.to_owned()]);
    // With `=`, because the option takes every word that follows.
    argv.extend(only.iter().map(|task| format!("--only={task}")));
    drive.folder.create()?;
    // Created anew at each start, because `ended` prints all of it.
    let output = private::create(&drive.folder.controller_log())?;
    let streams = Streams::Files { input: None, output };
    let directory = context.directory.clone();
    Ok(Program { argv, directory, environment: Vec::new(), unset: Vec::new(), streams }.spawn()?)
}

fn say(context: &Context, name: &str, child: &Child, scope: &Scope) -> anyhow::Result<Exit> {
    context
        .ui
        .answer(&format!("run '{name}' is running in the background (pid {})", child.id()))?;
    let follow = Step::Log { id: None, part: Part::Follow };
    let remedy = Remedy::from(Step::Status(Look::Watch).to("Watch it"))
        .or(follow.to("Or follow the events, line by line"))
        .or(Step::stop_run().to("End it; 'start' resumes it later"));
    context.ui.hint(scope, remedy);
    Ok(Exit::Ok)
}

/// Reports a process that ended before it was seen as the controller: there was nothing to do, or an
/// error.
fn ended(context: &Context, drive: &Drive, name: &str, code: Option<i32>) -> anyhow::Result<Exit> {
    let log = drive.folder.controller_log();
    let output = std::fs::read_to_string(&log).unwrap_or_default();
    match code {
        Some(0) => {
            context.ui.answer(output.trim_end())?;
            Ok(Exit::Ok)
        }
        Some(3) => {
            context.ui.answer(output.trim_end())?;
            Ok(Exit::Attention)
        }
        _ => Err(failure(
            format!("run '{name}' did not start in the background:\n{}", output.trim_end()),
            Step::start().to("Start it in the foreground, which shows more"),
        )),
    }
}
