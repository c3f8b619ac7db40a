//! `git orchestrate status`

use std::time::Duration;

use crate::cli::arguments::StatusArgs;
use crate::cli::commands::Context;
use crate::cli::commands::remote;
use crate::cli::commands::target::{Target, Trust, undecided};
use crate::cli::ui::stdout_is_terminal;
use crate::cli::view::rows::{json, table};
use crate::domain::error::Exit;
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{Step, to};
use crate::run::facts::Facts;
use crate::system::process::signals::Signals;

/// How often `--watch` looks at the journal.
const GLANCE: Duration = Duration::from_millis(200);

pub(crate) fn run(context: &Context, args: StatusArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    if args.fetch {
        remote::look(context, &mut target, &Signals::listen()?.stop)?;
    }
    let index = args.task.as_deref().map(|text| target.task(text)).transpose()?;
    let index = index.and_then(|id| target.snapshot().dag.index(&id));
    if args.watch {
        return watch(context, target, index);
    }
    let facts = target.facts()?;
    if args.json {
        context.ui.json(&json::status(target.snapshot(), &facts, index)?)?;
    } else {
        context.ui.answer(&table::status(target.snapshot(), &facts, index))?;
    }
    if !args.json && args.run.name.is_none() {
        say_others(context, &target);
    }
    Ok(Exit::Ok)
}

/// Says which other runs wait for a decision: nothing else would show that there are any.
fn say_others(context: &Context, target: &Target) {
    let own = &target.snapshot().run.name;
    let others = undecided(&target.drive.git).unwrap_or_default();
    let mut others = others.iter().filter(|run| run.run.name != *own).peekable();
    if others.peek().is_none() {
        return;
    }
    let of = |run: &Snapshot| Step::status().of(&run.run.name, run.run.flags.manual);
    let remedy = to("Other runs that are not finished yet", others.map(of));
    context.ui.hint(&context.scope(), remedy);
}

/// Shows the table again at every change, until nothing runs any more.
fn watch(context: &Context, mut target: Target, index: Option<usize>) -> anyhow::Result<Exit> {
    // It reads the journal of every other run, so it is made once.
    let scope = target.scope();
    let mut shown = String::new();
    let mut commit = None;
    loop {
        let facts = Facts::of(&target.drive, &target.tip, scope.clone())?;
        let text = table::status(target.snapshot(), &facts, index);
        // In a file, a line for each second would be noise.
        let is_new = commit.as_ref() != Some(&target.tip.commit);
        if is_new || (stdout_is_terminal() && text != shown) {
            let above = if stdout_is_terminal() { shown.lines().count() } else { 0 };
            context.ui.repaint(above, &text)?;
            (shown, commit) = (text, Some(target.tip.commit.clone()));
        }
        // Asked after the table was shown, so that the last state is seen.
        if target.is_idle()? {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(GLANCE);
        target.reload()?;
    }
}
