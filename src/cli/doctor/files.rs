//! Files of the checkout, as far as checks need them.

use std::path::Path;

use super::Place;

/// Returns the text of a file of the checkout, where it is there.
pub(super) fn text_of(top: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(top.join(name)).ok()
}

/// Returns the first of these files that is there, with its text.
pub(super) fn first_of<'n>(top: &Path, names: &[&'n str]) -> Option<(&'n str, String)> {
    names.iter().find_map(|name| Some((*name, text_of(top, name)?)))
}

/// Returns true where tracked files that match one of the patterns hold a text.
pub(super) fn is_tracked_text(place: &Place<'_>, text: &str, patterns: &[&str]) -> bool {
    place.top_level().is_some_and(|top| place.git.tracks_text(top, text, patterns))
}
