//! The package that a name comes from, by the imports of a file.
//!
//! Invariant: reads the text of imports, not the file system; an import that cannot be read is
//! ignored.

use std::collections::HashMap;

use super::Language;

/// The names that a file imports, each with its path.
#[derive(Debug, Default)]
pub(super) struct Imports {
    from: HashMap<String, String>,
}

impl Imports {
    /// Adds an import statement.
    pub(super) fn add(&mut self, language: Language, text: &str) {
        let found = match language {
            Language::Go => go(text),
            Language::Rust => rust(text),
            Language::Python => python(text),
            Language::JavaScript | Language::TypeScript | Language::Tsx => javascript(text),
            Language::Java => java(text),
        };
        self.from.extend(found);
    }

    /// Returns the common name of the package of an expression such as `assert`, `log.Printf`,
    /// `anyhow::Result`; `None` if it is not imported.
    pub(super) fn package(&self, language: Language, expression: &str) -> Option<String> {
        let path = self.path(expression)?;
        Some(match language {
            Language::Go => go_label(path),
            Language::Rust => path.split("::").next().unwrap_or(path).to_owned(),
            Language::Python => path.trim_start_matches('.').to_owned(),
            Language::JavaScript | Language::TypeScript | Language::Tsx => javascript_label(path),
            Language::Java => java_label(path),
        })
    }

    /// Returns the whole path that the first part of an expression comes from.
    pub(super) fn path(&self, expression: &str) -> Option<&str> {
        let parts = |c: char| !(c.is_alphanumeric() || c == '_');
        self.from.get(expression.split(parts).next()?).map(String::as_str)
    }
}

