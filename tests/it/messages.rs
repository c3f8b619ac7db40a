//! Texts that name commands: pages, the README and prompts name those that exist, and code writes
//! none: what it suggests is a step, which has one renderer.
//!
//! Invariant: read from the texts themselves, so a command or an option that is renamed is
//! found wherever it is named.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use git_orchestrate::testing::Cli;

/// Code in which a command may stand: texts for readers, and the renderer with its tests.
const WRITERS: [&str; 5] = [
    "src/cli/arguments.rs",
    "src/cli/overview.rs",
    "src/cli/pages/",
    "src/domain/steps/",
    "src/domain/error.rs",
];

/// What a command begins with that only a step may say.
const COMMANDS: [&str; 2] = ["git orchestrate ", "git config "];

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the source tree").flatten() {
        match entry.path() {
            path if path.is_dir() => texts(&path, found),
            path => found.push(path),
        }
    }
}

/// Returns every file of the source tree with its name.
pub fn files() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![top.join("README.md")];
    texts(&top.join("src"), &mut files);
    let named = files.iter().map(|file| {
        let name = file.strip_prefix(top).unwrap_or(file).display().to_string();
        (name, std::fs::read_to_string(file).expect("text"))
    });
    named.collect()
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
    let program = Cli::command();
    let (mut seen, mut found) = (0, String::new());
    for (file, text) in files() {
        for (number, line) in text.lines().enumerate() {
            for (at, name) in line.match_indices("git orchestrate ") {
                seen += 1;
                if let Some(complaint) = complaint(&program, &line[at + name.len()..]) {
                    found += &format!("{file}:{}: {complaint}: {}\n", number + 1, line.trim());
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

/// Returns the lines of code that write a command into a text.
fn written(file: &str, text: &str) -> Vec<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).filter(is_code);
    let ours = code.filter(|line| {
        let mut all = COMMANDS.iter().flat_map(|command| line.match_indices(command));
        // In backquotes, and before a remark, it is named in a sentence, and not to be typed.
        all.any(|(at, name)| {
            !line[..at].ends_with('`') && !line[at + name.len()..].starts_with('(')
        })
    });
    ours.map(|line| format!("{file}: {}", line.trim())).collect()
}

#[test]
fn no_code_but_the_renderer_writes_commands() {
    let is_code = |file: &str| file.ends_with(".rs") && !file.ends_with("tests.rs");
    let may_write = |file: &str| WRITERS.iter().any(|writer| file.starts_with(writer));
    let code = files().into_iter().filter(|(file, _)| is_code(file) && !may_write(file));
    let found: Vec<String> = code.flat_map(|(file, text)| written(&file, &text)).collect();
    assert!(found.is_empty(), "use a Step:\n{}", found.join("\n"));
    let bad = "fn f() {\n    // git orchestrate start\n    hint(\"git orchestrate start\");\n}\n";
    assert_eq!(written("x.rs", bad).len(), 1);
}
