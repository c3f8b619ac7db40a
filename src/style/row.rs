//! The rows of a fingerprint: what is observed, in which code, and how often it makes a habit.
//!
//! Invariant: data. A query names a row by its id; a test fails if there is no such row.

use super::Language;

/// The code in which a row is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Code,
    Tests,
    Both,
}

/// How the value of an observation is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// The query gives it: `@errors.raw`.
    Query,
    /// The package that the subject was imported from. If the list is not empty, the package's name
    /// must contain one of its words; a subject that is not imported but contains one is `a
    /// logger`.
    Import(&'static [&'static str]),
    /// How the words of the subject are joined: `snake_case`.
    Case,
    /// The same, ignoring a capital at the start, which in Go means "exported".
    InnerCase,
    /// The same for a test's name, ignoring the prefix that all tests have.
    TestName,
    /// The same for the key in a Go struct tag.
    Tag,
    /// `ID` or `Id`, by the end of the subject.
    Initialism,
}

/// One row of a fingerprint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowDefinition {
    /// The id in the JSON and in queries.
    pub id: &'static str,
    pub title: &'static str,
    pub area: Area,
    pub label: Label,
    /// The number of observations that make a habit. `None`: the row is shown but nothing is
    /// concluded from it, because the work decides it, not the author.
    pub least: Option<usize>,
}

impl RowDefinition {
    /// Returns true if crates may differ: a library has error types of its own, a program need not.
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
) -> RowDefinition {
    RowDefinition { id, title, area, label, least }
}

/// Words in the names of logging packages.
const LOGGING: &[&str] = &["log", "zap", "tracing", "slf4j", "pino", "winston", "bunyan", "defmt"];

/// All rows, in the order in which they are shown.
pub(crate) const ROWS: &[RowDefinition] = &[
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

/// Returns the position of a row in [`ROWS`].
pub(crate) fn index(id: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.id == id)
}

/// The value for a logger that no import names.
pub(crate) const SOME_LOGGER: &str = "a logger";

/// Returns true if two values of a row are, or may be, the same: an unnamed logger may be any
/// logger, but not mere printing.
pub(super) fn may_be_one(row: usize, language: Language, one: &str, other: &str) -> bool {
    let prints = |value: &str| match language {
        Language::Go => value == "log",
        _ => ["print", "println", "console"].contains(&value),
    };
    let may_be = |some: &str, known: &str| some == SOME_LOGGER && !prints(known);
    one == other || (ROWS[row].id == "logging" && (may_be(one, other) || may_be(other, one)))
}
