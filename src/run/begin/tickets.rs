//! Tickets that a run would not find as they are in the checkout.
//!
//! Invariant: only looks, and at the tickets of the plan alone.

use super::base::Remark;
use crate::domain::oid::Oid;
use crate::domain::plan::Plan;
use crate::git::Git;

/// Returns what becomes of tickets that are not in the base as they are here.
pub(super) fn uncommitted(git: &Git, base: &Oid, plan: &Plan) -> anyhow::Result<Option<Remark>> {
    let Some(top) = git.top_level() else { return Ok(None) };
    let tree = git.tree_of(base)?;
    let mut other = Vec::new();
    for path in plan.tasks.iter().filter_map(|task| task.ticket.as_deref()) {
        let here = std::fs::read(top.join(path)).ok();
        if here != git.read_path(&tree, path)? {
            other.push(path);
        }
    }
    let [first, more @ ..] = other.as_slice() else { return Ok(None) };
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Ok(Some(Remark {
        text: format!(
            "not committed as it is here: '{first}'{more}; plans and ticks are written to what is \
             committed, and to nothing where that is nothing"
        ),
        remedy: "to have them in the tickets: commit the backlog first, then start".into(),
    }))
}
