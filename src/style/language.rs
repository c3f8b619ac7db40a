//! The known languages: their file extensions, grammars and queries.
//!
//! Invariant: a language is a row of data here and a file of queries; other code depends on the
//! language only to read its imports.

use serde::Serialize;

/// A language whose grammar is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) enum Language {
    Go,
    Rust,
    Python,
    TypeScript,
    /// TypeScript with JSX; shown as TypeScript.
    Tsx,
    JavaScript,
    Java,
}

const GO: &str = include_str!("queries/go.scm");
const RUST: &str = include_str!("queries/rust.scm");
const PYTHON: &str = include_str!("queries/python.scm");
const JAVASCRIPT: &str = include_str!("queries/javascript.scm");
const TYPESCRIPT: &str =
    concat!(include_str!("queries/javascript.scm"), include_str!("queries/typescript.scm"));
const JAVA: &str = include_str!("queries/java.scm");

impl Language {
    /// All languages, in the order in which they are shown.
    pub(crate) const ALL: [Language; 7] = [
        Language::Go,
        Language::Rust,
        Language::Python,
        Language::TypeScript,
        Language::Tsx,
        Language::JavaScript,
        Language::Java,
    ];

    /// Returns the language of a file, by its extension.
    pub(crate) fn of(path: &str) -> Option<Language> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "go" => Language::Go,
            "rs" => Language::Rust,
            "py" => Language::Python,
            "ts" | "mts" | "cts" => Language::TypeScript,
            "tsx" => Language::Tsx,
            "js" | "mjs" | "cjs" | "jsx" => Language::JavaScript,
            "java" => Language::Java,
            _ => return None,
        })
    }

    /// Returns the name; both kinds of TypeScript have the same one.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::Go => "Go",
            Language::Rust => "Rust",
            Language::Python => "Python",
            Language::TypeScript | Language::Tsx => "TypeScript",
            Language::JavaScript => "JavaScript",
            Language::Java => "Java",
        }
    }

    /// Returns the language that it is shown as.
    pub(crate) fn shown_as(self) -> Language {
        match self {
            Language::Tsx => Language::TypeScript,
            other => other,
        }
    }

    pub(super) fn grammar(self) -> tree_sitter::Language {
        match self {
            Language::Go => tree_sitter_go::LANGUAGE,
            Language::Rust => tree_sitter_rust::LANGUAGE,
            Language::Python => tree_sitter_python::LANGUAGE,
            Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Language::JavaScript => tree_sitter_javascript::LANGUAGE,
            Language::Java => tree_sitter_java::LANGUAGE,
        }
        .into()
    }

    pub(super) fn query(self) -> &'static str {
        match self {
            Language::Go => GO,
            Language::Rust => RUST,
            Language::Python => PYTHON,
            Language::TypeScript | Language::Tsx => TYPESCRIPT,
            Language::JavaScript => JAVASCRIPT,
            Language::Java => JAVA,
        }
    }
}

/// Returns true if a path is that of a test file.
pub(crate) fn is_test(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    let of_tests = ["test", "tests", "__tests__", "testdata", "testutil", "testutils"];
    folders.split('/').any(|folder| of_tests.contains(&folder))
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || (stem.ends_with("Test") && name.ends_with(".java"))
        || ["tests", "test", "conftest"].contains(&stem)
        || name.contains(".test.")
        || name.contains(".spec.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_recognised() {
        for path in
            ["a/b_test.go", "tests/it/a.rs", "x/test_a.py", "a.spec.ts", "src/UserTest.java"]
        {
            assert!(is_test(path), "{path}");
        }
        for path in ["a/latest.go", "src/contest.rs", "protest/a.py", "attest.ts"] {
            assert!(!is_test(path), "{path}");
        }
    }
}
