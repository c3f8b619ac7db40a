//! Work on a merge that was no good: whether it is mended, and what else the agent did to it.
//!
//! Invariant: git alone says whether it is; a merge that takes back what others did is told.

use super::Attempt;
use crate::domain::oid::Oid;
use crate::domain::task::{Block, Reason, Record, Stage};

/// So many paths are named.
const MAX_NAMED: usize = 8;

impl Attempt {
    /// Returns what is still wrong with a merge that was to be mended.
    pub(super) fn unmended(&self, record: &Record, tip: &Oid) -> anyhow::Result<Option<Block>> {
        let Some(why) = record.sent_back.as_ref().filter(|_| self.spec.stage.is_mending()) else {
            return Ok(None);
        };
        if self.spec.candidate() == Some(tip) {
            let text = "it was to mend the tests of its merge, and changed nothing";
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
                text: format!("an agent was to merge it, and did not: {}", why.text),
                ..why.clone()
            })
        })
    }

    /// Says what the merge of a conflict changed that was neither in conflict nor the task's own.
    pub(super) fn beside_the_conflict(
        &self,
        record: &Record,
        tip: &Oid,
    ) -> anyhow::Result<Option<String>> {
        let why = record.sent_back.as_ref().filter(|_| self.spec.stage == Stage::FixConflict);
        let against = why.and_then(|why| why.against.as_ref());
        let (Some(why), Some(against), Some(start)) = (why, against, &self.spec.begins_on) else {
            return Ok(None);
        };
        let Some(base) = self.git.merge_base(against, start)? else { return Ok(None) };
        if !self.git.is_ancestor(against, tip)? {
            return Ok(None);
        }
        let own = self.git.files_between(base.as_str(), start)?;
        let mut beside = self.git.files_between(against.as_str(), tip)?;
        beside.retain(|path| !own.contains(path) && !why.files.contains(path));
        let more = beside.len().saturating_sub(MAX_NAMED);
        beside.truncate(MAX_NAMED);
        beside.extend((more > 0).then(|| format!("and {more} more")));
        let text =
            "who merged it changed what was not in conflict, and may have undone others' work";
        Ok((!beside.is_empty()).then(|| format!("{text}: {}", beside.join(", "))))
    }
}
