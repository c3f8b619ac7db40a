//! The models of agents: classes by what they can do and cost, and the names that programs know
//! them by.
//!
//! Invariant: a name is never made up. Where the settings give none and the program has none that
//! holds for every account, the agent is launched without one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::NAMES;

/// How much a model can do, and costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    Cheap,
    Standard,
    Capable,
}

/// The model that an attempt is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model<'a> {
    /// The plan names this model.
    Named(&'a str),
    Class(Class),
}

impl Model<'_> {
    /// Reads the word for a class, or else the name of a model.
    pub(crate) fn from_word(word: &str) -> Model<'_> {
        Class::from_word(word).map_or(Model::Named(word), Model::Class)
    }
}

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
    pub(crate) fn up(self) -> Class {
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

    /// Returns what an agent calls a model; `None` where only its user knows a name.
    pub(crate) fn name(&self, model: Model<'_>, agent: &str) -> Option<String> {
        let class = match model {
            Model::Named(name) => return Some(name.to_owned()),
            Model::Class(class) => class,
        };
        let of_class = || self.entries.iter().filter(|(it, _)| *it == class).map(|(_, it)| it);
        let own = of_class().find(|entry| entry.agent.as_deref() == Some(agent));
        let any = || of_class().find(|entry| entry.agent.is_none());
        let known = || class.known_name(agent).map(str::to_owned);
        own.or_else(any).map(|entry| entry.model.clone()).or_else(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_an_agent_or_of_all() {
        let mut models = Models::default();
        models.add(Class::Cheap, entries("codex:gpt-mini, llama3:8b").expect("names"));
        let cheap = |agent| models.name(Model::Class(Class::Cheap), agent);
        assert_eq!(cheap("codex").as_deref(), Some("gpt-mini"));
        assert_eq!(cheap("claude").as_deref(), Some("llama3:8b"));
        let standard = |agent| models.name(Model::Class(Class::Standard), agent);
        assert_eq!(standard("claude").as_deref(), Some("sonnet"));
        assert_eq!(standard("codex"), None);
        assert_eq!(models.name(Model::Named("x"), "codex").as_deref(), Some("x"));
        for bad in ["claude:", "-x", "claude:--settings", "two words"] {
            assert_eq!(entries(bad), None, "{bad}");
        }
    }
}
