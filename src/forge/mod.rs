//! Forges: opens pull requests through the forge's own program (`gh` or `glab`).
//!
//! Invariant: the only place that uses `gh` or `glab`. It looks for an open pull request before it
//! opens one, so a branch has one at most; a failure is classified, with the program's own message.

mod address;
mod gh;
mod glab;

use std::path::{Path, PathBuf};

use crate::domain::oid::Oid;
use crate::domain::steps::Step;
use crate::domain::task::{Ending, Obstacle};
use crate::system::process::find_program;
use crate::system::process::network_call::{Call, Reply};

/// A repository at a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forge {
    kind: ForgeKind,
    host: String,
    /// `owner/name`; GitLab may have groups in between.
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ForgeKind {
    GitHub,
    GitLab,
}

/// A pull request to open.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// The branch with the work.
    pub head: String,
    /// The branch to merge into.
    pub base: String,
    pub title: String,
    /// The file with the description.
    pub body: PathBuf,
    pub is_draft: bool,
}

/// The state of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PullRequestState {
    Open,
    /// Merged as this commit, if the forge names it.
    Merged(Option<Oid>),
    Closed,
}

/// Why a call of the forge's program failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForgeError {
    pub why: Obstacle,
    /// One line.
    pub text: String,
}

/// Runs a program and returns its reply; an error if it cannot be started.
pub(crate) type CallRunner<'a> = &'a dyn Fn(Call) -> std::io::Result<Reply>;

impl Forge {
    /// Returns the forge of a remote, from its URLs: by the host's name, else by which program has
    /// an account there (for self-hosted forges).
    pub(crate) fn of(urls: &[String], directory: &Path, run: CallRunner<'_>) -> Option<Forge> {
        let (host, path) = urls.iter().find_map(|url| address::of(url))?;
        // The name first: asking for an account runs two programs, which use the network.
        let kind = kind_by_name(&host).or_else(|| kind_by_account(&host, directory, run))?;
        Some(Forge { kind, host, path })
    }

    /// Returns the name of the forge's program.
    pub(crate) fn program(&self) -> &'static str {
        self.kind.program()
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the URL of the open pull request from one branch into another.
    pub(crate) fn find(
        &self,
        head: &str,
        base: &str,
        directory: &Path,
        run: CallRunner<'_>,
    ) -> Result<Option<String>, ForgeError> {
        let said = self.ask(self.list(head, base), directory, run)?;
        let found = match self.kind {
            ForgeKind::GitHub => gh::first_url(&said.out),
            ForgeKind::GitLab => glab::first_url(&said.out),
        };
        found.ok_or_else(|| self.unreadable(&said))
    }

    /// Opens a pull request; returns its URL.
    pub(crate) fn open(
        &self,
        proposal: &Proposal,
        directory: &Path,
        run: CallRunner<'_>,
    ) -> Result<String, ForgeError> {
        let argv = match self.kind {
            ForgeKind::GitHub => gh::create(&self.place(), proposal),
            ForgeKind::GitLab => glab::create(&self.place(), proposal)
                .map_err(|text| ForgeError { why: Obstacle::Failed, text })?,
        };
        let said = self.ask(argv, directory, run)?;
        // The last one, because a message may name other pages before it.
        let url = said.out.split_whitespace().rfind(|word| word.starts_with("http"));
        url.map(str::to_owned).ok_or_else(|| self.unreadable(&said))
    }

    /// Returns the state of a pull request.
    pub(crate) fn state(
        &self,
        url: &str,
        directory: &Path,
        run: CallRunner<'_>,
    ) -> Result<PullRequestState, ForgeError> {
        let argv = match self.kind {
            ForgeKind::GitHub => gh::view(&self.place(), url),
            ForgeKind::GitLab => glab::view(&self.place(), url),
        };
        let said = self.ask(argv, directory, run)?;
        let state = match self.kind {
            ForgeKind::GitHub => gh::state(&said.out),
            ForgeKind::GitLab => glab::state(&said.out),
        };
        state.ok_or_else(|| self.unreadable(&said))
    }

    /// Returns the command with which the user can open the pull request.
    pub(crate) fn by_hand(&self, proposal: &Proposal) -> Step {
        match self.kind {
            ForgeKind::GitHub => gh::by_hand(&self.place(), proposal),
            ForgeKind::GitLab => glab::by_hand(&self.place(), proposal),
        }
    }

    /// Returns the web page that opens a pull request.
    pub(crate) fn page(&self, head: &str, base: &str) -> String {
        let (host, path) = (&self.host, &self.path);
        match self.kind {
            ForgeKind::GitHub => format!("https://{host}/{path}/compare/{base}...{head}?expand=1"),
            ForgeKind::GitLab => format!(
                "https://{host}/{path}/-/merge_requests/new?merge_request[source_branch]={head}\
                 &merge_request[target_branch]={base}"
            ),
        }
    }

    /// Returns the repository as the program's option `--repo` expects it.
    fn place(&self) -> String {
        match self.kind {
            ForgeKind::GitHub => format!("{}/{}", self.host, self.path),
            // Without a scheme `glab` would take the host for the first group of the path.
            ForgeKind::GitLab => format!("https://{}/{}", self.host, self.path),
        }
    }

