//! The branches of a run that are on the remote.
//!
//! Invariant: reads the remote-tracking branches of this repository only; the remote is not called,
//! and nothing is deleted there.

use crate::domain::snapshot::Snapshot;
use crate::git::remote::RemoteChoice;
use crate::run::Drive;

/// Branches that the run created and pushed, at least one, and their remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteBranches {
    pub remote: String,
    pub branches: Vec<String>,
}

/// Returns the run's branches that are on the remote, as of the last push or fetch.
pub(crate) fn remote_branches(
    drive: &Drive,
    snapshot: &Snapshot,
) -> anyhow::Result<Option<RemoteBranches>> {
    let run = &snapshot.run;
    let named = drive.settings.remote.as_deref();
    // A choice between remotes that the user has not made is no reason to fail at the end of a run.
    let Ok(RemoteChoice::Remote(remote)) = drive.git.choose_remote(named, &run.base_branch) else {
        return Ok(None);
    };
    let own = run.owns_integration().then_some(run.integration.as_str());
    let of_tasks = snapshot.tasks().filter_map(|(_, record)| record.branch.as_deref());
    let mut branches = Vec::new();
    for branch in own.into_iter().chain(of_tasks) {
        if drive.git.find_ref(&format!("refs/remotes/{remote}/{branch}"))?.is_some() {
            branches.push(branch.to_owned());
        }
    }
    Ok((!branches.is_empty()).then_some(RemoteBranches { remote, branches }))
}
