//! Which model an attempt is made with: a class by what is known of the task, then a name.
//!
//! Invariant: pure, and decided from the plan, the record and the settings alone. Where the
//! plan names a model, that one is used and nothing is chosen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::agent::NAMES;
use crate::domain::plan::Task;
use crate::domain::policy::pipeline;
use crate::domain::task::{Record, Stage};

/// How much a model can do, and costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    Cheap,
    Standard,
    Capable,
}

/// What a task is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// The plan names this model.
    Named(&'a str),
    Class(Class),
}

/// As many files a text with all that is needed may name to be cheap work.
const FEW_FILES: usize = 2;

/// From so many words on a text is taken to be complete; code of its own says enough, too.
const MANY_WORDS: usize = 60;

/// So many failed rounds ask for a better model.
const FAILED_ROUNDS: usize = 2;

impl Class {
    pub(crate) const ALL: [Class; 3] = [Class::Cheap, Class::Standard, Class::Capable];

    /// Returns the word, as in plans and settings.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Class::Cheap => "cheap",
            Class::Standard => "standard",
            Class::Capable => "capable",
        }
    }

    /// Reads a word of a plan.
    pub(crate) fn from_word(word: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.word() == word.trim())
    }

    /// Returns the next better one; the best is its own.
    fn up(self) -> Class {
        match self {
            Class::Cheap => Class::Standard,
            Class::Standard | Class::Capable => Class::Capable,
        }
    }

    /// Returns the name by which an agent program knows a model of this class, where there is
    /// one that holds for every account.
    fn known_name(self, agent: &str) -> Option<&'static str> {
        match (agent, self) {
            ("claude", Class::Cheap) => Some("haiku"),
            ("claude", Class::Standard) => Some("sonnet"),
            ("claude", Class::Capable) => Some("opus"),
            _ => None,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Returns what the work on a task begins with; `None` for a shell command.
pub(crate) fn of_task(task: &Task) -> Option<Choice<'_>> {
    if task.run.is_some() {
        return None;
    }
    Some(task.model.as_deref().map_or_else(|| Choice::Class(class_of(task)), of_word))
}

/// Reads the name of a class, or of a model.
fn of_word(word: &str) -> Choice<'_> {
    Class::from_word(word).map_or(Choice::Named(word), Choice::Class)
}

/// Returns what the next attempt of this stage is made with, `None` for a shell command: a reviewer must be capable, and so
/// in the end must be whose work was sent back again and again.
///
/// What a person chose with `retry` goes before the plan.
pub(crate) fn of_attempt<'a>(
    task: &'a Task,
    record: &'a Record,
    stage: Stage,
) -> Option<Choice<'a>> {
    let choice = match &task.run {
        Some(_) if stage == Stage::Implement => return None,
        _ if record.model.is_some() => of_word(record.model.as_deref()?),
        // An agent reads what a command did, and settles what was found.
        Some(_) if stage != Stage::Implement => Choice::Class(Class::Standard),
        _ => of_task(task)?,
    };
    Some(match choice {
        Choice::Class(_) if !stage.is_work() => Choice::Class(Class::Capable),
        Choice::Class(class) if pipeline::rounds_lost(record) >= FAILED_ROUNDS => {
            Choice::Class(class.up())
        }
        choice => choice,
    })
}

fn class_of(task: &Task) -> Class {
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

/// The names of models that the settings give.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Models {
    /// What stands first holds.
    entries: Vec<(Class, Entry)>,
}

/// One name of a model, for one agent or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    agent: Option<String>,
    model: String,
}

/// Reads `claude:haiku, codex:NAME`, or a name alone for every agent; `None` where one of them
/// cannot be a name.
pub(crate) fn entries(text: &str) -> Option<Vec<Entry>> {
    let entry = |word: &str| {
        let (agent, model) = match word.split_once(':') {
            // The name of a model may hold a colon itself.
            Some((agent, model)) if NAMES.contains(&agent.trim()) => {
                (Some(agent.trim().to_owned()), model.trim())
            }
            _ => (None, word),
        };
        is_name(model).then(|| Entry { agent, model: model.to_owned() })
    };
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(entry).collect()
}

/// Returns true for what can be the name of a model: one word, which no program takes for an
/// option.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain)
}

impl Models {
    /// Adds the names of a class.
    pub(crate) fn add(&mut self, class: Class, entries: Vec<Entry>) {
        self.entries.extend(entries.into_iter().map(|entry| (class, entry)));
    }

