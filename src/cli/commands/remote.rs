//! Looks at the remote, for `status --fetch` and `merge`.
//!
//! Invariant: reads the journal again afterwards, because the look may append to it.

use super::Context;
use super::target::Target;
use crate::run::merge::propose;
use crate::system::process::StopSwitch;

/// Finds the pull requests that were merged on the remote, and prints them.
pub(crate) fn look(
    context: &Context,
    target: &mut Target,
    stop: &StopSwitch,
) -> anyhow::Result<()> {
    let looked = propose::look(&target.drive, target.snapshot(), stop)?;
    looked.remarks.iter().for_each(|text| context.ui.warning(text));
    for id in &looked.offered {
        context.ui.status(&format!("the pull request of task '{id}' was merged on the remote"));
    }
    target.reload()
}
