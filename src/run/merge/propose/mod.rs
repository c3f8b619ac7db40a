//! Pull requests of conflicts: pushes the task's branch, opens a draft, and finds out later whether
//! it was merged on the remote.
//!
//! Invariant: one process of a run calls the remote at a time. Nothing is forced and every call has a
//! time limit. Each step asks first whether it was done before, so that a process that was killed
//! leaves nothing for a person to do. A merge on the remote goes through the queue like a task's own
//! work: it is tested before it is published.

mod text;

use std::time::Duration;

use anyhow::Context;

use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::proposal::{self, conflict};
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::steps::{self, Command, Step};
use crate::domain::task::{
    Block, Event, Obstacle, PullRequest, PullRequestFailure, Record, Worker,
};
use crate::forge::{Forge, ForgeError, Proposal, PullRequestState};
use crate::git::remote::{self, RemoteChoice};
use crate::journal::{Journal, is_illegal};
use crate::run::Drive;
use crate::run::folder::{end_leftover, write_json};
use crate::run::integration::merged_by_others::merged_by_others;
use crate::run::merge::for_others::for_others;
use crate::system::clock;
use crate::system::disk::make_private_folder;
use crate::system::lock::LockFile;
use crate::system::private;
use crate::system::process::StopSwitch;
use crate::system::process::network_call::{self, Call, Reply};

/// The time limit of a push or a fetch, unless the run's own limit is shorter.
const TRANSFER: Duration = Duration::from_secs(5 * 60);
/// The time limit of a question to a remote or to a forge's program.
const QUESTION: Duration = Duration::from_secs(60);

/// What happened on the remote.
#[derive(Debug, Default)]
pub(crate) struct RemoteNews {
    /// The tasks whose pull requests were merged there; they are in the queue now.
    pub offered: Vec<TaskId>,
    /// What the user should know, one sentence each.
    pub remarks: Vec<String>,
}

/// Opens a pull request for a task's conflict, and appends the result to the journal.
pub(crate) fn propose(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let client = RemoteClient::new(drive, &snapshot.run, stop)?;
    let journal = Journal::new(&drive.git, &snapshot.run.name);
    let record = journal.record(id)?;
    let Some(block) = conflict(&record).filter(|block| block.url.is_none()) else {
        return Ok(());
    };
    let Some(shown) = client.show(snapshot, id, &record, block)? else { return Ok(()) };
    let is_known =
        matches!(&shown, PullRequest::Unopened(why) if block.unopened.as_deref() == Some(why));
    // A call that was interrupted by a signal has not failed: the next start tries again.
    let is_nothing_new =
        is_known || (stop.is_stopped() && matches!(shown, PullRequest::Unopened(_)));
    if is_nothing_new {
        return Ok(());
    }
    match journal.append(id, &Event::PullRequest(shown)) {
        // The task continued in the meantime, for example because of a `retry`.
        Err(error) if is_illegal(&error) => Ok(()),
        other => other,
    }
}

