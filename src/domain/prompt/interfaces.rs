//! What a task's text declares for those that build on it.
//!
//! Invariant: pure, verbatim and bounded. The form is that of superpowers' plans: a line
//! `**Interfaces:**`, below it `- Consumes: ...` and `- Produces: ...`.

/// What is taken of one task, in bytes; the rest is in its text, which is for another agent.
const MAX_BYTES: usize = 600;
/// Words that begin what a task makes for others, and what it uses itself.
const MAKES: [&str; 3] = ["produces", "provides", "exports"];
const USES: [&str; 3] = ["consumes", "requires", "imports"];

/// Returns what a task's text says that it produces, in lines indented by two; else all that it
/// says under `Interfaces`; "" where it says nothing of the kind.
pub(crate) fn declared(text: &str) -> String {
    let lines = block(text);
    let mut made: Vec<&str> = Vec::new();
    let mut all: Vec<&str> = Vec::new();
    let mut taking = false;
    for line in &lines {
        let word = first_word(line);
        taking = (taking || MAKES.contains(&word.as_str())) && !USES.contains(&word.as_str());
        made.extend(taking.then_some(*line));
        all.push(line);
    }
    bounded(if made.is_empty() { &all } else { &made })
}

/// Returns the lines below `Interfaces`, to the next heading or key.
fn block(text: &str) -> Vec<&str> {
    let mut fence: Option<&str> = None;
    let mut found: Option<Vec<&str>> = None;
    for line in text.lines() {
        // Only a fence that is at least as long closes the block.
        let is_mark = fence_of(line).filter(|mark| fence.is_none_or(|open| mark.starts_with(open)));
        let is_key = fence.is_none() && is_key(line);
        match &mut found {
            Some(_) if is_key => break,
            Some(lines) => lines.push(line),
            None if is_key && first_word(line) == "interfaces" => {
                found = Some(rest_of(line).into_iter().collect());
            }
            None => {}
        }
        if let Some(mark) = is_mark {
            fence = if fence.is_some() { None } else { Some(mark) };
        }
    }
    let found = found.unwrap_or_default();
    found.into_iter().filter(|line| !line.trim().is_empty()).collect()
}

/// Returns the run of backticks or tildes that a line begins a code block with.
fn fence_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let first = line.chars().next().filter(|c| ['`', '~'].contains(c))?;
    let end = line.find(|c| c != first).unwrap_or(line.len());
    (end >= 3).then(|| &line[..end])
}

/// Returns true for a heading, and for a line that begins with a key of the plan, such as
/// `**Files:**`, `Interfaces:` or `- [ ] **Step 1: ...**`.
fn is_key(line: &str) -> bool {
    let plain = line.trim_start_matches("- [ ] ");
    line.starts_with('#')
        || plain.starts_with("**")
        || (line.starts_with(char::is_alphabetic) && first_word(line) == "interfaces")
}

fn first_word(line: &str) -> String {
    let plain = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = plain.find(|c: char| !c.is_alphanumeric()).unwrap_or(plain.len());
    plain[..end].to_lowercase()
}

/// Returns what follows the colon in the line of a key.
fn rest_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(':')?;
    let rest = rest.trim_start_matches('*').trim();
    (!rest.is_empty()).then_some(rest)
}

/// Returns the first lines, each indented, as many as are allowed; no code block is left open.
fn bounded(lines: &[&str]) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut left = MAX_BYTES;
    for line in lines {
        let line = format!("  {}", line.trim_end());
        let Some(rest) = left.checked_sub(line.len() + 1) else {
            out.push("  ...".into());
            break;
        };
        left = rest;
        out.push(line);
    }
    let marks: Vec<&str> = out.iter().filter_map(|line| fence_of(line)).collect();
    let open = marks.last().filter(|_| marks.len() % 2 == 1);
    let close = open.map(|mark| format!("  {mark}"));
    out.extend(close);
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "**Files:**\n- Create: `src/format.js`\n\n**Interfaces:**\n\
        - Consumes: a `name` string\n- Produces: `format(name)` returning the greeting,\n  \
        `Hello, <name>!`\n\n**Purpose:** Provide it.\n- Produces: nothing\n";

    #[test]
    fn what_is_produced_is_taken() {
        let wanted = "  - Produces: `format(name)` returning the greeting,\n    `Hello, <name>!`";
        assert_eq!(declared(TASK), wanted);
        let swapped = "Interfaces:\n- Produces: a\n- Consumes: b\n- [ ] **Step 1: c**\n";
        assert_eq!(declared(swapped), "  - Produces: a");
    }

    #[test]
    fn without_these_words_all_below_the_key_is_taken() {
        let text = "## Interfaces\n```rust\n# [derive(Debug)]\npub fn a();\n```\n\n## Steps\nb\n";
        assert_eq!(declared(text), "  ```rust\n  # [derive(Debug)]\n  pub fn a();\n  ```");
        assert_eq!(declared("**Interfaces:** `a()` and `b()`\n"), "  `a()` and `b()`");
    }

    #[test]
    fn what_is_quoted_or_not_there_is_not_taken() {
        assert_eq!(declared("Do it.\n\n```markdown\n**Interfaces:**\n- Produces: x\n```\n"), "");
        assert_eq!(declared(""), "");
        assert_eq!(declared("The interfaces: none.\n"), "");
    }

    #[test]
    fn it_is_bounded_at_a_line() {
        let long: String = (0..200).map(|at| format!("- Produces: `f{at}(x)`\n")).collect();
        let taken = declared(&format!("**Interfaces:**\n{long}"));
        assert!(taken.len() < MAX_BYTES + 10 && taken.ends_with("`\n  ..."), "{taken}");
        assert_eq!(declared(&format!("**Interfaces:**\n{}", "x".repeat(5000))), "  ...");
        let open = format!("**Interfaces:**\n```rust\n{}```\n", "pub fn f();\n".repeat(90));
        assert!(declared(&open).ends_with("\n  ...\n  ```"), "{}", declared(&open));
    }
}