    /// Returns what to call a choice for an agent; `None` where only its user knows a name.
    pub(crate) fn name(&self, choice: Choice<'_>, agent: &str) -> Option<String> {
        let class = match choice {
            Choice::Named(name) => return Some(name.to_owned()),
            Choice::Class(class) => class,
        };
        let of_class = || self.entries.iter().filter(|(it, _)| *it == class).map(|(_, it)| it);
        let own = of_class().find(|entry| entry.agent.as_deref() == Some(agent));
        let any = || of_class().find(|entry| entry.agent.is_none());
        let known = || class.known_name(agent).map(str::to_owned);
        own.or_else(any).map(|entry| entry.model.clone()).or_else(known)
    }
}

/// Returns what the agent of a task is called: as a person chose for it, else as its plan says, else
/// as the settings do.
pub(crate) fn chosen<'a>(
    task: &'a Task,
    record: &'a Record,
    default: Option<&'a str>,
) -> Option<&'a str> {
    record.agent.as_deref().or(task.agent.as_deref()).or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oid::Oid;
    use crate::domain::review::Verdict;
    use crate::domain::task::{Event, Finished, Outcome, Started};

    fn task(title: &str, more: &str) -> Task {
        let text = format!("[[task]]\nid = 'a'\ntitle = '{title}'\ndepends_on = []\n{more}\n");
        let source = crate::plan::Source { name: "plan.toml", bytes: text.as_bytes() };
        crate::plan::parse(&source).expect("a plan").plan.tasks.remove(0)
    }

    fn class(title: &str, more: &str) -> Class {
        match of_task(&task(title, more)) {
            Some(Choice::Class(class)) => class,
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
        assert_eq!(of_task(&named), Some(Choice::Named("opus")));
        let fresh = Record::default();
        let review = of_attempt(&named, &fresh, Stage::Review);
        assert_eq!(review, Some(Choice::Named("opus")));
        assert_eq!(of_task(&task("A", "run = 'make'\nmodel = 'opus'")), None);
    }

    fn failed_review(record: &Record) -> Record {
        let oid = Oid::from_hex(&"a1".repeat(20)).expect("an id");
        let pending = record.pending().map(|(stage, _)| stage);
        let (attempt, stage) = (record.next_attempt(), pending.unwrap_or(Stage::Implement));
        let started = Started {
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
        let finished = Finished::new(attempt, crate::domain::task::Ending::Exited(0), outcome, 2);
        let verdict = Some(Verdict { pass: false, findings: Vec::new(), met: Vec::new() });
        let record = record.apply(&Event::Started(started)).expect("starts");
        record.apply(&Event::Finished(Finished { verdict, ..finished })).expect("ends")
    }

    #[test]
    fn who_fails_twice_is_given_a_better_model() {
        let task = task("A", "prompt = 'x'\nmodel = 'cheap'");
        let once = failed_review(&Record::default());
        let twice = failed_review(&once);
        let of = |record| of_attempt(&task, record, Stage::Fix);
        assert_eq!(of(&once), Some(Choice::Class(Class::Cheap)));
        assert_eq!(of(&twice), Some(Choice::Class(Class::Standard)));
        let review = of_attempt(&task, &once, Stage::SpecReview);
        assert_eq!(review, Some(Choice::Class(Class::Capable)));
    }

    #[test]
    fn what_a_person_chose_goes_first() {
        let task = task("A", "prompt = 'x'\nmodel = 'cheap'");
        let chosen = |word: &str| Record { model: Some(word.into()), ..Record::default() };
        let (class, name) = (chosen("standard"), chosen("opus"));
        let work = |record| of_attempt(&task, record, Stage::Implement);
        assert_eq!(work(&class), Some(Choice::Class(Class::Standard)));
        assert_eq!(work(&name), Some(Choice::Named("opus")));
        let review = of_attempt(&task, &class, Stage::Review);
        assert_eq!(review, Some(Choice::Class(Class::Capable)));
        let command = self::task("A", "run = 'make'");
        assert_eq!(of_attempt(&command, &class, Stage::Implement), None);
    }

    #[test]
    fn names_are_of_an_agent_or_of_all() {
        let mut models = Models::default();
        models.add(Class::Cheap, entries("codex:gpt-mini, llama3:8b").expect("names"));
        let cheap = |agent| models.name(Choice::Class(Class::Cheap), agent);
        assert_eq!(cheap("codex").as_deref(), Some("gpt-mini"));
        assert_eq!(cheap("claude").as_deref(), Some("llama3:8b"));
        let standard = |agent| models.name(Choice::Class(Class::Standard), agent);
        assert_eq!(standard("claude").as_deref(), Some("sonnet"));
        assert_eq!(standard("codex"), None);
        assert_eq!(models.name(Choice::Named("x"), "codex").as_deref(), Some("x"));
        for bad in ["claude:", "-x", "claude:--settings", "two words"] {
            assert_eq!(entries(bad), None, "{bad}");
        }
    }
}