/// Reads `log "github.com/sirupsen/logrus"`, `"log/slog"`.
fn go(text: &str) -> Vec<(String, String)> {
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let path = second.unwrap_or(first).trim_matches(['"', '`']);
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let name = match second {
        Some(_) => first.to_owned(),
        // `example.com/lib/v2` is used as `lib`.
        None if is_version(&last(path)) => last(path.rsplit_once('/').map_or("", |(p, _)| p)),
        None => last(path),
    };
    // `gopkg.in/yaml.v3` is used as `yaml`.
    vec![(name.split('.').next().unwrap_or_default().to_owned(), path.to_owned())]
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Returns a Go path without the host, the version, and the parts of one library: testify's
/// `assert` and `require` are used together.
fn go_label(path: &str) -> String {
    let halves = ["assert", "require", "suite", "mock"];
    let parts: Vec<&str> = path.split('/').filter(|part| !is_version(part)).collect();
    let parts = match parts.as_slice() {
        [host, rest @ ..] if host.contains('.') && !rest.is_empty() => rest,
        all => all,
    };
    match parts {
        [rest @ .., last] if halves.contains(last) && !rest.is_empty() => rest.join("/"),
        all => all.join("/"),
    }
}

/// Reads `use a::{b, c::d as e};`.
fn rust(text: &str) -> Vec<(String, String)> {
    let text = text.split_once("use ").map_or(text, |(_, rest)| rest).trim_end_matches(';');
    let mut found = Vec::new();
    spread("", text.trim(), &mut found);
    found
}

fn spread(before: &str, text: &str, found: &mut Vec<(String, String)>) {
    if let Some((head, rest)) = text.split_once('{') {
        let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
        // Only at commas outside of inner braces: `a::{b::{c, d}, e}`.
        let mut depth = 0;
        let parts = inner.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        let before = format!("{before}{}", head.trim());
        return parts.for_each(|part| spread(&before, part.trim(), found));
    }
    let (path, alias) = text.split_once(" as ").unwrap_or((text, ""));
    let path = format!("{before}{}", path.trim());
    let name = if alias.is_empty() { path.rsplit("::").next().unwrap_or("") } else { alias.trim() };
    // `use a::b::{self}` brings in `b`.
    if name == "self" {
        let path = path.trim_end_matches("::self");
        let name = path.rsplit("::").next().unwrap_or_default();
        found.push((name.to_owned(), path.to_owned()));
    // A glob does not say which names it brings in.
    } else if !name.is_empty() && name != "*" {
        found.push((name.to_owned(), path.clone()));
    }
}

/// Reads `import a.b as c`, `from a import b as c, d`.
fn python(text: &str) -> Vec<(String, String)> {
    // A list in brackets may go over several lines.
    let text = text.replace(['(', ')', '\n'], " ");
    let (from, names) = match text.trim().strip_prefix("from ") {
        Some(rest) => rest.split_once(" import ").unwrap_or((rest, "")),
        None => ("", text.trim().strip_prefix("import ").unwrap_or_default()),
    };
    let named = |part: &str| {
        let (path, alias) = part.trim().split_once(" as ").unwrap_or((part.trim(), ""));
        let name = match alias.trim() {
            "" => path.split('.').next().unwrap_or_default(),
            alias => alias,
        };
        let path = if from.is_empty() { path } else { from };
        (!name.is_empty()).then(|| (name.to_owned(), path.trim().to_owned()))
    };
    names.split(',').filter_map(named).collect()
}

/// Reads `import x, { a as b } from "p"`, `import * as y from 'p'`.
fn javascript(text: &str) -> Vec<(String, String)> {
    // An import for its effects alone brings in no name.
    let Some((names, path)) = text.rsplit_once(" from ") else { return Vec::new() };
    let path = path.trim().trim_end_matches(';').trim().trim_matches(['"', '\'', '`']);
    let names = names.trim_start().trim_start_matches("import").trim_start();
    let names = names.trim_start_matches("type ").replace(['{', '}', '\n'], " ");
    let named = |part: &str| {
        let name = part.rsplit(" as ").next().unwrap_or(part).trim();
        (!name.is_empty()).then(|| (name.to_owned(), path.to_owned()))
    };
    names.split(',').filter_map(named).collect()
}

/// Returns the package's name; for a file of the project itself its file name, whatever the
/// relative path.
fn javascript_label(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    if path.starts_with(['.', '~']) || path.starts_with("@/") {
        name.trim_end_matches(".js").trim_end_matches(".ts").to_owned()
    } else {
        path.to_owned()
    }
}

/// Reads `import static org.junit.jupiter.api.Assertions.assertEquals;`.
fn java(text: &str) -> Vec<(String, String)> {
    let path = text.trim_start_matches("import").trim_end_matches(';').trim();
    let path = path.strip_prefix("static ").unwrap_or(path).trim();
    let name = path.rsplit('.').next().unwrap_or_default();
    vec![(name.to_owned(), path.to_owned())]
}

fn java_label(path: &str) -> String {
    let lower = |part: &&str| part.starts_with(|c: char| c.is_lowercase());
    // Packages begin in lower case; what follows is a class and its methods.
    path.split('.').take_while(lower).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(language: Language, import: &str, expression: &str) -> Option<String> {
        let mut imports = Imports::default();
        imports.add(language, import);
        imports.package(language, expression)
    }

    #[test]
    fn each_package_has_one_name() {
        for (language, import, expression, wanted) in [
            (
                Language::Go,
                "\"github.com/stretchr/testify/require\"",
                "require",
                "stretchr/testify",
            ),
            (Language::Go, "log \"github.com/sirupsen/logrus\"", "log", "sirupsen/logrus"),
            (Language::Go, "\"k8s.io/klog/v2\"", "klog", "klog"),
            (Language::Go, "\"log/slog\"", "slog.Info", "log/slog"),
            (Language::Rust, "use anyhow::{Context as _, Result};", "Result", "anyhow"),
            (Language::Rust, "use tracing::{self, info, a::{b as c, d}};", "c", "tracing"),
            (Language::Rust, "pub(crate) use std::io;", "io::Result", "std"),
            (Language::Python, "from loguru import logger as log", "log", "loguru"),
            (Language::Python, "import logging", "logging", "logging"),
            (Language::TypeScript, "import { expect as e } from 'vitest';", "e", "vitest"),
            (Language::TypeScript, "import log from \"../../lib/log.js\"", "log", "log"),
            (
                Language::Java,
                "import static org.junit.Assert.assertEquals;",
                "assertEquals",
                "org.junit",
            ),
        ] {
            assert_eq!(package(language, import, expression).as_deref(), Some(wanted), "{import}");
        }
        assert_eq!(package(Language::Go, "\"log/slog\"", "log"), None);
    }
}
