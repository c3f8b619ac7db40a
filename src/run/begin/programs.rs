//! The programs that a run launches: whether they can be found before any work begins.
//!
//! Invariant: only looks. A program whose name the shell would have to work out is not looked for.

use std::path::{Component, Path, PathBuf};

use super::NewRun;
use super::base::Warning;
use crate::domain::agent::Agent;
use crate::domain::config::{self, Settings};
use crate::domain::error::failure;
use crate::domain::plan::{Plan, Task};
use crate::domain::policy::choice::Choice;
use crate::domain::steps::{Remedy, StartFrom, StartOption, Step, git};
use crate::domain::task::{Record, Stage};
use crate::git::Git;
use crate::run::brief::launch::no_agent;
use crate::run::paths::worktree_path;
use crate::system::process::find_program;

/// Fails if a task has no agent, or if the program of its agent is not installed.
///
/// A `run` task needs an agent too if it is reviewed.
pub(crate) fn check_agents(git: &Git, plan: &Plan, settings: &Settings) -> anyhow::Result<()> {
    let (defaults, fresh) = (settings.defaults(), Record::default());
    for task in &plan.tasks {
        // Every task that has an agent at all has one for its fixes.
        let choice = Choice::for_stage(task, &fresh, Stage::Fix, &defaults);
        if task.run.is_some() && choice.reviews.is_empty() {
            continue;
        }
        let agent = choice.agent().ok_or_else(no_agent)?;
        if let Some(text) = missing_agent(git, settings, task, agent) {
            return Err(failure(
                text,
                Step::Start { from: StartFrom::Same, options: vec![StartOption::AnyAgent] }
                    .to("Install it, or choose another"),
            ));
        }
    }
    Ok(())
}

/// Returns what is wrong if the program of an agent cannot be found.
fn missing_agent(git: &Git, settings: &Settings, task: &Task, agent: &Agent) -> Option<String> {
    let Agent::Command(line) = agent else {
        let program = agent.program()?;
        let is_there = find_program(program).is_some();
        return (!is_there).then(|| format!("the agent '{program}' is not on the PATH"));
    };
    let word = program_of(line)?;
    if !word.contains('/') {
        let is_there = find_program(word).is_some();
        return (!is_there).then(|| format!("the agent '{word}' is not on the PATH"));
    }
    if Path::new(word).is_absolute() {
        return (!Path::new(word).exists()).then(|| format!("there is no agent '{word}'"));
    }
    let place = worktree_path(git, settings, &task.id);
    let found = normal(&place.join(word));
    // What is in the worktree itself may be committed, copied, or made by `setup`.
    let in_checkout = || git.top_level().is_none_or(|top| top.join(word).exists());
    let is_there = if found.starts_with(&place) {
        settings.setup.is_some() || in_checkout()
    } else {
        found.exists()
    };
    (!is_there).then(|| {
        format!(
            "there is no agent '{word}' in the worktrees: a relative path begins there, so that it is {}",
            found.display()
        )
    })
}

/// Fails if the test command begins with a program that is not installed: every merge would fail,
/// after all the work.
pub(crate) fn check_tests(plan: &Plan, settings: &Settings) -> anyhow::Result<()> {
    let is_missing = |line: &str| {
        let word = program_of(line).filter(|word| !word.contains('/'))?;
        find_program(word).is_none().then(|| word.to_owned())
    };
    if let Some(program) = settings.test.as_deref().and_then(is_missing) {
        return Err(failure(
            format!("the test command needs '{program}', which is not installed"),
            set_test(),
        ));
    }
    let own = |task: &Task| Some((task.id.clone(), is_missing(task.test.as_deref()?)?));
    match plan.tasks.iter().find_map(own) {
        None => Ok(()),
        Some((id, program)) => Err(failure(
            format!("the test of task '{id}' needs '{program}', which is not installed"),
            "install it, or change `test` of that task in the plan",
        )),
    }
}

/// Returns a warning if the test command is a file that does not exist yet: a task may make it.
pub(super) fn missing_test_file(git: &Git, new: &NewRun<'_>) -> Option<Warning> {
    let word = program_of(new.settings.test.as_deref()?).filter(|word| word.contains('/'))?;
    let is_there = git.top_level().is_none_or(|top| top.join(word).exists());
    (!is_there).then(|| Warning {
        text: format!("the test command needs '{word}', which does not exist yet"),
        remedy: set_test(),
    })
}

fn set_test() -> Remedy {
    let other = git("config orchestrate.test").blank("COMMAND");
    other.to("Install it, or set another command").into()
}

/// Returns the program of a shell command line if it is not installed; a relative path begins at
/// `top`.
pub(crate) fn missing_program(top: Option<&Path>, line: &str) -> Option<String> {
    let word = program_of(line)?;
    let is_there = if word.contains('/') {
        // Without a checkout there is nothing to look at.
        top.is_none_or(|top| top.join(word).exists())
    } else {
        find_program(word).is_some()
    };
    (!is_there).then(|| word.to_owned())
}

/// Returns the program that a shell command line begins with; `None` if the shell itself runs it, or
/// has to work out what it is.
fn program_of(line: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    // `CI=1 cargo test` begins with an assignment, not with the program.
    let mut words = line.split_whitespace();
    let word = loop {
        let word = words.next()?;
        match word.split_once('=').filter(|_| config::is_assignment(word)) {
            // `seen=$(git rev-parse HEAD)` and `a="b c"` do not end with this word.
            Some((_, value)) if !value.chars().all(|c| is_plain(c) || ":,%@".contains(c)) => {
                return None;
            }
            Some(_) => {}
            None => break word,
        }
    };
    let sets_path = line.split_whitespace().any(|word| word.starts_with("PATH="));
    (!sets_path && word.chars().all(is_plain) && !is_of_the_shell(word)).then_some(word)
}

fn is_of_the_shell(word: &str) -> bool {
    const WORDS: &[&str] = &[
        ".", "[", "alias", "bg", "break", "case", "cd", "command", "continue", "echo", "eval",
        "exec", "exit", "export", "false", "fg", "for", "getopts", "hash", "if", "jobs", "kill",
        "printf", "pwd", "read", "readonly", "return", "set", "shift", "source", "test", "time",
        "times", "trap", "true", "type", "ulimit", "umask", "unalias", "unset", "until", "wait",
        "while",
    ];
    WORDS.contains(&word)
}

/// Returns the path without `.` and `..`, as if no folder were a link: the file need not exist.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut done, part| {
        match part {
            Component::ParentDir => drop(done.pop()),
            Component::CurDir => {}
            other => done.push(other),
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_is_plainly_named_is_looked_for() {
        for (line, program) in [
            ("cargo test", Some("cargo")),
            ("CI=1 RUST_LOG=x ./check.sh -q", Some("./check.sh")),
            ("PATH=$PWD/bin:$PATH check", None),
            ("cd sub && make", None),
            ("$RUNNER test", None),
            ("(make)", None),
            ("true", None),
            ("seen=$(git rev-parse HEAD); test -e \"$seen\"", None),
            ("A=\"b c\" make", None),
            ("A=`date +%s` make", None),
            ("A= make", Some("make")),
            ("", None),
        ] {
            assert_eq!(program_of(line), program, "{line}");
        }
        assert_eq!(normal(Path::new("/a/b/../../c/./d")), Path::new("/c/d"));
    }
}
