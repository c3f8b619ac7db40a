//! The files that a task names, and whether the task writes them or only reads them.
//!
//! Invariant: only words in a place where a path is expected count; a file name in the remark after
//! a path does not.

use crate::domain::plan::value::{self, is_nothing, without_remarks};

/// What a task does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileUse {
    Write,
    Read,
    /// `Commit: message` and the like, which name no files.
    Neither,
}

/// Reads one item of a list of files: `Modify: \`src/a.rs:12-40\` (why)`.
pub(crate) fn item(text: &str) -> (Option<FileUse>, Vec<String>) {
    // A colon between backquotes belongs to the path: `a.rs:12`.
    let head = text.split('`').next().unwrap_or_default();
    let colon = head.find([':', '：']).filter(|at| verb(&head[..*at]).is_some());
    if let Some(at) = colon {
        let mark = text[at..].chars().next().map_or(1, char::len_utf8);
        return (verb(&head[..at]), paths(&text[at + mark..]));
    }
    match head.split_whitespace().next().map(|word| (word, verb(word))) {
        // Without a colon, only a verb that stands directly before the path is one.
        Some((word, Some(what))) if head.trim() == word => {
            (Some(what), paths(text.trim_start().trim_start_matches(word)))
        }
        _ => (None, paths(text)),
    }
}

/// Returns the use that the first word of `Modify (any of)` or `Create/Test` declares.
fn verb(text: &str) -> Option<FileUse> {
    let text = text.trim().trim_matches('*');
    let word = text.split([' ', '/', '(', ',', '-']).next().unwrap_or_default().to_lowercase();
    match word.as_str() {
        "read" | "reads" | "reference" | "references" | "see" | "context" | "check" | "inspect" => {
            Some(FileUse::Read)
        }
        "commit" | "note" | "notes" | "run" | "verify" | "why" => Some(FileUse::Neither),
        "create" | "modify" | "test" | "tests" | "delete" | "add" | "update" | "edit" | "new"
        | "rename" | "move" | "remove" | "replace" | "overwrite" | "write" | "rewrite"
        | "generate" | "touch" | "extend" | "implement" | "docs" | "migration" => {
            Some(FileUse::Write)
        }
        _ => None,
    }
}

/// Returns the folder that a path denotes: `src/` for `src/` and for `src/**/*.rs`; `None` for a
/// single file.
pub(crate) fn folder(path: &str) -> Option<&str> {
    if path.ends_with('/') {
        return Some(path);
    }
    let glob = path.find(['*', '?', '['])?;
    Some(&path[..path[..glob].rfind('/').map_or(0, |slash| slash + 1)])
}

/// Returns the paths inside the repository that one item of a list of changes names:
/// `src/a.rs: what changes in it`, `Create: \`src/b.rs\``.
pub(crate) fn paths_of_change(item: &str) -> Vec<String> {
    let is_inside =
        |path: &String| !path.starts_with(['/', '~']) && !path.split('/').any(|step| step == "..");
    changed(item).into_iter().filter(is_inside).collect()
}

/// Reads one item of a list of changes: `src/a.rs: what changes in it`, with or without a verb.
fn changed(text: &str) -> Vec<String> {
    let text = text.replace("**", "");
    match item(&text) {
        (Some(FileUse::Write), paths) => paths,
        (Some(FileUse::Read | FileUse::Neither), _) => Vec::new(),
        // [`plain`] stops at a dash, so the description after the colon is never read as a path.
        (None, _) => paths(&text.replacen(": ", " — ", 1)),
    }
}

/// Returns the paths at the start of a text.
pub(crate) fn paths(text: &str) -> Vec<String> {
    let text = text.trim();
    if text.starts_with(['`', '(']) && text.contains('`') { quoted(text) } else { plain(text) }
}

/// Reads `\`a\` (new), \`b\`:12 and \`c\``, up to the first word of prose.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = skip_separators(rest);
        let Some((code, after)) = rest.strip_prefix('`').and_then(|rest| rest.split_once('`'))
        else {
            return found;
        };
        // Other code begins the description.
        if !is_path(code) {
            return found;
        }
        found.extend(value::path(code).into_iter().flat_map(|path| alternatives(&path)));
        let lines = after.strip_prefix(':').filter(|l| l.starts_with(|c: char| c.is_ascii_digit()));
        rest = lines.map_or(after, |l| {
            l.trim_start_matches(|c: char| c.is_ascii_digit() || "-–".contains(c))
        });
    }
}

