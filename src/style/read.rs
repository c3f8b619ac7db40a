//! From a file's text to what it says: the grammar parses, the query of the language finds.
//!
//! Invariant: knows captures, not languages. A capture is a mark (`@function`, `@local`, `@case`
//! and so on) or a row of [`ROWS`]; what begins with `_` serves the query alone.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::OnceLock;

use tree_sitter::{Node, Query, QueryCursor, QueryMatch, StreamingIterator, Tree};

use super::function::{self, Span};
use super::imports::Imports;
use super::language::is_test;
use super::parse::parse;
use super::row::{self, Area, Label, ROWS, SOME_LOGGER};
use super::{Language, Reading, Seen, Source, name, within};

/// What a capture of a query stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Function,
    Name,
    Local,
    /// Code that only tests use.
    TestScope,
    /// One test.
    Case,
    /// What makes a test one of several in a table or a group.
    Subtest,
    Import,
    /// What an observation is about.
    Subject,
    /// The name of a type with fields.
    Concrete,
    /// An observation; the value may be said by the query.
    Row(usize, Option<usize>),
    /// Serves the query alone.
    Helper,
}

/// A language's query, ready for use.
struct Prepared {
    query: Query,
    marks: Vec<Mark>,
    /// Values that the query says.
    values: Vec<String>,
}

/// Reads files; each language's query is prepared once, when the first file needs it.
#[derive(Default)]
pub(crate) struct Reader {
    prepared: [OnceLock<Prepared>; Language::ALL.len()],
}

/// What a query found in a file, before it is known which code is whose.
#[derive(Default)]
struct Found<'t> {
    seen: Vec<(usize, Option<String>, Node<'t>, Option<Node<'t>>)>,
    functions: Vec<Span>,
    locals: Vec<Range<usize>>,
    tests: Vec<Range<usize>>,
    cases: Vec<Node<'t>>,
    subtests: Vec<Range<usize>>,
    imports: Imports,
    concrete: HashSet<String>,
}

impl Reader {
    /// Reads a file; `None` where its language is not known, or it is nested as nobody writes.
    pub(crate) fn read(&self, source: &Source<'_>) -> Option<Reading> {
        let language = Language::of(source.path)?;
        let tree = parse(language, source.text)?;
        let found = self.prepare(language).search(language, &tree, source.text);
        let mut reading = Reading {
            path: source.path.to_owned(),
            language: language.told(),
            text: hash(source.text),
            own: Vec::new(),
            around: Vec::new(),
            functions: Vec::new(),
            concrete: HashSet::new(),
        };
        let is_ours = |line: u32| within(source.added, line);
        for seen in found.all(language, source) {
            let whose = if is_ours(seen.line) { &mut reading.own } else { &mut reading.around };
            whose.push(seen);
        }
        if let Some(seen) = file_name(source) {
            reading.own.push(seen);
        }
        let cases: Vec<Range<usize>> = found.cases.iter().map(Node::byte_range).collect();
        let outer = function::outermost(&found.functions, &cases);
        let own = outer.into_iter().filter(|span| function::is_own(span, source));
        reading.functions =
            own.map(|span| function::read(&tree, span, &found.locals, source)).collect();
        reading.concrete = found.concrete;
        Some(reading)
    }

    fn prepare(&self, language: Language) -> &Prepared {
        self.prepared[language as usize].get_or_init(|| Prepared::new(language))
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Prepared {
    fn new(language: Language) -> Prepared {
        let query = Query::new(&language.grammar(), language.query());
        let query = query.expect("a test reads every query");
        let mut values = Vec::new();
        let marks = query.capture_names().iter().map(|name| mark(name, &mut values)).collect();
        Prepared { query, marks, values }
    }

    fn search<'t>(&self, language: Language, tree: &'t Tree, text: &str) -> Found<'t> {
        let mut found = Found::default();
        let mut cursor = QueryCursor::new();
        let mut matches = cursor.matches(&self.query, tree.root_node(), text.as_bytes());
        while let Some(one) = matches.next() {
            self.take(language, one, text, &mut found);
        }
        found.locals.sort_by_key(|range| (range.start, range.end));
        found
    }

