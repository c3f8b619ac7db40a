//! `git orchestrate show`

use crate::cli::arguments::ShowArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust, prompts};
use crate::cli::view::rows::json;
use crate::cli::view::rows::show::show;
use crate::domain::blueprint::Blueprint;
use crate::domain::config::Settings;
use crate::domain::error::{Exit, failure};
use crate::domain::plan::TaskId;
use crate::domain::steps::{StartOption, Step};
use crate::run::facts::{events, work};
use crate::run::{Drive, next_prompt};

pub(crate) fn run(context: &Context, args: ShowArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let id = target.task(&args.task)?;
    if args.prompt {
        context.ui.exact(&prompt(&target, &id)?)?;
        return Ok(Exit::Ok);
    }
    if args.plan {
        context.ui.exact(&plan(&target, &id)?)?;
        return Ok(Exit::Ok);
    }
    let index = target.snapshot().index(&id)?;
    let (snapshot, facts) = (target.snapshot(), target.facts()?);
    let work = work(&target.drive, snapshot, &id)?;
    let text = if args.json {
        let events = events(&target.drive, &snapshot.run.name, &id)?;
        json::show(snapshot, &facts, index, &work, &events)?
    } else {
        show(snapshot, &facts, index, &work)
    };
    context.ui.answer(&text)?;
    Ok(Exit::Ok)
}

/// Returns the newest plan that an agent made for the task, in the form for the person who approves it.
fn plan(target: &Target, id: &TaskId) -> anyhow::Result<String> {
    let text = target.journal.blueprint(id)?;
    let (task, record) = target.snapshot().task(id)?;
    let text = text.ok_or_else(|| match (task.plan_first, record.attempts.is_empty()) {
        (true, true) => {
            failure(format!("task '{id}' is not planned yet"), Step::start().to("Plan it"))
        }
        (true, false) => failure(
            format!("no agent has written a complete task plan for '{id}'"),
            Step::log(id).to("See what its agent wrote instead"),
        ),
        (false, _) => failure(
            format!("task '{id}' has no task plan"),
            Step::begin([StartOption::PlanFirst])
                .to("Start a run in which tasks are planned first"),
        ),
    })?;
    Ok(match Blueprint::read(&text) {
        Ok(plan) => plan.for_a_person(),
        Err(_) => text,
    })
}

/// Returns the prompt of the last attempt, or the text of the task if that file is gone; before the
/// first attempt, the prompt that it would get.
fn prompt(target: &Target, id: &TaskId) -> anyhow::Result<String> {
    let (task, record) = target.snapshot().task(id)?;
    let own = || task.run.clone().unwrap_or_else(|| task.prompt.clone());
    if task.run.is_some() {
        return Ok(own());
    }
    let Some(attempt) = record.last_attempt() else {
        let prompts = prompts(&target.drive.git, Trust::NotNeeded)?;
        let drive = target.drive.clone();
        let drive = Drive { settings: Settings { prompts, ..drive.settings }, ..drive };
        return next_prompt(&drive, target.snapshot(), id);
    };
    let folder = target.drive.folder.attempt(id, attempt.number);
    // An attempt that resumed a conversation was given only what is new.
    let given = [folder.resume_prompt(), folder.prompt()];
    Ok(given.iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_else(own))
}
