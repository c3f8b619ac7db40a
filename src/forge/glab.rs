//! Command lines and answers of `glab`, GitLab's program.
//!
//! Invariant: builds command lines and reads answers; runs nothing. `glab` cannot read the
//! description from a file, so it is an argument, and shortened.

use serde::Deserialize;

use super::{Proposal, PullRequestState};
use crate::domain::oid::Oid;
use crate::domain::steps::Step;
use crate::domain::steps::shell::quoted;

/// Longest description in bytes; Linux limits one argument to 128 KB.
const MAX_BODY: usize = 60_000;

pub(super) fn list(place: &str, head: &str, base: &str) -> Vec<String> {
    let asked = ["glab", "mr", "list", "--repo", place, "--source-branch", head];
    let told = ["--target-branch", base, "--output", "json"];
    asked.iter().chain(&told).map(|&word| word.to_owned()).collect()
}

/// Returns the command line that opens a pull request; an error, as a sentence, if the file with
/// the description cannot be read.
pub(super) fn create(place: &str, proposal: &Proposal) -> Result<Vec<String>, String> {
    let body = std::fs::read_to_string(&proposal.body)
        .map_err(|error| format!("cannot read '{}': {error}", proposal.body.display()))?;
    // A limit in bytes may fall into the middle of a character.
    let end = (0..=body.len().min(MAX_BODY)).rev().find(|end| body.is_char_boundary(*end));
    let body = &body[..end.unwrap_or(0)];
    Ok(words(place, proposal).into_iter().chain([body.to_owned()]).collect())
}

/// Returns the command line up to the description.
fn words(place: &str, proposal: &Proposal) -> Vec<String> {
    let Proposal { head, base, title, is_draft, .. } = proposal;
    let asked = ["glab", "mr", "create", "--repo", place, "--source-branch", head];
    // Nobody is there to confirm: with `--yes` it does not ask.
    let told = ["--target-branch", base, "--title", title, "--yes"];
    let draft = is_draft.then_some("--draft");
    let last = ["--description"];
    asked.into_iter().chain(told).chain(draft).chain(last).map(str::to_owned).collect()
}

pub(super) fn view(place: &str, url: &str) -> Vec<String> {
    // `glab` takes the number, not the URL.
    let number = url.trim_end_matches('/').rsplit('/').next().unwrap_or(url);
    ["glab", "mr", "view", number, "--repo", place, "--output", "json"].map(str::to_owned).to_vec()
}

pub(super) fn by_hand(place: &str, proposal: &Proposal) -> Step {
    // Quoted here, word by word, since the shell has to see `$(cat ...)` without quotes.
    let words: Vec<String> = words(place, proposal).iter().map(|word| quoted(word)).collect();
    let body = quoted(&proposal.body.display().to_string());
    Step::Line(format!("{} \"$(cat {body})\"", words.join(" ")))
}

#[derive(Deserialize)]
struct ListedPullRequest {
    web_url: String,
}

/// Returns the first URL of a list, `Some(None)` for an empty list; `None` if the text is not a
/// list.
pub(super) fn first_url(out: &str) -> Option<Option<String>> {
    let listed: Vec<ListedPullRequest> = serde_json::from_str(out).ok()?;
    Some(listed.into_iter().next().map(|listed| listed.web_url))
}

#[derive(Deserialize)]
struct ViewedPullRequest {
    state: String,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
}

pub(super) fn state(out: &str) -> Option<PullRequestState> {
    let viewed: ViewedPullRequest = serde_json::from_str(out).ok()?;
    // A squash without a merge commit leaves only the squashed one.
    let commit = viewed.merge_commit_sha.or(viewed.squash_commit_sha);
    Some(match viewed.state.as_str() {
        "merged" => PullRequestState::Merged(commit.as_deref().and_then(Oid::from_hex)),
        "closed" => PullRequestState::Closed,
        _ => PullRequestState::Open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::steps::Scope;

    #[test]
    fn answers() {
        assert_eq!(first_url("[]"), Some(None));
        assert_eq!(first_url(r#"[{"web_url":"https://x/1"}]"#), Some(Some("https://x/1".into())));
        let squashed = r#"{"state":"merged","merge_commit_sha":null,"squash_commit_sha":null}"#;
        assert_eq!(state(squashed), Some(PullRequestState::Merged(None)));
        assert_eq!(state(r#"{"state":"opened"}"#), Some(PullRequestState::Open));
    }

    #[test]
    fn the_command_to_paste_reads_the_description_from_its_file() {
        let proposal = Proposal {
            head: "feat/b".into(),
            base: "feat/x".into(),
            title: "Do b".into(),
            body: "/tmp/it's".into(),
            is_draft: true,
        };
        let typed = Scope::default().line(&by_hand("https://gitlab.com/g/p", &proposal));
        assert!(typed.contains("--title 'Do b' --yes --draft --description \"$(cat "), "{typed}");
    }
}
