//! Unfinished runs that are not running.

use super::{Finding, Repository, Severity};
use crate::domain::steps::Step;
use crate::journal::{Journal, run_names};
use crate::run::folder::RunFolder;

pub(super) fn check(repo: &Repository<'_>) -> Vec<Finding> {
    let names = run_names(repo.git).unwrap_or_default();
    names.iter().filter_map(|name| idle(repo, name)).collect()
}

fn idle(repo: &Repository<'_>, name: &str) -> Option<Finding> {
    let snapshot = match Journal::new(repo.git, name).load() {
        Ok(tip) => tip?.snapshot,
        Err(error) => {
            return Some(Finding { severity: Severity::Warning, ..Finding::of("runs", &error) });
        }
    };
    let lock = RunFolder::new(repo.git, name).controller_lock().ok()?;
    let is_idle = snapshot.is_open() && lock.is_free().unwrap_or(false);
    is_idle.then(|| {
        let text = format!("run '{name}' is unfinished and not running");
        Finding::note("runs", text, Step::start().of(name, snapshot.run.flags.manual))
    })
}
