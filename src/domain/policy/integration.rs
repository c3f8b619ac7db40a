//! Who changed the integration branch beside this run, and whether the run may build on that.
//!
//! Invariant: pure. What an agent put there is never built on; what a person put there is kept once
//! it has passed the tests; a merge of this run that is missing is never passed over in silence.

use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;

/// What git and the journal know of the branch's tip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct BranchFacts {
    /// The newest commit that the run published or kept is the tip itself.
    pub is_published: bool,
    /// Every further commit is the merge of a task that waits to be merged: its event is missing.
    pub is_merge_of_queue: bool,
    /// Merges of this run that the branch does not contain.
    pub lost: Vec<Oid>,
    /// The branch has all changes of the lost merges: it was rebased or squashed.
    pub has_content: bool,
    /// Blocked tasks whose agents certainly moved the branch to a commit that it still holds.
    pub of_blocked: Vec<TaskId>,
    /// Running tasks whose agents made one of the commits, or moved the branch.
    pub of_running: Vec<TaskId>,
}

/// Where the tip of the integration branch comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This run published all of it.
    Run,
    /// A person, or another program of a person.
    Person,
    /// The agent of this task, which was blocked for it.
    Agent(TaskId),
    /// Probably the agent of this task, which is still at work.
    Running(TaskId),
    /// Somebody took these merges of the run out of the branch.
    Lost(Vec<Oid>),
}

/// Returns where the tip comes from.
pub(crate) fn origin(facts: BranchFacts) -> Origin {
    let of_agent = facts.of_running.first().cloned().map(Origin::Running);
    let of_agent = of_agent.or_else(|| facts.of_blocked.first().cloned().map(Origin::Agent));
    match of_agent {
        _ if facts.is_published && facts.lost.is_empty() => Origin::Run,
        Some(agent) => agent,
        None if !facts.lost.is_empty() && !facts.has_content => Origin::Lost(facts.lost),
        None if facts.is_merge_of_queue && facts.lost.is_empty() => Origin::Run,
        None => Origin::Person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> TaskId {
        TaskId::new("a").expect("an id")
    }

    fn lost() -> Vec<Oid> {
        vec![Oid::from_hex(&"0f".repeat(20)).expect("an id")]
    }

    #[test]
    fn an_agent_is_never_taken_for_a_person() {
        let person = BranchFacts::default();
        assert_eq!(origin(person.clone()), Origin::Person);
        let running = BranchFacts { of_running: vec![id()], ..person.clone() };
        assert_eq!(origin(running), Origin::Running(id()));
        let queued = BranchFacts { is_merge_of_queue: true, ..person.clone() };
        assert_eq!(origin(queued.clone()), Origin::Run);
        let blocked = BranchFacts { of_blocked: vec![id()], ..queued };
        assert_eq!(origin(blocked), Origin::Agent(id()));
        let ours = BranchFacts { is_published: true, of_blocked: vec![id()], ..person };
        assert_eq!(origin(ours), Origin::Run);
    }

    #[test]
    fn a_missing_merge_is_lost_unless_its_content_is_there() {
        let set_back = BranchFacts { is_published: true, lost: lost(), ..BranchFacts::default() };
        assert_eq!(origin(set_back.clone()), Origin::Lost(lost()));
        let squashed = BranchFacts { has_content: true, ..set_back };
        assert_eq!(origin(squashed), Origin::Person);
    }
}
