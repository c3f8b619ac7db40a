//! A reviewer's answer: its verdict, its findings, and whether it contradicts itself.
//!
//! Invariant: pure text in, values out. Only the reviewer's own words count: what stands in a code
//! block, a quotation or a line of a diff is text that the reviewer shows. An answer that can be
//! read both ways is no PASS.

use super::{Finding, Severity, Verdict};
use crate::domain::text::{Given, own_lines};

/// At most this many bytes of an answer are kept for the agent that fixes what it found: a record
/// is read with every look at the run.
const MAX_ANSWER: usize = 8 << 10;

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Verdict(Verdict),
    /// It holds a verdict that contradicts itself, or names nothing to fix.
    Undecided {
        /// A clause that says why.
        why: String,
        /// The verdict that counts if the reviewer does not decide: always FAIL.
        failed: Verdict,
    },
    /// It holds no verdict.
    Silent,
}

/// Reads a reviewer's answer: its `VERDICT:` lines, its findings and its criteria.
///
/// `given` is what the reviewer was given to read. If there are several verdicts for different
/// questions, as of a combined review, all of them must be PASS.
pub(crate) fn read(answer: &str, given: &Given) -> Answer {
    let own = words_of(answer, given);
    let words = verdict_lines(&own);
    if words.is_empty() {
        return Answer::Silent;
    }
    let pass = words.iter().all(|line| line.word == Word::Pass);
    match decide(pass, contradiction_of(&words), answer, &own) {
        Ok(verdict) => Answer::Verdict(verdict),
        Err((why, failed)) => Answer::Undecided { why, failed },
    }
}

/// Reads the message of `git orchestrate report pass` or `fail`, whose verdict is the command's.
///
/// The error is a clause that says what in the message speaks against it.
pub(crate) fn of_message(pass: bool, message: &str) -> Result<Verdict, String> {
    let own = words_of(message, &Given::default());
    let word = if pass { Word::Pass } else { Word::Fail };
    let differs = verdict_lines(&own).iter().any(|line| line.word != word);
    let why = differs.then(|| "its message names another verdict than the command".to_owned());
    decide(pass, why, message, &own).map_err(|(why, _)| why)
}

/// Returns the verdict, or why it does not count and the FAIL that counts in its place.
fn decide(
    pass: bool,
    why: Option<String>,
    answer: &str,
    own: &[&str],
) -> Result<Verdict, (String, Verdict)> {
    let findings = findings(own);
    let criteria: Vec<(usize, bool)> = own.iter().filter_map(|line| criterion_of(line)).collect();
    let unmet = criteria.iter().find(|(_, met)| !met).map(|(number, _)| *number);
    let why = why.or_else(|| if pass { objection(&findings, unmet) } else { None });
    let text = without_verdicts(answer);
    let nothing = !pass && findings.is_empty() && text.is_empty();
    let why = why.or_else(|| nothing.then(|| "it says FAIL and names nothing to fix".to_owned()));
    let failed = |why: Option<&str>| Verdict {
        pass: false,
        findings: if findings.is_empty() {
            vec![whole(why.unwrap_or(&text))]
        } else {
            findings.clone()
        },
        met: met(&criteria),
        answer: shortened(&text),
    };
    match why {
        Some(why) => {
            let failed = failed(Some(&why));
            Err((why, failed))
        }
        // Without the answer, which only an agent that fixes the work needs.
        None if pass => Ok(Verdict { findings, met: met(&criteria), ..Verdict::bare(true) }),
        None => Ok(failed(None)),
    }
}

/// Returns what speaks against a PASS.
fn objection(findings: &[Finding], unmet: Option<usize>) -> Option<String> {
    let grave = findings.iter().find(|finding| finding.severity != Severity::Minor);
    match (grave, unmet) {
        (Some(finding), _) => {
            Some(format!("it says PASS beside a finding marked {}", finding.severity.word()))
        }
        (None, Some(number)) => {
            Some(format!("it says PASS, and that criterion {number} is not met"))
        }
        (None, None) => None,
    }
}

/// Returns a finding that stands for a whole message.
fn whole(text: &str) -> Finding {
    Finding { severity: Severity::Important, file: None, line: None, text: text.to_owned() }
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(MAX_ANSWER);
    // The limit may fall into the middle of a character.
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let rest =
        if end < text.len() { "\n[the rest of the answer is in the reviewer's log]" } else { "" };
    format!("{}{rest}", &text[..end])
}

/// Returns the answer without its verdicts, which say nothing to an agent that fixes the work.
fn without_verdicts(answer: &str) -> String {
    let lines = answer.lines().filter(|line| verdict_of(line).is_none());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Returns the lines that are the reviewer's own words.
fn words_of<'a>(answer: &'a str, given: &Given) -> Vec<&'a str> {
    own_lines(answer, given).into_iter().map(|(_, line)| line).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Pass,
    Fail,
    /// Both: `PASS | FAIL`.
    Either,
}

/// A line with a verdict, and the question that it answers: `spec` in `VERDICT (spec): PASS`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct VerdictLine {
    question: String,
    word: Word,
}

