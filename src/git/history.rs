//! The contents of commits: their subjects, and the changes between two of them.
//!
//! Invariant: only reads, and only commits; no worktree.

use super::Git;
use crate::domain::oid::Oid;

impl Git {
    /// Returns `git log` of a range, newest first, as `(commit, subject)`.
    pub fn log(&self, from: &Oid, to: &str) -> anyhow::Result<Vec<(Oid, String)>> {
        let range = format!("{from}..{to}");
        let text = self.command().args(["log", "--format=%H %s", &range, "--"]).text()?;
        let line = |line: &str| {
            let (id, subject) = line.split_once(' ').unwrap_or((line, ""));
            Some((Oid::from_hex(id)?, subject.to_owned()))
        };
        Ok(text.lines().filter_map(line).collect())
    }

    /// Returns at most `most` commits of a range for people, newest first: `1234567 Subject`.
    pub fn subjects(&self, from: &Oid, to: &Oid, most: usize) -> anyhow::Result<Vec<String>> {
        let (range, most) = (format!("{from}..{to}"), format!("--max-count={most}"));
        let text = self.command().args(["log", "--format=%h %s", &most, &range, "--"]).text()?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Returns the commits of a ref after `since`, oldest first, as `time  subject`.
    pub fn history(&self, name: &str, since: Option<&Oid>) -> anyhow::Result<Vec<String>> {
        let range = since.map_or(name.to_owned(), |since| format!("{since}..{name}"));
        let shape = ["--reverse", "--date=format-local:%F %T", "--format=%cd  %s"];
        let text = self.command().arg("log").args(shape).args([range.as_str(), "--"]).text()?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Returns the commits of a ref, oldest first, as `(commit, seconds since 1970, subject)`.
    pub fn timed_log(&self, full_name: &str) -> anyhow::Result<Vec<(Oid, i64, String)>> {
        let shape = ["log", "--reverse", "--format=%H %ct %s"];
        let text = self.command().args(shape).args([full_name, "--"]).text()?;
        let entry = |line: &str| {
            let mut parts = line.splitn(3, ' ');
            let (commit, at) = (Oid::from_hex(parts.next()?)?, parts.next()?.parse().ok()?);
            Some((commit, at, parts.next()?.to_owned()))
        };
        Ok(text.lines().filter_map(entry).collect())
    }

    /// Returns the changes from one commit to another, as `git diff` prints them.
    pub fn diff(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<u8>> {
        let shape = ["diff", "--no-color", "--no-ext-diff", "--find-renames", "--src-prefix=a/"];
        let command = self.command().args(shape).arg("--dst-prefix=b/");
        command.args([from.as_str(), to.as_str(), "--"]).bytes()
    }

    /// Returns the paths that a merge changed in its first parent.
    pub fn changed_files(&self, merge: &Oid) -> anyhow::Result<Vec<String>> {
        self.files_between(&format!("{merge}^1"), merge)
    }

    /// Returns the paths that differ between two commits.
    pub fn files_between(&self, from: &str, to: &Oid) -> anyhow::Result<Vec<String>> {
        let shape = ["diff", "--name-only", "--no-renames", "-z"];
        let text = self.command().args(shape).args([from, to.as_str(), "--"]);
        Ok(text.text()?.split_terminator('\0').map(str::to_owned).collect())
    }

    /// Returns `git diff --stat` between two commits, as git prints it for a person.
    pub fn diff_stat(&self, from: &Oid, to: &Oid) -> anyhow::Result<String> {
        let range = format!("{from}...{to}");
        self.command().args(["diff", "--stat=90", &range, "--"]).text()
    }
}
