//! What one source of settings says.
//!
//! Invariant: each key is read in one place, whatever source it is in, so that git config and the
//! file take the same words.

use std::collections::HashMap;

use super::{
    LeftoverPolicy, OnConflict, Role, Skills, TicketDone, Timeouts, boolean, bytes, names, seconds,
};
use crate::domain::agent::model::{self, Class};
use crate::domain::allow::refusal;
use crate::domain::review::Review;

/// What one source says; `None` where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Layer {
    pub agent: Option<String>,
    pub models: ModelNames,
    pub allow: Option<Vec<String>>,
    pub jobs: Option<u32>,
    pub test: Option<String>,
    pub timeout: Option<u64>,
    pub timeouts: Timeouts,
    pub idle: Option<u64>,
    pub reviews: Option<Vec<Review>>,
    pub rounds: Option<u32>,
    pub final_review: Option<bool>,
    pub plan_first: Option<bool>,
    pub ticket_done: Option<TicketDone>,
    pub skills: Skills,
    pub docs: Option<String>,
    pub branch: Option<String>,
    pub worktrees: Option<String>,
    pub setup: Option<String>,
    /// Of git config alone: only the user may say what can be thrown away.
    pub expendable: Option<String>,
    pub min_free: Option<u64>,
    pub keep: Option<bool>,
    pub leftovers: Option<LeftoverPolicy>,
    pub on_conflict: Option<OnConflict>,
    pub remote: Option<String>,
}

/// The names of models by class, as written.
pub(super) type ModelNames = HashMap<Class, Vec<model::Entry>>;

/// A value as a source has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SettingValue {
    /// A word, or several with commas.
    Text(String),
    /// A number or a boolean without quotes, which TOML tells from a text.
    Bare(String),
    List(Vec<String>),
}

/// Why a setting cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SettingFault {
    /// There is no such key.
    Unknown,
    /// A clause that follows the value: "is not a number from 1 on".
    Value(String),
}

fn not(what: &str) -> SettingFault {
    SettingFault::Value(format!("is not {what}"))
}

impl SettingValue {
    fn text(&self) -> Result<String, SettingFault> {
        match self {
            SettingValue::Text(text) => Ok(text.clone()),
            _ => Err(not("a text in quotes")),
        }
    }

    /// Returns the one word of the value, in quotes or not.
    fn word(&self) -> &str {
        match self {
            SettingValue::Text(text) | SettingValue::Bare(text) => text,
            // No key takes an empty word.
            SettingValue::List(_) => "",
        }
    }

    fn list(&self) -> Result<Vec<String>, SettingFault> {
        match self {
            SettingValue::Text(text) => Ok(names(text)),
            SettingValue::List(list) => Ok(list.clone()),
            SettingValue::Bare(_) => Err(not("a list of texts in quotes")),
        }
    }

    fn boolean(&self) -> Result<bool, SettingFault> {
        let known = if matches!(self, SettingValue::List(_)) { None } else { boolean(self.word()) };
        known.ok_or_else(|| not("true or false"))
    }

    fn seconds(&self, example: &str) -> Result<u64, SettingFault> {
        seconds(self.word()).ok_or_else(|| not(&format!("a time such as {example}")))
    }

    fn number(&self, least: u32) -> Result<u32, SettingFault> {
        let number = self.word().trim().parse().ok().filter(|number| *number >= least);
        number.ok_or_else(|| not(&format!("a number from {least} on")))
    }
}

