//! What both sides of a merge have at the paths where they conflict.
//!
//! Invariant: only reads trees; a path that git does not name the way we do counts as nothing.

use std::collections::HashMap;

use crate::domain::oid::Oid;
use crate::domain::task::conflict::{PathConflict, Side};
use crate::git::Git;

impl Git {
    /// Returns what two commits have at these paths.
    pub fn sides_at(
        &self,
        ours: &Oid,
        theirs: &Oid,
        paths: &[String],
    ) -> anyhow::Result<Vec<PathConflict>> {
        let (mut one, mut other) = (self.kinds_at(ours, paths)?, self.kinds_at(theirs, paths)?);
        let modules = self.module_paths(ours)?;
        let mut take = |path: &String| {
            let [ours, theirs] =
                [&mut one, &mut other].map(|kinds| kinds.remove(path).unwrap_or(Side::Nothing));
            PathConflict { path: path.clone(), ours, theirs, is_declared: modules.contains(path) }
        };
        Ok(paths.iter().map(&mut take).collect())
    }

    fn kinds_at(&self, commit: &Oid, paths: &[String]) -> anyhow::Result<HashMap<String, Side>> {
        let list = ["ls-tree", "-z", "--full-tree", commit.as_str(), "--"];
        let text =
            self.command().env("GIT_LITERAL_PATHSPECS", "1").args(list).args(paths).text()?;
        let kind = |entry: &str| {
            let (facts, path) = entry.split_once('\t')?;
            let mut facts = facts.split(' ');
            let side = match (facts.next()?, facts.nth(1)?) {
                ("160000", id) => Side::Commit(Oid::from_hex(id)?),
                ("120000", _) => Side::SymbolicLink,
                ("040000", _) => Side::Folder,
                _ => Side::File,
            };
            Some((path.to_owned(), side))
        };
        Ok(text.split('\0').filter_map(kind).collect())
    }

    /// Returns the paths that `.gitmodules` of a commit names.
    fn module_paths(&self, commit: &Oid) -> anyhow::Result<Vec<String>> {
        let blob = format!("--blob={commit}:.gitmodules");
        let asked = ["config", "--null", &blob, "--get-regexp", r"^submodule\..*\.path$"];
        // It fails if there is no such file.
        let text = self.command().args(asked).output()?.stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        let path = |entry: &str| entry.split_once('\n').map(|(_, path)| path.to_owned());
        Ok(text.split('\0').filter_map(path).collect())
    }
}
