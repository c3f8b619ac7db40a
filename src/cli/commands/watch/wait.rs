//! `git orchestrate wait`

use std::time::{Duration, Instant};

use crate::cli::arguments::WaitArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::{Target, Trust};
use crate::cli::view::rows::waited::{self, Waited};
use crate::domain::config;
use crate::domain::error::{Exit, failure, usage};
use crate::domain::oid::Oid;
use crate::domain::policy::wait::{Awaited, WaitEnd};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::Step;
use crate::run::recover;

/// How often the journal is looked at.
const GLANCE: Duration = Duration::from_millis(100);

pub(crate) fn run(context: &Context, args: WaitArgs) -> anyhow::Result<Exit> {
    let mut target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let deadline = deadline(args.timeout.as_deref())?;
    let before = before(&target, args.since.as_deref())?;
    let tasks = match args.tasks.as_slice() {
        [] => target.snapshot().plan.tasks.iter().map(|task| task.id.clone()).collect(),
        names => target.tasks(names)?,
    };
    let awaited = Awaited { tasks, any: args.any };
    let came = loop {
        if let Some(came) = look(&mut target, &awaited, &before)? {
            break came;
        }
        if deadline.is_some_and(|at| Instant::now() >= at) {
            return Err(failure(
                format!("timed out after {}", args.timeout.unwrap_or_default()),
                Step::status().to("See where everything stands"),
            ));
        }
        std::thread::sleep(GLANCE);
        target.reload()?;
    };
    let facts = target.facts()?;
    let waited =
        Waited { before: &before, now: target.snapshot(), facts: &facts, awaited: &awaited, came };
    if args.json {
        context.ui.json(&waited::json(&waited, &target.tip.commit)?)?;
    } else {
        context.ui.answer(&waited::text(&waited))?;
    }
    Ok(match came {
        WaitEnd::Merged | WaitEnd::Changed => Exit::Ok,
        WaitEnd::Attention | WaitEnd::Nothing => Exit::Attention,
    })
}

fn look(
    target: &mut Target,
    awaited: &Awaited,
    before: &Snapshot,
) -> anyhow::Result<Option<WaitEnd>> {
    let driven = target.controller()?.is_some();
    if !driven {
        // Without a controller nothing else notices that a supervisor is gone.
        recover::settle_lost(&target.drive, &target.journal, target.snapshot())?;
        target.reload()?;
    }
    Ok(awaited.look(before, target.snapshot(), driven))
}

fn deadline(text: Option<&str>) -> anyhow::Result<Option<Instant>> {
    let Some(text) = text else { return Ok(None) };
    let seconds = config::seconds(text)
        .ok_or_else(|| usage(format!("invalid duration '{text}'"), "write 90s, 30m or 2h"))?;
    // A time that the clock cannot hold is no limit.
    Ok(Instant::now().checked_add(Duration::from_secs(seconds)))
}

fn before(target: &Target, since: Option<&str>) -> anyhow::Result<Snapshot> {
    let Some(text) = since else { return Ok(target.snapshot().clone()) };
    let known = Oid::from_hex(text).and_then(|commit| target.journal.at(&commit).ok());
    known.ok_or_else(|| {
        usage(
            format!("'{text}' is not a commit of the journal"),
            "use the value of \"journal\" that 'status --json' prints",
        )
    })
}
