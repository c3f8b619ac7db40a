//! Notes on merge commits, in `refs/notes/orchestrate`.
//!
//! Invariant: a note describes a published commit; it is never the only place where a fact is kept.

use std::collections::HashSet;

use crate::domain::oid::Oid;
use crate::git::Git;

impl Git {
    /// Writes the note of a commit, replacing an existing one.
    pub fn write_note(&self, commit: &Oid, text: &str) -> anyhow::Result<()> {
        let asked = ["notes", "--ref=orchestrate", "add", "--force", "--file=-", commit.as_str()];
        self.command().args(asked).input(text).bytes().map(drop)
    }

    /// Returns the commits that have a note in `refs/notes/orchestrate`.
    pub fn commits_with_notes(&self) -> anyhow::Result<HashSet<Oid>> {
        let text = self.command().args(["notes", "--ref=orchestrate", "list"]).text()?;
        let commit = |line: &str| Oid::from_hex(line.split(' ').nth(1)?);
        Ok(text.lines().filter_map(commit).collect())
    }
}
