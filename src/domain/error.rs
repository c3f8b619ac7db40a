//! Errors that carry a remedy, and the exit codes.
//!
//! Invariant: a message says what failed, its causes stay in the chain, the remedy is a
//! [`Failure`]. Only `ui` prints them. A code means one thing in every command.

use std::fmt;

use crate::domain::steps::{Remedy, Scope};
use crate::domain::text::fault::plain;

/// How a command ended; the man page has the same table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All as asked.
    Ok,
    /// It failed.
    Failed,
    /// The command line was not understood.
    Usage,
    /// It finished, but tasks need attention.
    Attention,
    /// Stopped by this signal.
    Signal(i32),
}

impl Exit {
    /// Returns the number for the operating system.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Attention => 3,
            Exit::Signal(n) => 128_u8.saturating_add(u8::try_from(n).unwrap_or(0)),
        }
    }

    /// Returns every code with its meaning, for the man page.
    pub(crate) fn table() -> Vec<(String, &'static str)> {
        let known = [
            (Exit::Ok, "All as asked."),
            (Exit::Failed, "It failed."),
            (
                Exit::Usage,
                "The command line was not understood, or names a run or a task that does not exist.",
            ),
            (
                Exit::Attention,
                "It finished, but tasks, or errors that doctor found, need attention.",
            ),
        ];
        let codes = known.map(|(exit, meaning)| (exit.code().to_string(), meaning));
        let signal = ("128+n".to_owned(), "Stopped by signal n.");
        codes.into_iter().chain([signal]).collect()
    }
}

/// An error together with its remedy, which `ui` prints as `hint:` lines.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    remedy: Remedy,
    /// The scope in which the user types the remedy's commands, once it is known.
    scope: Option<Scope>,
    usage: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl Failure {
    fn new(error: anyhow::Error, remedy: impl Into<Remedy>) -> Failure {
        Failure { error, remedy: remedy.into(), scope: None, usage: false }
    }

    /// Returns the failure and those that it was made of, the outermost first.
    fn all(&self) -> Vec<&Failure> {
        // The source of a failure is that of its error, so the error itself is not in the chain.
        let inner = self.error.downcast_ref::<Failure>().map(Failure::all);
        std::iter::once(self).chain(inner.unwrap_or_default()).collect()
    }
}

/// Adds a remedy to an error.
pub(crate) trait WithHint<T> {
    /// Keeps the error and says what to do about it.
    fn hint(self, remedy: impl Into<Remedy>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> WithHint<T> for Result<T, E> {
    fn hint(self, remedy: impl Into<Remedy>) -> anyhow::Result<T> {
        self.map_err(|error| Failure::new(error.into(), remedy).into())
    }
}

/// Returns an error with its remedy.
pub(crate) fn failure(what: impl Into<String>, remedy: impl Into<Remedy>) -> anyhow::Error {
    Failure::new(anyhow::Error::msg(what.into()), remedy).into()
}

/// Returns an error about a command line that was parsed but makes no sense.
pub(crate) fn usage(what: impl Into<String>, remedy: impl Into<Remedy>) -> anyhow::Error {
    Failure { usage: true, ..Failure::new(anyhow::Error::msg(what.into()), remedy) }.into()
}

/// Adds where the commands of an error's remedies are typed; what was added before stays, since it
/// was known closer to the cause.
pub(crate) fn in_scope(error: anyhow::Error, scope: impl FnOnce() -> Scope) -> anyhow::Error {
    let all = failures(&error);
    let is_needed = all.iter().any(|failure| failure.remedy.has_steps());
    if !is_needed || all.iter().any(|failure| failure.scope.is_some()) {
        return error;
    }
    Failure { scope: Some(scope()), ..Failure::new(error, Remedy::default()) }.into()
}

/// Returns what failed and its causes, in plain English.
pub(crate) fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for cause in error.chain().map(|cause| plain(&cause.to_string())) {
        // Some errors repeat their cause in their own text.
        if !all.iter().any(|known| known.contains(&cause)) {
            all.push(cause);
        }
    }
    all
}

/// Returns what failed and its causes on one line.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    causes(error).join(": ").replace('\n', " ")
}

fn failures(error: &anyhow::Error) -> Vec<&Failure> {
    let mut found: Vec<&Failure> = Vec::new();
    let chain = error.chain().filter_map(|cause| cause.downcast_ref::<Failure>());
    for failure in chain.flat_map(Failure::all) {
        // What lies below a context is found in the chain and by its error, too.
        if !found.iter().any(|known| std::ptr::eq(*known, failure)) {
            found.push(failure);
        }
    }
    found
}

/// Returns all remedies in the chain, the outermost first.
pub(crate) fn remedy_of(error: &anyhow::Error) -> Remedy {
    let remedies = failures(error).into_iter().map(|failure| failure.remedy.clone());
    remedies.fold(Remedy::default(), Remedy::then)
}

/// Returns the lines of all remedies in the chain, the outermost first.
pub(crate) fn hints(error: &anyhow::Error) -> Vec<String> {
    let scope = failures(error).into_iter().find_map(|failure| failure.scope.clone());
    scope.unwrap_or_default().lines(&remedy_of(error))
}

/// Returns the code that an error ends the program with.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    if failures(error).iter().any(|failure| failure.usage) { Exit::Usage } else { Exit::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::steps::Step;
    use anyhow::Context as _;

    #[test]
    fn remedies_are_written_in_the_scope_of_the_command() {
        let inner: anyhow::Result<()> = Err(usage("what", Step::start()));
        let error = inner.hint("See there.").context("around").expect_err("an error");
        assert_eq!(hints(&error), ["See there.", "git orchestrate start"]);
        let shop = || Scope { run: Some("shop".into()), ..Scope::default() };
        let error = in_scope(error, shop);
        let error = in_scope(error, || panic!("the first scope stays"));
        assert_eq!(hints(&error), ["See there.", "git orchestrate start --run shop"]);
        assert_eq!(exit_of(&error), Exit::Usage);
        assert_eq!(error.to_string(), "around");
    }

    #[test]
    fn an_error_without_commands_needs_no_scope() {
        let error = in_scope(failure("what", "See there."), || panic!("not needed"));
        assert_eq!(hints(&error), ["See there."]);
    }
}
