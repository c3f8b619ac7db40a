//! jest, vitest, tsc, eslint and prettier.
//!
//! Invariant: as tried with jest 30, vitest 4, TypeScript 7, eslint 10 and prettier 3. None of
//! them reads `.git/info/exclude`; only tsc leaves out folders that begin with a dot.

use super::{Checkout, Finding, list_after};
use crate::cli::doctor::files::first_of;

const JEST: &[&str] =
    &["jest.config.js", "jest.config.ts", "jest.config.mjs", "jest.config.cjs", "jest.config.json"];
const VITEST: &[&str] = &[
    "vitest.config.ts",
    "vitest.config.js",
    "vitest.config.mts",
    "vitest.config.mjs",
    "vite.config.ts",
    "vite.config.js",
    "vite.config.mts",
    "vite.config.mjs",
];
const ESLINT: &[&str] = &[
    "eslint.config.js",
    "eslint.config.mjs",
    "eslint.config.cjs",
    "eslint.config.ts",
    "eslint.config.mts",
    "eslint.config.cts",
];
const OLD_ESLINT: &[&str] = &[
    ".eslintrc.js",
    ".eslintrc.cjs",
    ".eslintrc.yaml",
    ".eslintrc.yml",
    ".eslintrc.json",
    ".eslintrc",
];
const PRETTIER: &[&str] = &[
    ".prettierrc",
    ".prettierrc.json",
    ".prettierrc.yaml",
    ".prettierrc.yml",
    ".prettierrc.toml",
    ".prettierrc.js",
    ".prettierrc.mjs",
    ".prettierrc.cjs",
    "prettier.config.js",
    "prettier.config.mjs",
    "prettier.config.cjs",
];

