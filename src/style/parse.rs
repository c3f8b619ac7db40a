//! From a file's text to its tree, where that is no deeper and no dearer than what people write.
//!
//! Invariant: whatever the text is, this ends, and the tree that comes out can be walked by a
//! function that calls itself, on the stack of any thread.

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use super::Language;

/// Deeper code was not written by hand, and would cost time that grows with the square of its depth.
const MAX_DEPTH: usize = 600;
/// How often the parser may ask whether to go on: once, and so much more for each byte. It asks
/// after each hundred steps.
const MIN_ASKED: usize = 1000;
const ASKED_PER_BYTE: usize = 1;

/// Parses a text; `None` where it is nested too deeply or takes too long.
pub(super) fn parse(language: Language, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).ok()?;
    let mut left = MIN_ASKED + text.len() * ASKED_PER_BYTE;
    let mut goes_on = |_: &ParseState| match left.checked_sub(1) {
        Some(rest) => {
            left = rest;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    };
    let options = ParseOptions::new().progress_callback(&mut goes_on);
    let mut rest = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut rest, None, Some(options))?;
    is_shallow(&tree).then_some(tree)
}

fn is_shallow(tree: &Tree) -> bool {
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
    fn what_nobody_writes_is_refused_and_that_quickly() {
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