    fn take<'t>(
        &self,
        language: Language,
        one: &QueryMatch<'_, 't>,
        text: &str,
        found: &mut Found<'t>,
    ) {
        let node = |wanted: Mark| {
            let is_wanted = |index: u32| self.marks[index as usize] == wanted;
            one.captures.iter().find(|capture| is_wanted(capture.index)).map(|c| c.node)
        };
        for capture in one.captures {
            let (range, here) = (capture.node.byte_range(), capture.node);
            match self.marks[capture.index as usize] {
                Mark::Function => {
                    let name =
                        node(Mark::Name).map_or(range.start..range.start, |n| n.byte_range());
                    let rows = (here.start_position().row, here.end_position().row);
                    found.functions.push(Span { bytes: range, name, rows });
                }
                Mark::Local => found.locals.push(range),
                Mark::TestScope => found.tests.push(range),
                Mark::Case => found.cases.push(here),
                Mark::Subtest => found.subtests.push(range),
                Mark::Import => found.imports.add(language, &text[range]),
                Mark::Concrete => drop(found.concrete.insert(text[range].to_owned())),
                Mark::Row(row, value) => {
                    let value = value.map(|value| self.values[value].clone());
                    found.seen.push((row, value, here, node(Mark::Subject)));
                }
                Mark::Name | Mark::Subject | Mark::Helper => {}
            }
        }
    }
}

/// Returns what a capture's name stands for; a value that it says is put to the others.
fn mark(name: &str, values: &mut Vec<String>) -> Mark {
    let (first, value) = name.split_once('.').map_or((name, None), |(row, v)| (row, Some(v)));
    let value = value.map(|value| {
        values.push(value.to_owned());
        values.len() - 1
    });
    match first {
        "function" => Mark::Function,
        "name" => Mark::Name,
        "local" => Mark::Local,
        "test-scope" => Mark::TestScope,
        "case" => Mark::Case,
        "subtest" => Mark::Subtest,
        "import" => Mark::Import,
        "subject" => Mark::Subject,
        "concrete" => Mark::Concrete,
        other => row::index(other).map_or(Mark::Helper, |row| Mark::Row(row, value)),
    }
}

