//! The man pages and completions in the source tree match the definitions.
//!
//! Invariant: this test is the generator. With `UPDATE_GENERATED=1` it writes the files, without it
//! only compares; a file that is not generated fails the test too.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::summary::skip;

const FOLDERS: [&str; 2] = ["man", "completions"];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rendered() -> Vec<(String, Vec<u8>)> {
    git_orchestrate::testing::pages::all().expect("pages are rendered into memory")
}

/// Returns the files that exist.
fn present() -> BTreeSet<String> {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(top().join(folder)).into_iter().flatten().flatten();
        let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(|entry| format!("{folder}/{}", name(entry))).collect::<Vec<_>>()
    };
    FOLDERS.iter().flat_map(|folder| names(folder)).collect()
}

fn update() {
    for path in present() {
        std::fs::remove_file(top().join(path)).expect("an old file goes");
    }
    for (path, text) in rendered() {
        let path = top().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, text).expect("a generated file is written");
    }
}

#[test]
fn files_match_the_definitions() {
    if std::env::var_os("UPDATE_GENERATED").is_some_and(|value| value == "1") {
        update();
    }
    let files = rendered();
    let differs = |(path, text): &&(String, Vec<u8>)| {
        std::fs::read(top().join(path)).ok().as_ref() != Some(text)
    };
    let mut stale: BTreeSet<&str> =
        files.iter().filter(differs).map(|(path, _)| path.as_str()).collect();
    let present = present();
    let known: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    stale.extend(present.iter().map(String::as_str).filter(|path| !known.contains(path)));
    assert!(
        stale.is_empty(),
        "not up to date: {stale:?}\nrun: UPDATE_GENERATED=1 cargo test --test it generated"
    );
}

#[test]
fn hidden_commands_are_left_out() {
    let files = rendered();
    assert!(files.iter().any(|(path, _)| path == "man/git-orchestrate-plan.1"));
    for (path, text) in files {
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(!path.contains("exec") && !text.contains("orchestrate-exec"), "{path}");
        assert!(!text.contains("Supervise one attempt"), "{path}");
    }
}

#[test]
fn titles_and_synopses_name_the_command() {
    let files = rendered();
    let page = files.iter().find(|(path, _)| path == "man/git-orchestrate-plan.1");
    let text = String::from_utf8(page.expect("a page for plan").1.clone()).expect("UTF-8");
    let plain = text.replace("\\-", "-");
    assert!(plain.contains(".TH git-orchestrate-plan 1"), "{text}");
    assert!(plain.contains("\\fBgit orchestrate plan\\fR"), "{text}");
}

/// Runs a linter over a text; `None` if it is not installed.
fn checked(program: &str, arguments: &[&str], text: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("page.1");
    std::fs::write(&file, text).expect("the page is written");
    let mut command = Command::new(program);
    command.args(arguments).arg(&file).env("LC_ALL", "C.UTF-8").env("MANPAGER", "cat");
    let output = command.stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    Some(said.into_owned())
}

/// Returns the complaints of the strictest linter that is installed.
fn complaints(text: &[u8]) -> Option<String> {
    let mandoc = checked("mandoc", &["-Tlint", "-W", "error"], text);
    mandoc.or_else(|| checked("groff", &["-man", "-ww", "-z", "-Tutf8", "-Kutf8"], text))
}

#[test]
fn man_pages_pass_a_linter() {
    for (path, text) in rendered().iter().filter(|(path, _)| path.starts_with("man/")) {
        match complaints(text) {
            Some(complaints) => assert_eq!(complaints, "", "{path}"),
            None => return skip("roff", "neither mandoc nor groff is installed"),
        }
    }
}

/// The sections that every command's page has, in this order.
const SECTIONS: [&str; 5] = ["EXAMPLES", "EXIT STATUS", "CONFIGURATION", "FILES", "SEE ALSO"];

#[test]
fn every_page_has_every_section() {
    for (path, text) in rendered().iter().filter(|(path, _)| path.starts_with("man/")) {
        let text = String::from_utf8(text.clone()).expect("UTF-8");
        let sections: Vec<(&str, &str)> =
            text.split(".SH ").skip(1).filter_map(|section| section.split_once('\n')).collect();
        let is_main = path == "man/git-orchestrate.1";
        for wanted in SECTIONS {
            let title = if is_main && wanted == "FILES" { "FILES AND REFS" } else { wanted };
            let found = sections.iter().find(|(name, _)| *name == title);
            let (_, body) = found.unwrap_or_else(|| panic!("{path} has no section {title}"));
            assert!(!body.trim().is_empty(), "{path}: {title} is empty");
        }
        let known = sections.iter().filter(|(name, _)| SECTIONS.contains(name));
        let order: Vec<&str> = known.map(|(name, _)| *name).collect();
        let sorted = SECTIONS.iter().filter(|name| order.contains(name)).copied();
        assert_eq!(order, sorted.collect::<Vec<_>>(), "{path}: the order of the sections");
    }
}

/// Splits a command line into words as a shell does, up to `|`, `&&` or `>`.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" | ").find(|part| part.contains("git orchestrate")).unwrap_or(line);
    let line = line.split(" && ").next().unwrap_or(line);
    let line = line.split(" >").next().unwrap_or(line);
    let line = line.trim_start_matches("sudo ").replace("$DESTDIR", "");
    let script = format!("printf '%s\\n' {line}");
    let said = Command::new("sh").args(["-c", &script]).output().expect("sh is there");
    assert!(said.status.success() && said.stderr.is_empty(), "sh does not take: {line}");
    String::from_utf8(said.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn every_example_parses() {
    use clap::{CommandFactory, Parser};
    use git_orchestrate::testing::Cli;
    let program = Cli::command();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
    for command in commands.map(clap::Command::get_name).chain([""]) {
        let lines =
            git_orchestrate::testing::pages::examples(command).expect("a page for every command");
        let mut own = 0;
        for line in lines.iter().filter(|line| line.contains("git orchestrate")) {
            let words = words(line);
            assert_eq!(words[..2], ["git", "orchestrate"], "{line}");
            if let Err(error) = Cli::try_parse_from(&words[1..]) {
                panic!("an example of '{command}' is not understood: {line}\n{error}");
            }
            own += usize::from(words.iter().any(|word| word == command));
        }
        assert!(own > 0 || command.is_empty(), "no example of '{command}' calls it");
    }
}

#[test]
fn the_main_page_explains_every_special_word() {
    let files = rendered();
    let (_, text) = files.iter().find(|(path, _)| path == "man/git-orchestrate.1").expect("it");
    let text = String::from_utf8(text.clone()).expect("UTF-8").replace("\\-", "-");
    for word in [
        "plan",
        "task",
        "run",
        "agent",
        "attempt",
        "report",
        "base branch",
        "integration branch",
        "candidate",
        "note",
        "journal",
        "controller",
        "supervisor",
        "layer",
        "critical path",
        "trust",
        "backup",
        "waiting",
        "ready",
        "running",
        "merging",
        "done",
        "blocked",
    ]
    .into_iter()
    .chain(git_orchestrate::testing::Reason::ALL.map(git_orchestrate::testing::Reason::name))
    {
        let is_term = |line: &str| {
            line.replace("\\fB", "").replace("\\fR", "").split(", ").any(|term| term == word)
        };
        let defined = text.lines().zip(text.lines().skip(1));
        let found = defined.into_iter().any(|(mark, term)| mark == ".TP" && is_term(term));
        assert!(found, "the main page does not say what '{word}' means");
    }
}
