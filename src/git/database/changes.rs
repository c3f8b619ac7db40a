//! The paths that differ between two trees, with their sizes.
//!
//! Invariant: reads objects alone; a renamed file is one that went and one that came.

use std::collections::HashMap;

use crate::domain::oid::Oid;
use crate::domain::policy::ownership::leftovers::{ChangeKind, PathChange};
use crate::git::Git;

/// The mode of a link to another repository.
const REPOSITORY: &str = "160000";

impl Git {
    /// Returns the paths that differ between two commits or trees.
    pub(crate) fn changes(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<PathChange>> {
        let shape = ["diff", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff"];
        let asked = self.command().args(shape).args([from.as_str(), to.as_str(), "--"]);
        let text = asked.text()?;
        let mut fields = text.split_terminator('\0');
        let mut changes = Vec::new();
        while let (Some(head), Some(path)) = (fields.next(), fields.next()) {
            let words: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
            let [old_mode, new_mode, before, after, status] = words.as_slice() else { continue };
            let blob =
                |id: &str, mode: &str| Oid::from_hex(id).filter(|_| !mode.starts_with("000"));
            let kind = match *status {
                _ if *new_mode == REPOSITORY && *old_mode != REPOSITORY => ChangeKind::Repository,
                "A" => ChangeKind::Added,
                "D" => ChangeKind::Deleted,
                _ => ChangeKind::Modified,
            };
            let (before, after) = (blob(before, old_mode), blob(after, new_mode));
            changes.push(PathChange { path: path.to_owned(), kind, size: 0, before, after });
        }
        let sizes = self.sizes(changes.iter().filter_map(|change| change.after.as_ref()))?;
        for change in &mut changes {
            change.size = change.after.as_ref().and_then(|id| sizes.get(id)).copied().unwrap_or(0);
        }
        Ok(changes)
    }

    /// Returns the sizes of objects; those that are not here have none.
    fn sizes<'o>(&self, ids: impl Iterator<Item = &'o Oid>) -> anyhow::Result<HashMap<Oid, u64>> {
        let asked: String = ids.map(|id| format!("{id}\n")).collect();
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        let shape = ["cat-file", "--batch-check=%(objectname) %(objectsize)"];
        let text = self.command().args(shape).input(asked).text()?;
        let size = |line: &str| {
            let (id, size) = line.split_once(' ')?;
            Some((Oid::from_hex(id)?, size.parse().ok()?))
        };
        Ok(text.lines().filter_map(size).collect())
    }

    /// Returns the paths that any commit of a range added or changed.
    pub(crate) fn ever_written(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<String>> {
        let range = format!("{from}..{to}");
        let shape = ["log", "-z", "--format=", "--name-only", "--no-renames", "--diff-filter=AM"];
        let text = self.command().args(shape).args([range.as_str(), "--"]).text()?;
        let mut paths: Vec<String> =
            text.split(['\0', '\n']).filter(|path| !path.is_empty()).map(str::to_owned).collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }

    /// Returns for each file that a first-parent commit of a range added the value of its trailer.
    pub(crate) fn makers(
        &self,
        from: &Oid,
        to: &Oid,
        key: &str,
    ) -> anyhow::Result<HashMap<String, String>> {
        let format = format!("--format=%x01%(trailers:key={key},valueonly,separator=%x2c)");
        let range = format!("{from}..{to}");
        let shape = ["log", "-z", "--first-parent", "-m", "--no-renames", "--diff-filter=A"];
        let asked = self.command().args(shape).args(["--name-only", &format, &range, "--"]);
        let text = asked.text()?;
        let mut makers = HashMap::new();
        for commit in text.split('\x01').skip(1) {
            let (maker, paths) = commit.split_once('\0').unwrap_or((commit, ""));
            if maker.is_empty() {
                continue;
            }
            // Newest first: who made it last counts.
            for path in paths.split(['\0', '\n']).filter(|path| !path.is_empty()) {
                makers.entry(path.to_owned()).or_insert_with(|| maker.to_owned());
            }
        }
        Ok(makers)
    }
}
