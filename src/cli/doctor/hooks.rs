//! Hooks that run in the main checkout and not in a worktree.

use std::path::Path;

use super::{Finding, Place};
use crate::domain::shell::quoted;

/// A relative `core.hooksPath` starts at the folder that hooks run in, which is the top of the
/// worktree; there it holds what is committed, and nothing else.
pub(super) fn look(place: &Place<'_>) -> Option<Finding> {
    let top = place.top_level()?;
    let set = place.git.config_path("core.hooksPath")?;
    let folder = top.join(&set);
    if Path::new(&set).is_absolute() || !folder.is_dir() || place.git.tracks(top, &set) {
        return None;
    }
    let text = format!(
        "core.hooksPath is '{set}', which is relative and not committed: no hook runs in worktrees"
    );
    let folder = quoted(&folder.display().to_string());
    Some(Finding::warning("hooks", text, format!("git config core.hooksPath {folder}")))
}
