//! Marks by which a plan says that a task is done.
//!
//! Invariant: a mark is a sign of its own at the end or the beginning of a title, or the value of
//! a status; the word "done" inside a sentence is none.

/// Signs that mean "done", in upper case.
const SIGNS: [&str; 12] = [
    "[DONE]",
    "(DONE)",
    "[COMPLETED]",
    "(COMPLETED)",
    "[COMPLETE]",
    "(COMPLETE)",
    "[X]",
    "✅",
    "✔",
    "☑",
    "— DONE",
    "- DONE",
];

/// Returns a title without marks, and whether it had one.
pub(super) fn split(title: &str) -> (&str, bool) {
    // A title may have several marks, `[x]` in front and `✅` at the end.
    let mut rest = title.trim();
    let mut is_done = false;
    loop {
        // The variation selector that makes a sign colourful.
        rest = rest.trim_end_matches('\u{fe0f}').trim_start_matches('\u{fe0f}').trim();
        let Some(shorter) = SIGNS.iter().find_map(|sign| without(rest, sign)) else {
            return (rest, is_done);
        };
        (rest, is_done) = (shorter.trim(), true);
    }
}

fn without<'a>(text: &'a str, sign: &str) -> Option<&'a str> {
    let is_sign = |part: &str| part.to_uppercase() == sign;
    // The bytes of a sign may end inside a character of the title.
    let end = text.len().checked_sub(sign.len()).filter(|at| text.is_char_boundary(*at));
    let ends = end.filter(|at| is_sign(&text[*at..]));
    // `- DONE` in front of a title is the start of a list item, not a mark.
    let starts = text.get(..sign.len()).is_some_and(is_sign) && !sign.starts_with(['-', '—']);
    ends.map(|at| &text[..at]).or_else(|| starts.then(|| &text[sign.len()..]))
}

/// Returns true if a status says that the task is done.
pub(super) fn is_done(status: &str) -> bool {
    let word = status.trim().trim_matches(['`', '*', '"', '\'', '.', ' ']);
    let (word, is_marked) = split(word);
    let words = ["done", "complete", "completed", "finished", "closed", "merged"];
    words.contains(&word.to_lowercase().as_str()) || (is_marked && word.is_empty())
}

/// Returns a text with every ticked box empty: a tick says what was done, not what is to be done.
pub(super) fn without_ticks(text: &str) -> String {
    // Elsewhere `[x]` may be an index or a key of the keyboard.
    let untick = |line: &str| {
        let begin = line.trim_start_matches([' ', '\t', '>']);
        let is_item =
            begin.starts_with("- [") || begin.starts_with("* [") || begin.starts_with("+ [");
        if is_item {
            // Only the first: any other belongs to the text of the item.
            line.replacen("[x]", "[ ]", 1).replacen("[X]", "[ ]", 1)
        } else {
            line.to_owned()
        }
    };
    text.lines().map(untick).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_alone() {
        for (title, rest) in [
            ("Add a model [DONE]", "Add a model"),
            ("Add a model ✅", "Add a model"),
            ("✔️ Add a model", "Add a model"),
            ("Add a model (done) ✅", "Add a model"),
            ("Add a model — DONE", "Add a model"),
            ("[x] Add a model", "Add a model"),
        ] {
            assert_eq!(split(title), (rest, true), "{title}");
        }
        for title in ["Say when it is done", "Handle [DONE] lines well", "Done", "Abandon ship"] {
            assert_eq!(split(title), (title, false), "{title}");
        }
    }

    #[test]
    fn a_status_is_one_word() {
        for status in ["done", "Completed", "✅", "✅ Done", "`done`.", "[x]"] {
            assert!(is_done(status), "{status}");
        }
        for status in ["", "todo", "in progress", "not done", "almost complete"] {
            assert!(!is_done(status), "{status}");
        }
    }

    #[test]
    fn only_the_boxes_of_a_list_are_emptied() {
        let text = "- [x] **Step 1** a[x]\n  * [X] two\nlet a = [x];";
        assert_eq!(without_ticks(text), "- [ ] **Step 1** a[x]\n  * [ ] two\nlet a = [x];");
    }
}
