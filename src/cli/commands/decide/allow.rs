//! `git orchestrate allow`

use crate::cli::arguments::AllowArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::Trust;
use crate::domain::error::{Exit, failure, usage};
use crate::domain::steps::Step;
use crate::run::decide::permission::PermissionGrant;

pub(crate) fn run(context: &Context, args: AllowArgs) -> anyhow::Result<Exit> {
    let target = context.target(args.run.name.as_deref(), Trust::NotNeeded)?;
    let run = &target.snapshot().run;
    // Checked before the question: a rule that is refused needs no answer.
    let allowance = PermissionGrant::prepare(&target.drive.git, run, &args.rule)?;
    let (rule, name) = (allowance.rule(), &run.name);
    if allowance.is_there() {
        context.ui.status(&format!("'{rule}' is already allowed in run '{name}'"));
        return Ok(Exit::Ok);
    }
    // Named in the question, since the rule then holds for the user's own Claude Code too.
    let file = allowance.file().map(|file| {
        format!(" (also written to {}, which your own Claude Code reads)", file.display())
    });
    let question = format!("Allow the agents of run '{name}' {rule}{}", file.unwrap_or_default());
    let answer = if args.yes { Some(true) } else { context.ui.ask(&question)? };
    match answer {
        Some(true) => {}
        Some(false) => {
            return Err(failure("nothing was allowed", "answer y to allow it"));
        }
        None => {
            return Err(usage(
                "cannot ask: there is no terminal",
                Step::Allow { rule: rule.to_owned(), yes: true }.to("Allow it without a question"),
            ));
        }
    }
    // The file is read again under a lock: others may have allowed a rule during the question.
    allowance.write(&target.drive.git, &target.journal)?;
    let file = allowance.file().map(|file| format!("; written to {}", file.display()));
    context.ui.status(&format!(
        "the agents of run '{name}' may use {rule} from their next attempt on{}",
        file.unwrap_or_default()
    ));
    if let Some((remark, remedy)) = allowance.remark() {
        context.ui.warning(&remark);
        context.ui.hint(&context.scope(), remedy);
    }
    Ok(Exit::Ok)
}
