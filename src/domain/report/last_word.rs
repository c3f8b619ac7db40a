//! An agent's last word: the status at the end of its answer, and the words around it.
//!
//! Invariant: the last status counts, and what the agent writes after it may take it back.

use super::{Report, Status};
use crate::domain::text::{Given, one_line, own_lines};

/// At most this many bytes of the words around a status are its message.
const MAX_MESSAGE: usize = 2000;
/// At most this many lines above a bare status are searched for the question.
const MAX_ABOVE: usize = 20;

/// The status of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastWord {
    pub(crate) report: Report,
    /// What the agent wrote after it reported that it is done; "" if nothing.
    pub(crate) after: String,
}

/// Returns the last `STATUS: WORD` among the agent's own words, with its message.
///
/// The message is the text after the word. If an agent that is not done, or has concerns, wrote none
/// there, the message is what stands below, or else above.
pub(crate) fn last_word(answer: &str, given: &Given) -> Option<LastWord> {
    let own = own_lines(answer, given);
    let status_at = |(at, line): &(usize, &str)| Some((*at, status_of(line)?));
    let (at, (status, message)) = own.iter().rev().find_map(status_at)?;
    let below = own.iter().filter(|(other, line)| *other > at && !is_noise(line));
    let below = below.map(|(_, line)| *line).collect::<Vec<_>>().join("\n").trim().to_owned();
    let report = |message: &str| Report { status, message: shortened(message.trim()) };
    if status == Status::Done {
        return Some(LastWord { report: report(&message), after: shortened(&below) });
    }
    let message = match (message.is_empty(), below.is_empty()) {
        (true, true) => above(answer, at),
        (true, false) => below,
        (false, true) => message,
        (false, false) => format!("{message}\n{below}"),
    };
    Some(LastWord { report: report(&message), after: String::new() })
}

/// Returns the question in the last words of an answer that has no status.
pub(crate) fn last_question(answer: &str) -> String {
    shortened(&above(answer, answer.lines().count()))
}

/// Reads `STATUS: DONE`, `**Status:** BLOCKED - no key` and the like.
fn status_of(line: &str) -> Option<(Status, String)> {
    let line = line.trim().trim_matches(['*', '_', '`', '#', '>', ' ']);
    let (key, rest) = line.split_at_checked("status:".len())?;
    if !key.eq_ignore_ascii_case("status:") {
        return None;
    }
    let rest = rest.trim_matches(['*', '_', '`', ' ']);
    let (word, message) = rest.split_once([' ', ':', '—', ',', ';']).unwrap_or((rest, ""));
    let status = Status::from_word(word)?;
    let message = message.trim_start_matches(['-', '—', '–', ':', '*', ' ']).trim();
    Some((status, message.to_owned()))
}

