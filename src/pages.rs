//! Man pages, rendered from the definitions in `cli`, and shell completions.
//!
//! Invariant: the same bytes on every machine and on every day: nothing here asks for the
//! time, the terminal or the environment. What a flag means is said in `cli`, what a code
//! means in `error`; only prose that belongs to no flag stands in `pages/`.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::config::{FILE, KEYS};
use crate::error::Exit;

/// The name of the program's file, which completions complete.
const NAME: &str = "git-orchestrate";
const SOURCE: &str = concat!("git-orchestrate ", env!("CARGO_PKG_VERSION"));
/// The sections of the main page that no definition holds.
const MAIN: &str = include_str!("pages/main.roff");
/// What each shell is given; they ask the program itself for all they offer.
const COMPLETIONS: [(&str, &str); 3] = [
    ("git-orchestrate.bash", include_str!("pages/completion.bash")),
    ("_git-orchestrate", include_str!("pages/completion.zsh")),
    ("git-orchestrate.fish", include_str!("pages/completion.fish")),
];

/// Returns every file with its path relative to the top of the source tree.
pub fn all() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = completions();
    let mut program = visible();
    program.build();
    files.push(page(
        &program,
        MAIN.to_owned() + &configuration() + &exit_status() + &see_also(&program),
    )?);
    for command in program.get_subcommands() {
        let back = format!(".SH SEE ALSO\n.BR {NAME} (1)\n");
        files.push(page(command, back)?);
    }
    Ok(files)
}

/// Returns the program without its hidden commands.
fn visible() -> Command {
    let full = Cli::command();
    let shown = full.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new(NAME)
        .bin_name("git orchestrate")
        .version(env!("CARGO_PKG_VERSION"))
        .about(full.get_about().cloned().unwrap_or_default())
        .long_about(full.get_long_about().cloned().unwrap_or_default())
        .subcommand_required(true)
        .subcommand_help_heading("COMMANDS")
        .subcommand_value_name("command")
        .disable_help_subcommand(true)
        .args(full.get_arguments().cloned())
        .subcommands(shown)
}

/// Renders one man page, and these sections after what is generated.
fn page(command: &Command, sections: String) -> io::Result<(String, Vec<u8>)> {
    let name = command.get_display_name().unwrap_or(NAME).to_owned();
    let command = command.clone().override_usage(usage(command));
    let man = Man::new(command).title(&name).source(SOURCE).manual("Git Orchestrate");
    let mut text = Vec::new();
    man.render(&mut text)?;
    text.extend(sections.into_bytes());
    Ok((format!("man/{name}.1"), text))
}

/// Returns the synopsis as `--help` has it, with the names of values.
fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage:").trim().to_owned()
}

fn configuration() -> String {
    let entry = |(key, meaning): &(&str, &str)| {
        format!(".TP\n.B {key}\n{}\n", meaning.replace('\'', "\\(aq"))
    };
    let entries: String = KEYS.iter().map(entry).collect();
    format!(
        ".SH CONFIGURATION\nA value comes from the flag, else from\n.B git config\n\
         .RI ( orchestrate. key),\nelse from\n.I {FILE}\nin the repository, else from the \
         default. Commands in that file run only after\n.BR \"git orchestrate trust\" .\n{entries}"
    )
}

fn exit_status() -> String {
    let entry = |(code, meaning): (String, &str)| format!(".TP\n.B {code}\n{meaning}\n");
    let entries: String = Exit::table().into_iter().map(entry).collect();
    format!(".SH EXIT STATUS\n{entries}")
}

fn see_also(program: &Command) -> String {
    let names = program.get_subcommands().filter_map(Command::get_display_name);
    let pages: String = names.map(|name| format!(".BR {name} (1),\n")).collect();
    format!(".SH SEE ALSO\n{pages}.BR git-worktree (1)\n")
}

fn completions() -> Vec<(String, Vec<u8>)> {
    COMPLETIONS.map(|(name, text)| (format!("completions/{name}"), text.into())).into()
}
