//! Work on a merge that failed: whether the agent fixed it, and what else the agent changed.
//!
//! Invariant: git alone decides whether the merge is fixed; a fix that may undo the work of other
//! tasks is reported.

use super::Attempt;
use crate::domain::oid::Oid;
use crate::domain::task::{Block, Reason, Record, Stage};

/// At most this many paths are named.
const MAX_NAMED: usize = 8;

impl Attempt {
    /// Returns what is still wrong with a merge that the agent was to fix.
    pub(super) fn missing_fix(&self, record: &Record, tip: &Oid) -> anyhow::Result<Option<Block>> {
        let Some(why) = record.sent_back.as_ref().filter(|_| self.spec.task.stage.is_mending())
        else {
            return Ok(None);
        };
        if self.spec.candidate() == Some(tip) {
            let text = "the agent was to fix the tests of the merge, but changed nothing";
            return Ok(Some(Block {
                against: why.against.clone(),
                ..Block::new(Reason::Tests, text)
            }));
        }
        let Some(against) = why.against.as_ref().filter(|_| why.reason == Reason::Conflict) else {
            return Ok(None);
        };
        Ok(if self.git.is_ancestor(against, tip)? {
            None
        } else {
            Some(Block {
                text: format!("the agent was to resolve the conflict, but did not: {}", why.text),
                ..why.clone()
            })
        })
    }

    /// Returns a remark on paths that a resolved merge changed although they were neither in
    /// conflict nor changed by the task.
    ///
    /// A merge commit that drops the other side is still a merge to git, so ancestry alone would
    /// let an agent undo the work of other tasks unseen.
    pub(super) fn unrelated_changes(
        &self,
        record: &Record,
        tip: &Oid,
    ) -> anyhow::Result<Option<String>> {
        let why = record.sent_back.as_ref().filter(|_| self.spec.task.stage == Stage::FixConflict);
        let against = why.and_then(|why| why.against.as_ref());
        let (Some(why), Some(against), Some(start)) = (why, against, &self.spec.place.begins_on)
        else {
            return Ok(None);
        };
        let Some(base) = self.git.merge_base(against, start)? else { return Ok(None) };
        if !self.git.is_ancestor(against, tip)? {
            return Ok(None);
        }
        let own = self.git.files_between(base.as_str(), start)?;
        let mut files = self.git.files_between(against.as_str(), tip)?;
        files.retain(|path| !own.contains(path) && !why.files.contains(path));
        let more = files.len().saturating_sub(MAX_NAMED);
        files.truncate(MAX_NAMED);
        files.extend((more > 0).then(|| format!("and {more} more")));
        let text = "the agent that resolved the conflict also changed files outside of it, and may \
             have undone the work of other tasks";
        Ok((!files.is_empty()).then(|| format!("{text}: {}", files.join(", "))))
    }
}
