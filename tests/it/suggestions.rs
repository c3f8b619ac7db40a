//! Every command that the program suggests while the suite runs, checked where it is seen.
//!
//! Invariant: a command stands on a line of its own, without a comment behind it; the program's own
//! parser takes it, and zsh finds no mistake in it. What has to be filled in is `<NAME>`.

use std::collections::HashSet;
use std::process::Command;
use std::sync::Mutex;

use clap::Parser;
use git_orchestrate::testing::Cli;
use serde_json::Value;

use crate::env::Env;
use crate::output::Output;
use crate::plans::{asks, plan, runs};
use crate::summary::skip;

/// What a suggested command begins with.
const PROGRAMS: [&str; 16] = [
    "git", "cd", "gh", "glab", "rm", "cat", "ls", "umount", "printf", "npm", "pipx", "claude",
    "codex", "export", "fpath", "sh",
];
/// Arguments of calls that print what others wrote: agents, plans, pages.
const QUOTING: [&str; 11] = [
    "--help",
    "-h",
    "--version",
    "--prompt",
    "--plan",
    "complete",
    "exec",
    "help",
    "log",
    "show",
    "skill",
];

/// Lines that zsh takes; most tests see the same few.
static TAKEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Checks every command that a call of the program suggests.
#[track_caller]
pub fn check(arguments: &[String], output: &Output) {
    if arguments.iter().any(|argument| QUOTING.contains(&argument.as_str())) {
        return;
    }
    // Without the test's folder most lines have been seen before.
    let [out, err] = [&output.raw, &output.raw_err].map(|text| suggested(&output.at(text, "/dir")));
    for line in out.iter().chain(&err) {
        if let Err(why) = check_line(line) {
            output.panic(&format!("a bad suggestion, {why}:\n{line}"));
        }
    }
}

/// Returns the commands in a text, or in its JSON.
fn suggested(text: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() => {
            let mut found = Vec::new();
            collect(&value, &mut found);
            found
        }
        _ => lines(text),
    }
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("next", Value::Array(lines)) => {
                        found.extend(lines.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    ("steps", Value::Array(steps)) => {
                        let commands = steps.iter().filter_map(|step| step["command"].as_str());
                        found.extend(commands.map(str::to_owned));
                    }
                    ("remedy", Value::String(text)) => found.extend(lines(text)),
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// Returns the lines that are commands, and what stands in backquotes or quotes within a sentence.
fn lines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("hint:").unwrap_or(line).trim();
        let line = line.strip_prefix("then  ").unwrap_or(line).trim();
        let line = line.strip_prefix("$ ").unwrap_or(line);
        // What clap says of a command line is no suggestion.
        if line.starts_with("Usage: ") {
            continue;
        }
        if PROGRAMS.contains(&line.split([' ', '=']).next().unwrap_or_default()) {
            found.push(line.to_owned());
        } else if !line.starts_with(['|', '{', '-', '*']) {
            found.extend(mentioned(line));
        }
    }
    found
}

/// Returns the commands of ours within a sentence.
fn mentioned(line: &str) -> Vec<String> {
    let mention = |(at, _): (usize, &str)| {
        let quote = line[..at].chars().next_back().filter(|c| ['`', '\''].contains(c));
        let rest = &line[at..];
        let end = quote.and_then(|quote| rest.find(quote)).unwrap_or(rest.len());
        match quote {
            Some(_) => rest[..end].to_owned(),
            None => format!("{rest} # in a sentence, without quotes"),
        }
    };
    line.match_indices("git orchestrate ").map(mention).collect()
}

fn check_line(line: &str) -> Result<(), String> {
    let commands = words(line).ok_or("a quote is not closed")?;
    for command in &commands {
        if command.iter().any(|word| word.starts_with('#')) {
            return Err("with a comment behind it".into());
        }
        let at = command.iter().position(|word| word == "orchestrate");
        let is_ours = command.first().is_some_and(|word| word == "git");
        if let Some(at) = at.filter(|at| is_ours && is_options(&command[1..*at]))
            && let Err(error) = Cli::try_parse_from(&command[at..])
        {
            return Err(format!("which the program does not take: {error}"));
        }
    }
    let filled = filled_in(line);
    if is_taken(&filled) { Ok(()) } else { Err("which zsh does not take".into()) }
}

/// Returns true for options of git, each with its value.
fn is_options(words: &[String]) -> bool {
    words.chunks(2).all(|pair| pair[0].starts_with('-'))
}