/// Puts the tasks whose conflicts were merged on the remote into the queue.
///
/// What is queued is the tip of the remote's integration branch: it is merged, tested and published
/// like a task's own branch.
pub(crate) fn look(
    drive: &Drive,
    snapshot: &Snapshot,
    stop: &StopSwitch,
) -> anyhow::Result<RemoteNews> {
    let mut news = RemoteNews::default();
    let ids = proposal::pushed(snapshot);
    if ids.is_empty() {
        return Ok(news);
    }
    let client = RemoteClient::new(drive, &snapshot.run, stop)?;
    let RemoteChoice::Remote(remote) = client.choose()? else { return Ok(news) };
    let there = match client.fetch(&remote) {
        Ok(Some(there)) => there,
        Ok(None) => return Ok(news),
        Err(remote::RemoteError { text, .. }) => {
            news.remarks.push(format!("cannot find out what was merged on {remote}: {text}"));
            return Ok(news);
        }
    };
    let journal = Journal::new(&drive.git, &snapshot.run.name);
    for id in ids {
        let record = journal.record(&id)?;
        let Some(block) = conflict(&record) else { continue };
        match client.is_merged(&remote, &record, block, &there)? {
            RemoteMerge::No => {}
            RemoteMerge::Elsewhere(url) => {
                let into = &snapshot.run.integration;
                news.remarks.push(format!("{url} was merged, but not into {into}"));
            }
            RemoteMerge::Yes => {
                let offered =
                    Event::Offered { commit: there.clone(), at: clock::now_ms(), skipped: None };
                match journal.append(&id, &offered) {
                    Ok(()) => news.offered.push(id),
                    Err(error) if is_illegal(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(news)
}

/// Whether a task's work was merged on the remote.
enum RemoteMerge {
    No,
    /// It was merged into another branch; the URL of its pull request.
    Elsewhere(String),
    Yes,
}

/// The only process of a run that calls the remote, while it holds the lock.
pub(crate) struct RemoteClient<'a> {
    drive: &'a Drive,
    run: &'a Run,
    stop: &'a StopSwitch,
    _lock: LockFile,
}

impl<'a> RemoteClient<'a> {
    pub(crate) fn new(
        drive: &'a Drive,
        run: &'a Run,
        stop: &'a StopSwitch,
    ) -> anyhow::Result<RemoteClient<'a>> {
        let lock = drive.folder.talk_lock()?;
        lock.hold()?;
        end_leftover(&drive.folder.talker(), &run.name)?;
        Ok(RemoteClient { drive, run, stop, _lock: lock })
    }

    /// Returns the remote that the settings mean.
    pub(crate) fn choose(&self) -> anyhow::Result<RemoteChoice> {
        let named = self.drive.settings.remote.as_deref();
        self.drive.git.choose_remote(named, &self.run.base_branch)
    }

    /// Pushes the task's branch and opens its pull request; `None` if the branch is gone.
    fn show(
        &self,
        snapshot: &Snapshot,
        id: &TaskId,
        record: &Record,
        block: &Block,
    ) -> anyhow::Result<Option<PullRequest>> {
        let git = &self.drive.git;
        let branch = record.branch.as_deref().unwrap_or_default();
        let Some(tip) = git.find_branch(branch)? else { return Ok(None) };
        let remote = match self.choose() {
            Ok(RemoteChoice::Remote(remote)) => remote,
            Ok(chosen) => return Ok(Some(self.no_remote(&chosen))),
            Err(error) => {
                let text = error.to_string();
                let list = steps::git("remote -v");
                return Ok(Some(unopened(Obstacle::NoRemote, &text, [list])));
            }
        };
        let base = self.run.integration.as_str();
        if let Err(refused) = self.push(&remote, &[(tip.clone(), branch)])? {
            return Ok(Some(refused));
        }
        let call = |call: Call| self.ask(call);
        let urls = git.remote_urls(&remote);
        let Some(forge) = Forge::of(&urls, &git.home(), &call) else {
            let text = format!("{branch} is on {remote}, whose forge is not known");
            return Ok(Some(unopened(Obstacle::NoForge, &text, NOTHING)));
        };
        let (task, _) = snapshot.task(id)?;
        let sides = text::Sides {
            snapshot,
            task,
            block,
            branch,
            theirs: (tip.clone(), self.subjects(block, &tip)),
        };
        let body = self.drive.folder.pull_request(id);
        make_private_folder(body.parent().context("a file has a folder")?)?;
        private::write(&body, for_others(&text::conflict(&sides)))
            .with_context(|| format!("cannot write '{}'", body.display()))?;
        let proposal = Proposal {
            head: branch.to_owned(),
            base: base.to_owned(),
            title: for_others(&format!("Task {id}: {}", task.title.replace('\n', " "))),
            body,
            is_draft: true,
        };
        Ok(Some(match self.open(&forge, &proposal) {
            Ok(url) => PullRequest::Opened { url },
            Err(unopened) => PullRequest::Unopened(unopened),
        }))
    }

    /// Returns the subjects of the commits that the integration branch does not have.
    fn subjects(&self, block: &Block, tip: &Oid) -> Vec<String> {
        let git = &self.drive.git;
        let from = block.against.clone().unwrap_or_else(|| self.run.base.clone());
        git.subjects(&from, tip, text::MAX_COMMITS).unwrap_or_default()
    }

    /// Finds the open pull request of a branch, or opens one.
    pub(crate) fn open(
        &self,
        forge: &Forge,
        proposal: &Proposal,
    ) -> Result<String, PullRequestFailure> {
        let (call, home) = (|call: Call| self.ask(call), self.drive.git.home());
        let find = || forge.find(&proposal.head, &proposal.base, &home, &call);
        let opened = match find() {
            Ok(Some(url)) => return Ok(url),
            Ok(None) => forge.open(proposal, &home, &call),
            Err(trouble) => Err(trouble),
        };
        opened.or_else(|trouble| match find() {
            // Somebody else opened it first, or the forge's answer was lost.
            Ok(Some(url)) if trouble.why == Obstacle::Failed => Ok(url),
            _ => Err(by_hand(forge, proposal, trouble)),
        })
    }

    /// Pushes a task's branch, and the integration branch as the base of its pull request. The inner
    /// error says why that is not possible.
    ///
    /// A branch that the user named with `--into` is not pushed: it must be on the remote.
    fn push(&self, remote: &str, what: &[(Oid, &str)]) -> anyhow::Result<Result<(), PullRequest>> {
        let base = self.run.integration.as_str();
        let mut all = what.to_vec();
        if self.run.owns_integration() {
            let tip = self.drive.git.find_branch(base)?;
            all.insert(0, (tip.with_context(|| format!("the branch '{base}' is gone"))?, base));
        }
        let by_hand = steps::git("push").word(remote).words(all.iter().map(|(_, name)| name));
        let failed = |why, text: String| Ok(Err(unopened_yet(why, &text, by_hand.clone())));
        let refused = match self.send(remote, &all)? {
            Ok(refused) => refused,
            Err(trouble) => return failed(trouble.why, trouble.text),
        };
        for remote::RejectedBranch { branch, text } in refused {
            // A push is rejected, too, if the branch on the remote has these commits and more.
            let there = match self.fetch_branch(remote, &branch) {
                Ok(there) => there,
                Err(trouble) => return failed(trouble.why, trouble.text),
            };
            let has_all = |there: &Oid| {
                let pushed = all.iter().filter(|(_, name)| *name == branch);
                branch == base
                    || pushed.into_iter().all(|(commit, _)| {
                        self.drive.git.is_ancestor(commit, there).unwrap_or(false)
                    })
            };
            if !there.as_ref().is_some_and(has_all) {
                let text = format!("{remote} rejected {branch}: {text}");
                let seen = Step::from(steps::git("fetch").word(remote).word(&branch))
                    .and(steps::git("log").word(format!("{branch}..FETCH_HEAD")));
                let look = there.map(|_| seen);
                let next = look.into_iter().chain([by_hand.into()]);
                return Ok(Err(unopened(Obstacle::PushRefused, &text, next)));
            }
        }
        if !self.run.owns_integration() {
            match self.tip(remote, base) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let text = format!("the branch {base} is not on {remote}");
                    let push = steps::git("push").word(remote).word(base);
                    return Ok(Err(unopened_yet(Obstacle::Failed, &text, push)));
                }
                Err(trouble) => return failed(trouble.why, trouble.text),
            }
        }
        Ok(Ok(()))
    }

    /// Pushes commits to branches; returns those that the remote rejected.
    pub(crate) fn send(
        &self,
        remote: &str,
        what: &[(Oid, &str)],
    ) -> anyhow::Result<Result<Vec<remote::RejectedBranch>, remote::RemoteError>> {
        let call = self.drive.git.push_call(remote, what);
        let reply = self.call(call, TRANSFER).context("cannot run git")?;
        Ok(remote::read_push(&reply))
    }

    /// Returns the tip of a branch on the remote.
    pub(crate) fn tip(
        &self,
        remote: &str,
        branch: &str,
    ) -> Result<Option<Oid>, remote::RemoteError> {
        let reply = self.ask(self.drive.git.tip_call(remote, branch));
        remote::read_tip(&reply.map_err(not_run)?)
    }

    /// Fetches the integration branch; `None` if it holds nothing new.
    fn fetch(&self, remote: &str) -> Result<Option<Oid>, remote::RemoteError> {
        let git = &self.drive.git;
        let there = self.fetch_branch(remote, &self.run.integration)?;
        let here = git.find_branch(&self.run.integration).unwrap_or_default();
        let is_old = |there: &Oid| {
            here.as_ref().is_some_and(|here| git.is_ancestor(there, here).unwrap_or(false))
        };
        Ok(there.filter(|there| !is_old(there)))
    }

    /// Fetches a branch and returns its tip; `None` if there is no such branch.
    fn fetch_branch(&self, remote: &str, branch: &str) -> Result<Option<Oid>, remote::RemoteError> {
        let git = &self.drive.git;
        let Some(there) = self.tip(remote, branch)? else { return Ok(None) };
        if git.is_stored(&there) {
            return Ok(Some(there));
        }
        let reply = self.call(git.fetch_call(remote, branch), TRANSFER).map_err(not_run)?;
        if reply.is_good() {
            Ok(Some(there).filter(|there| git.is_stored(there)))
        } else {
            Err(remote::error_of(&reply))
        }
    }

    /// Returns whether a task's work is merged on the remote.
    fn is_merged(
        &self,
        remote: &str,
        record: &Record,
        block: &Block,
        there: &Oid,
    ) -> anyhow::Result<RemoteMerge> {
        let git = &self.drive.git;
        if merged_by_others(git, record, there)?.is_some() {
            return Ok(RemoteMerge::Yes);
        }
        let Some(url) = &block.url else { return Ok(RemoteMerge::No) };
        let call = |call: Call| self.ask(call);
        let Some(forge) = Forge::of(&git.remote_urls(remote), &git.home(), &call) else {
            return Ok(RemoteMerge::No);
        };
        // Work that was squashed or rebased with its conflict resolved is in no history: only the
        // forge knows that it was merged.
        Ok(match forge.state(url, &git.home(), &call) {
            Ok(PullRequestState::Merged(None)) => RemoteMerge::Yes,
            Ok(PullRequestState::Merged(Some(commit))) => {
                if git.is_stored(&commit) && git.is_ancestor(&commit, there).unwrap_or(false) {
                    RemoteMerge::Yes
                } else {
                    RemoteMerge::Elsewhere(url.clone())
                }
            }
            Ok(PullRequestState::Open | PullRequestState::Closed) | Err(_) => RemoteMerge::No,
        })
    }

    fn no_remote(&self, chosen: &RemoteChoice) -> PullRequest {
        match chosen {
            RemoteChoice::Several(names) => {
                let choose = steps::git("config orchestrate.remote").word(&names[0]);
                let text = format!("several remotes and none chosen: {}", names.join(", "));
                unopened_yet(Obstacle::NoRemote, &text, choose)
            }
            RemoteChoice::None | RemoteChoice::Remote(_) => {
                unopened(Obstacle::NoRemote, "this repository has no remote", NOTHING)
            }
        }
    }

    pub(crate) fn ask(&self, call: Call) -> std::io::Result<Reply> {
        self.call(call, QUESTION)
    }

    fn call(&self, mut call: Call, limit: Duration) -> std::io::Result<Reply> {
        let limit = limit.min(Duration::from_secs(self.drive.settings.timeout));
        call.environment.push(("ORCHESTRATE_RUN".into(), (&self.run.name).into()));
        let file = self.drive.folder.talker();
        let write = |worker: &Worker| {
            // Without the file the program only runs longer if this process is killed.
            let _ = self.drive.folder.create();
            let _ = write_json(&file, worker);
        };
        let reply = network_call::run(call, limit, self.stop, write);
        let _ = std::fs::remove_file(&file);
        reply
    }
}

fn not_run(error: std::io::Error) -> remote::RemoteError {
    remote::RemoteError { why: Obstacle::Failed, text: format!("cannot run git: {error}") }
}

/// No command would help.
pub(crate) const NOTHING: [Step; 0] = [];

fn unopened<S: Into<Step>>(
    why: Obstacle,
    text: &str,
    next: impl IntoIterator<Item = S>,
) -> PullRequest {
    PullRequest::Unopened(PullRequestFailure::new(why, text, next))
}

/// Does the same for a pull request that the next `start` tries again, after this command.
fn unopened_yet(why: Obstacle, text: &str, next: Command) -> PullRequest {
    PullRequest::Unopened(PullRequestFailure {
        again: true,
        ..PullRequestFailure::new(why, text, [next])
    })
}

/// Returns how a person opens a pull request that could not be opened; its branches are pushed.
fn by_hand(forge: &Forge, proposal: &Proposal, trouble: ForgeError) -> PullRequestFailure {
    let ForgeError { why, text } = trouble;
    let login = (why == Obstacle::NotLoggedIn).then(|| {
        let login = steps::program(forge.program()).words(["auth", "login", "--hostname"]);
        login.word(forge.host()).into()
    });
    let next = login.into_iter().chain([forge.by_hand(proposal)]);
    let install = (why == Obstacle::NoProgram).then(|| forge.program().to_owned());
    let page = Some(forge.page(&proposal.head, &proposal.base));
    PullRequestFailure { install, page, ..PullRequestFailure::new(why, &text, next) }
}
