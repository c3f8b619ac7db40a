//! `git orchestrate trust`

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::arguments::TrustArgs;
use crate::cli::commands::Context;
use crate::domain::config;
use crate::domain::error::{Exit, WithHint, failure};
use crate::domain::steps::{Hint, Step, Trust};
use crate::git::Git;
use crate::git::worktree::same_path;
use crate::journal::trust::grant;
use crate::journal::{Journal, run_names, settings};
use crate::run::brief::templates;

pub(crate) fn run(context: &Context, args: TrustArgs) -> anyhow::Result<Exit> {
    let git = context.git()?;
    if args.settings {
        return accept(context, &git);
    }
    let files = if !args.files.is_empty() {
        args.files
    } else {
        let top = git.top_level().ok_or_else(|| {
            failure("a bare repository has no .orchestrate/config.toml", a_file())
        })?;
        all_of(&git, top)?
    };
    for file in files {
        let path: PathBuf = context.directory.join(&file);
        let content = std::fs::read(&path)
            .with_context(|| format!("cannot read '{}'", file.display()))
            .hint(a_file())?;
        grant(&git, &file, &content)?;
        context.ui.status(&format!("trusted '{}' as it is now", file.display()));
        if git.top_level().is_some_and(|top| same_path(&top.join(config::FILE), &path)) {
            settings::accept_file(&git)?;
        }
    }
    Ok(Exit::Ok)
}

/// Remembers the settings in force for every unfinished run.
fn accept(context: &Context, git: &Git) -> anyhow::Result<Exit> {
    for name in run_names(git)? {
        let Some(tip) = Journal::new(git, &name).load()? else { continue };
        if !tip.snapshot.is_open() && tip.snapshot.run.closed.is_some() {
            continue;
        }
        let changes = settings::accept(git, &tip.snapshot.run)?;
        if changes.is_empty() {
            context.ui.status(&format!("no settings have changed since run '{name}' began"));
            continue;
        }
        changes.iter().try_for_each(|change| context.ui.answer(&settings::line(change)))?;
        context.ui.status(&format!("accepted for run '{name}'"));
    }
    Ok(Exit::Ok)
}

fn a_file() -> Hint {
    Step::Trust(Trust::AFile).to("Name the file whose commands you trust")
}

/// Returns the repository's prompts and its settings file; the latter also if neither exists, so that
/// the error names it.
fn all_of(git: &Git, top: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let prompts = templates::read(git)?;
    let prompts: Vec<PathBuf> = prompts.own().map(|(file, _)| top.join(file)).collect();
    let settings = Some(top.join(config::FILE)).filter(|file| file.exists() || prompts.is_empty());
    Ok(settings.into_iter().chain(prompts).collect())
}
