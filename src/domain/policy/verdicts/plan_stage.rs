//! What the end of a planning agent means: facts in, outcome out.
//!
//! Invariant: pure. The work begins only after a complete blueprint, and after a person's approval
//! unless the user waived it (`--yes`).

use super::{HALTED, SILENT};
use crate::domain::blueprint::Blueprint;
use crate::domain::report::{Report, Status};
use crate::domain::task::{Block, Ending, Outcome, Pause, Reason};

/// After this many agents without a complete blueprint, a person is asked.
const MAX_TRIES: usize = 2;

/// What is known when a planner's process has ended.
#[derive(Debug, Clone)]
pub(crate) struct PlanFacts {
    pub ending: Ending,
    /// A person stopped the task: it waits for `retry`.
    pub halted: bool,
    /// The usage limit that the planner's program reached.
    pub pause: Option<Pause>,
    /// The error that the planner's program reported.
    pub error: Option<String>,
    pub report: Option<Report>,
    /// The blueprint, or the parts that it lacks.
    pub blueprint: Result<Blueprint, Vec<&'static str>>,
    /// How many planners before this one wrote no complete blueprint.
    pub tried_before: usize,
    /// Blueprints need no approval.
    pub approves: bool,
}

/// Returns the outcome of planning.
pub(crate) fn plan(facts: &PlanFacts, limit_seconds: u64) -> Outcome {
    let block = |reason, text: String| Outcome::Blocked(Block::new(reason, text));
    if let (Some(pause), Err(_), false) = (&facts.pause, &facts.blueprint, facts.halted)
        && matches!(facts.ending, Ending::Exited(_) | Ending::TimedOut | Ending::Silent)
    {
        return Outcome::Later(pause.clone());
    }
    match facts.ending {
        Ending::Stopped | Ending::Killed(_) if facts.halted => {
            return block(Reason::Stopped, HALTED.into());
        }
        Ending::Stopped | Ending::Lost => return Outcome::Again,
        Ending::TimedOut => {
            let text = format!("the planner ran longer than {limit_seconds} s and was ended");
            return block(Reason::Timeout, text);
        }
        Ending::Silent => return block(Reason::Timeout, SILENT.into()),
        Ending::Exited(_)
        | Ending::Killed(_)
        | Ending::Limited
        | Ending::NotLaunched
        | Ending::ByHand => {}
    }
    if let Some(error) = &facts.error {
        return block(Reason::Agent, format!("the planner's program failed: {error}"));
    }
    let said = facts.report.as_ref().map(|report| (report.status, report.message.as_str()));
    match said {
        Some((Status::NeedsContext, message)) => {
            return block(Reason::NeedsContext, format!("the planner asks: {message}"));
        }
        Some((Status::Blocked, message)) => {
            return block(Reason::Agent, format!("the planner is blocked: {message}"));
        }
        Some((Status::Done | Status::DoneWithConcerns, _)) | None => {}
    }
    match &facts.blueprint {
        Ok(_) if facts.approves => Outcome::Approved,
        Ok(plan) => block(Reason::Approval, waits(plan.questions())),
        Err(_) if facts.tried_before + 1 < MAX_TRIES => Outcome::Again,
        Err(missing) => {
            let text = format!("{} ({})", lacks(missing), facts.ending);
            block(Reason::Agent, text)
        }
    }
}

fn waits(questions: usize) -> String {
    match questions {
        0 => "its plan waits for approval".into(),
        1 => "its plan waits for approval, and asks 1 question".into(),
        many => format!("its plan waits for approval, and asks {many} questions"),
    }
}

/// Returns the sentence about a blueprint without these parts.
pub(crate) fn lacks(missing: &[&str]) -> String {
    format!("its plan lacks: {}", missing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blueprint::PARTS;

    fn facts(blueprint: Result<Blueprint, Vec<&'static str>>) -> PlanFacts {
        PlanFacts {
            ending: Ending::Exited(0),
            halted: false,
            pause: None,
            error: None,
            report: None,
            blueprint,
            tried_before: 0,
            approves: false,
        }
    }

    fn whole() -> Blueprint {
        let text = PARTS.map(|part| format!("## {part}\n- x\n")).concat();
        Blueprint::read(&text).expect("a plan")
    }

    fn reason(facts: &PlanFacts) -> Option<Reason> {
        match plan(facts, 60) {
            Outcome::Blocked(block) => Some(block.reason),
            _ => None,
        }
    }

    #[test]
    fn a_whole_plan_waits_for_a_person_or_for_nobody() {
        assert_eq!(reason(&facts(Ok(whole()))), Some(Reason::Approval));
        let approves = PlanFacts { approves: true, ..facts(Ok(whole())) };
        assert_eq!(plan(&approves, 60), Outcome::Approved);
    }

    #[test]
    fn what_is_missing_is_asked_for_once_more() {
        let lacking = facts(Err(vec!["Edge cases"]));
        assert_eq!(plan(&lacking, 60), Outcome::Again);
        let again = PlanFacts { tried_before: 1, ..lacking };
        let Outcome::Blocked(block) = plan(&again, 60) else { panic!("it is over") };
        assert!(block.text.contains("Edge cases"), "{}", block.text);
    }

    #[test]
    fn its_word_and_its_end_go_before_its_plan() {
        let said = |status| Some(Report { status, message: "which one?".into() });
        let asks = PlanFacts { report: said(Status::NeedsContext), ..facts(Ok(whole())) };
        assert_eq!(reason(&asks), Some(Reason::NeedsContext));
        let stopped = PlanFacts { ending: Ending::Stopped, ..facts(Ok(whole())) };
        assert_eq!(plan(&stopped, 60), Outcome::Again);
        let failed = PlanFacts { error: Some("API Error".into()), ..facts(Ok(whole())) };
        assert_eq!(reason(&failed), Some(Reason::Agent));
        let limit = Pause { until: None, text: "limit".into() };
        let limited = PlanFacts { pause: Some(limit.clone()), ..facts(Err(vec!["Edge cases"])) };
        assert_eq!(plan(&limited, 60), Outcome::Later(limit));
        let late = PlanFacts { ending: Ending::TimedOut, ..facts(Ok(whole())) };
        assert_eq!(reason(&late), Some(Reason::Timeout));
    }
}
