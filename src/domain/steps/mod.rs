//! What to type next: every command that a hint, an error, a table or the JSON suggests.
//!
//! Invariant: a suggestion is a [`Step`] until a [`Scope`] writes it, in one place: that adds
//! `--run`, `--manual`, `-C` and quotes. A [`Remedy`] is what a person reads: explanations and
//! steps, each on a line of its own.

mod command;
mod remedy;
mod scope;
pub(crate) mod shell;
mod step;

#[cfg(test)]
mod tests;

pub(crate) use command::{Command, git, git_in, program};
pub(crate) use remedy::{Hint, Remedy, to};
pub(crate) use scope::{Entry, Scope};
pub(crate) use step::{Change, Ending, Finish, Look, Part, StartFrom, StartOption, Step, Trust};
