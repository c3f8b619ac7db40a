//! Commands of git and of other programs, word by word.
//!
//! Invariant: a word is quoted when it is written and never before, so a name with a space in it
//! stays one word.

use std::fmt::Display;

/// A word of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    Text(String),
    /// What the reader has to fill in, with the option that it belongs to, if any.
    ///
    /// It is written as `<NAME>`: every shell takes that for a redirection and refuses the line, so
    /// nothing runs before it is filled in.
    Blank(Option<&'static str>, &'static str),
}

impl Word {
    pub(super) fn text(word: impl Display) -> Word {
        Word::Text(word.to_string())
    }
}

/// A command of git, or of another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(super) program: Program,
    pub(super) words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// git, in the repository that the caller acts on.
    Git,
    /// git, in this folder.
    GitIn(String),
    /// The program that is the first word.
    Other,
}

/// Returns a command of git that works from anywhere in the repository.
pub(crate) fn git(words: &str) -> Command {
    Command::new(Program::Git, words)
}

/// Returns a command of git that acts in this folder.
pub(crate) fn git_in(folder: impl Display, words: &str) -> Command {
    Command::new(Program::GitIn(folder.to_string()), words)
}

/// Returns a command of another program.
pub(crate) fn program(words: &str) -> Command {
    Command::new(Program::Other, words)
}

impl Command {
    fn new(program: Program, words: &str) -> Command {
        let words = words.split_whitespace().map(Word::text).collect();
        Command { program, words }
    }

    /// Adds one word, whatever is in it.
    pub(crate) fn word(mut self, word: impl Display) -> Command {
        self.words.push(Word::text(word));
        self
    }

    /// Adds these words.
    pub(crate) fn words<T: Display>(mut self, words: impl IntoIterator<Item = T>) -> Command {
        self.words.extend(words.into_iter().map(Word::text));
        self
    }

    /// Adds a word that the reader has to fill in.
    pub(crate) fn blank(mut self, name: &'static str) -> Command {
        self.words.push(Word::Blank(None, name));
        self
    }
}
