//! Commands of git: which of them run other programs.
//!
//! Invariant: `git *` is what every agent has, so it is taken; a rule that names what runs another
//! program is not.

use super::{GIVEN, NAMED};

/// Options before the command that name programs, or files that do.
const STEERING: [&str; 3] = ["-c", "--config-env", "--exec-path"];
/// Options before the command that take a value.
const VALUED: [&str; 4] = ["-C", "--git-dir", "--work-tree", "--namespace"];
/// Commands that run whatever they are given.
const RUNNING: [&str; 12] = [
    "filter-branch",
    "hook",
    "mergetool",
    "difftool",
    "send-email",
    "instaweb",
    "daemon",
    "shell",
    "remote-ext",
    "credential",
    "web--browse",
    "for-each-repo",
];
/// Commands that run a program if they are given one of these words.
const WITH: [(&str, &[&str]); 11] = [
    ("bisect", &["run", "visualize", "view"]),
    ("rebase", &["--exec", "-x", "-i", "--interactive"]),
    ("submodule", &["foreach"]),
    ("clone", &["-c", "--config", "-u", "--upload-pack", "--template"]),
    ("init", &["--template"]),
    ("fetch", &["--upload-pack"]),
    ("pull", &["--upload-pack"]),
    ("ls-remote", &["--upload-pack"]),
    ("push", &["--receive-pack", "--exec"]),
    ("archive", &["--exec"]),
    ("grep", &["-O", "--open-files-in-pager"]),
];
/// Of the commands above, those that a wildcard may follow: agents need them, as part of `git *`.
const TAKEN: [&str; 6] = ["fetch", "pull", "ls-remote", "push", "archive", "grep"];
/// What `git config` may be asked for.
const READING: [&str; 7] = ["--get", "--get-all", "--get-regexp", "--list", "-l", "get", "list"];

/// Returns why a command of git is refused; `words` stand behind `git`.
pub(super) fn refusal(words: &[&str]) -> Option<&'static str> {
    let mut at = 0;
    while let Some(option) = words.get(at).filter(|word| word.starts_with('-')) {
        if STEERING.iter().any(|steering| names(option, steering)) {
            return Some(NAMED);
        }
        at += 1 + usize::from(VALUED.contains(option));
    }
    let (verb, rest) = words.get(at..)?.split_first()?;
    let is_open = |word: &&str| word.contains(['*', '?', '[', '{']);
    if is_open(verb) {
        // With options before it, what was allowed is no longer what every agent has.
        return (at > 0).then_some(NAMED);
    }
    if *verb == "config" {
        let reads = rest.first().is_some_and(|word| READING.contains(word));
        return (!reads).then_some("it can set programs that git then runs");
    }
    if RUNNING.contains(verb) || verb.contains(['.', '/']) {
        return Some(GIVEN);
    }
    let (_, given) = WITH.iter().find(|(name, _)| name == verb)?;
    let runs = rest.iter().any(|word| given.iter().any(|it| names(word, it)));
    (runs || rest.iter().any(is_open) && !TAKEN.contains(verb)).then_some(NAMED)
}

/// Returns true if a word is this option, with or without its value.
fn names(word: &str, option: &str) -> bool {
    match word.strip_prefix(option) {
        Some("") => true,
        Some(rest) => rest.starts_with('=') || !option.starts_with("--") && option.len() == 2,
        // git takes the beginning of a long option for the whole.
        None => {
            let name = word.split('=').next().unwrap_or_default();
            name.starts_with("--") && name.len() > 4 && option.starts_with(name)
        }
    }
}
