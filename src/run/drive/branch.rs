//! Watches the integration branch: what others put on it is explained before anything is built on
//! it.
//!
//! Invariant: nothing is launched or merged while the branch is not explained; what is under way
//! goes on.

use std::time::Instant;

use super::{Loop, Message, SLOW_GLANCE};
use crate::domain::oid::Oid;
use crate::domain::policy::integration::Origin;
use crate::run::Progress;
use crate::run::integration::look;
use crate::run::merge::explain::Explained;
use crate::run::merge::explain_branch;
use crate::system::process::StopSwitch;

/// What is known of the branch.
#[derive(Default)]
pub(super) struct BranchWatch {
    /// The tip that may be built on.
    explained: Option<Oid>,
    /// The tip that may not, when that was found out, and why.
    trouble: Option<(Oid, Instant, String)>,
    is_busy: bool,
    stop: StopSwitch,
}

impl BranchWatch {
    /// Returns true while the branch is being explained.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    pub(super) fn is_explained(&self) -> bool {
        !self.is_busy && self.trouble.is_none()
    }

    /// Ends the test of a person's commits.
    pub(super) fn stop(&self) {
        self.stop.stop();
    }
}

impl Loop<'_, '_, '_> {
    /// Looks whether somebody else moved the branch, and begins to explain it then.
    pub(super) fn watch_branch(&mut self) -> anyhow::Result<()> {
        // A merge explains the branch itself, and moves it before its event is in the journal.
        if self.branch.is_busy || self.merges.is_busy() || self.stopping.is_some() {
            return Ok(());
        }
        let git = &self.drive.git;
        let Some(tip) = git.find_branch(&self.snapshot.run.integration)? else { return Ok(()) };
        if self.branch.explained.as_ref() == Some(&tip) {
            self.branch.trouble = None;
            return Ok(());
        }
        if let Some((seen, at, _)) = &self.branch.trouble
            && *seen == tip
            && at.elapsed() < SLOW_GLANCE
        {
            return Ok(());
        }
        let found = look(git, &self.drive.folder, &self.snapshot)?;
        if found.is_none_or(|found| found.origin == Origin::Run) {
            self.branch.explained = Some(tip);
            self.branch.trouble = None;
            return Ok(());
        }
        self.branch.is_busy = true;
        let (own, run, stop) =
            (self.drive.clone(), self.snapshot.run.clone(), self.branch.stop.clone());
        self.in_background(move || Message::Explained(explain_branch(&own, &run, &stop)));
        Ok(())
    }

    pub(super) fn after_explaining(
        &mut self,
        result: anyhow::Result<Explained>,
    ) -> anyhow::Result<()> {
        self.branch.is_busy = false;
        let before = self.branch.trouble.take();
        match result? {
            Explained::Ready { tip, done } => {
                self.branch.explained = Some(tip);
                done.iter().for_each(|text| (self.on_event)(Progress::Branch { text }));
            }
            Explained::Stopped => {}
            Explained::Waits(why) => {
                if before.is_none_or(|(_, _, known)| known != why) {
                    (self.on_event)(Progress::Branch { text: &why });
                }
                let tip = self.drive.git.find_branch(&self.snapshot.run.integration)?;
                self.branch.trouble = tip.map(|tip| (tip, Instant::now(), why));
            }
        }
        Ok(())
    }
}
