//! Forges: where pull requests are opened, through the program that the user has for it.
//!
//! Invariant: the only place that talks to `gh` or `glab`. It asks before it opens, and opens one
//! pull request for a branch; what stands in the way is told apart, in the program's own words.

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
    kind: Kind,
    host: String,
    /// `owner/name`, with groups in between at some forges.
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    GitHub,
    GitLab,
}

/// A pull request to open.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// The branch with the work.
    pub head: String,
    /// The branch that it is to be merged into.
    pub base: String,
    pub title: String,
    /// The file that holds the description.
    pub body: PathBuf,
    pub is_draft: bool,
}

/// What a pull request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    /// As this commit, where the forge says so.
    Merged(Option<Oid>),
    Closed,
}

/// What stood in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub why: Obstacle,
    /// One line.
    pub text: String,
}

/// Whoever runs a program and says what it said; an error where it cannot be started.
pub(crate) type Talk<'a> = &'a dyn Fn(Call) -> std::io::Result<Reply>;

impl Forge {
    /// Returns the forge that a remote is at, by its URLs: by the host's name, else by whose program
    /// knows an account there.
    pub(crate) fn of(urls: &[String], directory: &Path, talk: Talk<'_>) -> Option<Forge> {
        let (host, path) = urls.iter().find_map(|url| address::of(url))?;
        let kind = kind_by_name(&host).or_else(|| kind_by_account(&host, directory, talk))?;
        Some(Forge { kind, host, path })
    }

    /// Returns the name of the forge's program.
    pub(crate) fn program(&self) -> &'static str {
        self.kind.program()
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the URL of the open pull request for a branch into another.
    pub(crate) fn find(
        &self,
        head: &str,
        base: &str,
        directory: &Path,
        talk: Talk<'_>,
    ) -> Result<Option<String>, Trouble> {
        let said = self.ask(self.list(head, base), directory, talk)?;
        let found = match self.kind {
            Kind::GitHub => gh::first_url(&said.out),
            Kind::GitLab => glab::first_url(&said.out),
        };
        found.ok_or_else(|| self.strange(&said))
    }

    /// Opens a pull request; returns its URL.
    pub(crate) fn open(
        &self,
        proposal: &Proposal,
        directory: &Path,
        talk: Talk<'_>,
    ) -> Result<String, Trouble> {
        let argv = match self.kind {
            Kind::GitHub => gh::create(&self.place(), proposal),
            Kind::GitLab => glab::create(&self.place(), proposal)
                .map_err(|text| Trouble { why: Obstacle::Failed, text })?,
        };
        let said = self.ask(argv, directory, talk)?;
        let url = said.out.split_whitespace().rfind(|word| word.starts_with("http"));
        url.map(str::to_owned).ok_or_else(|| self.strange(&said))
    }

    /// Returns what a pull request came to.
    pub(crate) fn fate(
        &self,
        url: &str,
        directory: &Path,
        talk: Talk<'_>,
    ) -> Result<Fate, Trouble> {
        let argv = match self.kind {
            Kind::GitHub => gh::view(&self.place(), url),
            Kind::GitLab => glab::view(&self.place(), url),
        };
        let said = self.ask(argv, directory, talk)?;
        let fate = match self.kind {
            Kind::GitHub => gh::fate(&said.out),
            Kind::GitLab => glab::fate(&said.out),
        };
        fate.ok_or_else(|| self.strange(&said))
    }

    /// Returns the command that opens a pull request by hand.
    pub(crate) fn by_hand(&self, proposal: &Proposal) -> Step {
        match self.kind {
            Kind::GitHub => gh::by_hand(&self.place(), proposal),
            Kind::GitLab => glab::by_hand(&self.place(), proposal),
        }
    }

    /// Returns the page on which a pull request is opened in a browser.
    pub(crate) fn page(&self, head: &str, base: &str) -> String {
        let (host, path) = (&self.host, &self.path);
        match self.kind {
            Kind::GitHub => format!("https://{host}/{path}/compare/{base}...{head}?expand=1"),
            Kind::GitLab => format!(
                "https://{host}/{path}/-/merge_requests/new?merge_request[source_branch]={head}\
                 &merge_request[target_branch]={base}"
            ),
        }
    }

