//! What of a change is the agent's own work, and what of it needs somebody's word.
//!
//! Invariant: pure. Facts about paths come in, findings go out; nothing is committed, undone or
//! published here.

pub(crate) mod foreign;
pub(crate) mod leftovers;
pub(crate) mod markers;
pub(crate) mod secrets;

use crate::domain::plan::paths::folder;

/// Returns true if one of the declared files is this path, or a folder or pattern around it.
pub(crate) fn covers(declared: &[String], path: &str) -> bool {
    let is_below = |file: &str| path.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'));
    let is_around = |file: &str| folder(file).is_some_and(|folder| path.starts_with(folder));
    declared.iter().any(|file| file == path || is_around(file) || is_below(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_pattern_cover_what_is_below() {
        let declared = ["src/a.rs", "docs/", "tests/**/*.rs", "lib"].map(str::to_owned);
        for path in ["src/a.rs", "docs/x/y.md", "tests/it/z.rs", "lib/b.c"] {
            assert!(covers(&declared, path), "{path}");
        }
        for path in ["src/b.rs", "doc", "library/b.c", "src/a.rs.bak"] {
            assert!(!covers(&declared, path), "{path}");
        }
    }
}
