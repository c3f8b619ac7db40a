//! Showing conflicts elsewhere while the loop goes on.
//!
//! Invariant: the loop never waits for a network: one thread talks, and the loop ends when it has
//! ended, which limits see to. What it could not do is written down, and no reason to stop a run.

use super::{Control, Message};
use crate::domain::plan::TaskId;
use crate::domain::policy::proposal;
use crate::run::Progress;
use crate::run::merge::propose;

/// What there is to talk about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Talk {
    /// Whether conflicts were settled on the remote.
    Look,
    /// A task's conflict.
    Propose(TaskId),
}

impl Control<'_, '_, '_> {
    /// Queues what an earlier process left to be talked about.
    pub(super) fn begin_talks(&mut self) -> anyhow::Result<()> {
        let snapshot = &self.seen()?.snapshot;
        let look = (!proposal::pushed(snapshot).is_empty()).then_some(Talk::Look);
        let proposals = proposal::wanted(snapshot, self.drive.settings.on_conflict)
            .into_iter()
            .map(Talk::Propose);
        let all: Vec<Talk> = look.into_iter().chain(proposals).collect();
        self.to_talk.extend(all);
        Ok(())
    }

    /// Begins the next talk, where none goes on.
    pub(super) fn talk(&mut self) -> anyhow::Result<()> {
        if self.talking || self.stopping.is_some() {
            return Ok(());
        }
        let Some(next) = self.to_talk.pop_front() else { return Ok(()) };
        let snapshot = self.seen()?.snapshot.clone();
        let (own, sender, stop) = (self.drive.clone(), self.sender.clone(), self.talks.clone());
        self.talking = true;
        self.scope.spawn(move || {
            let ended = match &next {
                Talk::Look => propose::look(&own, &snapshot, &stop).map(|looked| looked.remarks),
                Talk::Propose(id) => {
                    propose::propose(&own, &snapshot, id, &stop).map(|()| Vec::new())
                }
            };
            let _ = sender.send(Message::Talked(ended));
        });
        Ok(())
    }

    /// Queues a task that has just been blocked, where its conflict is to be shown.
    pub(super) fn talk_about(&mut self, id: &TaskId) -> anyhow::Result<()> {
        if proposal::wanted(&self.seen()?.snapshot, self.drive.settings.on_conflict).contains(id) {
            self.to_talk.push_back(Talk::Propose(id.clone()));
        }
        Ok(())
    }

    pub(super) fn after_talk(&mut self, ended: anyhow::Result<Vec<String>>) -> anyhow::Result<()> {
        self.talking = false;
        let remarks = ended.unwrap_or_else(|error| vec![format!("{error:#}")]);
        remarks.iter().for_each(|text| (self.on_event)(Progress::Remote { text }));
        Ok(())
    }
}
