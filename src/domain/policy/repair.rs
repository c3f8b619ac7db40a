//! Whether an agent fixes a merge candidate that was rejected, and in which stage.
//!
//! Invariant: pure. An agent gets at most as many tries as `rounds` allows, then a person decides.

use crate::domain::config::{OnConflict, Settings};
use crate::domain::oid::Oid;
use crate::domain::plan::Task;
use crate::domain::policy::choice::Choice;
use crate::domain::policy::pipeline::may_fix;
use crate::domain::snapshot::Run;
use crate::domain::task::{Block, Reason, Record, Stage};

/// A merge that was not published, and why.
pub(crate) struct Rejection<'a> {
    /// The task's finished work.
    pub commit: &'a Oid,
    /// The merge candidate; `None` if git could not make one.
    pub candidate: Option<&'a Oid>,
    pub why: Block,
}

/// Returns the stage in which an agent fixes the merge, and the commit that it begins on; `None`
/// if a person has to.
pub(crate) fn repair<'a>(
    rejection: &Rejection<'a>,
    task: &Task,
    record: &Record,
    run: &Run,
    settings: &Settings,
) -> Option<(Stage, &'a Oid)> {
    let Rejection { commit, candidate, why } = rejection;
    let (stage, begins_on) = match (why.reason, candidate) {
        (Reason::Tests, Some(candidate)) => (Stage::FixTests, *candidate),
        // If git cannot merge at all, it names no file; and a commit that came from the remote is
        // on no branch of the task.
        (Reason::Conflict, _) if !why.files.is_empty() && why.brought.is_none() => {
            (Stage::FixConflict, *commit)
        }
        _ => return None,
    };
    if stage == Stage::FixConflict && settings.on_conflict != OnConflict::Agent {
        return None;
    }
    // Only the author of a shell command can fix the command.
    if task.run.is_some() || !may_fix(record, settings.rounds) {
        return None;
    }
    let defaults = settings.defaults();
    // By hand, whoever launches the agents sees to the fix.
    let has_agent = || Choice::for_stage(task, record, stage, &defaults).agent().is_some();
    (run.flags.manual || has_agent()).then_some((stage, begins_on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::{Layer, merge};
    use crate::domain::snapshot::Flags;

    fn task(more: &str) -> Task {
        let text = format!("[[task]]\nid = 'a'\ntitle = 'A'\ndepends_on = []\n{more}\n");
        let source = crate::plan::Source { name: "plan.toml", bytes: text.as_bytes() };
        crate::plan::parse(&source).expect("a plan").plan.tasks.remove(0)
    }

    fn oid(digits: &str) -> Oid {
        Oid::from_hex(&digits.repeat(20)).expect("an id")
    }

    fn run(manual: bool) -> Run {
        Run {
            name: "p".into(),
            base_branch: "main".into(),
            base: oid("0f"),
            integration: "feat/p".into(),
            checkout: "/c".into(),
            created: 0,
            flags: Flags { manual, ..Flags::default() },
            kept: None,
            settings: None,
            closed: None,
        }
    }

    #[test]
    fn an_agent_fixes_tests_and_a_conflict_only_if_the_user_wants_that() {
        let settings = |on_conflict, agent: Option<&str>| Settings {
            on_conflict,
            agent: agent.map(str::to_owned),
            ..merge(&Flags::default(), Layer::default(), Layer::default())
        };
        let (commit, candidate) = (oid("a1"), oid("b2"));
        let tests = Rejection {
            commit: &commit,
            candidate: Some(&candidate),
            why: Block::new(Reason::Tests, "failed"),
        };
        let files = vec!["x".to_owned()];
        let why = Block { files, ..Block::new(Reason::Conflict, "both") };
        let conflict = Rejection { commit: &commit, candidate: None, why };
        let (asks, fresh) = (task("prompt = 'Do it.'"), Record::default());
        let pr = settings(OnConflict::Pr, Some("claude"));
        let stage = |rejection, settings| repair(rejection, &asks, &fresh, &run(false), settings);
        assert_eq!(stage(&tests, &pr), Some((Stage::FixTests, &candidate)));
        assert_eq!(stage(&conflict, &pr), None);
        let agent = settings(OnConflict::Agent, Some("claude"));
        assert_eq!(stage(&conflict, &agent), Some((Stage::FixConflict, &commit)));
        let nobody = settings(OnConflict::Agent, None);
        assert_eq!(stage(&tests, &nobody), None);
        let by_hand = repair(&tests, &asks, &fresh, &run(true), &nobody);
        assert_eq!(by_hand, Some((Stage::FixTests, &candidate)));
        let command = task("run = 'make'");
        assert_eq!(repair(&tests, &command, &fresh, &run(false), &agent), None);
        let never = Settings { rounds: 0, ..agent.clone() };
        assert_eq!(stage(&tests, &never), None);
    }
}
