//! Remotes: which one is meant, and the calls that push to it and fetch from it.
//!
//! Invariant: never forced, no tags, no refspec that is stored: a push names a commit and a branch,
//! a fetch a branch, and the user's own configuration decides about remote-tracking branches. git
//! never asks a question on a terminal.

use std::ffi::OsString;

use super::Git;
use crate::domain::oid::Oid;
use crate::domain::steps::git;
use crate::domain::task::{Ending, Obstacle};
use crate::system::process::network_call::{Call, Reply};

/// Parts of git's messages that mean that the remote was reached and denied access.
const DENIED: [&str; 8] = [
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "Permission denied",
    "Permission to",
    "error: 403",
    "error: 401",
    "access denied",
];

/// The remote to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteChoice {
    Remote(String),
    /// There is no remote.
    None,
    /// There are several, and none is preferred.
    Several(Vec<String>),
}

/// Why a push or a fetch failed, in git's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteError {
    pub why: Obstacle,
    pub text: String,
}

/// A branch that the remote rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedBranch {
    pub branch: String,
    /// git's reason: `[rejected] (non-fast-forward)`.
    pub text: String,
}

impl Git {
    /// Chooses a remote: the named one, else the upstream remote of a branch, else `origin`, else
    /// the only one.
    pub fn choose_remote(&self, named: Option<&str>, branch: &str) -> anyhow::Result<RemoteChoice> {
        let text = self.command().args(["remote"]).text()?;
        let remotes: Vec<String> = text.lines().map(str::to_owned).collect();
        let upstream = self.config_text(&format!("branch.{branch}.remote"));
        let wanted = [named.map(str::to_owned), upstream, Some("origin".into())];
        if let Some(named) = named.filter(|named| !remotes.iter().any(|name| name == named)) {
            return Err(crate::domain::error::failure(
                format!("there is no remote '{named}', which orchestrate.remote names"),
                git("remote -v").to("See which there are"),
            ));
        }
        let known = |name: &String| remotes.contains(name);
        if let Some(name) = wanted.into_iter().flatten().find(known) {
            return Ok(RemoteChoice::Remote(name));
        }
        Ok(match remotes.as_slice() {
            [] => RemoteChoice::None,
            [only] => RemoteChoice::Remote(only.clone()),
            _ => RemoteChoice::Several(remotes),
        })
    }

    /// Returns the URLs that pushes to a remote go to: as git resolves it, then as configured. With
    /// `url.<base>.insteadOf` only the second one may show the forge's host.
    pub fn remote_urls(&self, remote: &str) -> Vec<String> {
        let resolved = self.command().args(["remote", "get-url", "--push", remote]).text().ok();
        let resolved = resolved.map(|text| text.trim_end().to_owned());
        let configured =
            ["pushurl", "url"].map(|key| self.config_text(&format!("remote.{remote}.{key}")));
        resolved.into_iter().chain(configured.into_iter().flatten()).collect()
    }

    /// Returns the value of a key of the repository's configuration.
    fn config_text(&self, key: &str) -> Option<String> {
        let text = self.command().args(["config", "--get", key]).text().ok()?;
        Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns the call that pushes commits to branches of a remote; [`read_push`] reads the
    /// answer.
    pub fn push_call(&self, remote: &str, what: &[(Oid, &str)]) -> Call {
        let refspecs = what.iter().map(|(commit, branch)| format!("{commit}:refs/heads/{branch}"));
        // The user's tags are not this program's to publish.
        let fixed = ["-c", "push.followTags=false", "push", "--porcelain", "--quiet", remote];
        self.call(fixed.map(str::to_owned).into_iter().chain(refspecs))
    }

    /// Returns the call that asks for the tip of a branch of a remote; [`read_tip`] reads the
    /// answer.
    pub fn tip_call(&self, remote: &str, branch: &str) -> Call {
        let full = format!("refs/heads/{branch}");
        self.call(["ls-remote", remote, &full].map(str::to_owned))
    }

    /// Returns the call that fetches the objects of a branch. Remote-tracking branches move as the
    /// user's own configuration says.
    pub fn fetch_call(&self, remote: &str, branch: &str) -> Call {
        let full = format!("refs/heads/{branch}");
        let fixed = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune"];
        let more = ["--no-recurse-submodules", remote, full.as_str()];
        self.call(fixed.iter().chain(&more).map(|&word| word.to_owned()))
    }

    /// Returns a call of git that talks to a remote. It runs in the main worktree, so that a
    /// `pre-push` hook finds the folder that it finds at the user's own push.
    fn call(&self, arguments: impl IntoIterator<Item = String>) -> Call {
        let text = |key: &str, value: &str| (key.to_owned(), OsString::from(value));
        let mut environment = vec![text("GIT_TERMINAL_PROMPT", "0"), text("LC_ALL", "C")];
        let is_plain = self.home.join(".git").is_dir() && self.main_worktree.is_none();
        if !is_plain {
            environment.push(("GIT_DIR".into(), self.common_dir.clone().into()));
        }
        let chooses_ssh =
            ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|v| std::env::var_os(v).is_some());
        if !chooses_ssh && self.config_text("core.sshCommand").is_none() {
            // Without BatchMode, ssh would ask for a passphrase and wait until the time limit.
            environment.push(text("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"));
        }
        Call {
            argv: std::iter::once("git".to_owned()).chain(arguments).collect(),
            directory: if is_plain { self.home.clone() } else { self.common_dir.clone() },
            environment,
        }
    }
}

