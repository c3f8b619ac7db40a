//! What the next attempt at a task is for, who makes it, with which model, and what follows.
//!
//! Invariant: pure, and decided here alone, from the plan, the record and the settings. Scheduler,
//! usage limits, prompts, notes, table and JSON read one [`Choice`], so they cannot disagree.

use crate::domain::agent::Agent;
use crate::domain::agent::model::{Class, Model};
use crate::domain::config::Defaults;
use crate::domain::plan::Task;
use crate::domain::policy::pipeline;
use crate::domain::review::Review;
use crate::domain::task::{Attempt, Ending, Record, Stage, State};

/// A text that is complete counts as cheap work if the task names at most this many files.
const FEW_FILES: usize = 2;

/// A text of at least this many words counts as complete; so does one with code in it.
const MANY_WORDS: usize = 60;

/// After this many failed rounds an attempt gets a better model.
const FAILED_ROUNDS: usize = 2;

/// Who makes an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Actor<'a> {
    /// The task's own shell command.
    Command(&'a str),
    Agent(Agent),
    /// An agent is needed, and neither the plan nor the settings name one.
    Unknown,
}

/// The next attempt at a task, or the one under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice<'a> {
    pub stage: Stage,
    pub actor: Actor<'a>,
    /// The name that the agent's program knows the model by.
    pub model: Option<String>,
    /// The class that the model was chosen by; `None` if the plan or a person names the model.
    pub class: Option<Class>,
    /// The reviews of the task, in order.
    pub reviews: &'a [Review],
    /// The number of the attempt whose conversation continues, if its agent's program can do that.
    pub continues: Option<u32>,
}

impl<'a> Choice<'a> {
    /// Returns the choice for the attempt under way, or else for the next one.
    pub(crate) fn of(task: &'a Task, record: &'a Record, defaults: &'a Defaults) -> Choice<'a> {
        let stage = match &record.state {
            State::Running { stage, .. } => *stage,
            State::Waiting
            | State::Pending { .. }
            | State::Merging { .. }
            | State::Done { .. }
            | State::Blocked(_)
            | State::Paused { .. } => record.next_stage(task),
        };
        Choice::for_stage(task, record, stage, defaults)
    }

    /// Returns the choice for an attempt of this stage.
    pub(crate) fn for_stage(
        task: &'a Task,
        record: &'a Record,
        stage: Stage,
        defaults: &'a Defaults,
    ) -> Choice<'a> {
        let actor = actor_of(task, record, stage, defaults);
        let model = model_of_attempt(task, record, stage);
        let class = match model {
            Some(Model::Class(class)) => Some(class),
            Some(Model::Named(_)) | None => None,
        };
        let program = actor.agent().map(Agent::name).unwrap_or_default();
        let model = model.and_then(|model| defaults.models.name(model, &program));
        let (reviews, continues) = (reviews_of(task, defaults), continued(record, stage));
        Choice { stage, actor, model, class, reviews, continues }
    }

    /// Returns the agent; `None` for a shell command, and where no agent is named.
    pub(crate) fn agent(&self) -> Option<&Agent> {
        self.actor.agent()
    }

    /// Returns the name of the agent's program, which is what a usage limit belongs to.
    pub(crate) fn program(&self) -> Option<String> {
        self.agent().map(Agent::name)
    }
}

impl Actor<'_> {
    fn agent(&self) -> Option<&Agent> {
        match self {
            Actor::Agent(agent) => Some(agent),
            Actor::Command(_) | Actor::Unknown => None,
        }
    }
}

/// A person's choice with `retry` goes before the plan's, and the plan's before the settings'.
fn actor_of<'a>(task: &'a Task, record: &Record, stage: Stage, defaults: &Defaults) -> Actor<'a> {
    // What a review finds in the work of a command, an agent fixes: the command would only do the
    // same again.
    if let Some(command) = task.run.as_deref().filter(|_| stage == Stage::Implement) {
        return Actor::Command(command);
    }
    let named = record.agent.as_ref().or(task.agent.as_ref()).or(defaults.agent.as_ref());
    named.map_or(Actor::Unknown, |text| Actor::Agent(Agent::from_text(text)))
}

/// A shell command is reviewed only if the plan asks for it.
fn reviews_of<'a>(task: &'a Task, defaults: &'a Defaults) -> &'a [Review] {
    match (&task.reviews, &task.run) {
        (Some(reviews), _) => reviews,
        (None, Some(_)) => &[],
        (None, None) => &defaults.reviews,
    }
}

