//! What a project itself says about work on it: files for agents, and design documents.
//!
//! Invariant: only what exists is named, in the commit that the attempt starts from or in its
//! worktree. What cannot be read counts as missing: a prompt without it still works.

use std::path::Path;

use crate::domain::oid::Oid;
use crate::git::Git;

/// Files that tell agents how to work in the folder that holds them.
const GUIDES: [&str; 2] = ["CLAUDE.md", "AGENTS.md"];
/// At most this many guides are named.
const MAX_GUIDES: usize = 8;
/// Folders in which projects keep design documents.
const DESIGN_DOCS: [&str; 8] = [
    "docs/design",
    "docs/designs",
    "docs/architecture",
    "docs/adr",
    "docs/adrs",
    "docs/decisions",
    "doc/adr",
    "docs/rfcs",
];

/// The content of a project at one commit, and in a worktree if it exists.
pub(super) struct Project<'a> {
    git: &'a Git,
    tree: Option<Oid>,
    worktree: &'a Path,
}

impl<'a> Project<'a> {
    /// Returns the project at the first of these branches that exists.
    pub(super) fn at(git: &'a Git, branches: &[&str], worktree: &'a Path) -> Project<'a> {
        let found = branches.iter().find_map(|name| git.find_branch(name).ok().flatten());
        let tree = found.and_then(|commit| git.tree_of(&commit).ok());
        Project { git, tree, worktree }
    }

    /// Returns the guides at the top level and in every folder above these files, from the top down.
    pub(super) fn guides<'f>(&self, files: impl Iterator<Item = &'f str>) -> Vec<String> {
        let mut folders = vec![""];
        for file in files {
            let above = file.match_indices('/').map(|(end, _)| &file[..=end]);
            let new: Vec<&str> = above.filter(|folder| !folders.contains(folder)).collect();
            folders.extend(new);
        }
        let paths = folders.iter().flat_map(|folder| GUIDES.map(|name| format!("{folder}{name}")));
        paths.filter(|path| self.has_file(path)).take(MAX_GUIDES).collect()
    }

    /// Returns the folders with design documents.
    pub(super) fn design_docs(&self) -> Vec<String> {
        let has_files = |folder: &&&str| {
            let in_tree = self.tree.as_ref().map(|tree| self.git.files_in(tree, folder));
            in_tree.and_then(Result::ok).is_some_and(|files| !files.is_empty())
        };
        DESIGN_DOCS.iter().filter(has_files).map(|folder| (*folder).to_owned()).collect()
    }

    fn has_file(&self, path: &str) -> bool {
        let in_tree = self.tree.as_ref().and_then(|tree| self.git.read_path(tree, path).ok());
        in_tree.flatten().is_some() || is_regular_file(&self.worktree.join(path))
    }
}

/// Returns true for a file that is not a link: a link named `CLAUDE.md` usually leads to
/// `AGENTS.md`, which is named already.
fn is_regular_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}