/// Returns the file that configures a tool, and its text: its own file, or `package.json` if it
/// lists the tool as a dependency.
fn configured(
    checkout: &Checkout<'_>,
    names: &[&'static str],
    tool: &str,
) -> Option<(&'static str, String)> {
    let depends = || {
        let text = checkout.text("package.json")?;
        depends_on(&text, tool).then_some(("package.json", text))
    };
    first_of(checkout.top, names).or_else(depends)
}

fn depends_on(package: &str, tool: &str) -> bool {
    let Ok(package) = serde_json::from_str::<serde_json::Value>(package) else { return false };
    ["dependencies", "devDependencies"].iter().any(|kind| package[kind].get(tool).is_some())
        // A key `jest` at the top level configures it.
        || (tool == "jest" && package.get(tool).is_some())
}

pub(super) fn jest(checkout: &Checkout<'_>) -> Option<Finding> {
    let (name, text) = configured(checkout, JEST, "jest")?;
    let patterns: Vec<String> = ["testPathIgnorePatterns", "modulePathIgnorePatterns"]
        .iter()
        .flat_map(|key| list_after(&text, key).unwrap_or_default())
        .collect();
    let line = format!("modulePathIgnorePatterns: ['<rootDir>/{}/']", checkout.folder);
    let anywhere = patterns.iter().find(|it| checkout.mentions(it) && !it.contains("<rootDir>"));
    if let Some(pattern) = anywhere {
        let text = format!(
            "jest ignores '{pattern}' anywhere in a path, so it would find no tests in a worktree"
        );
        return Some(Finding::warning("tools", text, format!("in {name}, instead: {line}")));
    }
    // `roots` names the only folders that jest searches.
    if checkout.mentions(&text) || list_after(&text, "roots").is_some() {
        return None;
    }
    let line = match name {
        "package.json" | "jest.config.json" => {
            format!("\"modulePathIgnorePatterns\": [\"<rootDir>/{}/\"]", checkout.folder)
        }
        _ => line,
    };
    let place = if name == "package.json" { "package.json, under \"jest\"" } else { name };
    checkout.finding("jest", "tests run twice, modules collide", format!("in {place}, add: {line}"))
}

pub(super) fn vitest(checkout: &Checkout<'_>) -> Option<Finding> {
    let (name, text) = configured(checkout, VITEST, "vitest")?;
    let package = checkout.text("package.json").unwrap_or_default();
    // A configuration of vite does not say that vitest is used.
    if name.starts_with("vite.") && !text.contains("vitest") && !depends_on(&package, "vitest") {
        return None;
    }
    let anchored = list_after(&text, "include").is_some_and(|list| is_anchored(&list));
    if anchored || (name != "package.json" && checkout.mentions(&text)) {
        return None;
    }
    let name = if name == "package.json" { "vitest.config.ts" } else { name };
    let remedy = format!(
        "in {name}, under test, add: exclude: [...configDefaults.exclude, '{}/**'] \
         (import {{ configDefaults }} from 'vitest/config')",
        checkout.folder
    );
    checkout.finding("vitest", "tests run twice", remedy)
}

/// Returns true if every pattern begins with a fixed name, so that none matches other folders.
fn is_anchored(patterns: &[String]) -> bool {
    let is_wide = |it: &String| it.trim_start_matches("./").starts_with(['*', '{', '(', '?']);
    !patterns.is_empty() && !patterns.iter().any(is_wide)
}

pub(super) fn tsc(checkout: &Checkout<'_>) -> Option<Finding> {
    let text = checkout.text("tsconfig.json")?;
    let has_files = list_after(&text, "files").is_some();
    let reads_all = match list_after(&text, "include") {
        Some(list) => {
            !is_anchored(&list) || list.iter().any(|it| [".", "./"].contains(&it.as_str()))
        }
        None => !has_files,
    };
    if checkout.is_hidden() || !reads_all || checkout.mentions(&text) {
        return None;
    }
    // A list replaces the default one, which must therefore be part of it.
    let exclude = list_after(&text, "exclude").unwrap_or_else(|| vec!["node_modules".to_owned()]);
    let exclude: Vec<String> = exclude
        .iter()
        .map(String::as_str)
        .chain([checkout.folder])
        .map(|it| format!("\"{it}\""))
        .collect();
    let remedy = format!("in tsconfig.json: \"exclude\": [{}]", exclude.join(", "));
    checkout.finding("tsc", "everything is compiled twice", remedy)
}

pub(super) fn eslint(checkout: &Checkout<'_>) -> Option<Finding> {
    if names_folders(checkout, "eslint") {
        return None;
    }
    let effect = "everything is linted twice";
    if let Some((name, text)) = first_of(checkout.top, ESLINT) {
        let lower = text.to_lowercase();
        // eslint reads `.gitignore` only by a helper in its configuration.
        let asks_git = ["gitignore", "ignorefile"].iter().any(|word| lower.contains(word));
        let by_gitignore = asks_git && checkout.in_gitignore();
        let line = format!("in {name}, add: {{ ignores: ['{}/'] }}", checkout.folder);
        return if by_gitignore || checkout.mentions(&text) {
            None
        } else {
            checkout.finding("eslint", effect, line)
        };
    }
    let (_, text) = first_of(checkout.top, OLD_ESLINT)?;
    let ignored = checkout.text(".eslintignore").is_some_and(|text| checkout.mentions(&text));
    // With this old kind of configuration eslint skips folders that begin with a dot.
    if checkout.is_hidden() || ignored || checkout.mentions(&text) {
        return None;
    }
    checkout.finding("eslint", effect, checkout.append_to(".eslintignore"))
}

pub(super) fn prettier(checkout: &Checkout<'_>) -> Option<Finding> {
    configured(checkout, PRETTIER, "prettier")?;
    let ignored = checkout.text(".prettierignore").is_some_and(|text| checkout.mentions(&text));
    if ignored || checkout.in_gitignore() || names_folders(checkout, "prettier") {
        return None;
    }
    checkout.finding(
        "prettier",
        "everything is formatted twice",
        checkout.append_to(".prettierignore"),
    )
}

/// Returns true if the scripts of `package.json` call a tool, and only on certain folders.
fn names_folders(checkout: &Checkout<'_>, tool: &str) -> bool {
    let text = checkout.text("package.json").unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let scripts = package["scripts"].as_object();
    let scripts = scripts.into_iter().flatten().filter_map(|(_, script)| script.as_str());
    let mut calls = scripts.flat_map(|script| script.split(['&', '|', ';'])).filter_map(|call| {
        let mut words = call.split_whitespace().skip_while(|word| *word != tool);
        words.next()?;
        Some(words.map(|word| word.trim_matches(['"', '\''])).collect::<Vec<_>>())
    });
    let is_narrow = |words: Vec<&str>| {
        let paths: Vec<String> = words
            .iter()
            .filter(|word| !word.starts_with('-'))
            .map(|word| (*word).to_owned())
            .collect();
        is_anchored(&paths) && !paths.iter().any(|path| path.trim_end_matches('/') == ".")
    };
    // A tool that no script calls may be called by hand, on everything.
    let first = calls.next();
    first.is_some_and(|first| is_narrow(first) && calls.all(is_narrow))
}
