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

/// The findings of one file.
#[derive(Debug, Clone)]
pub(super) struct Findings {
    file: String,
    list: Vec<Finding>,
    errors: usize,
    warnings: usize,
}

/// More findings of one severity than this help nobody.
const MAX_FINDINGS: usize = 500;

/// Longest message in characters: what is quoted may be as long as the file.
const MAX_CHARS: usize = 1000;

impl Findings {
    pub(super) fn new(file: &str) -> Findings {
        Findings { file: file.to_owned(), list: Vec::new(), errors: 0, warnings: 0 }
    }

    pub(super) fn error(
        &mut self,
        line: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.errors += 1;
        if self.errors <= MAX_FINDINGS {
            self.push(Severity::Error, line, message.into(), remedy.into());
        }
    }

    pub(super) fn warning(
        &mut self,
        line: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.warnings += 1;
        if self.warnings <= MAX_FINDINGS {
            self.push(Severity::Warning, line, message.into(), remedy.into());
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Returns everything found, sorted by line, errors first.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        let left_out = self.errors + self.warnings - self.list.len();
        if left_out > 0 {
            let message = format!("{left_out} more findings are left out");
            let remedy = "correct those that are told, and check again".to_owned();
            self.push(Severity::Warning, 0, message, remedy);
        }
        self.list.sort_by_key(|finding| (finding.line, finding.severity));
        self.list
    }

    fn push(&mut self, severity: Severity, line: usize, message: String, remedy: String) {
        let (file, message) = (self.file.clone(), shortened(message));
        self.list.push(Finding { severity, file, line, message, remedy: shortened(remedy) });
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
