//! Stories: what a user types and sees, from a plan to its end, as inline snapshots.
//!
//! Invariant: a snapshot holds the whole answer of a command; only what differs from run to run is
//! replaced. The clock is the story's: each command is a minute later than the last.
//! After a change of words or columns, write all snapshots anew, and read the difference:
//!
//!     cargo install cargo-insta --locked
//!     cargo insta test --accept --test it -- stories && git diff tests/it/stories

#![expect(clippy::too_many_lines, reason = "a story is as long as what it shows")]

mod access;
mod answers; // an agent asks, the user answers
mod broken; // files that somebody broke
mod by_hand; // the user does the tasks
mod conflict; // two tasks change one line
mod dag; // a plan in three layers, to the merge of the run
mod errors; // every mistake, with its hint
mod failing; // work that fails the tests is fixed
mod json; // the JSON of each command that prints it
mod leftovers; // what `clean` keeps, and what it takes to remove it
mod limit; // a usage limit is waited for
mod redact; // what differs from run to run
mod refused; // what the state of a run does not allow
mod reviews; // findings, a fix, and a pass
mod stop; // a run is stopped and resumed
mod tickets; // a backlog, planned first and approved
mod trust; // commands of the repository run after consent
mod update; // the plan changes under way
mod world; // the machine, the repository and its branches

use std::cell::Cell;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::agents::quoted;
use crate::call::{Call, Running};
use crate::env::Env;
use crate::output::Output;
use crate::plans::plan;
use redact::{redact, redact_json};

/// The time of the first command: 2026-01-01T09:00:00Z.
const MORNING: u64 = 1_767_258_000;

/// A repository with the fake agent as its agent, and what the user types in it.
struct Story {
    env: Env,
    minutes: Cell<u64>,
}

impl Story {
    fn new() -> Story {
        let env = Env::new();
        let command = env.agent_command();
        env.executable("agent", &format!("#!/bin/sh\n{command} \"$@\"\n"));
        env.config("orchestrate.agent", "agent");
        Story { env, minutes: Cell::new(0) }
    }

    /// Makes a story with a plan from `tests/plans`.
    fn of(plan: &str) -> Story {
        let story = Story::new();
        story.take(plan);
        story.env.write(".git/info/exclude", format!("/{plan}\n"));
        story
    }

    /// Makes a story with a plan `shop.toml` of these tasks.
    fn shop(tasks: &[String]) -> Story {
        let story = Story::new();
        story.env.write(".git/info/exclude", "/shop.toml\n");
        story.plan(tasks);
        story
    }

    /// Writes `shop.toml`.
    fn plan(&self, tasks: &[String]) {
        self.env.write("shop.toml", plan("shop", tasks));
    }

    /// Copies a file or a folder from `tests/plans` into the repository.
    fn take(&self, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
        let mut left = vec![PathBuf::from(name)];
        while let Some(path) = left.pop() {
            if from.join(&path).is_dir() {
                let entries = from.join(&path).read_dir().expect("a folder").flatten();
                left.extend(entries.map(|entry| path.join(entry.file_name())));
            } else {
                self.env.write(&path, std::fs::read(from.join(&path)).expect("a plan"));
            }
        }
    }

    /// Prepares a command as the user types it, a minute after the last.
    fn call(&self, line: &str) -> Call<'_> {
        let now = MORNING + 60 * self.minutes.get();
        self.minutes.set(self.minutes.get() + 1);
        self.env.call(words(line)).env("GIT_ORCHESTRATE_NOW", now.to_string())
    }

    /// Runs `git orchestrate` with what the user types behind it, and returns the screen.
    fn run(&self, line: &str) -> String {
        screen(line, &self.call(line).run())
    }

    /// Does the same in another directory.
    fn run_in(&self, directory: impl AsRef<Path>, line: &str) -> String {
        screen(line, &self.call(line).dir(directory).run())
    }

    /// Runs one command after the other, and returns all screens.
    fn run_all(&self, lines: &[&str]) -> String {
        lines.iter().map(|line| self.run(line)).collect::<Vec<_>>().join("\n")
    }

    /// Runs it with these tasks at gates, which open when the task before has come to an end.
    fn run_in_turn(&self, line: &str, tasks: &[&str]) -> String {
        let running = self.begin(line);
        tasks.iter().for_each(|task| self.env.wait_reached(task));
        for task in tasks {
            self.env.open(task);
            let has_ended =
                || ["done", "blocked"].iter().any(|end| self.env.task(task)["status"] == *end);
            self.env.wait_while_running(&format!("{task} has ended"), has_ended);
        }
        Story::end(running, line)
    }

    /// Starts it in the background.
    fn begin(&self, line: &str) -> Running<'_> {
        self.call(line).spawn()
    }

    /// Waits for the end of what was started in the background, and returns the screen.
    fn end(running: Running<'_>, line: &str) -> String {
        screen(line, &running.wait())
    }

    /// Runs it with `--json`, and returns the JSON on many lines.
    #[track_caller]
    fn json(&self, line: &str) -> String {
        let output = self.call(line).run();
        let mut value: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| output.panic(&error.to_string()));
        redact_json(&mut value);
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        format!("$ git orchestrate {line}\n{}", redact(&pretty))
    }

    /// Lets a script be what the agent does in a task, or in a stage of it (`api.fix`).
    fn agent(&self, task: &str, script: &str) {
        self.env.agent(task, script);
    }

    /// Waits until a task is merged.
    fn wait_merged(&self, task: &str) {
        let merged = || self.env.task(task)["status"] == "done";
        self.env.wait_while_running(&format!("{task} is merged"), merged);
    }

    /// Runs a line in a shell in the repository, as the user pastes it.
    #[track_caller]
    fn shell(&self, line: &str) {
        self.env.program("sh", ["-ec", line]).run().ok();
    }
}

/// Returns what a terminal shows of a command: the streams one after the other, and a bad end.
fn screen(line: &str, output: &Output) -> String {
    let mut text = format!("$ git orchestrate {line}\n{}", output.stdout);
    if !output.stderr.is_empty() {
        text += &format!("--- stderr ---\n{}", output.stderr);
    }
    if output.code != 0 {
        text += &format!("[exit {}]\n", output.code);
    }
    redact(&text)
}

/// Splits a line into words as a shell does, as far as stories need it: single quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut is_word = false;
    for c in line.chars() {
        match c {
            '\'' => (is_quoted, is_word) = (!is_quoted, true),
            ' ' if !is_quoted => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            c => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

/// Returns the script of an agent that does a task well.
fn well(file: &str) -> String {
    format!("append {file} '$ORCHESTRATE_TASK'\ncommit 'Do the task'\nreport done -m 'all of it'")
}

#[test]
fn words_are_those_of_a_shell() {
    assert_eq!(words("retry a -m 'two words' ''"), ["retry", "a", "-m", "two words", ""]);
    assert_eq!(quoted("two words"), "'two words'");
}
