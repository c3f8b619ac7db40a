//! Man pages and shell completions: the files that are installed beside the program.
//!
//! Invariant: the same bytes on every machine and every day: nothing here reads the time, the
//! terminal or the environment. Options are described in `arguments`, settings in `config`; the
//! files in `text/` hold only what belongs to neither.

mod man;
mod manual;
mod plain;
mod prompts;
mod prose;
mod roff;

use clap::{Command, CommandFactory};

use crate::cli::arguments::Cli;

/// The name of the executable, and the first word of every page's name.
pub const NAME: &str = "git-orchestrate";

/// The completion scripts; at TAB they ask the program itself for the candidates.
const COMPLETIONS: [(&str, &str); 3] = [
    ("git-orchestrate.bash", include_str!("text/completion.bash")),
    ("_git-orchestrate", include_str!("text/completion.zsh")),
    ("git-orchestrate.fish", include_str!("text/completion.fish")),
];

/// Returns every file with its path relative to the top of the source tree.
///
/// Fails if a file in `text/` cannot be parsed, or a command has none.
pub fn all() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files: Vec<(String, Vec<u8>)> = man::pages(&visible())?
        .into_iter()
        .map(|(name, text)| (format!("man/{name}"), text))
        .collect();
    let completions = COMPLETIONS.map(|(name, text)| (format!("completions/{name}"), text.into()));
    files.extend(completions);
    Ok(files)
}

/// Sections of the main page that are no topic of their own: every page has them.
const COMMON: [&str; 7] =
    ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXAMPLES", "SEE ALSO"];

/// Returns the page of a command, or the section of the manual about a topic, for a terminal of this
/// width; `None` if there is neither.
pub(crate) fn help(name: &str, width: usize) -> anyhow::Result<Option<String>> {
    let pages = man::pages(&visible())?;
    let page = |name: String| {
        let found = pages.iter().find(|(file, _)| *file == format!("{name}.1"));
        found.map(|(_, text)| plain::text(&String::from_utf8_lossy(text), width))
    };
    let manual = page(NAME.to_owned()).unwrap_or_default();
    Ok(match name {
        "manual" => Some(manual),
        _ => page(format!("{NAME}-{name}")).or_else(|| plain::section(&manual, name)),
    })
}

/// Returns the topics that [`help`] knows besides the commands.
pub(crate) fn topics() -> anyhow::Result<Vec<String>> {
    let pages = man::pages(&visible())?;
    let main = pages.first().map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    let text = plain::text(&main.unwrap_or_default(), 80);
    let topics = plain::headings(&text).filter(|heading| !COMMON.contains(heading));
    Ok(topics.map(|heading| heading.to_lowercase().replace(' ', "-")).collect())
}

/// Returns the command lines in the examples of a command's page; "" is the main page.
pub fn examples(command: &str) -> anyhow::Result<Vec<String>> {
    let prose = prose::of(command)?;
    Ok(prose.example.iter().flat_map(|e| e.line.lines()).map(str::to_owned).collect())
}

/// Returns the definitions without hidden commands.
fn visible() -> Command {
    let full = Cli::command();
    let shown = full.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    // Built anew, because clap cannot take a subcommand away.
    let mut program = Command::new(NAME)
        .bin_name("git orchestrate")
        .version(env!("CARGO_PKG_VERSION"))
        .about(full.get_about().cloned().unwrap_or_default())
        .long_about(full.get_long_about().cloned().unwrap_or_default())
        .subcommand_required(true)
        .subcommand_help_heading("COMMANDS")
        .subcommand_value_name("command")
        .disable_help_subcommand(true)
        .args(full.get_arguments().cloned())
        .subcommands(shown);
    program.build();
    program
}
