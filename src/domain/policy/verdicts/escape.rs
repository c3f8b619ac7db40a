//! What it means that something moved which is not the attempt's own.
//!
//! Invariant: pure. Only a movement that one of the agent's own git commands certainly made takes
//! away what the task has earned; anything else may have been a person or another agent.

use crate::domain::task::{AttemptEnd, Block, Outcome, OutsideChange, Reason};

/// At most this many movements are named.
const MAX_NAMED: usize = 8;

/// Something that moved, and the agent's own command that certainly did it.
pub(crate) struct Movement {
    pub moved: OutsideChange,
    /// Empty if it is certain without a command.
    pub culprit: Option<String>,
    /// What was done about it, a clause; `None` if a person has to.
    pub put_back: Option<String>,
}

impl Movement {
    /// Returns true if both are about the same branch.
    pub(crate) fn is_same_branch(&self, other: &Movement) -> bool {
        match (&self.moved, &other.moved) {
            (
                OutsideChange::Branch { name: one, .. },
                OutsideChange::Branch { name: other, .. },
            ) => one == other,
            _ => false,
        }
    }

    fn text(&self) -> String {
        let culprit = self.culprit.as_deref().filter(|culprit| !culprit.is_empty());
        let by = culprit.map(|culprit| format!(" by the agent's '{culprit}'")).unwrap_or_default();
        let put_back = self.put_back.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
        format!("{}{by}{put_back}", self.moved)
    }
}

/// Returns the end of an attempt, blocked as `escaped` if these movements say so.
pub(crate) fn judge(mut finished: AttemptEnd, movements: Vec<Movement>) -> AttemptEnd {
    let (certain, other): (Vec<Movement>, Vec<Movement>) =
        movements.into_iter().partition(|movement| movement.culprit.is_some());
    let has_nothing = matches!(&finished.outcome,
        Outcome::Blocked(block) if block.reason == Reason::NoChanges);
    // The missing work is most likely what moved elsewhere.
    if certain.is_empty() && has_nothing && !other.is_empty() {
        let list = list(&other);
        let text = format!("the branch has no commit of its own; while the agent ran: {list}");
        return escaped(finished, text, other);
    }
    // Not certain to be the agent's doing, so it is only reported: a person or another task may have
    // moved it at the same time.
    let remarks = other.iter().take(MAX_NAMED);
    finished.remarks.extend(remarks.map(|it| format!("while the agent ran: {}", it.moved)));
    if certain.is_empty() {
        finished
    } else {
        let text = list(&certain);
        escaped(finished, text, certain)
    }
}

fn escaped(finished: AttemptEnd, text: String, movements: Vec<Movement>) -> AttemptEnd {
    let mut block = match finished.outcome {
        // The block already describes what is wrong with the worktree.
        Outcome::Blocked(block) if block.reason == Reason::Escaped => match movements.as_slice() {
            [Movement { moved: OutsideChange::Strayed { .. }, .. }] => block,
            _ => Block { text, ..block },
        },
        _ => Block::new(Reason::Escaped, text),
    };
    block.files = movements.iter().flat_map(|it| it.moved.files().to_vec()).collect();
    block.moved = movements.into_iter().map(|it| it.moved).collect();
    AttemptEnd { outcome: Outcome::Blocked(block), ..finished }
}

fn list(movements: &[Movement]) -> String {
    let named: Vec<String> = movements.iter().take(MAX_NAMED).map(Movement::text).collect();
    let more = movements.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    named.join("; ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oid::Oid;
    use crate::domain::task::Ending;

    fn stash(culprit: Option<&str>) -> Movement {
        let moved = OutsideChange::Stash { from: None, to: None };
        Movement { moved, culprit: culprit.map(str::to_owned), put_back: None }
    }

    fn finished(outcome: Outcome) -> AttemptEnd {
        AttemptEnd::new(1, Ending::Exited(0), outcome, 2)
    }

    fn reason(finished: &AttemptEnd) -> Option<Reason> {
        match &finished.outcome {
            Outcome::Blocked(block) => Some(block.reason),
            _ => None,
        }
    }

    #[test]
    fn only_what_is_certain_or_explains_missing_work_blocks() {
        let ready = || Outcome::Ready(Oid::from_hex(&"0f".repeat(20)).expect("an id"));
        let certain = judge(finished(ready()), vec![stash(Some("git stash"))]);
        assert_eq!(reason(&certain), Some(Reason::Escaped));
        let perhaps = judge(finished(ready()), vec![stash(None)]);
        assert_eq!((reason(&perhaps), perhaps.remarks.len()), (None, 1));
        let nothing = Outcome::Blocked(Block::new(Reason::NoChanges, "no"));
        let missing = judge(finished(nothing), vec![stash(None)]);
        assert_eq!(reason(&missing), Some(Reason::Escaped));
    }
}
