//! What is wrong or doubtful in a plan: where, what, and what to write instead.
//!
//! Invariant: a line that is not 0 exists in the text. Findings are collected, never thrown,
//! so that an author learns of all mistakes at once.

use serde::{Deserialize, Serialize};

/// Whether a finding stops the plan from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// Something about a plan that its author should know: where, what, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// The file as the caller named it; `-` for standard input.
    pub file: String,
    /// Counted from 1; 0 where the finding is about the whole file.
    pub line: usize,
    pub message: String,
    pub remedy: String,
}

impl Finding {
    /// Returns `FILE:LINE: message`, without the line where it is about the whole file.
    pub fn located(&self) -> String {
        match self.line {
            0 => format!("{}: {}", self.file, self.message),
            line => format!("{}:{line}: {}", self.file, self.message),
        }
    }
}

/// A line in one of the files that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spot {
    pub(super) file: usize,
    pub(super) line: usize,
}

/// Where something was found: a number is a line of the file that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Here(usize),
    At(Spot),
}

impl From<usize> for Place {
    fn from(line: usize) -> Place {
        Place::Here(line)
    }
}

impl From<Spot> for Place {
    fn from(spot: Spot) -> Place {
        Place::At(spot)
    }
}

/// The findings of the files that are read together.
#[derive(Debug, Clone)]
pub(super) struct Findings {
    files: Vec<String>,
    /// The number of the file that is being read.
    here: usize,
    /// Each with the number of its file.
    list: Vec<(usize, Finding)>,
    errors: usize,
    warnings: usize,
}

/// More findings of one severity than this help nobody.
const MAX_FINDINGS: usize = 500;

/// Longest message in characters: what is quoted may be as long as the file.
const MAX_CHARS: usize = 1000;

impl Findings {
    pub(super) fn new(file: &str) -> Findings {
        Findings::of_files(vec![file.to_owned()])
    }

    /// Takes the names of the files; at least one.
    pub(super) fn of_files(files: Vec<String>) -> Findings {
        Findings { files, here: 0, list: Vec::new(), errors: 0, warnings: 0 }
    }

    /// Says which file is read from now on.
    pub(super) fn go_to(&mut self, file: usize) {
        self.here = file;
    }

    /// Returns `line 3`, with the file's name where there are several.
    pub(super) fn told(&self, spot: Spot) -> String {
        match self.files.get(spot.file).filter(|_| self.files.len() > 1) {
            Some(file) => format!("{file}:{}", spot.line),
            None => format!("line {}", spot.line),
        }
    }

    pub(super) fn error(
        &mut self,
        place: impl Into<Place>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.errors += 1;
        if self.errors <= MAX_FINDINGS {
            self.push(Severity::Error, place.into(), message.into(), remedy.into());
        }
    }

    pub(super) fn warning(
        &mut self,
        place: impl Into<Place>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.warnings += 1;
        if self.warnings <= MAX_FINDINGS {
            self.push(Severity::Warning, place.into(), message.into(), remedy.into());
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Returns everything found, sorted by file and line, errors first.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        let left_out = self.errors + self.warnings - self.list.len();
        if left_out > 0 {
            let message = format!("{left_out} more findings are left out");
            let remedy = "correct those that are told, and check again".to_owned();
            self.push(Severity::Warning, Place::At(Spot::default()), message, remedy);
        }
        self.list.sort_by_key(|(file, finding)| (*file, finding.line, finding.severity));
        self.list.into_iter().map(|(_, finding)| finding).collect()
    }

    fn push(&mut self, severity: Severity, place: Place, message: String, remedy: String) {
        let (number, line) = match place {
            Place::Here(line) => (self.here, line),
            Place::At(Spot { file, line }) => (file, line),
        };
        let file = self.files.get(number).cloned().unwrap_or_default();
        let (message, remedy) = (shortened(message), shortened(remedy));
        self.list.push((number, Finding { severity, file, line, message, remedy }));
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
