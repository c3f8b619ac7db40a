//! What happened on the remote: a look that `status --fetch` and `merge` take alike.
//!
//! Invariant: says what was seen, and reads the journal again, since the look may append to it.

use super::Context;
use super::target::Target;
use crate::run::merge::propose;
use crate::system::process::StopSwitch;

/// Looks which pull requests were merged on the remote, and says so.
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