/// Returns the line with each `<NAME>` as NAME.
fn filled_in(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('<') {
        let name = after.split_once('>').filter(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '-')
        });
        out.push_str(before);
        match name {
            Some((name, after)) => {
                out.push_str(name);
                rest = after;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out + rest
}

/// Returns the words of each command of a line that `&&` joins, as a shell reads them.
fn words(line: &str) -> Option<Vec<Vec<String>>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let line = filled_in(line);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => {
                let word = word.take().into_iter();
                for word in word {
                    match word.as_str() {
                        "&&" => commands.push(Vec::new()),
                        _ => commands.last_mut()?.push(word),
                    }
                }
            }
            '\'' | '"' => {
                let part: String = chars.by_ref().take_while(|next| *next != c).collect();
                // The text ended before the quote did.
                let taken = line.len() - chars.as_str().len();
                if !line[..taken].ends_with(c) {
                    return None;
                }
                word.get_or_insert_default().push_str(&part);
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    commands.last_mut()?.extend(word);
    Some(commands)
}

/// Returns true if zsh finds no mistake in a line.
fn is_taken(line: &str) -> bool {
    let mut taken = TAKEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let taken = taken.get_or_insert_default();
    if taken.contains(line) {
        return true;
    }
    let Ok(said) = Command::new("zsh").args(["-f", "-n", "-c", line]).output() else {
        if taken.is_empty() {
            skip("zsh", "it is not installed, so it checks no suggestion");
        }
        return taken.insert(line.to_owned());
    };
    said.status.success() && said.stderr.is_empty() && taken.insert(line.to_owned())
}

#[test]
fn a_bad_suggestion_is_found() {
    let why = |line: &str| check_line(line).err().unwrap_or_default();
    for good in [
        "git -C '/a b' orchestrate retry api --run x -m <TEXT> && git orchestrate start",
        r"git branch -m 'it'\''s' other",
        "cd /tmp/x",
    ] {
        assert_eq!(why(good), "");
    }
    assert!(why("git orchestrate start   # goes on").contains("comment"));
    assert!(why("git orchestrate resume api").contains("does not take"));
    assert!(why("git orchestrate retry api && git orchestrate clean --al").contains("--al"));
    assert!(why("git branch 'x").contains("quote"));
    assert!(why("git log x | | y").contains("zsh"));
    let text = "hint: Do it:\nhint:   git orchestrate start\nsee 'git orchestrate status' there\n";
    assert_eq!(lines(text), ["git orchestrate start", "git orchestrate status"]);
    assert!(lines("run this: git orchestrate start")[0].contains('#'));
    let json = r#"{"tasks":[{"next":["a"],"steps":[{"text":"x","command":"b"}]}],"next":["c"]}"#;
    assert_eq!(suggested(json), ["c", "a", "b"]);
}

/// Returns a world in which the run `p` needs a person for task `a`.
fn blocked(more: &[&str]) -> Env {
    let env = Env::new();
    env.agent("a", "status BLOCKED no key");
    env.plan(&plan("p", &[asks("a", &[]), runs("b", &["a"], "echo 1 >b")]));
    env.start(more).fails(3);
    env
}

#[test]
fn commands_lead_to_the_repository_from_where_the_caller_is() {
    let env = blocked(&[]);
    env.run(["status"]).ok().has("  git orchestrate log a\n");
    let there = env.call(["-C", "repo", "status"]).dir(env.root()).run().ok();
    there.has("  git -C repo orchestrate log a\n");
    there.has("git -C repo orchestrate retry a -m <TEXT> && git -C repo orchestrate start\n");
    // git goes there itself, and only the shell's own variable tells where the caller is.
    let git = env.program("git", ["-C", "repo", "orchestrate", "show", "nobody"]);
    git.dir(env.root()).env("PWD", env.root()).run().fails(2).has("run 'p' has no task 'nobody'");
    let git = env.program("git", ["-C", "repo", "orchestrate", "status"]).dir(env.root());
    git.env("PWD", env.root()).run().ok().has("  git -C <dir>/repo orchestrate log a\n");
    let error = env.call(["-C", "repo", "retry", "b"]).dir(env.root()).run().fails(1);
    error.has("hint: See how it stands:\nhint:   git -C repo orchestrate show b\n");
}

#[test]
fn commands_name_the_run_if_another_is_unfinished_or_the_caller_did() {
    let env = blocked(&[]);
    env.run(["retry", "b"]).fails(1).has("git orchestrate show b\n");
    env.run(["retry", "b", "--run", "p"]).fails(1).has("git orchestrate show b --run p\n");
    env.plan(&plan("q", &[runs("c", &[], "false")]));
    env.start_commands().fails(3).has("git orchestrate status --run q\n");
    env.run(["log", "b", "--run", "p"]).fails(1).has("git orchestrate show b --run p\n");
}

#[test]
fn a_run_by_hand_continues_by_hand() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
    env.run(["start", "plan.toml", "--manual"]).ok().has("git orchestrate start --manual\n");
    let worktree = ".claude/worktrees/feat-task-a";
    env.write(format!("{worktree}/a.txt"), "1\n");
    env.run_in(worktree, ["report", "done"]).ok().has("git orchestrate start --manual\n");
    env.run(["merge"]).ok().has("git orchestrate start --manual\n");
}

#[test]
fn a_plan_that_was_typed_is_typed_again() {
    let env = blocked(&[]);
    env.write("my plan.toml", plan("p", &[runs("c", &[], "true")]));
    let refused = env.run(["start", "my plan.toml", "--trust"]).fails(1);
    refused.has("hint: Use the new plan:\nhint:   git orchestrate start 'my plan.toml' --update\n");
    refused.has("git orchestrate start 'my plan.toml' --run <NAME>\n");
}
