//! Paths in a ticket's text.
//!
//! Invariant: only text between backquotes that looks like the path of a file counts; a word of
//! prose does not.

use crate::domain::plan::value;

/// Returns the paths between backquotes, in order, without repeats.
pub(super) fn paths(text: &str) -> Vec<String> {
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let mut paths: Vec<String> = Vec::new();
    for path in quoted.filter_map(path) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Returns the path if the text is one: `src/a.rs`, `src/a.rs:12`, `README.md`.
pub(super) fn path(text: &str) -> Option<String> {
    let path = value::path(text)?;
    // Code such as `a == b` is between backquotes too; no path is made of these characters.
    let fits = |c: char| c.is_alphanumeric() || "/._-+@[]()".contains(c);
    let is_address = path.contains("://")
        || path.starts_with(['/', '-', '~', '@', '.'])
            && !path.starts_with("./")
            && !is_hidden(&path);
    let base = path.rsplit('/').next().unwrap_or(&path);
    let has_extension = base.rsplit_once('.').is_some_and(|(stem, extension)| {
        let letters = extension.chars().all(|c| c.is_ascii_alphanumeric());
        let begins = extension.starts_with(|c: char| c.is_ascii_alphabetic());
        !stem.is_empty() && letters && begins && extension.len() <= 10
    });
    // `config.get` and `1.2.x` look like file names too, so a folder or a known ending decides.
    let is_file = path.contains('/') || ENDINGS.iter().any(|ending| base.ends_with(ending));
    (path.chars().all(fits) && !is_address && has_extension && is_file).then_some(path)
}

/// Endings of common files at the top level of a project.
const ENDINGS: [&str; 10] =
    [".md", ".json", ".toml", ".yml", ".yaml", ".lock", ".rs", ".ts", ".py", ".go"];

/// Returns true for a path in a hidden folder, such as `.github/workflows/ci.yml`.
fn is_hidden(path: &str) -> bool {
    path.starts_with('.') && !path.starts_with("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_between_backquotes_count() {
        let text = "Change `src/core/a.ts:12-40` and `README.md`, see `config.get`, `npm run x`,\n\
            `https://x.org/a.html`, `/etc/passwd.txt`, `.github/ci.yml`, `../up.rs`, `src/core/a.ts`, `v1.2`";
        assert_eq!(paths(text), ["src/core/a.ts", "README.md", ".github/ci.yml"]);
    }
}
