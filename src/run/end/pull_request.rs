//! Proposes a run's work: pushes the integration branch, and opens a pull request.
//!
//! Invariant: pushes are never forced, and a branch gets one pull request: after a kill, the same
//! command finds the one that it opened.

use anyhow::Context;

use crate::domain::oid::Oid;
use crate::domain::shell::quoted;
use crate::domain::snapshot::Run;
use crate::domain::task::{Obstacle, Unopened};
use crate::forge::{Forge, Proposal};
use crate::git::remote::RemoteChoice;
use crate::run::Drive;
use crate::run::merge::propose::Talker;
use crate::system::disk::make_folder;
use crate::system::process::StopSwitch;
use crate::system::process::network_call::Call;

/// Pushes the tested commit as the integration branch, and opens its pull request into the base
/// branch. Returns the URL, or why there is none.
pub(crate) fn open_pull_request(
    drive: &Drive,
    run: &Run,
    proven: &Oid,
    title: &str,
    body: &str,
    stop: &StopSwitch,
) -> anyhow::Result<Result<String, Unopened>> {
    let talker = Talker::new(drive, run, stop)?;
    let (head, base) = (run.integration.as_str(), run.base_branch.as_str());
    let no = |why, text: String, next: Vec<String>| Ok(Err(Unopened { why, text, next }));
    let remote = match talker.choose()? {
        RemoteChoice::Remote(remote) => remote,
        RemoteChoice::None => {
            let add = "git remote add origin URL".to_owned();
            return no(Obstacle::NoRemote, "this repository has no remote".into(), vec![add]);
        }
        RemoteChoice::Several(names) => {
            let choose = format!("git config orchestrate.remote {}", quoted(&names[0]));
            let text = format!("there are several remotes: {}", names.join(", "));
            return no(Obstacle::NoRemote, text, vec![choose]);
        }
    };
    let typed = |branch: &str| format!("git push {} {}", quoted(&remote), quoted(branch));
    // A forge opens no pull request into a branch that it does not have. Checked before the push,
    // so that a failure leaves nothing on the remote.
    match talker.tip(&remote, base) {
        Ok(Some(_)) => {}
        Ok(None) => {
            let text = format!("the base branch {base} is not on {remote}");
            return no(Obstacle::Failed, text, vec![typed(base)]);
        }
        Err(trouble) => return no(trouble.why, trouble.text, vec![typed(head)]),
    }
    // The tested commit, not the branch: that may have moved since.
    match talker.send(&remote, &[(proven.clone(), head)])? {
        Ok(refused) => {
            if let Some(refusal) = refused.first() {
                let text = format!("{remote} rejected {head}: {}", refusal.text);
                return no(Obstacle::PushRefused, text, vec![typed(head)]);
            }
        }
        Err(trouble) => return no(trouble.why, trouble.text, vec![typed(head)]),
    }
    let (git, talk) = (&drive.git, |call: Call| talker.ask(call));
    let Some(forge) = Forge::of(&git.remote_urls(&remote), &git.home(), &talk) else {
        let text = format!("{head} is pushed, but {remote} is not on GitHub or GitLab");
        let by_hand = format!("# open a pull request there yourself: merge {head} into {base}");
        return no(Obstacle::NoForge, text, vec![by_hand]);
    };
    let file = drive.folder.own_pull_request();
    make_folder(drive.folder.path())?;
    std::fs::write(&file, body).with_context(|| format!("cannot write '{}'", file.display()))?;
    let proposal = Proposal {
        head: head.to_owned(),
        base: base.to_owned(),
        title: title.to_owned(),
        body: file,
        is_draft: false,
    };
    Ok(talker.open(&forge, &proposal))
}