impl Layer {
    /// Reads the pairs of `git config`, keys without the `orchestrate.` prefix.
    ///
    /// The error is a sentence that names the key and what it takes.
    pub(crate) fn from_git(
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Layer, String> {
        let mut layer = Layer::default();
        for (key, value) in pairs {
            match layer.set(&key, &SettingValue::Text(value.clone())) {
                Ok(()) => {}
                Err(SettingFault::Value(why)) => {
                    return Err(format!("orchestrate.{key} = '{value}' {why}"));
                }
                // As git does with keys it does not know: another version may.
                Err(SettingFault::Unknown) if !key.starts_with("skills.") => {}
                Err(SettingFault::Unknown) => {
                    let known = Role::ALL.map(Role::word).join(", ");
                    return Err(format!(
                        "orchestrate.{key}: there is no such role; the roles are {known}"
                    ));
                }
            }
        }
        Ok(layer)
    }

    /// Sets a key, named as in git config.
    pub(super) fn set(&mut self, key: &str, value: &SettingValue) -> Result<(), SettingFault> {
        match key {
            "agent" => self.agent = Some(value.text()?),
            "test" => self.test = Some(value.text()?),
            "setup" => self.setup = Some(value.text()?),
            "branch" => self.branch = Some(value.text()?),
            "worktrees" => self.worktrees = Some(value.text()?),
            "expendable" => self.expendable = Some(value.text()?),
            "docs" => self.docs = Some(value.text()?),
            "remote" => self.remote = Some(value.text()?),
            "jobs" => self.jobs = Some(value.number(1)?),
            "rounds" => self.rounds = Some(value.number(0)?),
            "timeout" => self.timeout = Some(value.seconds("30m")?),
            "idle" => self.idle = Some(value.seconds("10m")?),
            "keep" => self.keep = Some(value.boolean()?),
            "plan-first" => self.plan_first = Some(value.boolean()?),
            "final-review" => self.final_review = Some(value.boolean()?),
            "min-free" => {
                let size = bytes(value.word()).ok_or_else(|| not("a size such as 2G"))?;
                self.min_free = Some(size);
            }
            "reviews" => {
                let words = value.list()?;
                let known = words.iter().map(|word| Review::from_word(word)).collect();
                let known: Option<Vec<Review>> = known;
                self.reviews = Some(known.ok_or_else(|| not("a list of spec, quality, combined"))?);
            }
            "backlog.done" => {
                let who = TicketDone::from_word(value.word());
                self.ticket_done = Some(who.ok_or_else(|| not("user or auto"))?);
            }
            "leftovers" => {
                let words = LeftoverPolicy::ALL.map(LeftoverPolicy::word).join(" or ");
                let choice = LeftoverPolicy::from_word(value.word());
                self.leftovers = Some(choice.ok_or_else(|| not(&words))?);
            }
            "on-conflict" => {
                let words = OnConflict::ALL.map(OnConflict::word).join(" or ");
                let choice = OnConflict::from_word(value.word());
                self.on_conflict = Some(choice.ok_or_else(|| not(&words))?);
            }
            "allow" => self.allow(value)?,
            _ => return self.set_in_table(key, value),
        }
        Ok(())
    }

    fn set_in_table(&mut self, key: &str, value: &SettingValue) -> Result<(), SettingFault> {
        let set = match key.split_once('.') {
            Some(("timeouts", stage)) => {
                let slot = self.timeouts.slot(stage);
                slot.map(|slot| value.seconds("30m").map(|limit| *slot = Some(limit)))
            }
            Some(("skills", role)) => {
                let slot = self.skills.slot(role);
                slot.map(|slot| value.list().map(|names| *slot = Some(names)))
            }
            Some(("models", class)) => {
                let class = Class::ALL.into_iter().find(|known| known.word() == class);
                class.map(|class| {
                    // Joined again, because one reader takes both forms.
                    let names = value.list()?.join(",");
                    let names = model::entries(&names);
                    self.models
                        .insert(class, names.ok_or_else(|| not("a list such as claude:haiku"))?);
                    Ok(())
                })
            }
            _ => None,
        };
        set.unwrap_or(Err(SettingFault::Unknown))
    }

    /// Adds rules: git config names one of them at a time, and a rule may contain a comma.
    fn allow(&mut self, value: &SettingValue) -> Result<(), SettingFault> {
        let rules = match value {
            SettingValue::Text(rule) => std::slice::from_ref(rule),
            SettingValue::List(rules) => rules,
            SettingValue::Bare(_) => return Err(not("a list of texts in quotes")),
        };
        for rule in rules {
            if let Some(why) = refusal(rule) {
                return Err(not(&format!("allowed: {why}")));
            }
            self.allow.get_or_insert_default().push(rule.trim().to_owned());
        }
        // An empty list in the file allows nothing more, and says so.
        self.allow.get_or_insert_default();
        Ok(())
    }

    /// Returns the commands in this layer, which run only when the file is trusted.
    pub(crate) fn commands(&self) -> Vec<&str> {
        let commands = [&self.agent, &self.test, &self.setup].into_iter().flatten();
        commands.chain(self.allow.iter().flatten()).map(String::as_str).collect()
    }
}
