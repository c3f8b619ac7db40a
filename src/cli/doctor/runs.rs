//! Runs that were begun and that nobody drives.

use super::{Finding, Place};
use crate::journal::{Journal, run_names};
use crate::run::folder::RunFolder;

pub(super) fn look(place: &Place<'_>) -> Vec<Finding> {
    let names = run_names(place.git).unwrap_or_default();
    names.iter().filter_map(|name| idle(place, name)).collect()
}

fn idle(place: &Place<'_>, name: &str) -> Option<Finding> {
    let snapshot = match Journal::new(place.git, name).load() {
        Ok(tip) => tip?.snapshot,
        Err(error) => {
            let text = format!("the journal of run '{name}' cannot be read: {error:#}");
            let remedy = format!("git log refs/orchestrate/runs/{name}   # what it holds");
            return Some(Finding::warning("runs", text, remedy));
        }
    };
    let lock = RunFolder::new(place.git, name).controller_lock().ok()?;
    let is_idle = snapshot.is_open() && lock.is_free().unwrap_or(false);
    is_idle.then(|| {
        let text = format!("run '{name}' is not finished, and nobody drives it");
        Finding::note("runs", text, format!("git orchestrate start --run {name}"))
    })
}
