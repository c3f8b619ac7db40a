//! What to do about something: explanations, and the commands that they introduce.
//!
//! Invariant: an explanation and a command never share a line, since shells differ in what they
//! take for a comment.

use super::command::Command;
use super::step::Step;

/// Commands with an explanation, or either of the two alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// An imperative sentence, without the colon that leads to the commands.
    pub(super) text: Option<String>,
    /// Typed one after the other.
    pub(super) steps: Vec<Step>,
}

/// What to do, the likeliest first; nothing at all if it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remedy(pub(super) Vec<Hint>);

/// Returns commands that are typed one after the other, with what they are for.
pub(crate) fn to(text: impl Into<String>, steps: impl IntoIterator<Item = Step>) -> Hint {
    Hint { text: Some(text.into()), steps: steps.into_iter().collect() }
}

impl Step {
    /// Adds what the command is for: an imperative sentence without a full stop.
    pub(crate) fn to(self, text: impl Into<String>) -> Hint {
        to(text, [self])
    }
}

impl Command {
    /// Adds what the command is for: an imperative sentence without a full stop.
    pub(crate) fn to(self, text: impl Into<String>) -> Hint {
        Step::from(self).to(text)
    }
}

impl Remedy {
    /// Adds another way.
    pub(crate) fn or(mut self, hint: impl Into<Hint>) -> Remedy {
        self.0.push(hint.into());
        self
    }

    /// Adds all of another remedy.
    pub(crate) fn then(mut self, other: impl Into<Remedy>) -> Remedy {
        self.0.extend(other.into().0);
        self
    }

    /// Changes every explanation.
    pub(crate) fn with_texts(mut self, change: impl Fn(String) -> String) -> Remedy {
        for hint in &mut self.0 {
            hint.text = hint.text.take().map(&change);
        }
        self
    }

    /// Returns true if there is anything to type.
    pub(crate) fn has_steps(&self) -> bool {
        self.0.iter().any(|hint| !hint.steps.is_empty())
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Hint {
        text.to_owned().into()
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Hint {
        to(text, [])
    }
}

impl From<Step> for Hint {
    fn from(step: Step) -> Hint {
        Hint { text: None, steps: vec![step] }
    }
}

impl From<Command> for Hint {
    fn from(command: Command) -> Hint {
        Step::from(command).into()
    }
}

impl From<Hint> for Remedy {
    fn from(hint: Hint) -> Remedy {
        Remedy(vec![hint])
    }
}

impl From<&str> for Remedy {
    fn from(text: &str) -> Remedy {
        text.to_owned().into()
    }
}

/// Each line is a sentence of its own.
impl From<String> for Remedy {
    fn from(text: String) -> Remedy {
        text.lines().map(Hint::from).collect()
    }
}

impl From<Step> for Remedy {
    fn from(step: Step) -> Remedy {
        Hint::from(step).into()
    }
}

impl From<Command> for Remedy {
    fn from(command: Command) -> Remedy {
        Hint::from(command).into()
    }
}

impl<T: Into<Hint>> FromIterator<T> for Remedy {
    fn from_iter<I: IntoIterator<Item = T>>(hints: I) -> Remedy {
        Remedy(hints.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Hint>, const N: usize> From<[T; N]> for Remedy {
    fn from(hints: [T; N]) -> Remedy {
        hints.into_iter().collect()
    }
}

impl<T: Into<Hint>> From<Vec<T>> for Remedy {
    fn from(hints: Vec<T>) -> Remedy {
        hints.into_iter().collect()
    }
}
