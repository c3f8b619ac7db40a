//! Conflict markers that a change adds to files.
//!
//! Invariant: reads objects alone. Binary files, links and submodules do not count; a path whose
//! attribute `conflict-marker-size` is set has markers of that size.

use crate::domain::oid::Oid;
use crate::domain::policy::ownership::markers::{MARKER_SIZE, first_conflict};
use crate::git::Git;
use crate::git::added_lines::AddedFile;

impl Git {
    /// Returns the files in which a change adds conflict markers, each with the line of the first.
    pub fn added_conflicts(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<(String, u32)>> {
        let pair = (self.tree_of(from)?, self.tree_of(to)?);
        let files = self.added(std::slice::from_ref(&pair))?.pop().unwrap_or_default();
        let mut found = Vec::new();
        for file in files.iter().filter(|file| !file.is_binary) {
            if let Some(line) = self.first_conflict_in(&pair.1, file)? {
                found.push((file.path.clone(), line));
            }
        }
        Ok(found)
    }

    fn first_conflict_in(&self, tree: &Oid, file: &AddedFile) -> anyhow::Result<Option<u32>> {
        let bytes = self.read_blob(&file.blob)?;
        // The usual case, without a look at attributes.
        if !bytes.windows(4).any(|part| part == b"<<<<") {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes);
        let is_added = |number: &u32| file.lines.iter().any(|range| range.contains(number));
        let added = (1..).zip(text.split('\n')).filter(|(number, _)| is_added(number));
        let size = self.marker_size(tree, &file.path)?;
        Ok(first_conflict(added, &file.removed, size))
    }

    /// Returns the size of the conflict markers in a file.
    fn marker_size(&self, tree: &Oid, path: &str) -> anyhow::Result<usize> {
        let asked = ["check-attr", "-z"];
        let source = format!("--source={tree}");
        let name = ["conflict-marker-size", "--", path];
        let answer = match self.command().args(asked).arg(source).args(name).text() {
            Ok(answer) => answer,
            // A git before 2.40 cannot read attributes from a tree.
            Err(_) => self.here().args(asked).args(name).text().unwrap_or_default(),
        };
        let value = answer.split('\0').nth(2).and_then(|value| value.parse().ok());
        Ok(value.unwrap_or(MARKER_SIZE))
    }
}
