//! Reads the fingerprint of a file: the grammar parses the text, and the language's query finds
//! functions and observations.
//!
//! Invariant: knows captures, not languages. A capture of a query is `@function`, `@local`, `@case`
//! and so on, or a row of [`ROWS`]; captures that begin with `_` serve only the query itself.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::OnceLock;

use tree_sitter::{Node, Query, QueryCursor, QueryMatch, StreamingIterator, Tree};

use super::function::{self, FunctionSpan};
use super::imports::Imports;
use super::language::is_test;
use super::parse::parse;
use super::row::{self, Area, Label, ROWS, SOME_LOGGER};
use super::{FileFingerprint, Language, Observation, SourceFile, name, within};

/// The meaning of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CaptureKind {
    Function,
    Name,
    Local,
    /// Code that only tests use.
    TestScope,
    /// One test.
    Case,
    /// A sign that a test is one of several in a table or a group.
    Subtest,
    Import,
    /// The text that an observation concerns.
    Subject,
    /// The name of a type with fields.
    Concrete,
    /// An observation in a row; the query may give the value.
    RowDefinition(usize, Option<usize>),
    /// Used only inside the query.
    Helper,
}

/// A compiled query of a language.
struct LanguageQuery {
    query: Query,
    marks: Vec<CaptureKind>,
    /// Values that the query gives.
    values: Vec<String>,
}

/// A reader of files. Each language's query is compiled once, when the first file needs it, because
/// compiling takes longer than reading a file.
#[derive(Default)]
pub(crate) struct SourceReader {
    prepared: [OnceLock<LanguageQuery>; Language::ALL.len()],
}

/// The matches of a query in a file, the task's own code and other code alike.
#[derive(Default)]
struct FileMatches<'t> {
    seen: Vec<(usize, Option<String>, Node<'t>, Option<Node<'t>>)>,
    functions: Vec<FunctionSpan>,
    locals: Vec<Range<usize>>,
    tests: Vec<Range<usize>>,
    cases: Vec<Node<'t>>,
    subtests: Vec<Range<usize>>,
    imports: Imports,
    concrete: HashSet<String>,
}

impl SourceReader {
    /// Reads a file; `None` if its language is unknown or it is nested too deep.
    pub(crate) fn read(&self, source: &SourceFile<'_>) -> Option<FileFingerprint> {
        let language = Language::of(source.path)?;
        let tree = parse(language, source.text)?;
        let found = self.prepare(language).search(language, &tree, source.text);
        let mut reading = FileFingerprint {
            path: source.path.to_owned(),
            language: language.shown_as(),
            text: hash(source.text),
            own: Vec::new(),
            around: Vec::new(),
            functions: Vec::new(),
            concrete: HashSet::new(),
        };
        let is_own = |line: u32| within(source.added, line);
        for seen in found.all(language, source) {
            let whose = if is_own(seen.line) { &mut reading.own } else { &mut reading.around };
            whose.push(seen);
        }
        // The name of a new file is the task's own, although none of its lines shows it.
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

    fn prepare(&self, language: Language) -> &LanguageQuery {
        self.prepared[language as usize].get_or_init(|| LanguageQuery::new(language))
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl LanguageQuery {
    fn new(language: Language) -> LanguageQuery {
        let query = Query::new(&language.grammar(), language.query());
        let query = query.expect("a test reads every query");
        let mut values = Vec::new();
        let marks = query.capture_names().iter().map(|name| mark(name, &mut values)).collect();
        LanguageQuery { query, marks, values }
    }

    fn search<'t>(&self, language: Language, tree: &'t Tree, text: &str) -> FileMatches<'t> {
        let mut found = FileMatches::default();
        let mut cursor = QueryCursor::new();
        let mut matches = cursor.matches(&self.query, tree.root_node(), text.as_bytes());
        while let Some(one) = matches.next() {
            self.take(language, one, text, &mut found);
        }
        // Sorted, because `function::read` looks for the first one by bisection.
        found.locals.sort_by_key(|range| (range.start, range.end));
        found
    }

    fn take<'t>(
        &self,
        language: Language,
        one: &QueryMatch<'_, 't>,
        text: &str,
        found: &mut FileMatches<'t>,
    ) {
        let node = |wanted: CaptureKind| {
            let is_wanted = |index: u32| self.marks[index as usize] == wanted;
            one.captures.iter().find(|capture| is_wanted(capture.index)).map(|c| c.node)
        };
        for capture in one.captures {
            let (range, here) = (capture.node.byte_range(), capture.node);
            match self.marks[capture.index as usize] {
                CaptureKind::Function => {
                    let name = node(CaptureKind::Name)
                        .map_or(range.start..range.start, |n| n.byte_range());
                    let rows = (here.start_position().row, here.end_position().row);
                    found.functions.push(FunctionSpan { bytes: range, name, rows });
                }
                CaptureKind::Local => found.locals.push(range),
                CaptureKind::TestScope => found.tests.push(range),
                CaptureKind::Case => found.cases.push(here),
                CaptureKind::Subtest => found.subtests.push(range),
                CaptureKind::Import => found.imports.add(language, &text[range]),
                CaptureKind::Concrete => drop(found.concrete.insert(text[range].to_owned())),
                CaptureKind::RowDefinition(row, value) => {
                    let value = value.map(|value| self.values[value].clone());
                    found.seen.push((row, value, here, node(CaptureKind::Subject)));
                }
                CaptureKind::Name | CaptureKind::Subject | CaptureKind::Helper => {}
            }
        }
    }
}

