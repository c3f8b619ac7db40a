//! Tickets whose content in the checkout differs from the base of a new run.
//!
//! Invariant: reads only, and only the tickets of the plan.

use super::base::Warning;
use crate::domain::oid::Oid;
use crate::domain::plan::Plan;
use crate::git::Git;

/// Returns a warning if tickets differ: plans and ticks are commits on top of the base, so they
/// would be written to the committed text, not to the one that the user sees.
pub(super) fn uncommitted(git: &Git, base: &Oid, plan: &Plan) -> anyhow::Result<Option<Warning>> {
    let Some(top) = git.top_level() else { return Ok(None) };
    let tree = git.tree_of(base)?;
    let mut different = Vec::new();
    for path in plan.tasks.iter().filter_map(|task| task.ticket.as_deref()) {
        let here = std::fs::read(top.join(path)).ok();
        if here != git.read_path(&tree, path)? {
            different.push(path);
        }
    }
    let [first, more @ ..] = different.as_slice() else { return Ok(None) };
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Ok(Some(Warning {
        text: format!(
            "not committed: '{first}'{more}; the run updates tickets as they are committed, and skips \
             tickets that are not"
        ),
        remedy: "To have plans and ticks in these tickets, commit them before you start.".into(),
    }))
}
