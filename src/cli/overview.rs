//! The overview of all commands, grouped by what a user wants to do.
//!
//! Invariant: every command that is not hidden is in exactly one group; a test holds that. clap can
//! only print one flat list, so `-h` and the main man page are rendered from these groups instead.

use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory, Error};

use super::arguments::Cli;

/// The groups in the order of a user's work: a title, and the names of its commands.
pub(super) const GROUPS: &[(&str, &[&str])] = &[
    ("Get started", &["demo", "doctor", "config", "plan", "help", "install-man"]),
    ("Run a plan", &["start", "stop", "merge"]),
    ("See what is happening", &["status", "show", "log", "compare", "wait"]),
    ("Answer and unblock tasks", &["retry", "approve", "allow", "trust"]),
    ("Finish and clean up", &["finish", "clean"]),
    ("For agents", &["report", "skill"]),
];

/// Returns the definitions with a help screen that lists the commands by group.
pub(super) fn command() -> Command {
    let program = Cli::command();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}\nOptions:\n{{options}}\n\n{}",
        list(&program),
        "Help for one command, such as start: `git orchestrate help start`",
    );
    program.help_template(template)
}

/// Returns the names of all commands.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|(_, names)| *names).copied()
}

/// Returns a usage error that suggests no hidden command: nobody is to type one.
pub(super) fn without_hidden(mut error: Error) -> Error {
    let shown = |name: &String| names().any(|known| known == name);
    let suggested = match error.remove(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(all)) => all.into_iter().filter(shown).collect(),
        Some(ContextValue::String(one)) => Some(one).into_iter().filter(shown).collect(),
        _ => Vec::new(),
    };
    let typed = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) => typed.clone(),
        _ => String::new(),
    };
    // Completions are installed, not printed.
    let is_completion = typed.starts_with("complet");
    let suggested = if is_completion { vec!["install-man".to_owned()] } else { suggested };
    if !suggested.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(suggested));
    }
    error
}

fn list(program: &Command) -> String {
    let width = program.get_subcommands().map(|command| command.get_name().len()).max();
    let width = width.unwrap_or_default();
    let line = |name: &&str| {
        let about = program.find_subcommand(name).and_then(Command::get_about);
        format!("  {name:width$}  {}\n", about.map(ToString::to_string).unwrap_or_default())
    };
    let group = |(title, names): &(&str, &[&str])| {
        format!("{title}:\n{}", names.iter().map(line).collect::<String>())
    };
    GROUPS.iter().map(group).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_exactly_one_group() {
        let program = Cli::command();
        let shown = program.get_subcommands().filter(|command| !command.is_hide_set());
        let mut shown: Vec<&str> = shown.map(Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        shown.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, shown);
    }

    #[test]
    fn the_overview_fits_a_terminal_of_100_columns() {
        let text = command().render_help().to_string();
        let longest = text.lines().max_by_key(|line| line.chars().count());
        assert!(longest.is_some_and(|line| line.chars().count() <= 100), "{longest:?}");
        assert!(text.contains("\nRun a plan:\n  start        Run a plan to the end"), "{text}");
    }
}
