//! Errors and warnings about a plan's text: the place, the message, and the remedy.
//!
//! Invariant: a line other than 0 exists in the text. Diagnostics are collected, not returned as
//! errors, so that an author learns of all mistakes at once.

use serde::{Deserialize, Serialize};

use crate::domain::steps::Remedy;

/// Whether a diagnostic stops the plan from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
}

/// An error or a warning about a plan's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Level,
    /// The file's name as the user typed it; `-` for standard input.
    pub file: String,
    /// Counted from 1; 0 if the diagnostic is about the whole file.
    pub line: usize,
    pub message: String,
    pub(crate) remedy: Remedy,
}

impl Diagnostic {
    /// Returns `FILE:LINE: message`, or `FILE: message` if it is about the whole file.
    pub fn located(&self) -> String {
        match self.line {
            0 => format!("{}: {}", self.file, self.message),
            line => format!("{}:{line}: {}", self.file, self.message),
        }
    }
}

/// A line of one of the files that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spot {
    pub(super) file: usize,
    pub(super) line: usize,
}

/// The place of a diagnostic: a line of the file that is being read, or a line of any file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Location {
    Current(usize),
    Spot(Spot),
}

impl From<usize> for Location {
    fn from(line: usize) -> Location {
        Location::Current(line)
    }
}

impl From<Spot> for Location {
    fn from(spot: Spot) -> Location {
        Location::Spot(spot)
    }
}

/// All diagnostics of the files that are read together.
#[derive(Debug, Clone)]
pub(super) struct Diagnostics {
    files: Vec<String>,
    /// The number of the file that is being read.
    current: usize,
    /// Each diagnostic with the number of its file.
    list: Vec<(usize, Diagnostic)>,
    errors: usize,
    warnings: usize,
}

/// At most this many diagnostics of each level are kept; more help nobody.
const MAX_DIAGNOSTICS: usize = 500;

/// Longest message in characters: a quoted text may be as long as the whole file.
const MAX_CHARS: usize = 1000;

impl Diagnostics {
    pub(super) fn new(file: &str) -> Diagnostics {
        Diagnostics::of_files(vec![file.to_owned()])
    }

    /// Begins with the names of the files, of which there is at least one.
    pub(super) fn of_files(files: Vec<String>) -> Diagnostics {
        Diagnostics { files, current: 0, list: Vec::new(), errors: 0, warnings: 0 }
    }

    /// Sets the file that is read from now on.
    pub(super) fn set_file(&mut self, file: usize) {
        self.current = file;
    }

    /// Returns `line 3`, or `FILE:3` if several files are read.
    pub(super) fn spot_text(&self, spot: Spot) -> String {
        match self.files.get(spot.file).filter(|_| self.files.len() > 1) {
            Some(file) => format!("{file}:{}", spot.line),
            None => format!("line {}", spot.line),
        }
    }

    pub(super) fn error(
        &mut self,
        location: impl Into<Location>,
        message: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) {
        // Counted beyond the limit too: the end of the list says how many are hidden.
        self.errors += 1;
        if self.errors <= MAX_DIAGNOSTICS {
            self.push(Level::Error, location.into(), message.into(), remedy.into());
        }
    }

    pub(super) fn warning(
        &mut self,
        location: impl Into<Location>,
        message: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) {
        self.warnings += 1;
        if self.warnings <= MAX_DIAGNOSTICS {
            self.push(Level::Warning, location.into(), message.into(), remedy.into());
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Returns all diagnostics, sorted by file and line, errors first.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        let hidden = self.errors + self.warnings - self.list.len();
        // Pushed beyond the limit, or the author would take the list for complete.
        if hidden > 0 {
            let message = format!("{hidden} more problems are not shown");
            let remedy = "fix those that are shown, and check again".into();
            self.push(Level::Warning, Location::Spot(Spot::default()), message, remedy);
        }
        self.list.sort_by_key(|(file, diagnostic)| (*file, diagnostic.line, diagnostic.severity));
        self.list.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }

    fn push(&mut self, severity: Level, location: Location, message: String, remedy: Remedy) {
        let (number, line) = match location {
            Location::Current(line) => (self.current, line),
            Location::Spot(Spot { file, line }) => (file, line),
        };
        let file = self.files.get(number).cloned().unwrap_or_default();
        let (message, remedy) = (shortened(message), remedy.with_texts(shortened));
        self.list.push((number, Diagnostic { severity, file, line, message, remedy }));
    }
}

fn shortened(text: String) -> String {
    // In characters, since a byte offset may be inside one.
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