/// Returns the number of the attempt whose conversation an attempt of this stage continues.
fn continued(record: &Record, stage: Stage) -> Option<u32> {
    let last = record.last_attempt();
    let attempt = match stage {
        Stage::Implement | Stage::FixTests | Stage::FixConflict => {
            last.filter(|last| was_interrupted(last))
        }
        // The planner knows best why its plan is as it is.
        Stage::Plan => last.filter(|last| last.stage == Stage::Plan),
        // The implementer knows its own code; a new agent would have to read all of it first.
        Stage::Fix => record.attempts.iter().rev().find(|last| last.stage.is_work()),
        Stage::SpecReview | Stage::QualityReview | Stage::Review | Stage::FinalReview => {
            last.filter(|last| last.stage == stage && was_interrupted(last))
        }
    };
    attempt.map(|attempt| attempt.number)
}

fn was_interrupted(attempt: &Attempt) -> bool {
    matches!(attempt.ending, Some(Ending::Stopped | Ending::Lost | Ending::Limited))
}

/// Returns the model that the work on a task begins with; `None` for a shell command.
pub(crate) fn model_of_task(task: &Task) -> Option<Model<'_>> {
    if task.run.is_some() {
        return None;
    }
    Some(task.model.as_deref().map_or_else(|| Model::Class(class_of(task)), Model::from_word))
}

/// Returns the model that an attempt of this stage is made with; `None` for a shell command.
///
/// A person's choice with `retry` goes before the plan's. Reviewers get a capable model; so does a
/// task that keeps failing review.
fn model_of_attempt<'a>(task: &'a Task, record: &'a Record, stage: Stage) -> Option<Model<'a>> {
    let model = match &task.run {
        Some(_) if stage == Stage::Implement => return None,
        _ if record.model.is_some() => Model::from_word(record.model.as_deref()?),
        // An agent reads what a command did, and fixes what was found.
        Some(_) => Model::Class(Class::Standard),
        None => model_of_task(task)?,
    };
    Some(match model {
        // A review or a plan that is wrong costs more than the better model.
        Model::Class(_) if !stage.is_work() => Model::Class(Class::Capable),
        Model::Class(class) if pipeline::rounds_lost(record) >= FAILED_ROUNDS => {
            Model::Class(class.up())
        }
        model => model,
    })
}

fn class_of(task: &Task) -> Class {
    // A text that decides everything leaves only typing, which a cheap model does as well.
    let is_complete = task.prompt.contains("```")
        || task.prompt.split_whitespace().take(MANY_WORDS).count() == MANY_WORDS;
    match task.files.len() {
        _ if is_design(&task.title) => Class::Capable,
        1..=FEW_FILES if is_complete => Class::Cheap,
        _ => Class::Standard,
    }
}