/// Returns the meaning of a capture's name; a value in the name (`@errors.raw`) is added to
/// `values`.
fn mark(name: &str, values: &mut Vec<String>) -> CaptureKind {
    let (first, value) = name.split_once('.').map_or((name, None), |(row, v)| (row, Some(v)));
    let value = value.map(|value| {
        values.push(value.to_owned());
        values.len() - 1
    });
    match first {
        "function" => CaptureKind::Function,
        "name" => CaptureKind::Name,
        "local" => CaptureKind::Local,
        "test-scope" => CaptureKind::TestScope,
        "case" => CaptureKind::Case,
        "subtest" => CaptureKind::Subtest,
        "import" => CaptureKind::Import,
        "subject" => CaptureKind::Subject,
        "concrete" => CaptureKind::Concrete,
        other => row::index(other)
            .map_or(CaptureKind::Helper, |row| CaptureKind::RowDefinition(row, value)),
    }
}

impl FileMatches<'_> {
    /// Returns the observations, each once, in the order of lines.
    fn all(&self, language: Language, source: &SourceFile<'_>) -> Vec<Observation> {
        let is_test_file = is_test(source.path);
        let in_tests = |at: usize| {
            let scopes = self.tests.iter().cloned();
            let mut ranges = scopes.chain(self.cases.iter().map(Node::byte_range));
            is_test_file || ranges.any(|range| range.contains(&at))
        };
        // Several patterns may match one place, which is one piece of evidence.
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
                all.push(Observation { row: *row, value, line: line(*node), about });
            }
        }
        all.extend(self.cases.iter().filter_map(|case| self.subtest(*case)));
        all.sort_by_key(|seen| (seen.line, seen.row));
        all
    }

    /// Returns the value of an observation, and the type that it concerns.
    fn value(
        &self,
        language: Language,
        row: usize,
        given: Option<&str>,
        subject: Option<&str>,
    ) -> Option<(String, Option<String>)> {
        let row = &ROWS[row];
        if let Some(value) = given {
            let path = subject.and_then(|subject| self.imports.path(subject));
            // What generates the code decides about its types, not the author.
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
            // `io::Result` shows where an error comes from, not how this code makes errors.
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
            // An import of the name settles it: `log` of some other package is no logger.
            return of_trade(&package).then_some(package);
        }
        let root = subject.split([':', '.']).next().unwrap_or(subject);
        match language {
            // Known without an import: crates by their path.
            Language::Rust if subject.contains("::") => of_trade(root).then(|| root.to_owned()),
            // A macro that a whole crate imports: `#[macro_use] extern crate log;`.
            Language::Rust if trade.is_empty() => Some("std".to_owned()),
            Language::Rust => Some(SOME_LOGGER.to_owned()),
            // Globals, which nobody imports.
            Language::JavaScript | Language::TypeScript | Language::Tsx
                if ["console", "expect"].contains(&root) =>
            {
                Some(root.to_owned())
            }
            _ => (!trade.is_empty() && of_trade(subject)).then(|| SOME_LOGGER.to_owned()),
        }
    }

    /// Returns whether a test is one of several, or stands alone.
    fn subtest(&self, case: Node<'_>) -> Option<Observation> {
        let range = case.byte_range();
        let belongs = |other: &Range<usize>| {
            // Decorators and attributes such as `parametrize` stand before the test, not around it.
            let near = other.end <= range.start && range.start - other.end < 200;
            let holds = |a: &Range<usize>, b: &Range<usize>| a.start <= b.start && b.end <= a.end;
            near || holds(other, &range) || holds(&range, other)
        };
        let value = if self.subtests.iter().any(belongs) { "subtests" } else { "flat" };
        let row = row::index("subtests")?;
        Some(Observation { row, value: value.to_owned(), line: line(case), about: None })
    }
}

/// Returns true for a package of generated code.
fn is_generated(path: &str) -> bool {
    let words = ["gen", "generated", "proto", "protos", "pb", "sqlc", "openapi", "swagger", "ent"];
    path.split(['/', ':', '.']).any(|part| {
        let part = part.to_lowercase();
        words.contains(&part.as_str()) || (part.ends_with("pb") && part.len() < 24)
    })
}

/// Returns how the words in a new file's name are joined.
fn file_name(source: &SourceFile<'_>) -> Option<Observation> {
    let name = source.path.rsplit('/').next()?;
    // These are how languages mark a test, not how an author joins words.
    let stem = name.split('.').next()?.trim_end_matches("_test").trim_start_matches("test_");
    let value = name::case(stem).filter(|_| source.is_new)?.to_owned();
    Some(Observation { row: row::index("file-names")?, value, line: 1, about: None })
}

/// Returns the first line of a node.
fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_compiles_and_names_rows() {
        for language in Language::ALL {
            let query = Query::new(&language.grammar(), language.query());
            let query = query.unwrap_or_else(|error| panic!("{language:?}: {error}"));
            for name in query.capture_names() {
                let is_known =
                    name.starts_with('_') || mark(name, &mut Vec::new()) != CaptureKind::Helper;
                assert!(is_known, "{language:?}: @{name} is no row and no mark");
            }
        }
    }
}
