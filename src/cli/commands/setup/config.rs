//! `git orchestrate config`

use std::path::Path;

use crate::cli::arguments::ConfigArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::find_run;
use crate::cli::view::settings as view;
use crate::domain::config::{self, listing};
use crate::domain::error::Exit;
use crate::git::settings::{Origin, Setting};
use crate::journal::Journal;

pub(crate) fn run(context: &Context, args: ConfigArgs) -> anyhow::Result<Exit> {
    let git = context.git()?;
    let run = match &args.run.name {
        Some(name) => Some(find_run(&git, Some(name))?),
        // Without a run, or with several, no option of `start` is in force.
        None => find_run(&git, None).ok(),
    };
    let tip = run.map(|name| Journal::new(&git, &name).load()).transpose()?.flatten();
    let run = tip.as_ref().map(|tip| &tip.snapshot.run).filter(|run| run.closed.is_none());
    let home = git.home();
    let short = |file: &Path| file.strip_prefix(&home).unwrap_or(file).display().to_string();
    let shown = |origin: Origin| match origin {
        Origin::Local => short(&git.common_dir().join("config")),
        Origin::Scope(option) => format!("{} configuration", option.trim_start_matches('-')),
        Origin::File(file) => short(&file),
        Origin::Command => "the command line".to_owned(),
    };
    let values = git.config_origins().into_iter();
    let values: Vec<_> =
        values.map(|Setting { key, value, origin }| (key, value, shown(origin))).collect();
    let file = git.top_level().map(|top| std::fs::read_to_string(top.join(config::FILE)));
    let file = file.and_then(Result::ok).unwrap_or_default();
    let rows = listing::list(&values, &file, run.map(|run| (run.name.as_str(), &run.flags)));
    if args.json {
        context.ui.json(&view::json(&rows)?)?;
    } else {
        context.ui.answer(&view::text(&rows))?;
    }
    Ok(Exit::Ok)
}
