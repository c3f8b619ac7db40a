//! Errors that carry a remedy, and the exit codes.
//!
//! Invariant: a message says what failed, its causes stay in the chain, the remedy is a
//! [`Failure`]. Only `ui` prints them. A code means one thing in every command.

use std::fmt;

/// How a command ended; the same table stands in the man page.
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
    hint: Option<String>,
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
    /// Returns the remedies, the outermost first.
    fn hints(&self) -> Vec<&str> {
        let inner = self.error.downcast_ref::<Failure>().map(Failure::hints);
        self.hint.as_deref().into_iter().chain(inner.unwrap_or_default()).collect()
    }
}

/// Adds a remedy to an error.
pub(crate) trait Hinted<T> {
    /// Keeps the error and says what to do about it.
    fn hint(self, remedy: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hinted<T> for Result<T, E> {
    fn hint(self, remedy: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| {
            let (error, hint) = (error.into(), Some(remedy.into()));
            Failure { error, hint, usage: false }.into()
        })
    }
}

/// Returns an error with its remedy.
pub(crate) fn failure(what: impl Into<String>, remedy: impl Into<String>) -> anyhow::Error {
    let (error, hint) = (anyhow::Error::msg(what.into()), Some(remedy.into()));
    Failure { error, hint, usage: false }.into()
}

/// Returns an error about a command line that was parsed but cannot be meant.
pub(crate) fn usage(what: impl Into<String>, remedy: impl Into<String>) -> anyhow::Error {
    let (error, hint) = (anyhow::Error::msg(what.into()), Some(remedy.into()));
    Failure { error, hint, usage: true }.into()
}

fn failures(error: &anyhow::Error) -> impl Iterator<Item = &Failure> {
    error.chain().filter_map(|cause| cause.downcast_ref::<Failure>())
}

/// Returns all remedies in the chain, the outermost first.
pub(crate) fn hints(error: &anyhow::Error) -> Vec<&str> {
    failures(error).flat_map(Failure::hints).collect()
}

/// Returns the code that an error ends the program with.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    if failures(error).any(|failure| failure.usage) { Exit::Usage } else { Exit::Failed }
}