fn skip_separators(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let word = ["and ", "& ", "+", ",", ";", "→", "->", "/", "&", "or "].iter();
        if let Some(next) = word.clone().find_map(|word| rest.strip_prefix(word)) {
            rest = next;
        } else if rest.starts_with(['(', '（']) {
            match end_of_remark(rest) {
                Some(end) => rest = &rest[end..],
                None => return rest,
            }
        } else {
            return rest;
        }
    }
}

fn end_of_remark(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + c.len_utf8());
        }
    }
    None
}

/// Reads `src/a.rs, src/b.rs — why` without backquotes.
fn plain(text: &str) -> Vec<String> {
    let text = without_remarks(text);
    let end = [" — ", " – ", " - ", " # "].iter().filter_map(|mark| text.find(mark)).min();
    let text = &text[..end.unwrap_or(text.len())];
    if is_nothing(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for part in text.split([',', ';']) {
        let part = part.trim().trim_start_matches("and ");
        let word = part.split_whitespace().next().unwrap_or_default();
        if is_path(word) && looks_like_path(word) {
            found.extend(value::path(word.trim_matches('`')));
        }
        // More than one word is a description, which ends the list.
        if word != part {
            break;
        }
    }
    found
}

fn is_path(code: &str) -> bool {
    let forbidden =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | '=' | '"' | '\'');
    // `src/a.rs:54-60, 70`: the list of lines after the colon may contain a space.
    let lines = code.find(", ").filter(|at| code[..*at].contains(':'));
    let path = &code[..lines.unwrap_or(code.len())];
    !path.is_empty()
        && !path.contains(forbidden)
        && !path.contains("://")
        && !path.starts_with([':', '-'])
}

/// Returns true if a word without backquotes looks like a path: `a/b`, `a.rs`, `LICENSE`,
/// `Makefile`.
fn looks_like_path(word: &str) -> bool {
    let dotted = word.rsplit_once('.').is_some_and(|(_, ext)| !ext.is_empty());
    let is_caps = word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase());
    word.contains('/') || dotted || is_caps || word.ends_with("file")
}

/// Expands one pair of braces: `a/{b,c}.rs` stands for two files.
fn alternatives(path: &str) -> Vec<String> {
    let braces = path.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        (!inner.contains('{') && inner.contains(',')).then_some((before, inner, after))
    });
    match braces {
        Some((before, inner, after)) => {
            inner.split(',').map(|part| format!("{before}{}{after}", part.trim())).collect()
        }
        None => vec![path.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<FileUse>, String) {
        let (what, paths) = item(text);
        (what, paths.join(" "))
    }

    #[test]
    fn verbs_separate_writes_from_reads() {
        let write = |paths: &str| (Some(FileUse::Write), paths.to_owned());
        assert_eq!(read("Create: `src/a.rs`"), write("src/a.rs"));
        assert_eq!(read("Modify: `src/a.rs:12-40`"), write("src/a.rs"));
        assert_eq!(read("Modify: `src/a.rs:54-60, 70`"), write("src/a.rs"));
        assert_eq!(read("Modify (any of): `a.md`, `b.md` and `c.md`"), write("a.md b.md c.md"));
        assert_eq!(read("Test: `tests/` (or inline test `x`)"), write("tests/"));
        assert_eq!(read("Create `src/a.rs` — holds `Foo`"), write("src/a.rs"));
        assert_eq!(read("Create: src/a.rs (new)"), write("src/a.rs"));
        assert_eq!(read("Create: `s/x/{a.md,b.sh}`"), write("s/x/a.md s/x/b.sh"));
        assert_eq!(read("Rename: `a.rs` → `b.rs`"), write("a.rs b.rs"));
        assert_eq!(read("Read: `a.rs` (lines 1-2)"), (Some(FileUse::Read), "a.rs".to_owned()));
        assert_eq!(read("Commit: `fix: all`").0, Some(FileUse::Neither));
    }

    #[test]
    fn paths_without_a_verb() {
        let some = |paths: &str| (None, paths.to_owned());
        assert_eq!(read("`src/a.rs`:31 (row `X`) — three columns"), some("src/a.rs"));
        assert_eq!(read("`src/a.rs` (new), `src/b.rs`, agent plugins"), some("src/a.rs src/b.rs"));
        assert_eq!(read("`Makefile`"), some("Makefile"));
        assert_eq!(read("src/__tests__/a.ts, lib/b.ts"), some("src/__tests__/a.ts lib/b.ts"));
        assert_eq!(read("none (verification only)"), some(""));
        assert_eq!(read("New section `foo` at top"), some(""));
        assert_eq!(read("`foo(bar)` returns"), some(""));
        assert_eq!(read("build scripts"), some(""));
    }
}
