//! Parses a file's text, within limits on depth and time.
//!
//! Invariant: parsing ends for any text, and a recursive function can walk the tree on the stack of
//! any thread. (A file nested a hundred thousand levels deep would overflow the stack and abort the
//! program; since the final review uses the comparison, the run could never end.)

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use super::Language;

/// Deepest tree that is accepted. Deeper code was not written by hand, and takes time that grows
/// with the square of the depth.
const MAX_DEPTH: usize = 600;
/// At most this many calls of the progress callback, plus this many for each byte; the parser calls
/// it after every hundred steps. No normal text of that length needs as many.
const MIN_ASKED: usize = 1000;
const ASKED_PER_BYTE: usize = 1;

/// Parses a text; `None` if it is nested too deep or takes too long.
pub(super) fn parse(language: Language, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).ok()?;
    // Counted in steps and not in seconds: the same file is always read, or always skipped.
    let mut left = MIN_ASKED + text.len() * ASKED_PER_BYTE;
    let mut progress = |_: &ParseState| match left.checked_sub(1) {
        Some(rest) => {
            left = rest;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut rest = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut rest, None, Some(options))?;
    is_shallow(&tree).then_some(tree)
}

fn is_shallow(tree: &Tree) -> bool {
    // With a cursor: recursion would overflow the stack before the depth is known.
    let mut cursor = tree.walk();
    let mut depth = 0;
    loop {
        if cursor.goto_first_child() {
            depth += 1;
            if depth > MAX_DEPTH {
                return false;
            }
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return true;
            }
            depth -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_files_are_refused_quickly() {
        let nested = |depth: usize, open: &str, close: &str| {
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        };
        let many = 40_000;
        let hostile = [
            (Language::Rust, format!("fn f() {{ {}; }}\n", nested(many, "(", ")"))),
            (Language::Python, format!("x = {}\n", nested(many, "[", "]"))),
            (Language::Go, format!("package a\nfunc f() {{ x := {}1 }}\n", "-".repeat(many))),
            (Language::JavaScript, format!("const x = a{};\n", ".b()".repeat(many))),
            (Language::TypeScript, format!("const x = {}1\n", "()=>".repeat(many))),
            (Language::Java, format!("class A {{ int a = {}; }}\n", nested(many, "(", ")"))),
        ];
        for (language, text) in hostile {
            assert!(parse(language, &text).is_none(), "{language:?}");
        }
        let text = format!("fn f() {{ {}; }}\n", nested(100, "(", ")"));
        assert!(parse(Language::Rust, &text).is_some());
    }
}
