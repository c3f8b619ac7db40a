//! Branches whose names prevent git from creating the branches of a run.
//!
//! Invariant: git keeps branches as files, so a branch `feat` excludes every branch `feat/...`.

use super::{Finding, Repository};
use crate::domain::steps::git;
use crate::run::begin::branch_names::is_below;

pub(super) fn check(repo: &Repository<'_>) -> Vec<Finding> {
    let pattern = &repo.settings.branch;
    if !pattern.contains("{id}") || !repo.git.takes_branch_name(&pattern.replace("{id}", "x")) {
        let text = format!(
            "the setting 'branch' is '{pattern}', which is not a valid branch name with {{id}}"
        );
        let remedy = git("config orchestrate.branch").word("feat/task-{id}");
        return vec![Finding::error("branches", text, remedy)];
    }
    let refs = repo.git.list_refs("refs/heads/").unwrap_or_default();
    let existing = refs.iter().filter_map(|(name, _)| name.strip_prefix("refs/heads/"));
    let folds = repo.git.ignores_case();
    let is_in_the_way = |branch: &&str| {
        // The ids are not known yet, but only the parts before them can collide.
        [pattern.as_str(), "feat/{id}"].iter().any(|wanted| {
            if folds {
                is_below(&branch.to_lowercase(), &wanted.to_lowercase())
            } else {
                is_below(branch, wanted)
            }
        })
    };
    let finding = |branch: &str| {
        let text =
            format!("the branch '{branch}' exists, so git cannot create branches '{branch}/...'");
        let other = branch.replace('/', "-");
        Finding::error("branches", text, git("branch -m").word(branch).word(format!("{other}-old")))
    };
    existing.filter(is_in_the_way).map(finding).collect()
}
