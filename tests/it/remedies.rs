//! Every error with a remedy is on a screen of the stories, or is named here with the reason why not.
//!
//! Invariant: read from the code itself, so a new error without a story fails a test, and so does an
//! exception that has become one.

use std::path::Path;

use crate::messages::files;

/// Errors that no story can reach, by the words that they begin with.
const UNSEEN: [(&str, &str); 18] = [
    ("a run named '", "two starts at once"),
    ("the journal of run '{}' is gone", "the run is removed while a command reads it"),
    ("the journal of run '{}' changes faster", "half a minute of lost races"),
    ("run '{run}' changed meanwhile", "the run changes while it is removed"),
    ("run '{}' is being discarded", "a crash in `finish --discard`; see crash.rs"),
    ("task '{id}' was reported or given up", "two reports at once"),
    ("the run is driven by {}", "a lock without a name in it; see stop.rs"),
    ("pid {} belongs to another user", "needs a second user"),
    ("{who} does not end", "a minute of waiting for a process that takes no signal"),
    ("cannot write to '{shown}'", "root writes everywhere; see repositories.rs"),
    ("there is no home directory", "the system's list of users names one"),
    ("the demo did not end as expected", "the demo would have to be broken"),
    ("run '{name}' did not start in the background", "see start.rs"),
    ("an agent is at work on task", "needs a gate; see merge.rs"),
    ("an agent reviews task '{id}'", "needs a gate; see person.rs"),
    ("task '{id}' does not wait for a word on files", "two approvals at once"),
    ("'{}' holds a merge that is not finished", "a merge begun while the task waits for a person"),
    ("'{}' is damaged", "a file of the program's own that somebody changed; see report.rs"),
];

/// An error in the code, and the words that it says.
struct Remedied {
    place: String,
    words: String,
}

/// Returns the calls of `failure` and `usage` with a text of their own.
fn remedied(file: &str, code: &str) -> Vec<Remedied> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for name in ["failure(", "usage("] {
        for (at, _) in code.match_indices(name) {
            let is_call = !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_.".contains(c))
                && !code[..at].ends_with("fn ");
            let place = format!("{file}:{}", code[..at].matches('\n').count() + 1);
            let text = text_of(&code[at + name.len()..]);
            found.extend(text.filter(|_| is_call).map(|words| Remedied { place, words }));
        }
    }
    found
}

/// Returns the string literal that the arguments begin with, alone or in a `format!`.
fn text_of(arguments: &str) -> Option<String> {
    let start = arguments.trim_start();
    let start = start.strip_prefix("format!(").unwrap_or(start).trim_start();
    let mut text = String::new();
    let mut chars = start.strip_prefix('"')?.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Some(text),
            '\\' => match chars.next()? {
                // The literal goes on in the next line.
                '\n' => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                'n' => text.push(' '),
                other => text.push(other),
            },
            c => text.push(c),
        }
    }
    None
}

/// Returns the parts of a text between its placeholders.
fn parts(words: &str) -> Vec<&str> {
    let parts = words.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    parts.filter(|part| !part.trim().is_empty()).collect()
}

/// Returns true if a line of a screen has the parts in this order, with something between them.
fn is_seen(words: &str, screens: &str) -> bool {
    let parts = parts(words);
    // What is nearly all placeholder would be seen anywhere.
    let is_telling = parts.iter().map(|part| part.len()).sum::<usize>() > 6;
    is_telling
        && screens.match_indices(parts[0]).any(|(at, _)| {
            let mut rest = &screens[at..];
            parts.iter().all(|part| {
                let found = rest.find(part).filter(|at| *at < 200);
                found.inspect(|at| rest = &rest[at + part.len()..]).is_some()
            })
        })
}

/// Returns all snapshots, on one line each as far as words go.
fn screens() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stories");
    let texts = folder.read_dir().expect("stories").flatten();
    let texts = texts.map(|entry| std::fs::read_to_string(entry.path()).expect("text"));
    let lines = texts.collect::<String>();
    // A prefix in front of an error comes from the screen; the code of a story has none.
    let is_screen = |line: &&str| !line.trim_start().starts_with("//");
    lines.lines().filter(is_screen).map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_error_with_a_remedy_is_in_a_story() {
    let screens = screens();
    let code = files().into_iter().filter(|(file, _)| file.ends_with(".rs"));
    let code = code.filter(|(file, _)| !file.ends_with("tests.rs"));
    let all: Vec<Remedied> = code.flat_map(|(file, text)| remedied(&file, &text)).collect();
    assert!(all.len() > 100, "only {} were found", all.len());
    let is_excused = |words: &str| UNSEEN.iter().any(|(begin, _)| words.starts_with(begin));
    let unseen = all.iter().filter(|it| !is_seen(&it.words, &screens) && !is_excused(&it.words));
    let unseen: Vec<String> = unseen.map(|it| format!("{}: {}", it.place, it.words)).collect();
    assert!(unseen.is_empty(), "in no story, with hint:\n{}", unseen.join("\n"));
    let needless = UNSEEN.iter().filter(|(begin, _)| {
        let mut named = all.iter().filter(|it| it.words.starts_with(begin));
        named.all(|it| is_seen(&it.words, &screens))
    });
    let needless: Vec<&str> = needless.map(|(begin, _)| *begin).collect();
    assert!(needless.is_empty(), "no exceptions any more: {needless:?}");
}

#[test]
fn an_error_without_a_story_is_found() {
    let code = "fn f() {\n    failure(\n        format!(\"the cat '{cat}' is \\\n         lost\"),\n        usage(\"no\", x)";
    let found = remedied("x.rs", code);
    assert_eq!(found.iter().map(|it| it.place.as_str()).collect::<Vec<_>>(), ["x.rs:2", "x.rs:5"]);
    assert_eq!(found[0].words, "the cat '{cat}' is lost");
    assert!(is_seen(&found[0].words, "error: the cat 'Tom' is lost hint: look"));
    assert!(!is_seen(&found[0].words, "error: the dog 'Tom' is lost"));
    assert!(!is_seen(&found[1].words, "error: no"));
    assert_eq!(text_of("what, remedy)"), None);
}
