//! Asking for a run's work to be merged: push, and a pull request.
//!
//! Invariant: never forced, and one pull request for a branch: whoever is killed after opening it
//! finds it again.

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

/// Pushes the integration branch as it was proven, and opens its pull request into the base branch;
/// returns the URL, or why there is none.
pub(crate) fn request(
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
            let text = format!("no remote is chosen among {}", names.join(", "));
            return no(Obstacle::NoRemote, text, vec![choose]);
        }
    };
    let typed = |branch: &str| format!("git push {} {}", quoted(&remote), quoted(branch));
    match talker.tip(&remote, base) {
        Ok(Some(_)) => {}
        Ok(None) => {
            let text = format!("{base}, which it would be merged into, is not on {remote}");
            return no(Obstacle::Failed, text, vec![typed(base)]);
        }
        Err(trouble) => return no(trouble.why, trouble.text, vec![typed(head)]),
    }
    match talker.send(&remote, &[(proven.clone(), head)])? {
        Ok(refused) => {
            if let Some(refusal) = refused.first() {
                let text = format!("{remote} does not take {head}: {}", refusal.text);
                return no(Obstacle::PushRefused, text, vec![typed(head)]);
            }
        }
        Err(trouble) => return no(trouble.why, trouble.text, vec![typed(head)]),
    }
    let (git, talk) = (&drive.git, |call: Call| talker.ask(call));
    let Some(forge) = Forge::of(&git.remote_urls(&remote), &git.home(), &talk) else {
        let text = format!("{head} is on {remote}, which is at no forge that is known");
        let by_hand = format!("# ask there by hand: merge {head} into {base}");
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
