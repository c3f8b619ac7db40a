//! Variables that the programs which this process starts must not inherit.
//!
//! Invariant: a program that works for a task sees neither the repository that the caller named nor
//! the crash points of this process.

use crate::system::crash;

/// The variables that say where a repository is: the list of `git rev-parse --local-env-vars`
/// without those that carry configuration. A hook sets `GIT_DIR` and `GIT_INDEX_FILE`, for example,
/// and an agent that inherits them would commit to the user's index.
pub(crate) const REPOSITORY_VARIABLES: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
];

/// Returns the variables of this process that are text.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text)
}

/// Returns all variables that a started program must not see.
pub(super) fn hidden() -> Vec<&'static str> {
    [REPOSITORY_VARIABLES, crash::VARIABLES].concat()
}
