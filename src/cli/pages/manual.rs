//! The manual: sections of the main page that no definition holds, written in Markdown.
//!
//! Invariant: only what is documented here is understood: `# SECTION`, paragraphs, and lists of
//! `- term: text`, two spaces deeper for each level. `lib.rs` includes the same glossary in its
//! docs, so both always have the same words.

use super::roff::roff;

/// One line for each word that the manual uses in a sense of its own.
const GLOSSARY: &str = include_str!("text/glossary.md");
const MANUAL: &str = include_str!("text/manual.md");

/// Returns the sections as roff, the glossary first.
pub(super) fn sections() -> String {
    format!("{}{}", render(&format!("# GLOSSARY\n\n{GLOSSARY}")), render(MANUAL))
}

/// A paragraph, or an item of a list, with its lines joined.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// 0 for the top level; what belongs to an item has its depth plus one.
    depth: usize,
    is_item: bool,
    text: String,
}

/// Renders sections of Markdown as roff.
fn render(markdown: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    let mut is_after_heading = false;
    for block in blocks(markdown) {
        if let Some(title) = block.text.strip_prefix("# ") {
            out += &".RE\n".repeat(depth);
            out += &format!(".SH {title}\n");
            (depth, is_after_heading) = (0, true);
            continue;
        }
        // An item sets its text deeper by itself; `.RS` is needed for a list inside of an item.
        let list = if block.is_item { block.depth } else { block.depth.saturating_sub(1) };
        out += &".RS\n".repeat(list.saturating_sub(depth));
        out += &".RE\n".repeat(depth.saturating_sub(list));
        depth = list;
        out += &match (block.is_item, block.depth) {
            (true, _) => item(&block.text),
            (false, 0) if is_after_heading => format!("{}\n", roff(&block.text)),
            (false, 0) => format!(".PP\n{}\n", roff(&block.text)),
            (false, _) => format!(".IP\n{}\n", roff(&block.text)),
        };
        is_after_heading = false;
    }
    out += &".RE\n".repeat(depth);
    out
}

fn item(text: &str) -> String {
    let (term, meaning) = text.split_once(": ").unwrap_or((text, ""));
    // Markdown has terms in bold; here backquotes make text bold.
    format!(".TP\n{}\n{}\n", roff(&term.replace("**", "`")), roff(meaning))
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for line in markdown.lines() {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 2;
        let item = text.strip_prefix("- ");
        match blocks.last_mut().filter(|_| is_open && item.is_none()) {
            _ if text.is_empty() => is_open = false,
            Some(block) => {
                block.text.push(' ');
                block.text.push_str(text);
            }
            None => {
                let text = item.unwrap_or(text).to_owned();
                blocks.push(Block { depth, is_item: item.is_some(), text });
                is_open = true;
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_lists_become_roff() {
        let text =
            "# A\n\nOne\ntwo.\n\nThree.\n\n- `a`, **b**: x\n  y\n\n  z\n  - _c_: w\n- d: v\n";
        let wanted = ".SH A\nOne two.\n.PP\nThree.\n.TP\n\\fBa\\fR, \\fBb\\fR\nx y\n.IP\nz\n.RS\n.TP\n\
                      \\fIc\\fR\nw\n.RE\n.TP\nd\nv\n";
        assert_eq!(render(text), wanted);
    }

    #[test]
    fn no_line_of_text_is_a_request_by_accident() {
        assert_eq!(render("- _.x_: .SH y\n"), ".TP\n\\fI.x\\fR\n\\&.SH y\n");
    }

    #[test]
    fn every_word_of_the_glossary_is_explained_once() {
        let mut terms: Vec<String> = Vec::new();
        for block in blocks(GLOSSARY) {
            let (term, meaning) = block.text.split_once("**: ").expect("a term and its meaning");
            assert!(block.is_item && block.depth == 0 && meaning.ends_with('.'), "{term}");
            terms.push(term.trim_start_matches("**").to_owned());
        }
        let all = terms.len();
        terms.sort();
        terms.dedup();
        assert_eq!(terms.len(), all);
    }

    #[test]
    fn the_docs_of_the_crate_have_the_same_glossary() {
        let docs = include_str!("../../lib.rs");
        assert!(docs.contains("#![doc = include_str!(\"cli/pages/text/glossary.md\")]"));
    }
}