fn is_design(title: &str) -> bool {
    let mut words = title.split(|c: char| !c.is_alphanumeric());
    words.any(|word| ["design", "architecture"].contains(&word.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oid::Oid;
    use crate::domain::review::Verdict;
    use crate::domain::task::{AttemptEnd, AttemptStart, Event, Outcome};

    fn task(title: &str, more: &str) -> Task {
        let text = format!("[[task]]\nid = 'a'\ntitle = '{title}'\ndepends_on = []\n{more}\n");
        let source = crate::plan::Source { name: "plan.toml", bytes: text.as_bytes() };
        crate::plan::parse(&source).expect("a plan").plan.tasks.remove(0)
    }

    fn class(title: &str, more: &str) -> Class {
        match model_of_task(&task(title, more)) {
            Some(Model::Class(class)) => class,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn little_that_is_well_described_is_cheap() {
        let long = "word ".repeat(MANY_WORDS);
        assert_eq!(class("A", &format!("prompt = '{long}'\nfiles = ['a', 'b']")), Class::Cheap);
        assert_eq!(class("A", "prompt = '```x```'\nfiles = ['a']"), Class::Cheap);
        assert_eq!(class("A", "prompt = 'Do it'\nfiles = ['a']"), Class::Standard);
        let many = format!("prompt = '{long}'\nfiles = ['a', 'b', 'c']");
        assert_eq!(class("A", &many), Class::Standard);
        assert_eq!(class("A", &format!("prompt = '{long}'")), Class::Standard);
        assert_eq!(class("API: design", "prompt = '```x```'\nfiles = ['a']"), Class::Capable);
        assert_eq!(class("Designate it", "prompt = 'x'"), Class::Standard);
    }

    #[test]
    fn the_plan_goes_first() {
        assert_eq!(class("A", "prompt = 'x'\nmodel = 'cheap'"), Class::Cheap);
        let named = task("A", "prompt = 'x'\nmodel = 'opus'");
        assert_eq!(model_of_task(&named), Some(Model::Named("opus")));
        let fresh = Record::default();
        let review = model_of_attempt(&named, &fresh, Stage::Review);
        assert_eq!(review, Some(Model::Named("opus")));
        assert_eq!(model_of_task(&task("A", "run = 'make'\nmodel = 'opus'")), None);
    }

    fn failed_review(record: &Record) -> Record {
        let oid = Oid::from_hex(&"a1".repeat(20)).expect("an id");
        let pending = record.pending().map(|(stage, _)| stage);
        let (attempt, stage) = (record.next_attempt(), pending.unwrap_or(Stage::Implement));
        let started = AttemptStart {
            attempt,
            stage,
            base: oid.clone(),
            tip: Some(oid.clone()),
            branch: "b".into(),
            worktree: "/w".into(),
            worker: None,
            agent: None,
            model: None,
            at: 1,
        };
        let outcome = Outcome::Next { stage: Stage::Review, commit: oid };
        let finished = AttemptEnd::new(attempt, crate::domain::task::Ending::Exited(0), outcome, 2);
        let verdict = Some(Verdict::bare(false));
        let record = record.apply(&Event::Started(started)).expect("starts");
        record.apply(&Event::Finished(AttemptEnd { verdict, ..finished })).expect("ends")
    }

    #[test]
    fn a_task_that_fails_twice_gets_a_better_model() {
        let task = task("A", "prompt = 'x'\nmodel = 'cheap'");
        let once = failed_review(&Record::default());
        let twice = failed_review(&once);
        let of = |record| model_of_attempt(&task, record, Stage::Fix);
        assert_eq!(of(&once), Some(Model::Class(Class::Cheap)));
        assert_eq!(of(&twice), Some(Model::Class(Class::Standard)));
        let review = model_of_attempt(&task, &once, Stage::SpecReview);
        assert_eq!(review, Some(Model::Class(Class::Capable)));
    }

    #[test]
    fn what_a_person_chose_goes_first() {
        let task = task("A", "prompt = 'x'\nmodel = 'cheap'");
        let chosen = |word: &str| Record { model: Some(word.into()), ..Record::default() };
        let (class, name) = (chosen("standard"), chosen("opus"));
        let work = |record| model_of_attempt(&task, record, Stage::Implement);
        assert_eq!(work(&class), Some(Model::Class(Class::Standard)));
        assert_eq!(work(&name), Some(Model::Named("opus")));
        let review = model_of_attempt(&task, &class, Stage::Review);
        assert_eq!(review, Some(Model::Class(Class::Capable)));
        let command = self::task("A", "run = 'make'");
        assert_eq!(model_of_attempt(&command, &class, Stage::Implement), None);
    }

    #[test]
    fn a_command_is_done_by_itself_and_read_by_an_agent() {
        let defaults = Defaults { agent: Some("claude".into()), ..Defaults::default() };
        let task = task("A", "run = 'make'\nreviews = ['spec']");
        let fresh = Record::default();
        let work = Choice::of(&task, &fresh, &defaults);
        assert_eq!((&work.actor, work.program()), (&Actor::Command("make"), None));
        let oid = Oid::from_hex(&"a1".repeat(20)).expect("an id");
        let state = State::Pending { stage: Stage::SpecReview, commit: oid };
        let record = Record { state, ..Record::default() };
        let review = Choice::of(&task, &record, &defaults);
        assert_eq!(review.program().as_deref(), Some("claude"));
        assert_eq!(review.model.as_deref(), Some("opus"));
        assert_eq!(review.reviews, [Review::Spec]);
        let nobody = Defaults::default();
        assert_eq!(Choice::of(&task, &record, &nobody).actor, Actor::Unknown);
    }

    #[test]
    fn a_fix_continues_the_work_and_a_review_only_itself() {
        let record = failed_review(&Record::default());
        assert_eq!(continued(&record, Stage::Fix), Some(1));
        assert_eq!(continued(&record, Stage::Implement), None);
        assert_eq!(continued(&record, Stage::Review), None);
        let mut interrupted = record;
        interrupted.attempts[0].ending = Some(Ending::Stopped);
        assert_eq!(continued(&interrupted, Stage::Implement), Some(1));
        assert_eq!(continued(&interrupted, Stage::Review), None);
    }
}
