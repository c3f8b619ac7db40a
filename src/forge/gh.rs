//! The words of `gh`, GitHub's program.
//!
//! Invariant: what it is called with, and how it is read; nothing is run here. The repository is
//! always named, so that it asks nobody which remote is meant.

use serde::Deserialize;

use super::{Fate, Proposal};
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
struct Listed {
    url: String,
}

/// Returns the first URL of a list, `Some(None)` for an empty one; `None` where it is no list.
pub(super) fn first_url(out: &str) -> Option<Option<String>> {
    let listed: Vec<Listed> = serde_json::from_str(out).ok()?;
    Some(listed.into_iter().next().map(|listed| listed.url))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Viewed {
    state: String,
    merge_commit: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    oid: String,
}

pub(super) fn fate(out: &str) -> Option<Fate> {
    let viewed: Viewed = serde_json::from_str(out).ok()?;
    Some(match viewed.state.as_str() {
        "MERGED" => Fate::Merged(viewed.merge_commit.and_then(|commit| Oid::from_hex(&commit.oid))),
        "CLOSED" => Fate::Closed,
        _ => Fate::Open,
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
        assert_eq!(fate(r#"{"mergeCommit":null,"state":"OPEN"}"#), Some(Fate::Open));
        let id = "a1".repeat(20);
        let merged = format!(r#"{{"mergeCommit":{{"oid":"{id}"}},"state":"MERGED"}}"#);
        assert_eq!(fate(&merged), Some(Fate::Merged(Oid::from_hex(&id))));
    }
}
