//! Which branches of a run are on the remote.
//!
//! Invariant: asks this repository alone, which remembers what it has pushed and fetched; nobody
//! is called, and nothing is deleted there.

use crate::domain::snapshot::Snapshot;
use crate::git::remote::RemoteChoice;
use crate::run::Drive;

/// Branches that the run made, and their remote; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub remote: String,
    pub branches: Vec<String>,
}

/// Returns the branches that are on the remote as far as is known here.
pub(crate) fn pushed(drive: &Drive, snapshot: &Snapshot) -> anyhow::Result<Option<Pushed>> {
    let run = &snapshot.run;
    let named = drive.settings.remote.as_deref();
    // What a person has to choose or to mend first is not worth an error at the end of a run.
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
    Ok((!branches.is_empty()).then_some(Pushed { remote, branches }))
}
