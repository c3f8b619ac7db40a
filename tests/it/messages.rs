//! What messages, pages and the README tell a person to type exists.
//!
//! Invariant: read from the texts themselves, so a command or an option that is renamed is
//! found wherever it is named.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use git_orchestrate::testing::Cli;

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the source tree").flatten() {
        match entry.path() {
            path if path.is_dir() => texts(&path, found),
            path => found.push(path),
        }
    }
}

/// Returns what is wrong with the words after `git orchestrate`, which end at a quote or remark.
fn complaint(program: &Command, rest: &str) -> Option<String> {
    let end = rest.find(['"', '`', '\'', '#', '|', '\\', '&', ')', ':', '{']).unwrap_or(rest.len());
    let mut words = rest[..end].split_whitespace();
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let name = words.next().filter(is_name).filter(|word| !word.starts_with('-'))?;
    let Some(command) = program.find_subcommand(name) else {
        return Some(format!("there is no command '{name}'"));
    };
    let is_known = |long: &str| {
        let all = command.get_arguments().chain(program.get_arguments());
        long == "help" || all.into_iter().any(|arg| arg.get_long() == Some(long))
    };
    let options = words.filter_map(|word| word.strip_prefix("--"));
    let mut options = options.map(|long| long.trim_end_matches(|c: char| !c.is_alphanumeric()));
    let unknown = options.find(|long| !long.is_empty() && !is_known(long))?;
    Some(format!("'{name}' has no option --{unknown}"))
}

#[test]
fn every_command_that_is_named_exists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![top.join("README.md")];
    texts(&top.join("src"), &mut files);
    let program = Cli::command();
    let (mut seen, mut found) = (0, String::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        for (number, line) in text.lines().enumerate() {
            for (at, name) in line.match_indices("git orchestrate ") {
                let rest = &line[at + name.len()..];
                seen += 1;
                if let Some(complaint) = complaint(&program, rest) {
                    let place = file.strip_prefix(top).unwrap_or(&file).display();
                    found += &format!("{place}:{}: {complaint}: {}\n", number + 1, line.trim());
                }
            }
        }
    }
    assert!(seen > 80, "only {seen} were found");
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn what_does_not_exist_is_found() {
    let program = Cli::command();
    let said = |rest: &str| complaint(&program, rest);
    assert_eq!(said("retry api -m 'x' && git"), None);
    assert_eq!(said("clean --all --force --run {name}\""), None);
    assert!(said("resume api").is_some_and(|text| text.contains("'resume'")));
    assert!(said("clean --everything\"").is_some_and(|text| text.contains("--everything")));
}
