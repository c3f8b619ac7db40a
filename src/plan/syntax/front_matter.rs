//! Finds the front matter of a Markdown file: the `---` block at its start.
//!
//! Invariant: only a block that begins on the first line and is closed counts.

use std::ops::Range;

/// The place of a front matter in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontMatterRange {
    /// The text between the two lines of dashes; its first line is line 2 of the file.
    pub(crate) matter: Range<usize>,
    /// The offset of the text after it.
    pub(crate) end: usize,
}

/// Returns the place of the front matter, if there is one.
pub(crate) fn range(text: &str) -> Option<FrontMatterRange> {
    // Editors on Windows write a byte order mark before the first dash.
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut at = skipped;
    let mut start = None;
    for line in text[skipped..].split_inclusive('\n') {
        let next = at + line.len();
        match (start, line.trim_end()) {
            (None, "---") => start = Some(next),
            (None, _) => return None,
            (Some(start), "---" | "...") => {
                return Some(FrontMatterRange { matter: start..at, end: next });
            }
            _ => {}
        }
        at = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_closed_is_found() {
        let of = |text: &'static str| range(text).map(|p| (&text[p.matter], &text[p.end..]));
        assert_eq!(of("---\na: 1\n---\nb"), Some(("a: 1\n", "b")));
        assert_eq!(of("\u{feff}---\r\na: 1\r\n---\r\n"), Some(("a: 1\r\n", "")));
        assert_eq!((of("---\na: 1\n"), of("a\n---\n---\n"), of("")), (None, None, None));
    }
}