fn verdict_lines(own: &[&str]) -> Vec<VerdictLine> {
    own.iter().filter_map(|line| verdict_of(line)).collect()
}

/// Reads `VERDICT: PASS`, `**Verdict (spec):** FAIL` and the like.
fn verdict_of(line: &str) -> Option<VerdictLine> {
    // Four spaces or a tab begin a code block.
    if line.starts_with("    ") || line.starts_with('\t') {
        return None;
    }
    let plain: String = line.chars().filter(|c| !"*_`#".contains(*c)).collect();
    let plain = plain.trim().trim_start_matches("- ").to_lowercase();
    let rest = plain.strip_prefix("verdict")?;
    let (question, said) = rest.split_once(':')?;
    let question = question.trim().trim_matches(['(', ')']).trim().to_owned();
    // `VERDICT reached after reading: ...` is a sentence.
    if question.split_whitespace().count() > 2 {
        return None;
    }
    let words: Vec<&str> =
        said.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let pass = words.iter().any(|word| ["pass", "passed"].contains(word));
    let fail = words.iter().any(|word| ["fail", "failed"].contains(word));
    // `VERDICT: I cannot let this pass` holds a word for a verdict, and gives none.
    let leads = matches!(*words.first()?, "pass" | "passed" | "fail" | "failed");
    let denies = words.first().is_some_and(|word| *word == "not") && pass;
    let word = match (pass, fail) {
        _ if denies => Word::Fail,
        _ if !leads => return None,
        (true, true) => Word::Either,
        (true, false) => Word::Pass,
        (false, _) => Word::Fail,
    };
    Some(VerdictLine { question, word })
}

fn contradiction_of(words: &[VerdictLine]) -> Option<String> {
    if words.iter().any(|line| line.word == Word::Either) {
        return Some("its verdict names both PASS and FAIL".into());
    }
    let differs = |line: &VerdictLine| {
        words.iter().any(|other| other.question == line.question && other.word != line.word)
    };
    words.iter().any(differs).then(|| "it gives two different verdicts".into())
}

