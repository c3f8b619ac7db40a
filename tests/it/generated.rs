//! The man pages and completions in the source tree are what the definitions render to.
//!
//! Invariant: this test is the generator. With `UPDATE_GENERATED=1` it writes the files,
//! without it only compares; a file there that nothing renders is a mistake too.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

const FOLDERS: [&str; 2] = ["man", "completions"];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rendered() -> Vec<(String, Vec<u8>)> {
    git_orchestrate::pages::all().expect("pages are rendered into memory")
}

/// Returns the files that are there.
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
fn files_are_what_the_definitions_say() {
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

/// Runs a checker over a text; `None` where there is no such program.
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

/// Returns what is wrong with a page by the strictest checker at hand.
fn complaints(text: &[u8]) -> Option<String> {
    let mandoc = checked("mandoc", &["-Tlint", "-W", "error"], text);
    mandoc.or_else(|| checked("groff", &["-man", "-ww", "-z", "-Tutf8", "-Kutf8"], text))
}

#[test]
fn man_pages_are_sound() {
    for (path, text) in rendered().iter().filter(|(path, _)| path.starts_with("man/")) {
        match complaints(text) {
            Some(complaints) => assert_eq!(complaints, "", "{path}"),
            None => return eprintln!("skipped: neither mandoc nor groff is installed"),
        }
    }
}
