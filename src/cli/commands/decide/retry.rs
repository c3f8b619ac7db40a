//! `git orchestrate retry`

use crate::cli::arguments::RetryArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::domain::agent::Agent;
use crate::domain::agent::model::is_name;
use crate::domain::error::{Exit, failure, usage};
use crate::domain::plan::{Task, TaskId};
use crate::domain::policy::limits::same_pause;
use crate::domain::prompt;
use crate::domain::steps::{Change, Step};
use crate::domain::task::{Block, Event, Reason, State};
use crate::run::brief::inputs::may_end_differently;
use crate::system::process::find_program;

pub(crate) fn run(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let id = target.task(&args.task)?;
    let (task, record) = target.snapshot().task(&id)?;
    if record.state.pause().is_some() {
        check_choices(&args, task)?;
        return go_on(context, &target, &id, args);
    }
    if matches!(record.state, State::Waiting | State::Pending { .. }) && adds(&args) {
        check_choices(&args, task)?;
        return tell(context, &target, &id, args);
    }
    let State::Blocked(block) = &record.state else {
        return Err(failure(
            format!("task '{id}' is not blocked, it is {}", target.status(&id)?),
            Step::show(&id).to("See how it stands"),
        ));
    };
    check_choices(&args, task)?;
    if !args.force && !adds(&args) && !may_end_differently(&target.drive, target.snapshot(), &id)? {
        return Err(same_again(&id, block));
    }
    let note = Some(note(&target, &id, block, args.message.as_deref()));
    let event = Event::Retried { note, model: args.model, agent: args.agent };
    target.journal.append(&id, &event)?;
    context.ui.status(&format!("task '{id}' will run again"));
    say_start(context, &target)
}

/// Lets every task go on that waits for the same program: a person says that it can be used again.
/// Another agent is for the one task alone.
fn go_on(context: &Context, target: &Target, id: &TaskId, args: RetryArgs) -> anyhow::Result<Exit> {
    let others = match args.agent {
        Some(_) => vec![id.clone()],
        None => same_pause(target.snapshot(), id),
    };
    for other in others {
        let own = |given: &Option<String>| given.clone().filter(|_| other == *id);
        let (note, model, agent) = (own(&args.message), own(&args.model), own(&args.agent));
        target.journal.append(&other, &Event::Retried { note, model, agent })?;
        context.ui.status(&format!("task '{other}' goes on"));
    }
    say_start(context, target)
}

/// Tells a task more that will run anyway.
fn tell(context: &Context, target: &Target, id: &TaskId, args: RetryArgs) -> anyhow::Result<Exit> {
    let event = Event::Retried { note: args.message, model: args.model, agent: args.agent };
    target.journal.append(id, &event)?;
    context.ui.status(&format!("task '{id}' is told so when it begins"));
    say_start(context, target)
}

/// Says what runs it, where nobody drives the run.
fn say_start(context: &Context, target: &Target) -> anyhow::Result<Exit> {
    if target.controller()?.is_none() {
        context.ui.hint(&target.scope(), Step::start().to("Run it"));
    }
    Ok(Exit::Ok)
}

/// Returns true where a person gives the next attempt something that the last one had not.
fn adds(args: &RetryArgs) -> bool {
    let has_words = args.message.as_ref().is_some_and(|text| !text.trim().is_empty());
    has_words || args.model.is_some() || args.agent.is_some()
}

/// Fails where the model or the agent cannot be meant, or is not there.
fn check_choices(args: &RetryArgs, task: &Task) -> anyhow::Result<()> {
    if let Some(model) = args.model.as_ref().filter(|model| !is_name(model)) {
        return Err(usage(
            format!("{model:?} cannot be the name of a model"),
            "write cheap, standard, capable, or a model's name",
        ));
    }
    if args.agent.as_ref().is_some_and(|agent| agent.trim().is_empty()) {
        return Err(usage("the agent has no name", "name one: --agent claude, or a command"));
    }
    let is_reviewed = task.reviews.as_ref().is_some_and(|reviews| !reviews.is_empty());
    if task.run.is_some() && !is_reviewed && (args.model.is_some() || args.agent.is_some()) {
        return Err(usage(
            format!("task '{}' is a shell command: no agent and no model does it", task.id),
            "leave --model and --agent away",
        ));
    }
    let program = args.agent.as_deref().and_then(|agent| Agent::from_text(agent).program());
    match program.filter(|program| find_program(program).is_none()) {
        None => Ok(()),
        Some(missing) => Err(failure(
            format!("the agent '{missing}' is not on the PATH"),
            "install it, or name another: --agent COMMAND",
        )),
    }
}

/// Returns the error for another try that would be the last one over again.
fn same_again(id: &TaskId, block: &Block) -> anyhow::Error {
    let retry = |change| Step::retry_with(id, change);
    failure(
        format!(
            "nothing has changed since task '{id}' was blocked ({}): it would most likely end so again",
            block.reason
        ),
        [
            retry(Change::Text).to("Tell it more"),
            retry(Change::Model("capable")).to("Or use a better model"),
            retry(Change::Agent).to("Or use another agent"),
            retry(Change::Force).to("Or run it again as it was"),
        ],
    )
}

/// Returns what the next attempt is told of the last one, and what a person adds.
fn note(target: &Target, id: &TaskId, block: &Block, message: Option<&str>) -> String {
    let mut note = prompt::after(block, &target.snapshot().run.integration);
    note.extend(message.map(|text| format!(" {text}")));
    if block.reason == Reason::Tests {
        let said = std::fs::read(target.drive.folder.test_log(id)).unwrap_or_default();
        note += &prompt::end_of_output(&String::from_utf8_lossy(&said));
    }
    note
}
