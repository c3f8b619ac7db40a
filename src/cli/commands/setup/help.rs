//! `git orchestrate help`: the manual, also where it is not installed.

use crate::cli::arguments::HelpArgs;
use crate::cli::commands::Context;
use crate::cli::overview;
use crate::cli::pages;
use crate::cli::ui::answer_width;
use crate::domain::error::{Exit, usage};
use crate::domain::steps::Step;
use crate::domain::text::nearest;

pub(crate) fn run(context: &Context, args: HelpArgs) -> anyhow::Result<Exit> {
    let Some(name) = args.topic else {
        let topics = pages::topics()?.join(", ");
        let overview = overview::command().render_help().to_string();
        let topics = format!("Topics: {topics}\nAll of it: `git orchestrate help manual`");
        context.ui.answer(&format!("{}\n{topics}\n", overview.trim_end()))?;
        return Ok(Exit::Ok);
    };
    let Some(text) = pages::help(&name, answer_width())? else {
        let all = Step::Help("manual").to("See all of it");
        let mut known = pages::topics()?;
        known.extend(overview::names().map(str::to_owned));
        let meant = nearest(&name, known.iter().map(String::as_str));
        let meant = meant.map(|meant| format!("; did you mean '{meant}'?")).unwrap_or_default();
        return Err(usage(format!("there is no help for '{name}'{meant}"), all));
    };
    context.ui.answer(&text)?;
    Ok(Exit::Ok)
}