    /// Returns the repository as the program's option takes it.
    fn place(&self) -> String {
        match self.kind {
            Kind::GitHub => format!("{}/{}", self.host, self.path),
            Kind::GitLab => format!("https://{}/{}", self.host, self.path),
        }
    }

    fn list(&self, head: &str, base: &str) -> Vec<String> {
        match self.kind {
            Kind::GitHub => gh::list(&self.place(), head, base),
            Kind::GitLab => glab::list(&self.place(), head, base),
        }
    }

    fn ask(&self, argv: Vec<String>, directory: &Path, talk: Talk<'_>) -> Result<Reply, Trouble> {
        let program = self.program();
        if find_program(program).is_none() {
            let text = format!("'{program}' is not on the PATH");
            return Err(Trouble { why: Obstacle::NoProgram, text });
        }
        let said = talk(call(argv, directory)).map_err(|error| Trouble {
            why: Obstacle::NoProgram,
            text: format!("'{program}' cannot be run: {error}"),
        })?;
        if said.is_good() { Ok(said) } else { Err(trouble(program, &said)) }
    }

    fn strange(&self, said: &Reply) -> Trouble {
        let text = said.out.lines().next().unwrap_or("nothing");
        let text = format!("what '{}' says is not understood: {text}", self.program());
        Trouble { why: Obstacle::Failed, text }
    }
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Kind::GitHub => "gh",
            Kind::GitLab => "glab",
        }
    }
}

fn kind_by_name(host: &str) -> Option<Kind> {
    let has = |part: &str| host.to_ascii_lowercase().contains(part);
    match (has("github"), has("gitlab")) {
        (true, _) => Some(Kind::GitHub),
        (false, true) => Some(Kind::GitLab),
        (false, false) => None,
    }
}

fn kind_by_account(host: &str, directory: &Path, talk: Talk<'_>) -> Option<Kind> {
    let knows = |kind: &Kind| {
        let asked = [kind.program(), "auth", "status", "--hostname", host];
        let argv = asked.map(str::to_owned).to_vec();
        find_program(kind.program()).is_some()
            && talk(call(argv, directory)).is_ok_and(|said| said.is_good())
    };
    [Kind::GitHub, Kind::GitLab].into_iter().find(knows)
}

/// Nothing is asked, coloured or looked up beside what was asked for.
fn call(argv: Vec<String>, directory: &Path) -> Call {
    let set = ["GH_PROMPT_DISABLED", "GH_NO_UPDATE_NOTIFIER", "NO_COLOR", "NO_PROMPT"];
    let environment = set.map(|name| (name.to_owned(), "1".into())).to_vec();
    Call { argv, directory: directory.to_owned(), environment }
}

/// Says what a program's failure means.
fn trouble(program: &str, said: &Reply) -> Trouble {
    let err = said.err.trim();
    let has = |parts: &[&str]| parts.iter().any(|part| err.contains(part));
    let no_account = ["auth login", "authentication required", "HTTP 401", "401 Unauthorized"];
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
    Trouble { why, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_is_told_apart() {
        let said = |code, err: &str| {
            let said = Reply { ending: Ending::Exited(code), out: String::new(), err: err.into() };
            trouble("gh", &said).why
        };
        assert_eq!(
            said(4, "To get started with GitHub CLI, please run:  gh auth login"),
            Obstacle::NotLoggedIn
        );
        assert_eq!(said(1, "HTTP 401: Bad credentials"), Obstacle::NotLoggedIn);
        assert_eq!(said(1, "error connecting to api.github.com"), Obstacle::NoNetwork);
        assert_eq!(said(1, "GraphQL: Base ref must be a branch"), Obstacle::Failed);
        let late = Reply { ending: Ending::TimedOut, out: String::new(), err: String::new() };
        assert_eq!(trouble("gh", &late).why, Obstacle::NoNetwork);
    }

    #[test]
    fn hosts_by_name() {
        assert_eq!(kind_by_name("github.com"), Some(Kind::GitHub));
        assert_eq!(kind_by_name("GitHub.example.org"), Some(Kind::GitHub));
        assert_eq!(kind_by_name("gitlab.gnome.org"), Some(Kind::GitLab));
        assert_eq!(kind_by_name("git.example.org"), None);
    }
}
