//! Proposes a run's work: pushes the integration branch, and opens a pull request.
//!
//! Invariant: pushes are never forced, and a branch gets one pull request: after a kill, the same
//! command finds the one that it opened.

use anyhow::Context;

use crate::domain::oid::Oid;
use crate::domain::snapshot::Run;
use crate::domain::steps::{Command, git};
use crate::domain::task::{Obstacle, PullRequestFailure};
use crate::forge::{Forge, Proposal};
use crate::git::remote::RemoteChoice;
use crate::run::Drive;
use crate::run::merge::for_others::for_others;
use crate::run::merge::propose::{NOTHING, RemoteClient};
use crate::system::private;
use crate::system::process::StopSwitch;
use crate::system::process::network_call::Call;

/// Returns why no pull request can be opened if it is not clear where.
pub(crate) fn missing_remote(
    drive: &Drive,
    run: &Run,
    stop: &StopSwitch,
) -> anyhow::Result<Option<PullRequestFailure>> {
    let (text, next) = match RemoteClient::new(drive, run, stop)?.choose()? {
        RemoteChoice::Remote(_) => return Ok(None),
        RemoteChoice::None => {
            let add = git("remote add origin").blank("URL");
            ("this repository has no remote".to_owned(), add)
        }
        RemoteChoice::Several(names) => {
            let choose = git("config orchestrate.remote").word(&names[0]);
            (format!("there are several remotes: {}", names.join(", ")), choose)
        }
    };
    Ok(Some(PullRequestFailure::new(Obstacle::NoRemote, &text, [next])))
}

/// Pushes the tested commit as the integration branch, and opens its pull request into the base
/// branch. Returns the URL, or why there is none.
pub(crate) fn open_pull_request(
    drive: &Drive,
    run: &Run,
    proven: &Oid,
    title: &str,
    body: &str,
    stop: &StopSwitch,
) -> anyhow::Result<Result<String, PullRequestFailure>> {
    if let Some(unopened) = missing_remote(drive, run, stop)? {
        return Ok(Err(unopened));
    }
    let client = RemoteClient::new(drive, run, stop)?;
    let (head, base) = (run.integration.as_str(), run.base_branch.as_str());
    let no = |why, text: &str, next: Command| Ok(Err(PullRequestFailure::new(why, text, [next])));
    let RemoteChoice::Remote(remote) = client.choose()? else {
        let add = git("remote add origin").blank("URL");
        return no(Obstacle::NoRemote, "the remote was removed meanwhile", add);
    };
    let push = |branch: &str| git("push").word(&remote).word(branch);
    // A forge opens no pull request into a branch that it does not have. Checked before the push,
    // so that a failure leaves nothing on the remote.
    match client.tip(&remote, base) {
        Ok(Some(_)) => {}
        Ok(None) => {
            let text = format!("the base branch {base} is not on {remote}");
            return no(Obstacle::Failed, &text, push(base));
        }
        Err(trouble) => return no(trouble.why, &trouble.text, push(head)),
    }
    // The tested commit, not the branch: that may have moved since.
    match client.send(&remote, &[(proven.clone(), head)])? {
        Ok(refused) => {
            if let Some(refusal) = refused.first() {
                let text = format!("{remote} rejected {head}: {}", refusal.text);
                return no(Obstacle::PushRefused, &text, push(head));
            }
        }
        Err(trouble) => return no(trouble.why, &trouble.text, push(head)),
    }
    let talk = |call: Call| client.ask(call);
    let urls = drive.git.remote_urls(&remote);
    let Some(forge) = Forge::of(&urls, &drive.git.home(), &talk) else {
        let text = format!("{head} is pushed, but {remote} is not on GitHub or GitLab");
        return Ok(Err(PullRequestFailure::new(Obstacle::NoForge, &text, NOTHING)));
    };
    let file = drive.folder.own_pull_request();
    drive.folder.create()?;
    private::write(&file, for_others(body))
        .with_context(|| format!("cannot write '{}'", file.display()))?;
    let proposal = Proposal {
        head: head.to_owned(),
        base: base.to_owned(),
        title: for_others(title),
        body: file,
        is_draft: false,
    };
    Ok(client.open(&forge, &proposal))
}
