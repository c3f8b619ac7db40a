//! A conflict shown elsewhere: the task's branch is pushed and a draft pull request opened; and the
//! way back, when it was merged there.
//!
//! Invariant: one process of a run talks at a time. Nothing is forced, every call has a limit, and
//! each step asks first whether it was done: whoever is killed in between, the next one goes on.
//! What comes back goes through the queue like a task's own work, so it is tested before it is
//! published.

mod text;

use std::path::Path;
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
use crate::run::folder::{read_json, write_json};
use crate::run::merged_by_others::merged_by_others;
use crate::system::clock;
use crate::system::disk::make_folder;
use crate::system::lock::LockFile;
use crate::system::process::network_call::{self, Call, Reply};
use crate::system::process::{self, StopSwitch};

/// The longest that a push or a fetch may take; the run's own time limit where that is shorter.
const TRANSFER: Duration = Duration::from_secs(5 * 60);
/// The same for a question to a remote, or to a forge's program.
const QUESTION: Duration = Duration::from_secs(60);

/// What was seen on the remote.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// Tasks whose pull request was merged there; they are in the queue now.
    pub offered: Vec<TaskId>,
    /// What the user should know, a sentence each.
    pub remarks: Vec<String>,
}

/// Shows a task's conflict elsewhere, and writes down how that went.
pub(crate) fn propose(
    drive: &Drive,
    snapshot: &Snapshot,
    id: &TaskId,
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let talker = Talker::new(drive, &snapshot.run, stop)?;
    let journal = Journal::new(&drive.git, &snapshot.run.name);
    let record = journal.record(id)?;
    let Some(block) = conflict(&record).filter(|block| block.url.is_none()) else {
        return Ok(());
    };
    let Some(shown) = talker.show(snapshot, id, &record, block)? else { return Ok(()) };
    let is_known =
        matches!(&shown, PullRequest::Unopened(why) if block.unopened.as_deref() == Some(why));
    // What failed because it was stopped has not failed.
    let is_told = is_known || (stop.is_stopped() && matches!(shown, PullRequest::Unopened(_)));
    if is_told {
        return Ok(());
    }
    match journal.append(id, &Event::PullRequest(shown)) {
        // Somebody has let the task go on meanwhile.
        Err(error) if is_illegal(&error) => Ok(()),
        other => other,
    }
}