impl Found<'_> {
    /// Returns what was seen, once each, in the order of lines.
    fn all(&self, language: Language, source: &Source<'_>) -> Vec<Seen> {
        let is_test_file = is_test(source.path);
        let in_tests = |at: usize| {
            let scopes = self.tests.iter().cloned();
            let mut ranges = scopes.chain(self.cases.iter().map(Node::byte_range));
            is_test_file || ranges.any(|range| range.contains(&at))
        };
        let mut known: BTreeSet<(usize, usize, String)> = BTreeSet::new();
        let mut all = Vec::new();
        for (row, value, node, subject) in &self.seen {
            let at = node.start_byte();
            let fits = match ROWS[*row].area {
                Area::Code => !in_tests(at),
                Area::Tests => in_tests(at),
                Area::Both => true,
            };
            let subject = subject.map(|node| &source.text[node.byte_range()]);
            let Some((value, about)) =
                fits.then(|| self.value(language, *row, value.as_deref(), subject)).flatten()
            else {
                continue;
            };
            if known.insert((at, *row, value.clone())) {
                all.push(Seen { row: *row, value, line: line(*node), about });
            }
        }
        all.extend(self.cases.iter().filter_map(|case| self.subtest(*case)));
        all.sort_by_key(|seen| (seen.line, seen.row));
        all
    }

    /// Returns what a row says of a subject, and the type that it is about.
    fn value(
        &self,
        language: Language,
        row: usize,
        said: Option<&str>,
        subject: Option<&str>,
    ) -> Option<(String, Option<String>)> {
        let row = &ROWS[row];
        if let Some(value) = said {
            let path = subject.and_then(|subject| self.imports.path(subject));
            if matches!(row.id, "structs" | "returns") && path.is_some_and(is_generated) {
                return Some(("generated".to_owned(), None));
            }
            let about = subject.filter(|_| matches!(row.id, "structs" | "types"));
            return Some((value.to_owned(), about.map(str::to_owned)));
        }
        let subject = subject?;
        let value = match row.label {
            Label::Query => None,
            Label::Case => name::case(subject).map(str::to_owned),
            Label::InnerCase => name::inner_case(subject).map(str::to_owned),
            Label::TestName => name::test_case(subject).map(str::to_owned),
            Label::Tag => name::tag_case(subject).map(str::to_owned),
            Label::Initialism => name::initialism(subject).map(str::to_owned),
            // `io::Result` says where an error comes from, not how errors are made here.
            Label::Import(trade) => self
                .package(language, subject, trade)
                .filter(|package| row.id != "error-types" || package != "std"),
        };
        value.map(|value| (value, None))
    }

    fn package(&self, language: Language, subject: &str, trade: &[&str]) -> Option<String> {
        let of_trade = |text: &str| {
            let lower = text.to_lowercase();
            trade.is_empty() || trade.iter().any(|word| lower.contains(word))
        };
        if let Some(package) = self.imports.package(language, subject) {
            return of_trade(&package).then_some(package);
        }
        let root = subject.split([':', '.']).next().unwrap_or(subject);
        match language {
            // Known without an import: crates by their path, what a page or a prelude has.
            Language::Rust if subject.contains("::") => of_trade(root).then(|| root.to_owned()),
            // A macro that a whole crate imports: `#[macro_use] extern crate log;`.
            Language::Rust if trade.is_empty() => Some("std".to_owned()),
            Language::Rust => Some(SOME_LOGGER.to_owned()),
            Language::JavaScript | Language::TypeScript | Language::Tsx
                if ["console", "expect"].contains(&root) =>
            {
                Some(root.to_owned())
            }
            _ => (!trade.is_empty() && of_trade(subject)).then(|| SOME_LOGGER.to_owned()),
        }
    }

    /// Tells whether a test is one of several, or stands for itself.
    fn subtest(&self, case: Node<'_>) -> Option<Seen> {
        let range = case.byte_range();
        let belongs = |other: &Range<usize>| {
            let near = other.end <= range.start && range.start - other.end < 200;
            let holds = |a: &Range<usize>, b: &Range<usize>| a.start <= b.start && b.end <= a.end;
            near || holds(other, &range) || holds(&range, other)
        };
        let value = if self.subtests.iter().any(belongs) { "subtests" } else { "flat" };
        let row = row::index("subtests")?;
        Some(Seen { row, value: value.to_owned(), line: line(case), about: None })
    }
}

/// Returns true for a package whose code a program writes.
fn is_generated(path: &str) -> bool {
    let words = ["gen", "generated", "proto", "protos", "pb", "sqlc", "openapi", "swagger", "ent"];
    path.split(['/', ':', '.']).any(|part| {
        let part = part.to_lowercase();
        words.contains(&part.as_str()) || (part.ends_with("pb") && part.len() < 24)
    })
}

/// Tells how a new file is called.
fn file_name(source: &Source<'_>) -> Option<Seen> {
    let name = source.path.rsplit('/').next()?;
    let stem = name.split('.').next()?.trim_end_matches("_test").trim_start_matches("test_");
    let value = name::case(stem).filter(|_| source.is_new)?.to_owned();
    Some(Seen { row: row::index("file-names")?, value, line: 1, about: None })
}

/// Returns the line on which a node begins.
fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_understood_and_names_rows() {
        for language in Language::ALL {
            let query = Query::new(&language.grammar(), language.query());
            let query = query.unwrap_or_else(|error| panic!("{language:?}: {error}"));
            for name in query.capture_names() {
                let is_known = name.starts_with('_') || mark(name, &mut Vec::new()) != Mark::Helper;
                assert!(is_known, "{language:?}: @{name} is no row and no mark");
            }
        }
    }
}
