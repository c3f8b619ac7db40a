//! `git-orchestrate complete`: what can be typed next. Hidden; the shells' completions call it.
//!
//! Invariant: prints candidates or nothing. Errors are not shown, because the user is in the middle of
//! a line.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::cli::arguments::CompleteArgs;
use crate::cli::commands::Context;
use crate::cli::commands::target::Trust;
use crate::cli::completion::{Candidate, Line, Tasks, Value, Wanted, fits, parse_words};
use crate::cli::view::rows::label;
use crate::domain::agent::NAMES;
use crate::domain::error::Exit;
use crate::domain::plan::slug;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::TaskStatus;
use crate::git::Git;
use crate::journal::{Journal, Tip, run_names};
use crate::plan::{ParsedPlan, Source, parse};
use crate::run::begin::plan_source::{self, Input};

pub(crate) fn run(context: &Context, args: CompleteArgs) -> anyhow::Result<Exit> {
    let words: Vec<String> = args.words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let line = parse_words(&words);
    let directory = match &line.directory {
        Some(directory) => context.directory.join(untilde(directory)),
        None => context.directory.clone(),
    };
    let repository = context.repository.clone();
    let git_options = Vec::new();
    let asked =
        Context { git_options, ui: crate::cli::ui::Ui { quiet: true }, directory, repository };
    let found = match line.wanted.clone() {
        Wanted::One(candidates) => candidates,
        Wanted::Value { value, prefix, typed, given } => {
            let mut found = values(&asked, &line, value, &typed).unwrap_or_default();
            found.retain(|one| one.text.starts_with(&typed) && !given.contains(&one.text));
            found.iter_mut().for_each(|one| one.text.insert_str(0, &prefix));
            found
        }
    };
    let lines = found.iter().filter_map(line_of);
    context.ui.answer(&lines.collect::<String>())?;
    Ok(Exit::Ok)
}

/// Returns a candidate as the shells' completions read it: text, tab, remark. By the remarks
/// `file` and `folder` they know what has to be quoted.
fn line_of(candidate: &Candidate) -> Option<String> {
    // The shells read one candidate from each line.
    let is_plain = !candidate.text.contains(char::is_control);
    let about = crate::domain::text::printable(candidate.about.lines().next().unwrap_or_default());
    is_plain.then(|| format!("{}\t{about}\n", candidate.text))
}

fn values(
    context: &Context,
    line: &Line,
    value: Value,
    typed: &str,
) -> anyhow::Result<Vec<Candidate>> {
    match value {
        Value::Task(kind) => tasks(context, line, kind),
        Value::Run => runs(&context.git()?),
        Value::Branch => branches(&context.git()?),
        Value::Agent => Ok(NAMES.map(|name| candidate(name, "")).into()),
        Value::File => Ok(files(&context.directory, typed, &["md", "toml"])),
        Value::Folder => Ok(files(&context.directory, typed, &[])),
        Value::Free => Ok(Vec::new()),
    }
}

fn candidate(text: impl Into<String>, about: impl Into<String>) -> Candidate {
    Candidate { text: text.into(), about: about.into() }
}

fn tasks(context: &Context, line: &Line, kind: Tasks) -> anyhow::Result<Vec<Candidate>> {
    if let Some(file) = &line.plan {
        return tasks_of_plan(context, line, file, kind);
    }
    let target = context.target(line.run.as_deref(), Trust::NotNeeded)?;
    tasks_of_run(&target.drive.git, target.snapshot(), kind)
}

fn tasks_of_run(git: &Git, snapshot: &Snapshot, kind: Tasks) -> anyhow::Result<Vec<Candidate>> {
    let branches: HashSet<String> = branches(git)?.into_iter().map(|found| found.text).collect();
    let fitting = (0..snapshot.len()).filter(|index| fits(kind, snapshot, *index, &branches));
    let tell = |index: usize| {
        let (task, record) = snapshot.at(index);
        let label = label(record, snapshot.status(index));
        candidate(task.id.as_str(), format!("{} [{label}]", task.title))
    };
    Ok(fitting.map(tell).collect())
}

/// Returns the tasks of a plan that `start` is given: those of its run, if there is one.
fn tasks_of_plan(
    context: &Context,
    line: &Line,
    file: &str,
    kind: Tasks,
) -> anyhow::Result<Vec<Candidate>> {
    let file = untilde(file);
    // What is no plain file would keep the person waiting: `-`, a FIFO.
    if !context.directory.join(&file).is_file() {
        return Ok(Vec::new());
    }
    let Input::One(file) = plan_source::read(&context.directory, &[file], None)? else {
        return Ok(Vec::new());
    };
    let Ok(ParsedPlan { plan, .. }) = parse(&Source { name: &file.name, bytes: &file.bytes })
    else {
        return Ok(Vec::new());
    };
    let run = line.run.as_deref().map_or(plan.name.clone(), slug);
    let git = context.git()?;
    match Journal::new(&git, &run).load()? {
        Some(tip) => tasks_of_run(&git, &tip.snapshot, kind),
        None => Ok(plan.tasks.iter().map(|t| candidate(t.id.as_str(), t.title.clone())).collect()),
    }
}

fn runs(git: &Git) -> anyhow::Result<Vec<Candidate>> {
    let tell = |name: String| {
        let tip = Journal::new(git, &name).load().ok().flatten();
        let about = tip.map(|Tip { snapshot, .. }| {
            format!("{} of {} tasks done", snapshot.count(TaskStatus::Done), snapshot.len())
        });
        candidate(name, about.unwrap_or_default())
    };
    Ok(run_names(git)?.into_iter().map(tell).collect())
}

fn branches(git: &Git) -> anyhow::Result<Vec<Candidate>> {
    let heads = "refs/heads/";
    let refs = git.list_refs(heads)?;
    let short = refs.iter().filter_map(|(name, _)| name.strip_prefix(heads));
    Ok(short.map(|name| candidate(name, "")).collect())
}

/// Returns the folders, and the files with one of these endings, that begin with what is typed.
/// A folder ends in `/`. What is hidden is left out until its dot is typed.
fn files(directory: &Path, typed: &str, endings: &[&str]) -> Vec<Candidate> {
    let (folder, start) = typed
        .rsplit_once('/')
        .map_or(("", typed), |(folder, start)| (&typed[..=folder.len()], start));
    let entries = std::fs::read_dir(directory.join(untilde(folder)));
    let mut found: Vec<Candidate> = Vec::new();
    for entry in entries.into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_hidden = name.starts_with('.') && !start.starts_with('.');
        let path = entry.path();
        let ends_so = path.extension().is_some_and(|end| endings.iter().any(|known| end == *known));
        if is_hidden || !name.starts_with(start) {
            continue;
        }
        if path.is_dir() {
            found.push(candidate(format!("{folder}{name}/"), "folder"));
        } else if ends_so {
            found.push(candidate(format!("{folder}{name}"), "file"));
        }
    }
    found.sort_by(|one, other| one.text.cmp(&other.text));
    found
}

/// Returns the path that a shell would make of `~/x`.
fn untilde(path: &str) -> PathBuf {
    // The shell expands `~` only when the line is entered, so the word still has it.
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
