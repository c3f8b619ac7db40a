//! Whether a plan says why a task has to run alone.
//!
//! Invariant: a sentence that says the opposite, that tasks are independent, is no reason.

use crate::domain::plan::Task;

/// Words of a sentence that calls tasks fit to run beside others.
const FIT: [&str; 7] = [
    "independent",
    "in parallel",
    "parallel-safe",
    "parallel safe",
    "parallel_safe",
    "concurrently",
    "at the same time",
];

/// Words with which such a sentence says something else.
const UNFIT: [&str; 9] =
    ["not", "never", "cannot", "can't", "false", "but", "because", "since", "alone"];

/// Returns true if a text gives a reason why a task runs alone.
pub(super) fn explains(text: &str, task: &Task) -> bool {
    // By sentence, or the reason of one task would count for all that the section names.
    sentences(text).any(|sentence| names(&sentence, task) && !is_about_fitness(&sentence))
}

/// Returns the sentences of a Markdown text; a list item ends one, a line break alone does not.
fn sentences(text: &str) -> impl Iterator<Item = String> {
    let mut blocks = vec![String::new()];
    for line in text.lines().map(str::trim) {
        // The items of a list are about different tasks and often end without a full stop.
        let is_item = line.starts_with(['-', '*', '+', '|', '#', '>'])
            || line.split_once(['.', ')']).is_some_and(|(number, _)| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            });
        match blocks.last_mut().filter(|_| !is_item && !line.is_empty()) {
            Some(block) => *block += &format!(" {line}"),
            None => blocks.push(line.to_owned()),
        }
    }
    let split = |block: String| {
        // `1 and 2 are independent; 3 migrates the database` says two things.
        let parts = block.replace("; ", ". ");
        parts.split(". ").map(str::to_owned).collect::<Vec<_>>()
    };
    blocks.into_iter().flat_map(split)
}

fn is_about_fitness(sentence: &str) -> bool {
    let sentence = sentence.to_lowercase();
    let has_word = |word: &str| {
        sentence.split(|c: char| !c.is_alphanumeric() && c != '\'').any(|part| part == word)
    };
    // `3 is not parallel-safe because ...` has the words of fitness, and is a reason.
    FIT.iter().any(|words| sentence.contains(words)) && !UNFIT.iter().any(|word| has_word(word))
}

/// Returns true if a text contains the task's id or `Task <number>` as whole words.
fn names(text: &str, task: &Task) -> bool {
    let has = |word: &str| {
        let is_inner = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(is_inner) && !after.is_some_and(is_inner)
        })
    };
    // An id that is only the heading's number would match any number in the text.
    let number = task.number.as_ref().map(|number| format!("Task {number}"));
    let is_number = task.number.as_deref() == Some(task.id.as_str());
    number.is_some_and(|number| has(&number)) || (!is_number && has(task.id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Source, parse};

    fn is_explained(section: &str) -> bool {
        let text = "### Task 1: a\n**id**: b\n**depends_on**: []\n\nDo it.\n";
        let parsed = parse(&Source { name: "x.md", bytes: text.as_bytes() }).expect("a plan");
        explains(section, &parsed.plan.tasks[0])
    }

    #[test]
    fn a_reason_is_a_sentence_about_the_task_that_does_not_call_it_independent() {
        for text in [
            "- `b`: it owns the lock file",
            "b edits what all others read",
            "Task 1 is not independent: it moves files",
            "All are independent. b resets the database.",
            "a and b may\nnot run at the same time",
            "b is independent of a, but needs the terminal",
        ] {
            assert!(is_explained(text), "{text}");
        }
        for text in [
            "",
            "Tasks a and b are independent",
            "- a, b: run in parallel",
            "- a is alone because of the port\n- b is parallel-safe",
            "bb must run alone",
            "Task 12 must run alone",
        ] {
            assert!(!is_explained(text), "{text}");
        }
    }
}