/// Returns the words above a line: from the paragraph with the first question on, or else the last
/// paragraph.
fn above(answer: &str, at: usize) -> String {
    let lines: Vec<&str> = answer.lines().take(at).collect();
    let lines = &lines[lines.len().saturating_sub(MAX_ABOVE)..];
    let mut paragraphs: Vec<Vec<&str>> = vec![Vec::new()];
    for line in lines {
        match (line.trim().is_empty(), paragraphs.last_mut()) {
            (false, Some(open)) => open.push(line.trim_end()),
            _ => paragraphs.push(Vec::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    let asks = |paragraph: &Vec<&str>| paragraph.iter().any(|line| line.contains('?'));
    let first = paragraphs.iter().position(asks).unwrap_or(paragraphs.len().saturating_sub(1));
    // A list of questions follows the sentence that introduces it.
    let is_list = |paragraph: &Vec<&str>| {
        paragraph[0].trim_start().starts_with(|c: char| c.is_ascii_digit() || "-*".contains(c))
    };
    let first =
        if paragraphs.get(first).is_some_and(is_list) { first.saturating_sub(1) } else { first };
    let shown = paragraphs.get(first..).unwrap_or_default();
    shown.iter().map(|lines| lines.join("\n")).collect::<Vec<_>>().join("\n\n")
}

/// Returns true for a line that a program prints about itself after the agent's last words.
fn is_noise(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    let is_count = line.chars().all(|c| c.is_ascii_digit() || ",.$% ".contains(c));
    is_count || line.starts_with("tokens") || line.starts_with("cost:")
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(MAX_MESSAGE);
    // The limit may fall into the middle of a character.
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Words that take back what was said, or a part of it.
const RETRACTIONS: [&str; 43] = [
    "actually",
    "although",
    "apart",
    "broke",
    "broken",
    "but",
    "cannot",
    "can't",
    "couldn't",
    "didn't",
    "doesn't",
    "except",
    "fail",
    "failed",
    "failing",
    "fails",
    "half",
    "however",
    "incomplete",
    "incorrect",
    "isn't",
    "later",
    "missing",
    "mistake",
    "never",
    "no",
    "not",
    "only",
    "partial",
    "partially",
    "partly",
    "remains",
    "remaining",
    "sorry",
    "still",
    "todo",
    "unfinished",
    "unless",
    "untested",
    "wait",
    "without",
    "wrong",
    "yet",
];

/// Returns true if a message takes back the `DONE` that it follows: `DONE, but two tests fail`.
pub(crate) fn is_qualified(message: &str) -> bool {
    const WORDS: [&str; 10] = [
        "almost",
        "although",
        "apart",
        "but",
        "except",
        "half",
        "however",
        "mostly",
        "partially",
        "partly",
    ];
    let first = message.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty());
    first.is_some_and(|first| WORDS.contains(&first.to_lowercase().as_str()))
}

/// Returns true if a text after `STATUS: DONE` may take it back.
pub(crate) fn takes_back(text: &str) -> bool {
    // Models write typographic apostrophes.
    let text = one_line(text).to_lowercase().replace('’', "'");
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.any(|word| RETRACTIONS.contains(&word)) || text.contains('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(answer: &str) -> (Status, String) {
        let LastWord { report, .. } = last_word(answer, &Given::default()).expect("a status");
        (report.status, report.message)
    }

    fn after(answer: &str) -> String {
        last_word(answer, &Given::default()).expect("a status").after
    }

    #[test]
    fn the_last_status_line_counts() {
        let text = "STATUS: BLOCKED\nwork\n**STATUS:** DONE_WITH_CONCERNS - slow test\n";
        assert_eq!(said(text), (Status::DoneWithConcerns, "slow test".into()));
        assert_eq!(said("Status: done"), (Status::Done, String::new()));
        assert_eq!(said("status: Done."), (Status::Done, String::new()));
        for none in
            ["STATUS: maybe", "the STATUS: DONE line is missing", "> STATUS: DONE", "üstatus"]
        {
            assert_eq!(last_word(none, &Given::default()), None, "{none}");
        }
    }

    #[test]
    fn what_follows_done_is_kept_and_may_take_it_back() {
        assert_eq!(
            after("STATUS: DONE\n\nbut it is half done, sorry\n"),
            "but it is half done, sorry"
        );
        assert_eq!(after("STATUS: DONE\nTokens: 2.3k sent\n\n12,345\n"), "");
        for text in ["So it is half done", "Wait, the tests fail.", "It doesn’t build", "Right?"]
        {
            assert!(takes_back(text), "{text}");
        }
        assert!(is_qualified("but two tests fail") && !is_qualified("added but two tests"));
        for text in ["I added the tests.", "Everything works, and all tests pass."] {
            assert!(!takes_back(text), "{text}");
        }
    }

    #[test]
    fn a_question_beside_a_bare_status_is_its_message() {
        let asks = |text: &str| said(text).1;
        assert_eq!(asks("I read it.\n\nWhich port?\n\nSTATUS: NEEDS_CONTEXT\n"), "Which port?");
        assert_eq!(asks("STATUS: NEEDS_CONTEXT\nWhich port?"), "Which port?");
        assert_eq!(
            asks("STATUS: NEEDS_CONTEXT: two things:\n- port\n- host"),
            "two things:\n- port\n- host"
        );
        assert_eq!(
            asks("Log.\n\nI need to know:\n\n1. the port?\n2. the host?\n\nSTATUS: NEEDS_CONTEXT"),
            "I need to know:\n\n1. the port?\n2. the host?"
        );
        assert_eq!(asks("Log.\n\nThe key is missing.\n\nSTATUS: BLOCKED"), "The key is missing.");
        assert_eq!(asks("STATUS: BLOCKED"), "");
        assert_eq!(last_question("Done reading.\n\nWhich port?\n"), "Which port?");
    }
}