/// Returns the criteria that are met; one of which an answer says both is not.
fn met(criteria: &[(usize, bool)]) -> Vec<usize> {
    let refused = |number: &usize| criteria.contains(&(*number, false));
    let mut met: Vec<usize> = criteria.iter().filter(|(_, met)| *met).map(|(n, _)| *n).collect();
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

/// Returns the findings, each with the lines that continue it: up to a blank line, the next
/// finding, a heading, a verdict or a criterion.
fn findings(own: &[&str]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut is_open = false;
    for line in own {
        let ends = line.trim().is_empty()
            || line.starts_with(['#', '-', '*'])
            || verdict_of(line).is_some()
            || criterion_of(line).is_some();
        if let Some(finding) = finding_of(line) {
            findings.push(finding);
            is_open = true;
        } else if ends {
            is_open = false;
        } else if let Some(last) = findings.last_mut().filter(|_| is_open) {
            last.text = format!("{} {}", last.text, line.trim()).trim().to_owned();
        }
    }
    findings
}

/// Reads `- [important] src/a.rs:12: what is wrong`.
fn finding_of(line: &str) -> Option<Finding> {
    let rest = line.trim().trim_start_matches(['-', '*', ' ']).strip_prefix('[')?;
    let (word, rest) = rest.split_once(']')?;
    let severity = Severity::from_word(word)?;
    let rest = rest.trim_start_matches([':', ' ', '*']).trim();
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

    /// Returns `pass`, `fail`, `silent`, or why the answer is undecided.
    fn said(answer: &str) -> String {
        match read(answer, &Given::default()) {
            Answer::Verdict(verdict) => verdict.word().to_lowercase(),
            Answer::Undecided { why, failed } => {
                assert!(!failed.pass, "{answer}");
                why
            }
            Answer::Silent => "silent".into(),
        }
    }

    fn verdict(answer: &str) -> Verdict {
        match read(answer, &Given::default()) {
            Answer::Verdict(verdict) => verdict,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_verdict_with_findings() {
        let answer = "I read it.\n\n- [critical] src/a.rs:12: panics on an empty list\n\
                      - [minor] `README.md`: a typo\n* [important] no test for the error\n\
                      - [x] done\n\n**VERDICT:** FAIL\n";
        let verdict = verdict(answer);
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
    fn a_finding_goes_on_over_lines() {
        let verdict = verdict(
            "- [important] src/a.rs:3: the limit is wrong:\n  it counts bytes,\n  not characters\n\n\
             Other words.\n- [minor] a typo\nVERDICT: FAIL",
        );
        let texts: Vec<&str> = verdict.findings.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(texts, ["the limit is wrong: it counts bytes, not characters", "a typo"]);
        assert!(verdict.answer.ends_with("Other words.\n- [minor] a typo"), "{}", verdict.answer);
    }

    #[test]
    fn an_answer_of_any_form_reaches_the_agent_that_fixes_it() {
        let issues = "Issues:\n- Missing: progress\n- Extra: a flag nobody asked for";
        for answer in [issues, "It does not retry.", "1. no test\n2. no docs"] {
            let verdict = verdict(&format!("{answer}\n\nVERDICT: FAIL\n"));
            assert_eq!(verdict.answer, answer);
            assert_eq!(verdict.findings[0].text, answer);
        }
        let long = verdict(&format!("{}\nVerdict: fail", "ä".repeat(MAX_ANSWER)));
        assert!(long.answer.len() < MAX_ANSWER + 100 && long.answer.contains("log"));
    }

    #[test]
    fn verdicts_in_any_case() {
        for answer in [
            "VERDICT: PASS.",
            "Verdict: pass",
            "**Verdict:** Passed",
            "## verdict: PASS",
            "- Verdict: PASS",
            "Verdict: PASS, well done",
        ] {
            assert_eq!(said(answer), "pass", "{answer}");
        }
        assert_eq!(said("verdict: not passed\nit breaks"), "fail");
        assert_eq!(said("the VERDICT: PASS line is missing"), "silent");
        assert_eq!(said("VERDICT: maybe"), "silent");
    }

    #[test]
    fn all_questions_must_pass() {
        assert_eq!(said("x\nVERDICT (spec): PASS\nVERDICT (quality): FAIL"), "fail");
        assert_eq!(said("VERDICT (spec): PASS\nVERDICT (quality): PASS"), "pass");
    }

    #[test]
    fn a_verdict_that_contradicts_itself_is_no_pass() {
        for (answer, why) in [
            ("VERDICT: PASS | FAIL", "its verdict names both PASS and FAIL"),
            ("VERDICT: PASS or FAIL?", "its verdict names both PASS and FAIL"),
            ("VERDICT: PASS\nNo.\nVERDICT: FAIL", "it gives two different verdicts"),
            (
                "[critical] loses data\n\nVERDICT: PASS",
                "it says PASS beside a finding marked critical",
            ),
            ("- [important] x\n\nVERDICT: PASS", "it says PASS beside a finding marked important"),
            (
                "CRITERION 2: not met: no\nVERDICT: PASS",
                "it says PASS, and that criterion 2 is not met",
            ),
            ("VERDICT: FAIL", "it says FAIL and names nothing to fix"),
        ] {
            assert_eq!(said(answer), why, "{answer}");
        }
        assert_eq!(said("- [minor] a typo\n\nVERDICT: PASS"), "pass");
    }

    #[test]
    fn a_verdict_that_is_only_shown_does_not_count() {
        for answer in [
            "> VERDICT: PASS\nThat is wrong.",
            "```\nVERDICT: PASS\n```\nThat is wrong.",
            "~~~text\nVERDICT: PASS\n```\n~~~",
            "    VERDICT: PASS",
            "+VERDICT: PASS",
        ] {
            assert_eq!(said(answer), "silent", "{answer}");
        }
        assert_eq!(said("It says:\n> VERDICT: PASS\nIt is not.\n\nVERDICT: FAIL"), "fail");
        assert_eq!(said("```rust\nfn f() {}\nVERDICT: PASS"), "pass");
    }

    #[test]
    fn a_verdict_in_what_a_reviewer_was_given_is_not_its_own() {
        let task = "Print the verdict:\nVERDICT: PASS\n";
        let given = Given::of([task]);
        assert_eq!(read(task, &given), Answer::Silent);
        let fails =
            read(&format!("{task}\n- [critical] it prints nothing\n\nVERDICT: FAIL"), &given);
        assert!(matches!(fails, Answer::Verdict(verdict) if !verdict.pass));
        let passes = read(&format!("{task}\nIt does.\n\nVERDICT: PASS"), &given);
        assert!(matches!(passes, Answer::Verdict(verdict) if verdict.pass));
    }

    #[test]
    fn criteria_are_met_only_if_an_answer_says_just_that() {
        let met = |text: &str| match read(&format!("{text}\nVERDICT: FAIL"), &Given::default()) {
            Answer::Verdict(verdict) => verdict.met,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            met("CRITERION 2: met\n- **Criterion #1**: Met.\nCRITERION 3: not met: no"),
            [1, 2]
        );
        assert_eq!(met("CRITERION 1: met\nCRITERION 1: not met"), [0; 0]);
        assert_eq!(met("CRITERION 1: met or not met?\nCRITERION 2: met, but untested"), [0; 0]);
        assert_eq!(met("CRITERION : met\nCRITERION x: met\nThe criterion 1: met"), [0; 0]);
    }

    #[test]
    fn the_message_of_a_report_must_agree_with_its_verdict() {
        assert!(of_message(true, "[critical] loses data").is_err());
        assert!(of_message(true, "VERDICT: FAIL").is_err());
        assert!(of_message(false, " ").is_err());
        assert!(of_message(true, "").is_ok() && of_message(false, "no test").is_ok());
        assert_eq!(
            of_message(true, "CRITERION 1: met"),
            Ok(Verdict { met: vec![1], ..Verdict::bare(true) })
        );
    }
}
