//! Man pages, rendered from the argument definitions and the prose in `text/`.
//!
//! Invariant: every page has the same sections in the same order: those of git's own pages,
//! then EXAMPLES, EXIT STATUS, CONFIGURATION, FILES, SEE ALSO.

use clap::Command;
use clap_mangen::Man;

use super::NAME;
use super::manual;
use super::prompts;
use super::prose::{self, Prose};
use super::roff::{entry, plain, roff};
use crate::cli::overview::GROUPS;
use crate::domain::config::{FILE, KEYS};
use crate::domain::error::Exit;

const SOURCE: &str = concat!("git-orchestrate ", env!("CARGO_PKG_VERSION"));

/// Returns every page with its file name.
pub(super) fn pages(program: &Command) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let main = prose::of("")?;
    let sections = [
        manual::sections(),
        prompts::section(),
        examples(&main),
        exit_status(&main),
        configuration(&KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>()),
        see_also(program.get_subcommands().map(Command::get_name), &main),
    ];
    let mut pages = vec![page(program, &main, &sections.concat())?];
    for command in program.get_subcommands() {
        let prose = prose::of(command.get_name())?;
        let keys: Vec<&str> = prose.settings.iter().map(String::as_str).collect();
        let sections = [
            examples(&prose),
            exit_status(&prose),
            configuration(&keys),
            files(&prose),
            see_also([""].into_iter(), &prose),
        ];
        pages.push(page(command, &prose, &sections.concat())?);
    }
    Ok(pages)
}

/// Renders one page; `sections` follow those that come from the definitions.
fn page(command: &Command, prose: &Prose, sections: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let name = command.get_display_name().unwrap_or(NAME).to_owned();
    let man = Man::new(command.clone().override_usage(usage(command)))
        .title(&name)
        .source(SOURCE)
        .manual("Git Orchestrate");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    let more = prose.more.iter().map(|paragraph| format!(".PP\n{}\n", roff(paragraph)));
    text.extend(more.collect::<String>().into_bytes());
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        text.extend(commands(command).bytes());
    }
    text.extend(sections.bytes());
    Ok((format!("{name}.1"), text))
}

/// Returns the usage line of `--help`, which names the values that clap_mangen leaves out.
fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage:").trim().to_owned()
}

/// Returns the section that lists the commands, by group.
fn commands(program: &Command) -> String {
    let line = |name: &&str| {
        let about = program.find_subcommand(name).and_then(Command::get_about);
        let about = about.map(ToString::to_string).unwrap_or_default();
        format!(".TP\n.BR {} (1)\n{}\n", plain(&format!("{NAME}-{name}")), roff(&about))
    };
    let group = |(title, names): &(&str, &[&str])| {
        format!(".SS {title}\n{}", names.iter().map(line).collect::<String>())
    };
    format!(".SH COMMANDS\n{}", GROUPS.iter().map(group).collect::<String>())
}

fn examples(prose: &Prose) -> String {
    let example = |prose::Example { does, line }: &prose::Example| {
        let lines: String = line.lines().map(|line| format!("{}\n", plain(line))).collect();
        format!("{}\n.PP\n.RS 4\n.nf\n{lines}.fi\n.RE\n", roff(does))
    };
    let examples: Vec<String> = prose.example.iter().map(example).collect();
    format!(".SH EXAMPLES\n{}", examples.join(".PP\n"))
}

fn exit_status(prose: &Prose) -> String {
    let own = |code: &str| prose.exit.get(code).map(String::as_str);
    let is_common = |code: &str| code == Exit::Usage.code().to_string();
    let meaning = |(code, common): (String, &'static str)| {
        let text = own(&code).or_else(|| is_common(&code).then_some(common));
        text.map(|text| entry("B", &code, text)).unwrap_or_default()
    };
    format!(".SH EXIT STATUS\n{}", Exit::table().into_iter().map(meaning).collect::<String>())
}

fn configuration(keys: &[&str]) -> String {
    let known = KEYS.iter().filter(|(key, _)| keys.contains(key));
    let entries: String =
        known.map(|(key, meaning)| entry("B", &format!("orchestrate.{key}"), meaning)).collect();
    let text = match keys {
        [] => "No setting affects this command.".to_owned(),
        _ => format!(
            "A value comes from the command line, else from `git config`, else from the key of \
             the same name (without `orchestrate.`) in _{FILE}_ in the repository, else it is the \
             default, shown in parentheses. Commands in that file run only after `git orchestrate \
             trust`."
        ),
    };
    format!(".SH CONFIGURATION\n{}\n{entries}", roff(&text))
}

fn files(prose: &Prose) -> String {
    let entries: String = prose.file.iter().map(|f| entry("I", &f.path, &f.does)).collect();
    format!(".SH FILES\n{entries}")
}

/// Lists our own pages by command (`""` is the main page), then pages of other programs.
fn see_also<'a>(ours: impl Iterator<Item = &'a str>, prose: &'a Prose) -> String {
    let (others, more): (Vec<&str>, Vec<&str>) =
        prose.see.iter().map(String::as_str).partition(|page| page.ends_with(')'));
    let named = ours.chain(more).map(|name| match name {
        "" => (NAME.to_owned(), "1"),
        name => (format!("{NAME}-{name}"), "1"),
    });
    let others = others.iter().filter_map(|page| page.trim_end_matches(')').split_once('('));
    let pages: Vec<String> = named
        .chain(others.map(|(name, section)| (name.to_owned(), section)))
        .map(|(name, section)| format!(".BR {} ({section})", roff(&name)))
        .collect();
    format!(".SH SEE ALSO\n{}\n", pages.join(",\n"))
}
