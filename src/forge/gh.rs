//! Command lines and answers of `gh`, GitHub's program.
//!
//! Invariant: builds command lines and reads answers; runs nothing. The repository is always named,
//! so that `gh` does not ask which remote is meant.

use serde::Deserialize;

use super::{Proposal, PullRequestState};
use crate::domain::oid::Oid;
use crate::domain::steps::{Step, program};

pub(super) fn list(place: &str, head: &str, base: &str) -> Vec<String> {
    let asked = ["gh", "pr", "list", "--repo", place, "--head", head, "--base", base];
    let told = ["--state", "open", "--json", "url"];
    asked.iter().chain(&told).map(|&word| word.to_owned()).collect()
}

pub(super) fn create(place: &str, proposal: &Proposal) -> Vec<String> {
    let Proposal { head, base, title, body, is_draft } = proposal;
    let body = body.display().to_string();
    let asked = ["gh", "pr", "create", "--repo", place, "--head", head, "--base", base];
    let told = ["--title", title, "--body-file", &body];
    let draft = is_draft.then_some("--draft");
    asked.into_iter().chain(told).chain(draft).map(str::to_owned).collect()
}

pub(super) fn view(place: &str, url: &str) -> Vec<String> {
    let asked = ["gh", "pr", "view", url, "--repo", place, "--json", "state,mergeCommit"];
    asked.map(str::to_owned).to_vec()
}

pub(super) fn by_hand(place: &str, proposal: &Proposal) -> Step {
    program("").words(create(place, proposal)).into()
}

#[derive(Deserialize)]
struct ListedPullRequest {
    url: String,
}

/// Returns the first URL of a list, `Some(None)` for an empty list; `None` if the text is not a
/// list.
pub(super) fn first_url(out: &str) -> Option<Option<String>> {
    let listed: Vec<ListedPullRequest> = serde_json::from_str(out).ok()?;
    Some(listed.into_iter().next().map(|listed| listed.url))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ViewedPullRequest {
    state: String,
    merge_commit: Option<MergeCommit>,
}

#[derive(Deserialize)]
struct MergeCommit {
    oid: String,
}

pub(super) fn state(out: &str) -> Option<PullRequestState> {
    let viewed: ViewedPullRequest = serde_json::from_str(out).ok()?;
    Some(match viewed.state.as_str() {
        "MERGED" => PullRequestState::Merged(
            viewed.merge_commit.and_then(|commit| Oid::from_hex(&commit.oid)),
        ),
        "CLOSED" => PullRequestState::Closed,
        _ => PullRequestState::Open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(first_url("[]"), Some(None));
        assert_eq!(first_url(r#"[{"url":"https://x/1"}]"#), Some(Some("https://x/1".into())));
        assert_eq!(first_url("no JSON"), None);
        assert_eq!(state(r#"{"mergeCommit":null,"state":"OPEN"}"#), Some(PullRequestState::Open));
        let id = "a1".repeat(20);
        let merged = format!(r#"{{"mergeCommit":{{"oid":"{id}"}},"state":"MERGED"}}"#);
        assert_eq!(state(&merged), Some(PullRequestState::Merged(Oid::from_hex(&id))));
    }
}
