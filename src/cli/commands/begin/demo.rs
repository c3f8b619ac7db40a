//! `git orchestrate demo`: runs an embedded plan in a new repository.
//!
//! Invariant: everything is real (`start` runs as it does anywhere), and only that folder is written.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::arguments::{Command, DemoArgs, StartArgs};
use crate::cli::commands::target::Trust;
use crate::cli::commands::{Context, perform};
use crate::cli::ui::{BOLD, Ui, paint};
use crate::cli::view::rows::table;
use crate::domain::error::{Exit, WithHint as _, failure, in_scope};
use crate::domain::snapshot::Snapshot;
use crate::domain::steps::{self, Remedy, Scope, StartOption, Step, program};
use crate::domain::task::TaskStatus;
use crate::git::command::git;
use crate::git::discover::RepositoryOptions;

const FILES: &[(&str, &str)] = &[
    ("greet.sh", include_str!("../../demo/greet.sh")),
    ("test.sh", include_str!("../../demo/test.sh")),
    ("plan.toml", include_str!("../../demo/plan.toml")),
];

pub(crate) fn run(context: &Context, args: DemoArgs) -> anyhow::Result<Exit> {
    let place = make_folder(context, args.dir)?;
    make_repository(&place)?;
    context
        .ui
        .status(&format!("a small repository with a plan of seven tasks: {}", place.display()));
    let there = Scope {
        repository: vec!["-C".into(), place.display().to_string()],
        plan: vec!["plan.toml".into()],
        ..Scope::default()
    };
    let start = there.line(&Step::begin([StartOption::Trust]));
    context.ui.status(&format!("$ {start}\n"));
    let ui = Ui { quiet: context.ui.quiet };
    let git_options = there.repository.clone();
    let (directory, repository) = (place.clone(), RepositoryOptions::default());
    let inner = Context { git_options, ui, directory, repository };
    let exit = perform(&inner, Command::Start(start_args()))?;
    let target = inner.target(None, Trust::NotNeeded)?;
    let table = table::status(target.snapshot(), &target.facts()?, None);
    let status = there.line(&Step::status());
    let look = there.text(&look(&place));
    context.ui.answer(&format!("\n{}\n{table}\n{look}", paint(BOLD, &format!("$ {status}"))))?;
    // A conflict is part of the demo, so the end that is meant is one that needs attention.
    if exit == Exit::Attention && is_as_meant(target.snapshot()) {
        Ok(Exit::Ok)
    } else {
        let error = failure(
            "the demo did not end as expected, with one conflict and the rest merged",
            Step::status().to("See what happened instead"),
        );
        Err(in_scope(error, || there))
    }
}

/// Returns true if one of the two greetings conflicts, the task that needs both waits, and the rest is
/// merged.
fn is_as_meant(snapshot: &Snapshot) -> bool {
    let count = |status| snapshot.count(status);
    (count(TaskStatus::Done), count(TaskStatus::Blocked), count(TaskStatus::Waiting)) == (5, 1, 1)
}

fn make_folder(context: &Context, dir: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let Some(dir) = dir else {
        let folder = tempfile::Builder::new().prefix("git-orchestrate-demo-").tempdir()?;
        // Kept, because the user is meant to look at it afterwards.
        return Ok(folder.keep());
    };
    let place = context.directory.join(dir);
    if place.symlink_metadata().is_ok() && !place.is_dir() {
        return Err(failure(
            format!("'{}' is not a folder", place.display()),
            Step::Demo.to("Name a folder that does not exist"),
        ));
    }
    if place.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(failure(
            format!("'{}' is not empty", place.display()),
            Step::Demo.to("Name a folder that does not exist"),
        ));
    }
    std::fs::create_dir_all(&place)
        .with_context(|| format!("cannot make '{}'", place.display()))
        .hint(Step::Demo.to("Name a folder that does not exist, in one that is yours"))?;
    Ok(place.canonicalize()?)
}

fn make_repository(place: &Path) -> anyhow::Result<()> {
    let run = |args: &[&str]| git(place).args(args).bytes().map(drop);
    run(&["init", "--quiet", "--initial-branch=main"])?;
    for (name, text) in FILES {
        std::fs::write(place.join(name), text)?;
    }
    // The demo must work before git knows the user's name.
    if run(&["var", "GIT_COMMITTER_IDENT"]).is_err() {
        run(&["config", "user.name", "Demo"])?;
        run(&["config", "user.email", "demo@localhost"])?;
    }
    run(&["config", "orchestrate.test", "sh test.sh"])?;
    run(&["add", "--all"])?;
    // The user's own hooks may ask for what this repository does not have.
    let hooks_off = ["-c", "core.hooksPath=/dev/null"];
    let commit = ["commit", "--quiet", "--no-gpg-sign", "-m", "Begin the demo"];
    run(&[hooks_off.as_slice(), commit.as_slice()].concat())
}

fn start_args() -> StartArgs {
    StartArgs { plan: vec!["plan.toml".into()], trust: true, ..StartArgs::default() }
}

/// Returns how to look at the result with plain git, and how to continue.
fn look(place: &Path) -> Remedy {
    let plain = [
        ("log --graph --oneline feat/demo", "See what was merged; every merge passed the tests"),
        ("log refs/orchestrate/runs/demo", "See the journal: what happened, in order"),
        ("log --first-parent --notes=orchestrate feat/demo", "See who did what, and what it took"),
        ("worktree list", "See which worktrees are left: those with work that is not merged"),
    ];
    let plain = plain.map(|(words, why)| steps::git(words).to(why)).into_iter().collect::<Remedy>();
    plain
        .or("To finish it, type what the table says below the blocked task.")
        .or(Step::start().to("Then resume the run"))
        .or(program("rm -r").word(place.display()).to("Delete the demo"))
}
