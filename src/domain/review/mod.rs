//! Reviews: which there are, and a reviewer's words.
//!
//! Invariant: pure text in, values out. A verdict says nothing of which commit it is for; that
//! stands beside it, in the attempt.

mod answer;

pub(crate) use answer::{Answer, of_message, read};

use std::fmt;

use serde::{Deserialize, Serialize};

/// A review that a task goes through before it is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Review {
    /// Against the text of the task.
    Spec,
    /// Of the code.
    Quality,
    /// Both at once, by one reviewer.
    Combined,
    /// Of all that a run has merged; no task chooses it.
    #[serde(skip)]
    Whole,
}

impl Review {
    const ALL: [Review; 3] = [Review::Spec, Review::Quality, Review::Combined];

    /// Returns the word, as in the settings.
    pub fn word(self) -> &'static str {
        match self {
            Review::Spec => "spec",
            Review::Quality => "quality",
            Review::Combined => "combined",
            Review::Whole => "final",
        }
    }

    /// Reads a word of the settings.
    pub fn from_word(word: &str) -> Option<Review> {
        Review::ALL.into_iter().find(|review| review.word() == word.trim())
    }
}

/// Reads the reviews of a task, in any case: `none` alone, `combined` alone, or some of `spec` and
/// `quality`, which come back in the order in which they are made.
///
/// The error is a clause that says which word is wrong.
pub(crate) fn of_task<'a>(words: impl Iterator<Item = &'a str>) -> Result<Vec<Review>, String> {
    let words: Vec<String> = words.map(|word| word.trim().to_lowercase()).collect();
    if words.iter().all(|word| word == "none") {
        return Ok(Vec::new());
    }
    let read = |word: &String| Review::from_word(word).ok_or(format!("unknown review `{word}`"));
    let mut reviews: Vec<Review> = words.iter().map(read).collect::<Result<_, _>>()?;
    reviews.sort_unstable();
    reviews.dedup();
    // They are sorted, so `combined` comes last.
    match reviews.as_slice() {
        [_, .., Review::Combined] => Err("`combined` already includes all other reviews".into()),
        _ => Ok(reviews),
    }
}

/// Returns the words of some reviews as they are written in a plan.
pub(crate) fn words(reviews: &[Review]) -> String {
    match reviews {
        [] => "none".into(),
        some => some.iter().map(|review| review.word()).collect::<Vec<_>>().join(", "),
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Critical,
    Important,
    Minor,
}

impl Severity {
    fn from_word(word: &str) -> Option<Severity> {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" | "blocker" | "high" => Some(Severity::Critical),
            "important" | "major" | "medium" => Some(Severity::Important),
            "minor" | "low" | "nit" => Some(Severity::Minor),
            _ => None,
        }
    }

    /// Returns the word, as in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Important => "important",
            Severity::Minor => "minor",
        }
    }
}

/// Something that a reviewer found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    /// Relative to the top level; `None` where it is about no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.severity.word())?;
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            (None, _) => {}
        }
        f.write_str(&self.text)
    }
}

/// What a reviewer says of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub pass: bool,
    #[serde(default, rename = "finding", skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The numbers of the acceptance criteria that it found to be met, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub met: Vec<usize>,
    /// The reviewer's whole answer, if the work failed: an agent that fixes it needs all of it,
    /// whatever form it has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

impl Verdict {
    /// Returns a verdict without findings.
    pub fn bare(pass: bool) -> Verdict {
        Verdict { pass, findings: Vec::new(), met: Vec::new(), answer: String::new() }
    }

    /// Returns the word, as a reviewer writes it.
    pub fn word(&self) -> &'static str {
        if self.pass { "PASS" } else { "FAIL" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_settings() {
        assert_eq!(Review::from_word(" quality "), Some(Review::Quality));
        assert_eq!(Review::from_word("style"), None);
    }

    #[test]
    fn reviews_of_a_task_come_in_the_order_in_which_they_are_made() {
        let read = |text: &str| of_task(text.split(',')).map(|reviews| words(&reviews));
        assert_eq!(read("Quality, SPEC,spec").as_deref(), Ok("spec, quality"));
        assert_eq!(read("none").as_deref(), Ok("none"));
        assert_eq!(read("combined").as_deref(), Ok("combined"));
        assert_eq!(of_task(std::iter::empty()), Ok(Vec::new()));
        for bad in ["style", "spec, none", "combined, spec", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
