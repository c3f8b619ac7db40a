//! Showing conflicts to others as pull requests, while the loop goes on.
//!
//! Invariant: the loop never waits for the network, except for the end of a job, which has a time
//! limit. A job that fails is written down and reported, and is no reason to stop a run.

use super::{Loop, Message};
use crate::domain::error::one_line;
use crate::domain::plan::TaskId;
use crate::domain::policy::proposal;
use crate::run::Progress;
use crate::run::merge::propose;

/// Something to do on the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RemoteJob {
    /// Find out whether pull requests of conflicts were merged there.
    Look,
    /// Open a pull request for a task's conflict.
    Propose(TaskId),
}

impl Loop<'_, '_, '_> {
    /// Queues what earlier processes left to do on the remote.
    pub(super) fn queue_remote_jobs(&mut self) {
        if !proposal::pushed(&self.snapshot).is_empty() {
            self.remote.push(RemoteJob::Look);
        }
        let wanted = proposal::wanted(&self.snapshot, self.drive.settings.on_conflict);
        wanted.into_iter().for_each(|id| self.remote.push(RemoteJob::Propose(id)));
    }

    /// Queues the pull request of a task that was blocked just now, if it should have one.
    pub(super) fn queue_proposal(&mut self, id: &TaskId) {
        let on_conflict = self.drive.settings.on_conflict;
        if proposal::wanted(&self.snapshot, on_conflict).contains(id) {
            self.remote.push(RemoteJob::Propose(id.clone()));
        }
    }

    /// Returns true while it is not known what was merged on the remote.
    pub(super) fn is_looking(&self) -> bool {
        self.remote.contains(&RemoteJob::Look)
    }

    /// Begins the next job.
    pub(super) fn next_remote_job(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let Some(job) = self.remote.begin() else { return };
        let (own, snapshot, stop) =
            (self.drive.clone(), self.snapshot.clone(), self.remote.switch());
        self.in_background(move || {
            Message::RemoteEnded(match &job {
                RemoteJob::Look => propose::look(&own, &snapshot, &stop).map(|it| it.remarks),
                RemoteJob::Propose(id) => {
                    propose::propose(&own, &snapshot, id, &stop).map(|()| Vec::new())
                }
            })
        });
    }

    pub(super) fn after_remote_job(&mut self, result: anyhow::Result<Vec<String>>) {
        self.remote.end();
        let remarks = result.unwrap_or_else(|error| vec![one_line(&error)]);
        remarks.iter().for_each(|text| (self.on_event)(Progress::Remote { text }));
    }
}
