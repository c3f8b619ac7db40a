//! Branches that keep those of a run from being made.

use super::{Finding, Place};
use crate::run::begin::branch_names::is_below;

pub(super) fn look(place: &Place<'_>) -> Vec<Finding> {
    let pattern = &place.settings.branch;
    if !pattern.contains("{id}") || !place.git.takes_branch_name(&pattern.replace("{id}", "x")) {
        let text = format!("the setting 'branch' is '{pattern}', which names no branch of a task");
        return vec![Finding::error("branches", text, SETTING)];
    }
    let refs = place.git.list_refs("refs/heads/").unwrap_or_default();
    let existing = refs.iter().filter_map(|(name, _)| name.strip_prefix("refs/heads/"));
    let folds = place.git.ignores_case();
    let is_in_the_way = |branch: &&str| {
        // The ids, and so the last part, are not known yet.
        [pattern.as_str(), "feat/{id}"].iter().any(|wanted| {
            if folds {
                is_below(&branch.to_lowercase(), &wanted.to_lowercase())
            } else {
                is_below(branch, wanted)
            }
        })
    };
    let finding = |branch: &str| {
        let text = format!("the branch '{branch}' exists, so git cannot make '{branch}/...'");
        let other = branch.replace('/', "-");
        Finding::error("branches", text, format!("git branch -m {branch} {other}-old"))
    };
    existing.filter(is_in_the_way).map(finding).collect()
}

const SETTING: &str = "git config orchestrate.branch 'feat/task-{id}'";
