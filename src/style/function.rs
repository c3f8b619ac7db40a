//! Functions as sequences of tokens that do not depend on local names.
//!
//! Invariant: two functions that differ only in comments, layout, their own name and the names that
//! they bind themselves have the same tokens. The functions that they call and the fields that they
//! read do count.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::SourceFile;
use super::within;

/// The part of a function's lines that must be the task's own, in hundredths.
const OWN_PERCENT: usize = 90;

/// A function that a task added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub name: String,
    /// The first and the last line, counted from 1.
    pub lines: (u32, u32),
    /// Hashes of the tokens.
    pub tokens: Vec<u64>,
    /// Hashes of names that are defined elsewhere: types, fields, called functions. Sorted, each
    /// once.
    pub foreign: Vec<u64>,
}

/// The place of a function in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FunctionSpan {
    pub(super) bytes: Range<usize>,
    pub(super) name: Range<usize>,
    /// The first and the last row, counted from 0.
    pub(super) rows: (usize, usize),
}

/// Returns the functions that are not inside another function or a test.
pub(super) fn outermost<'s>(
    spans: &'s [FunctionSpan],
    cases: &[Range<usize>],
) -> Vec<&'s FunctionSpan> {
    let mut sorted: Vec<&FunctionSpan> = spans.iter().collect();
    // Of functions that begin at the same place the outer one first, or it would be left out.
    sorted.sort_by_key(|span| (span.bytes.start, usize::MAX - span.bytes.end));
    // Several patterns of a query may find one function.
    sorted.dedup_by_key(|span| span.bytes.clone());
    let mut end = 0;
    sorted.retain(|span| {
        let is_outer = span.bytes.start >= end;
        end = end.max(span.bytes.end);
        is_outer
    });
    let in_case = |span: &FunctionSpan| {
        cases.iter().any(|case| case.start <= span.bytes.start && span.bytes.end <= case.end)
    };
    sorted.retain(|span| !in_case(span));
    sorted
}

/// Returns true if the task wrote the function, rather than changing or moving it.
pub(super) fn is_own(span: &FunctionSpan, source: &SourceFile<'_>) -> bool {
    let (first, last) = span.rows;
    let count = last - first + 1;
    let line = |row: usize| u32::try_from(row + 1).unwrap_or(u32::MAX);
    let added = (first..=last).filter(|row| within(source.added, line(*row))).count();
    if added * 100 < count * OWN_PERCENT {
        return false;
    }
    let text = source.text[span.bytes.clone()].lines().map(str::trim);
    // Lines such as `}` and `})` are removed somewhere in almost every change.
    let lines: Vec<&str> = text.filter(|line| line.len() > 2).collect();
    let moved = lines.iter().filter(|line| source.removed.contains(**line)).count();
    // Half of the lines are enough: code that moves is often changed a little on its way.
    moved * 100 < lines.len() * (100 - OWN_PERCENT).max(50)
}

/// Reads a function; `locals` are the places where names are bound, in order.
pub(super) fn read(
    tree: &Tree,
    span: &FunctionSpan,
    locals: &[Range<usize>],
    source: &SourceFile<'_>,
) -> Function {
    let start = locals.partition_point(|local| local.start < span.bytes.start);
    let inside = locals[start..].iter().take_while(|local| local.start < span.bytes.end);
    let mut reader = Tokenizer {
        text: source.text,
        spelled: HashMap::new(),
        numbered: 0,
        tokens: Vec::new(),
        foreign: Vec::new(),
    };
    let identifiers = |c: char| !(c.is_alphanumeric() || c == '_');
    for local in inside {
        for word in source.text[local.clone()].split(identifiers) {
            // Of a pattern such as `Some(x)`, only the lower-case names are bound.
            if word.starts_with(|c: char| c.is_lowercase() || c == '_') {
                reader.spelled.entry(word).or_insert(None);
            }
        }
    }
    // The own name is local too: a recursive function is like its renamed copy.
    reader.spelled.insert(&source.text[span.name.clone()], None);
    let root = tree.root_node();
    // The last byte inside, since a range that ends behind the node would find its parent.
    if let Some(node) = root.descendant_for_byte_range(span.bytes.start, span.bytes.end - 1) {
        reader.walk(node);
    }
    reader.foreign.sort_unstable();
    reader.foreign.dedup();
    let line = |row: usize| u32::try_from(row + 1).unwrap_or(u32::MAX);
    Function {
        name: source.text[span.name.clone()].to_owned(),
        lines: (line(span.rows.0), line(span.rows.1)),
        tokens: reader.tokens,
        foreign: reader.foreign,
    }
}

/// Turns the nodes of a function into tokens.
struct Tokenizer<'t> {
    text: &'t str,
    /// Names that the function binds, numbered in order of appearance.
    spelled: HashMap<&'t str, Option<usize>>,
    numbered: usize,
    tokens: Vec<u64>,
    foreign: Vec<u64>,
}

impl<'t> Tokenizer<'t> {
    fn walk(&mut self, node: Node<'_>) {
        let kind = node.kind();
        if kind.contains("comment") {
            return;
        }
        // A string is one token, even if the grammar splits it.
        let is_string = node.is_named() && kind.contains("string") && !kind.contains("content");
        if node.child_count() == 0 || is_string {
            return self.take(node);
        }
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.children(&mut cursor).collect();
        children.into_iter().for_each(|child| self.walk(child));
    }

    fn take(&mut self, node: Node<'_>) {
        let word = &self.text[node.byte_range()];
        if word.trim().is_empty() {
            return;
        }
        // A name after a dot is a field or a method, even if a local variable has the same name.
        let may_be_local = !node.kind().contains("field") && !node.kind().contains("property");
        let next = self.numbered;
        let local = self.spelled.get_mut(word).filter(|_| may_be_local);
        // With a mark for each kind, so that the number of a local never equals a word.
        let mut hasher = DefaultHasher::new();
        let is_foreign = local.is_none() && node.kind().ends_with("identifier");
        match local {
            Some(number) => {
                self.numbered += usize::from(number.is_none());
                (0_u8, *number.get_or_insert(next)).hash(&mut hasher);
            }
            None => (1_u8, word).hash(&mut hasher),
        }
        let token = hasher.finish();
        self.tokens.push(token);
        self.foreign.extend(is_foreign.then_some(token));
    }
}
