//! The rows of a fingerprint: what is looked at, where, and from when on it is a habit.
//!
//! Invariant: data. A query names a row by its id; a test fails where it names another.

use super::Language;

/// In which code a row is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Code,
    Tests,
    Both,
}

/// How a value comes from what a query found, where the query does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// The query says it: `@errors.raw`.
    Query,
    /// The package that the subject was imported from. Where the list is not empty, one that is of
    /// this trade; a subject that is no import but sounds like one of them is `a logger`.
    Import(&'static [&'static str]),
    /// How the words of the subject are put together: `snake_case`.
    Case,
    /// The same, where a capital in front does not count: it tells what is exported.
    InnerCase,
    /// The same of a test's name, where the beginning that all tests have does not count.
    TestName,
    /// The same of the key in a Go tag.
    Tag,
    /// `ID` or `Id`, as the subject ends.
    Initialism,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// As in the JSON and in queries.
    pub id: &'static str,
    pub title: &'static str,
    pub area: Area,
    pub label: Label,
    /// How often a task must have done it for a habit; `None`: the row is shown, and nothing is
    /// concluded from it, because the work decides it and not the author.
    pub least: Option<usize>,
}

impl Row {
    /// Returns true where one crate is free to do otherwise than another one: a library says what
    /// went wrong in types of its own, a program need not.
    pub(super) fn per_crate(&self) -> bool {
        self.id == "error-types"
    }
}

const fn row(
    id: &'static str,
    title: &'static str,
    area: Area,
    label: Label,
    least: Option<usize>,
) -> Row {
    Row { id, title, area, label, least }
}

/// What packages for logging are called, or a part of it.
const LOGGING: &[&str] = &["log", "zap", "tracing", "slf4j", "pino", "winston", "bunyan", "defmt"];

/// Every row, in the order in which they are shown.
pub(crate) const ROWS: &[Row] = &[
    row("returns", "return types", Area::Code, Label::Query, None),
    row("structs", "structs returned", Area::Code, Label::Query, Some(4)),
    row("lookups", "lookups return", Area::Code, Label::Query, Some(3)),
    row("annotations", "return annotations", Area::Code, Label::Query, Some(5)),
    row("errors", "error handling", Area::Code, Label::Query, Some(4)),
    row("error-types", "error types", Area::Code, Label::Import(&[]), Some(3)),
    row("types", "new types", Area::Code, Label::Query, None),
    row("shapes", "data types as", Area::Code, Label::Query, Some(3)),
    row("framework", "test framework", Area::Tests, Label::Import(&[]), Some(4)),
    row("subtests", "subtests", Area::Tests, Label::Query, Some(5)),
    row("test-names", "test names", Area::Tests, Label::TestName, Some(4)),
    row("test-helpers", "test helpers", Area::Tests, Label::Query, None),
    row("transactions", "transactions", Area::Code, Label::Query, Some(2)),
    row("logging", "logging", Area::Code, Label::Import(LOGGING), Some(4)),
    row("function-names", "function names", Area::Code, Label::InnerCase, Some(4)),
    row("file-names", "file names", Area::Both, Label::Case, Some(3)),
    row("tags", "names in tags", Area::Code, Label::Tag, Some(4)),
    row("initialisms", "initialisms", Area::Code, Label::Initialism, Some(4)),
];

/// Returns where a row stands in [`ROWS`].
pub(crate) fn index(id: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.id == id)
}

/// What is seen where a logger is used and no import says which.
pub(crate) const SOME_LOGGER: &str = "a logger";

/// Returns true where two values of a row are the same, or may be: some logger may be any that is
/// known, but it is none that just prints.
pub(super) fn may_be_one(row: usize, language: Language, one: &str, other: &str) -> bool {
    let prints = |value: &str| match language {
        Language::Go => value == "log",
        _ => ["print", "println", "console"].contains(&value),
    };
    let may_be = |some: &str, known: &str| some == SOME_LOGGER && !prints(known);
    one == other || (ROWS[row].id == "logging" && (may_be(one, other) || may_be(other, one)))
}