    fn list(&self, head: &str, base: &str) -> Vec<String> {
        match self.kind {
            ForgeKind::GitHub => gh::list(&self.place(), head, base),
            ForgeKind::GitLab => glab::list(&self.place(), head, base),
        }
    }

    fn ask(
        &self,
        argv: Vec<String>,
        directory: &Path,
        run: CallRunner<'_>,
    ) -> Result<Reply, ForgeError> {
        let program = self.program();
        if find_program(program).is_none() {
            let text = format!("'{program}' is not on the PATH");
            return Err(ForgeError { why: Obstacle::NoProgram, text });
        }
        let said = run(call(argv, directory)).map_err(|error| ForgeError {
            why: Obstacle::NoProgram,
            text: format!("'{program}' cannot be run: {error}"),
        })?;
        if said.is_good() { Ok(said) } else { Err(error_of(program, &said)) }
    }

    /// Returns the error for an answer that cannot be read.
    fn unreadable(&self, said: &Reply) -> ForgeError {
        let text = said.out.lines().next().unwrap_or("nothing");
        let text = format!("cannot read the answer of '{}': {text}", self.program());
        ForgeError { why: Obstacle::Failed, text }
    }
}

impl ForgeKind {
    fn program(self) -> &'static str {
        match self {
            ForgeKind::GitHub => "gh",
            ForgeKind::GitLab => "glab",
        }
    }
}

fn kind_by_name(host: &str) -> Option<ForgeKind> {
    let has = |part: &str| host.to_ascii_lowercase().contains(part);
    match (has("github"), has("gitlab")) {
        (true, _) => Some(ForgeKind::GitHub),
        (false, true) => Some(ForgeKind::GitLab),
        (false, false) => None,
    }
}

fn kind_by_account(host: &str, directory: &Path, run: CallRunner<'_>) -> Option<ForgeKind> {
    let knows = |kind: &ForgeKind| {
        let asked = [kind.program(), "auth", "status", "--hostname", host];
        let argv = asked.map(str::to_owned).to_vec();
        find_program(kind.program()).is_some()
            && run(call(argv, directory)).is_ok_and(|said| said.is_good())
    };
    [ForgeKind::GitHub, ForgeKind::GitLab].into_iter().find(knows)
}

/// Returns the call of a program, with variables that switch off questions, colours and update
/// checks.
fn call(argv: Vec<String>, directory: &Path) -> Call {
    let set = ["GH_PROMPT_DISABLED", "GH_NO_UPDATE_NOTIFIER", "NO_COLOR", "NO_PROMPT"];
    let environment = set.map(|name| (name.to_owned(), "1".into())).to_vec();
    Call { argv, directory: directory.to_owned(), environment }
}

/// Returns what a program's failure means.
fn error_of(program: &str, said: &Reply) -> ForgeError {
    let err = said.err.trim();
    let has = |parts: &[&str]| parts.iter().any(|part| err.contains(part));
    let no_account = ["auth login", "authentication required", "HTTP 401", "401 Unauthorized"];
    // The exit code does not tell these apart: both programs use 1 for almost everything.
    let no_answer = [
        "error connecting",
        "dial tcp",
        "dial unix",
        "no such host",
        "connection refused",
        "i/o timeout",
        "network is unreachable",
        "TLS handshake",
        "HTTP 502",
        "HTTP 503",
        "HTTP 504",
    ];
    let why = match said.ending {
        Ending::Exited(4) => Obstacle::NotLoggedIn,
        // A program that waits for the network without end is only ever seen like this.
        Ending::TimedOut | Ending::Stopped => Obstacle::NoNetwork,
        _ if has(&no_account) => Obstacle::NotLoggedIn,
        _ if has(&no_answer) => Obstacle::NoNetwork,
        _ => Obstacle::Failed,
    };
    let first = err.lines().map(str::trim).find(|line| !line.is_empty());
    let text = match said.ending {
        Ending::TimedOut => format!("'{program}' did not end in time"),
        Ending::Stopped => format!("'{program}' was stopped"),
        _ => first.map_or_else(|| format!("'{program}' ended with {}", said.ending), str::to_owned),
    };
    ForgeError { why, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_a_program_are_classified() {
        let said = |code, err: &str| {
            let said = Reply { ending: Ending::Exited(code), out: String::new(), err: err.into() };
            error_of("gh", &said).why
        };
        assert_eq!(
            said(4, "To get started with GitHub CLI, please run:  gh auth login"),
            Obstacle::NotLoggedIn
        );
        assert_eq!(said(1, "HTTP 401: Bad credentials"), Obstacle::NotLoggedIn);
        assert_eq!(said(1, "error connecting to api.github.com"), Obstacle::NoNetwork);
        assert_eq!(said(1, "GraphQL: Base ref must be a branch"), Obstacle::Failed);
        let late = Reply { ending: Ending::TimedOut, out: String::new(), err: String::new() };
        assert_eq!(error_of("gh", &late).why, Obstacle::NoNetwork);
    }

    #[test]
    fn hosts_by_name() {
        assert_eq!(kind_by_name("github.com"), Some(ForgeKind::GitHub));
        assert_eq!(kind_by_name("GitHub.example.org"), Some(ForgeKind::GitHub));
        assert_eq!(kind_by_name("gitlab.gnome.org"), Some(ForgeKind::GitLab));
        assert_eq!(kind_by_name("git.example.org"), None);
    }
}
