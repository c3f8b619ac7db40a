//! Reviews: which there are, and a reviewer's words.
//!
//! Invariant: pure text in, values out. A verdict says nothing of which commit it is for; that
//! stands beside it, in the attempt.

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
}

impl Verdict {
    /// Returns a verdict with what a message finds: its lines that are written as findings, or
    /// else, where it failed, the message as a whole.
    pub fn of(pass: bool, message: &str) -> Verdict {
        let mut findings: Vec<Finding> = message.lines().filter_map(finding_of).collect();
        if findings.is_empty() && !pass && !message.trim().is_empty() {
            let text = message.trim().to_owned();
            findings.push(Finding { severity: Severity::Important, file: None, line: None, text });
        }
        Verdict { pass, findings, met: met(message) }
    }

    /// Returns the word, as a reviewer writes it.
    pub fn word(&self) -> &'static str {
        if self.pass { "PASS" } else { "FAIL" }
    }
}

/// Reads a reviewer's answer: its `VERDICT:` lines, and a finding in each line that begins with
/// a severity in square brackets. `None` where there is no verdict.
///
/// Where there are several verdicts since the answer began, as of a combined review, all of
/// them must be PASS.
pub(crate) fn read(answer: &str) -> Option<Verdict> {
    let verdicts: Vec<bool> = answer.lines().filter_map(verdict_of).collect();
    let pass = !verdicts.is_empty() && verdicts.iter().all(|pass| *pass);
    let findings = answer.lines().filter_map(finding_of).collect();
    (!verdicts.is_empty()).then(|| Verdict { pass, findings, met: met(answer) })
}

/// Reads `VERDICT: PASS`, `**VERDICT (spec):** FAIL` and the like.
fn verdict_of(line: &str) -> Option<bool> {
    let plain: String = line.chars().filter(|c| !"*_`#>".contains(*c)).collect();
    let rest = plain.trim().strip_prefix("VERDICT")?;
    let (_, word) = rest.split_once(':')?;
    let word: String = word.trim().chars().take_while(char::is_ascii_alphabetic).collect();
    match word.as_str() {
        "PASS" | "PASSED" => Some(true),
        "FAIL" | "FAILED" => Some(false),
        _ => None,
    }
}

/// Returns the criteria of which an answer says `CRITERION 2: met`; where it says of one both, it
/// is not.
fn met(answer: &str) -> Vec<usize> {
    let said: Vec<(usize, bool)> = answer.lines().filter_map(criterion_of).collect();
    let refused = |number: &usize| said.contains(&(*number, false));
    let mut met: Vec<usize> = said.iter().filter(|(_, met)| *met).map(|(n, _)| *n).collect();
    met.retain(|number| !refused(number));
    met.sort_unstable();
    met.dedup();
    met
}

/// Reads `CRITERION 2: met`, `- **Criterion #2**: NOT MET, since ...`.
fn criterion_of(line: &str) -> Option<(usize, bool)> {
    let plain: String = line.chars().filter(|c| !"*_`#>".contains(*c)).collect();
    let plain = plain.trim().trim_start_matches(['-', ' ']).to_lowercase();
    let (number, said) = plain.strip_prefix("criterion")?.split_once(':')?;
    let said: Vec<&str> =
        said.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let met = match said.as_slice() {
        ["met"] => true,
        ["not", "met", ..] | ["unmet", ..] => false,
        // More words may take back what the first one says.
        _ => return None,
    };
    Some((number.trim().parse().ok()?, met))
}

/// Reads `- [important] src/a.rs:12: what is wrong`.
fn finding_of(line: &str) -> Option<Finding> {
    let rest = line.trim().trim_start_matches(['-', '*', ' ']).strip_prefix('[')?;
    let (word, rest) = rest.split_once(']')?;
    let severity = Severity::from_word(word)?;
    let rest = rest.trim_start_matches([':', ' ']).trim();
    let (file, line, text) = place_of(rest).unwrap_or((None, None, rest));
    Some(Finding { severity, file, line, text: text.to_owned() })
}

/// Splits `path:12: text` or `path: text`; what holds a space is no path.
fn place_of(text: &str) -> Option<(Option<String>, Option<u32>, &str)> {
    let (place, rest) = text.split_once(' ')?;
    let place = place.strip_suffix(':')?.trim_matches('`');
    let (file, line) = match place.rsplit_once(':') {
        // `a.rs:12-14` begins at 12.
        Some((file, line)) => (file, line.split('-').next().and_then(|n| n.parse().ok())),
        None => (place, None),
    };
    let is_path = file.contains(['.', '/']);
    is_path.then(|| (Some(file.to_owned()), line, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_with_findings() {
        let answer = "I read it.\n\n- [critical] src/a.rs:12: panics on an empty list\n\
                      - [minor] `README.md`: a typo\n* [important] no test for the error\n\
                      - [x] done\n\n**VERDICT:** FAIL\n";
        let verdict = read(answer).expect("a verdict");
        assert!(!verdict.pass);
        let shown: Vec<String> = verdict.findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "[critical] src/a.rs:12: panics on an empty list",
                "[minor] README.md: a typo",
                "[important] no test for the error"
            ]
        );
    }

    #[test]
    fn of_two_verdicts_both_must_pass() {
        let read_pass = |text| read(text).map(|verdict| verdict.pass);
        assert_eq!(read_pass("VERDICT (spec): PASS\nVERDICT (quality): FAIL"), Some(false));
        assert_eq!(read_pass("VERDICT (spec): PASS\nVERDICT (quality): PASS"), Some(true));
        assert_eq!(read_pass("VERDICT: PASS."), Some(true));
        assert_eq!(read_pass("VERDICT: PASS or FAIL?"), Some(true));
        assert_eq!(read_pass("the VERDICT: PASS line is missing"), None);
        assert_eq!(read_pass("VERDICT: maybe"), None);
    }

    #[test]
    fn criteria_are_met_where_an_answer_says_just_that() {
        let said = |text: &str| read(&format!("{text}\nVERDICT: PASS")).expect("a verdict").met;
        assert_eq!(
            said("CRITERION 2: met\n- **Criterion #1**: Met.\nCRITERION 3: not met: no"),
            [1, 2]
        );
        assert_eq!(said("CRITERION 1: met\nCRITERION 1: not met"), [0; 0]);
        assert_eq!(said("CRITERION 1: met or not met?\nCRITERION 2: met, but untested"), [0; 0]);
        assert_eq!(said("CRITERION : met\nCRITERION x: met\nThe criterion 1: met"), [0; 0]);
        assert_eq!(Verdict::of(true, "CRITERION 1: met").met, [1]);
    }

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
