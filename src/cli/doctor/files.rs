//! Reading files of the checkout.
//!
//! Invariant: a file that is missing or cannot be read is no error.

use std::path::Path;

use super::Repository;

/// Returns the text of a file of the checkout, if it exists.
pub(super) fn text_of(top: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(top.join(name)).ok()
}

/// Returns the first of these files that exists, with its text.
pub(super) fn first_of<'n>(top: &Path, names: &[&'n str]) -> Option<(&'n str, String)> {
    names.iter().find_map(|name| Some((*name, text_of(top, name)?)))
}

/// Returns true if a tracked file that matches one of the patterns contains a text.
pub(super) fn is_tracked_text(repo: &Repository<'_>, text: &str, patterns: &[&str]) -> bool {
    repo.top_level().is_some_and(|top| repo.git.tracks_text(top, text, patterns))
}