/// Reads the answer to a push; returns the rejected branches.
pub(crate) fn read_push(said: &Reply) -> Result<Vec<RejectedBranch>, RemoteError> {
    let refused: Vec<RejectedBranch> = said.out.lines().filter_map(refusal).collect();
    if said.is_good() || !refused.is_empty() { Ok(refused) } else { Err(error_of(said)) }
}

/// Reads a line `!<tab>commit:refs/heads/x<tab>[rejected] (fetch first)`.
fn refusal(line: &str) -> Option<RejectedBranch> {
    let mut fields = line.strip_prefix("!\t")?.splitn(2, '\t');
    let (_, branch) = fields.next()?.split_once(":refs/heads/")?;
    let text = fields.next().unwrap_or_default().to_owned();
    Some(RejectedBranch { branch: branch.to_owned(), text })
}

/// Reads the answer to [`Git::tip_call`]; `None` if there is no such branch.
pub(crate) fn read_tip(said: &Reply) -> Result<Option<Oid>, RemoteError> {
    if !said.is_good() {
        return Err(error_of(said));
    }
    Ok(said.out.split_whitespace().next().and_then(Oid::from_hex))
}

/// Returns why a call failed.
pub(crate) fn error_of(said: &Reply) -> RemoteError {
    // ssh and every forge have words of their own, and no exit code tells the cases apart.
    let is_denied = DENIED.iter().any(|part| said.err.contains(part));
    let why = if is_denied { Obstacle::PushRefused } else { Obstacle::NoNetwork };
    let text = match said.ending {
        Ending::TimedOut => "it did not answer in time".to_owned(),
        Ending::Stopped => "it was stopped".to_owned(),
        _ => error_line(&said.err).unwrap_or_else(|| said.ending.to_string()),
    };
    RemoteError { why, text }
}

/// Returns git's error message: the first line that begins with `fatal:` or `error:`, else the
/// first line.
fn error_line(err: &str) -> Option<String> {
    let said = |mark: &str| err.lines().find_map(|line| line.trim().strip_prefix(mark));
    let first = || err.lines().map(str::trim).find(|line| !line.is_empty());
    said("fatal: ").or_else(|| said("error: ")).or_else(first).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, out: &str, err: &str) -> Reply {
        Reply { ending: Ending::Exited(code), out: out.into(), err: err.into() }
    }

    #[test]
    fn a_rejected_branch_differs_from_an_unreachable_remote() {
        let out = "To /x\n!\taa:refs/heads/feat/a\t[rejected] (fetch first)\n=\tbb:refs/heads/b\t[up to date]\n";
        let refused =
            read_push(&said(1, out, "error: failed to push some refs")).expect("an answer");
        assert_eq!(refused.len(), 1);
        assert_eq!(
            (refused[0].branch.as_str(), refused[0].text.as_str()),
            ("feat/a", "[rejected] (fetch first)")
        );
        let no_host = said(
            128,
            "",
            "ssh: Could not resolve hostname x\nfatal: Could not read from remote repository.\n",
        );
        assert_eq!(read_push(&no_host).expect_err("no answer").why, Obstacle::NoNetwork);
        let denied =
            said(128, "", "remote: Permission to a/b.git denied to c.\nfatal: unable to access\n");
        assert_eq!(read_push(&denied).expect_err("no answer").why, Obstacle::PushRefused);
        assert_eq!(read_push(&said(0, "To /x\nDone\n", "")), Ok(Vec::new()));
    }
}