/// Looks whether conflicts were settled on the remote, and puts those into the queue.
///
/// What is queued is the tip of the integration branch there: the merge protocol makes a candidate
/// of it, tests it and publishes it, as it does with a task's own branch.
pub(crate) fn look(
    drive: &Drive,
    snapshot: &Snapshot,
    stop: &StopSwitch,
) -> anyhow::Result<Looked> {
    let mut looked = Looked::default();
    let ids = proposal::pushed(snapshot);
    if ids.is_empty() {
        return Ok(looked);
    }
    let talker = Talker::new(drive, &snapshot.run, stop)?;
    let RemoteChoice::Remote(remote) = talker.choose()? else { return Ok(looked) };
    let there = match talker.fetch(&remote) {
        Ok(Some(there)) => there,
        Ok(None) => return Ok(looked),
        Err(remote::RemoteError { text, .. }) => {
            looked.remarks.push(format!("cannot look what was merged on {remote}: {text}"));
            return Ok(looked);
        }
    };
    let journal = Journal::new(&drive.git, &snapshot.run.name);
    for id in ids {
        let record = journal.record(&id)?;
        let Some(block) = conflict(&record) else { continue };
        match talker.is_merged(&remote, &record, block, &there)? {
            Merged::No => {}
            Merged::Elsewhere(url) => {
                let into = &snapshot.run.integration;
                looked.remarks.push(format!("{url} was merged, but not into {into}"));
            }
            Merged::Yes => {
                let offered = Event::Offered { commit: there.clone(), at: clock::now_ms() };
                match journal.append(&id, &offered) {
                    Ok(()) => looked.offered.push(id),
                    Err(error) if is_illegal(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(looked)
}

enum Merged {
    No,
    /// Into another branch; the pull request's URL.
    Elsewhere(String),
    Yes,
}

/// Whoever talks for a run, one at a time.
pub(crate) struct Talker<'a> {
    drive: &'a Drive,
    run: &'a Run,
    stop: &'a StopSwitch,
    _lock: LockFile,
}

impl<'a> Talker<'a> {
    pub(crate) fn new(
        drive: &'a Drive,
        run: &'a Run,
        stop: &'a StopSwitch,
    ) -> anyhow::Result<Talker<'a>> {
        let lock = drive.folder.talk_lock()?;
        lock.hold()?;
        end_left(drive, &run.name)?;
        Ok(Talker { drive, run, stop, _lock: lock })
    }

    /// Chooses the remote that the settings mean.
    pub(crate) fn choose(&self) -> anyhow::Result<RemoteChoice> {
        let named = self.drive.settings.remote.as_deref();
        self.drive.git.choose_remote(named, &self.run.base_branch)
    }

    /// Returns what the branch's pull request came to; `None` where the branch is gone.
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
        let talk = |call: Call| self.ask(call);
        let urls = git.remote_urls(&remote);
        let Some(forge) = Forge::of(&urls, &git.home(), &talk) else {
            let text = format!("{branch} is on {remote}, which is at no forge that is known");
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
        make_folder(body.parent().context("a file has a folder")?)?;
        std::fs::write(&body, text::conflict(&sides))
            .with_context(|| format!("cannot write '{}'", body.display()))?;
        let proposal = Proposal {
            head: branch.to_owned(),
            base: base.to_owned(),
            title: format!("Task {id}: {}", task.title.replace('\n', " ")),
            body,
            is_draft: true,
        };
        Ok(Some(match self.open(&forge, &proposal) {
            Ok(url) => PullRequest::Opened { url },
            Err(unopened) => PullRequest::Unopened(unopened),
        }))
    }

    /// Returns the commits of the task that the integration branch has not.
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
        let (talk, home) = (|call: Call| self.ask(call), self.drive.git.home());
        let find = || forge.find(&proposal.head, &proposal.base, &home, &talk);
        let opened = match find() {
            Ok(Some(url)) => return Ok(url),
            Ok(None) => forge.open(proposal, &home, &talk),
            Err(trouble) => Err(trouble),
        };
        opened.or_else(|trouble| match find() {
            // Somebody else was faster, or its answer was lost.
            Ok(Some(url)) if trouble.why == Obstacle::Failed => Ok(url),
            _ => Err(by_hand(forge, proposal, trouble)),
        })
    }

    /// Pushes a branch of a task, and the integration branch that its pull request is made into; the
    /// inner error says why that cannot be.
    ///
    /// A branch that the user named with --into is the user's to push: it has to be there.
    fn push(&self, remote: &str, what: &[(Oid, &str)]) -> anyhow::Result<Result<(), PullRequest>> {
        let base = self.run.integration.as_str();
        let mut all = what.to_vec();
        if self.run.owns_integration() {
            let tip = self.drive.git.find_branch(base)?;
            all.insert(0, (tip.with_context(|| format!("the branch '{base}' is gone"))?, base));
        }
        let by_hand = steps::git("push").word(remote).words(all.iter().map(|(_, name)| name));
        let told = |why, text: String| Ok(Err(unopened_yet(why, &text, by_hand.clone())));
        let refused = match self.send(remote, &all)? {
            Ok(refused) => refused,
            Err(trouble) => return told(trouble.why, trouble.text),
        };
        for remote::RejectedBranch { branch, text } in refused {
            // The branch there may hold all that was pushed, and more.
            let there = match self.fetch_branch(remote, &branch) {
                Ok(there) => there,
                Err(trouble) => return told(trouble.why, trouble.text),
            };
            let has_all = |there: &Oid| {
                let pushed = all.iter().filter(|(_, name)| *name == branch);
                branch == base
                    || pushed.into_iter().all(|(commit, _)| {
                        self.drive.git.is_ancestor(commit, there).unwrap_or(false)
                    })
            };
            if !there.as_ref().is_some_and(has_all) {
                let text = format!("{remote} does not take {branch}: {text}");
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
                    let text = format!("{base}, which it would be merged into, is not on {remote}");
                    let push = steps::git("push").word(remote).word(base);
                    return Ok(Err(unopened_yet(Obstacle::Failed, &text, push)));
                }
                Err(trouble) => return told(trouble.why, trouble.text),
            }
        }
        Ok(Ok(()))
    }

    /// Pushes commits to branches; returns those that the remote did not take.
    pub(crate) fn send(
        &self,
        remote: &str,
        what: &[(Oid, &str)],
    ) -> anyhow::Result<Result<Vec<remote::RejectedBranch>, remote::RemoteError>> {
        let call = self.drive.git.push_call(remote, what);
        let said = self.speak(call, TRANSFER).context("cannot run git")?;
        Ok(remote::read_push(&said))
    }

    /// Returns where a branch of a remote is.
    pub(crate) fn tip(
        &self,
        remote: &str,
        branch: &str,
    ) -> Result<Option<Oid>, remote::RemoteError> {
        let asked = self.ask(self.drive.git.tip_call(remote, branch));
        remote::read_tip(&asked.map_err(not_run)?)
    }

    /// Brings the integration branch of the remote here; `None` where it holds nothing new.
    fn fetch(&self, remote: &str) -> Result<Option<Oid>, remote::RemoteError> {
        let git = &self.drive.git;
        let there = self.fetch_branch(remote, &self.run.integration)?;
        let here = git.find_branch(&self.run.integration).unwrap_or_default();
        let is_old = |there: &Oid| {
            here.as_ref().is_some_and(|here| git.is_ancestor(there, here).unwrap_or(false))
        };
        Ok(there.filter(|there| !is_old(there)))
    }

    /// Brings the commits of a branch here; `None` where there is no such branch.
    fn fetch_branch(&self, remote: &str, branch: &str) -> Result<Option<Oid>, remote::RemoteError> {
        let git = &self.drive.git;
        let Some(there) = self.tip(remote, branch)? else { return Ok(None) };
        if git.is_stored(&there) {
            return Ok(Some(there));
        }
        let said = self.speak(git.fetch_call(remote, branch), TRANSFER).map_err(not_run)?;
        if said.is_good() {
            Ok(Some(there).filter(|there| git.is_stored(there)))
        } else {
            Err(remote::error_of(&said))
        }
    }

    /// Returns whether a task's work is in what the remote holds.
    fn is_merged(
        &self,
        remote: &str,
        record: &Record,
        block: &Block,
        there: &Oid,
    ) -> anyhow::Result<Merged> {
        let git = &self.drive.git;
        if merged_by_others(git, record, there)?.is_some() {
            return Ok(Merged::Yes);
        }
        let Some(url) = &block.url else { return Ok(Merged::No) };
        let talk = |call: Call| self.ask(call);
        let Some(forge) = Forge::of(&git.remote_urls(remote), &git.home(), &talk) else {
            return Ok(Merged::No);
        };
        // Squashed or rebased with its conflict resolved, it is in no history: the forge knows.
        Ok(match forge.state(url, &git.home(), &talk) {
            Ok(PullRequestState::Merged(None)) => Merged::Yes,
            Ok(PullRequestState::Merged(Some(commit))) => {
                if git.is_stored(&commit) && git.is_ancestor(&commit, there).unwrap_or(false) {
                    Merged::Yes
                } else {
                    Merged::Elsewhere(url.clone())
                }
            }
            Ok(PullRequestState::Open | PullRequestState::Closed) | Err(_) => Merged::No,
        })
    }

    fn no_remote(&self, chosen: &RemoteChoice) -> PullRequest {
        match chosen {
            RemoteChoice::Several(names) => {
                let choose = steps::git("config orchestrate.remote").word(&names[0]);
                let text = format!("no remote is chosen among {}", names.join(", "));
                unopened_yet(Obstacle::NoRemote, &text, choose)
            }
            RemoteChoice::None | RemoteChoice::Remote(_) => {
                unopened(Obstacle::NoRemote, "this repository has no remote", NOTHING)
            }
        }
    }

    pub(crate) fn ask(&self, call: Call) -> std::io::Result<Reply> {
        self.speak(call, QUESTION)
    }

    fn speak(&self, mut call: Call, limit: Duration) -> std::io::Result<Reply> {
        let limit = limit.min(Duration::from_secs(self.drive.settings.timeout));
        call.environment.push(("ORCHESTRATE_RUN".into(), (&self.run.name).into()));
        let file = self.drive.folder.talker();
        let note = |worker: &Worker| {
            // Without the note it only lives longer where this process is killed.
            let _ = make_folder(self.drive.folder.path());
            let _ = write_json(&file, worker);
        };
        let said = network_call::run(call, limit, self.stop, note);
        let _ = std::fs::remove_file(&file);
        said
    }
}

/// Ends what one that was killed left talking.
fn end_left(drive: &Drive, run: &str) -> anyhow::Result<()> {
    let file = drive.folder.talker();
    let Some(worker) = read_json::<Worker>(&file).unwrap_or_default() else { return Ok(()) };
    process::end_group_of(&worker, run);
    let _ = std::fs::remove_file(Path::new(&file));
    Ok(())
}

fn not_run(error: std::io::Error) -> remote::RemoteError {
    remote::RemoteError { why: Obstacle::Failed, text: format!("cannot run git: {error}") }
}

/// Nothing that a person could type would help.
pub(crate) const NOTHING: [Step; 0] = [];

fn unopened<S: Into<Step>>(
    why: Obstacle,
    text: &str,
    next: impl IntoIterator<Item = S>,
) -> PullRequest {
    PullRequest::Unopened(PullRequestFailure::new(why, text, next))
}

/// The same where the next `start` tries again, after this command.
fn unopened_yet(why: Obstacle, text: &str, next: Command) -> PullRequest {
    PullRequest::Unopened(PullRequestFailure {
        again: true,
        ..PullRequestFailure::new(why, text, [next])
    })
}

/// Returns what opens a pull request that could not be opened; its branches are pushed.
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
