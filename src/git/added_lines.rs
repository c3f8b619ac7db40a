//! The lines that one tree has and another does not: what a task added.
//!
//! Invariant: one git process for any number of pairs of trees. The patch is read by the counts in
//! its hunks, so no line of a file is taken for a line of the patch.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::Context;

use super::Git;
use crate::domain::oid::Oid;

/// A file with added lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedFile {
    /// Relative to the top level, with `/`.
    pub path: String,
    /// The content after the change.
    pub blob: Oid,
    pub is_new: bool,
    pub is_binary: bool,
    /// The added lines, counted from 1, in order.
    pub lines: Vec<Range<u32>>,
    /// The removed lines, without surrounding spaces.
    pub removed: Vec<String>,
}

impl Git {
    /// Returns for each pair of trees the files of the second with lines that the first does not
    /// have; renames are followed. Links and submodules do not count.
    pub fn added(&self, pairs: &[(Oid, Oid)]) -> anyhow::Result<Vec<Vec<AddedFile>>> {
        let asked = pairs.iter().map(|(from, to)| format!("{from} {to}\n")).collect::<String>();
        let shape = ["diff-tree", "--stdin", "-r", "-p", "-U0", "-M", "--full-index", "--no-color"];
        let more = ["--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"];
        let command = self.command().args(["-c", "core.quotePath=false"]).args(shape).args(more);
        let bytes = command.input(asked).bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut reader = DiffReader { lines: text.lines(), held: None };
        let mut found: HashMap<(Oid, Oid), Vec<AddedFile>> = HashMap::new();
        while let Some(line) = reader.next() {
            let pair = line
                .split_once(' ')
                .and_then(|(a, b)| Some((Oid::from_hex(a)?, Oid::from_hex(b)?)));
            let pair = pair.with_context(|| format!("git diff-tree printed '{line}'"))?;
            found.insert(pair, reader.files()?);
        }
        Ok(pairs.iter().map(|pair| found.get(pair).cloned().unwrap_or_default()).collect())
    }

    /// Returns the attributes that `.gitattributes` of a tree sets or unsets for these paths. A git
    /// before 2.40 cannot read attributes from a tree; then the checkout's count.
    pub fn attributes(
        &self,
        tree: &Oid,
        names: &[&str],
        paths: &[&str],
    ) -> anyhow::Result<HashMap<(String, String), bool>> {
        let list = paths.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat());
        let list: Vec<u8> = list.collect();
        let shape = ["check-attr", "-z", "--stdin"];
        let source = format!("--source={tree}");
        let asked = self.command().args(shape).arg(source).args(names).input(list.clone());
        let answer = match asked.bytes() {
            Ok(answer) => answer,
            Err(_) => self.here().args(shape).args(names).input(list).bytes()?,
        };
        let text = String::from_utf8_lossy(&answer);
        let fields: Vec<&str> = text.split('\0').collect();
        let one = |fields: &[&str]| {
            let value = match fields[2] {
                "set" | "true" => true,
                "unset" | "false" => false,
                _ => return None,
            };
            Some(((fields[0].to_owned(), fields[1].to_owned()), value))
        };
        Ok(fields.chunks_exact(3).filter_map(one).collect())
    }

    /// Returns the first-parent commits after `from` up to `to`, newest first, each with its parents.
    pub fn first_parents(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<(Oid, Vec<Oid>)>> {
        self.walk(&["--first-parent"], from, to)
    }

    /// Returns the commits after `from` up to `to`, newest first, each with its parents.
    pub fn commits(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<(Oid, Vec<Oid>)>> {
        self.walk(&["--topo-order"], from, to)
    }

    fn walk(&self, how: &[&str], from: &Oid, to: &Oid) -> anyhow::Result<Vec<(Oid, Vec<Oid>)>> {
        let range = format!("{from}..{to}");
        let text = self.command().arg("rev-list").args(how).args(["--parents", &range]).text()?;
        let commit = |line: &str| {
            let mut ids = line.split(' ').filter_map(Oid::from_hex);
            Some((ids.next()?, ids.collect()))
        };
        Ok(text.lines().filter_map(commit).collect())
    }
}

/// Reads the output of `git diff-tree` line by line; one line can be put back.
struct DiffReader<'t> {
    lines: std::str::Lines<'t>,
    held: Option<&'t str>,
}

impl<'t> Iterator for DiffReader<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        self.held.take().or_else(|| self.lines.next())
    }
}

impl<'t> DiffReader<'t> {
    /// Reads the files of one pair.
    fn files(&mut self) -> anyhow::Result<Vec<AddedFile>> {
        let mut files = Vec::new();
        while let Some(line) = self.next() {
            if !line.starts_with("diff --git ") {
                self.held = Some(line);
                break;
            }
            let file = self.file(line)?;
            files.extend(file.filter(|file| file.is_binary || !file.lines.is_empty()));
        }
        Ok(files)
    }

    /// Reads one file; `None` for links and submodules, and for names that git must quote.
    fn file(&mut self, header: &'t str) -> anyhow::Result<Option<AddedFile>> {
        let mut path = header.rsplit_once(" b/").map(|(_, path)| path);
        let (mut blob, mut is_new, mut is_binary, mut is_link) = (None, false, false, false);
        let (mut lines, mut removed) = (Vec::new(), Vec::new());
        while let Some(line) = self.next() {
            if let Some(ids) = line.strip_prefix("index ") {
                let (ids, mode) = ids.split_once(' ').unwrap_or((ids, ""));
                blob = ids.split_once("..").and_then(|(_, id)| Oid::from_hex(id));
                is_link |= matches!(mode, "120000" | "160000");
            } else if let Some(mode) = line.strip_prefix("new file mode ") {
                (is_new, is_link) = (true, matches!(mode, "120000" | "160000"));
            } else if let Some(name) = line.strip_prefix("+++ ") {
                // git writes a tab after a name that contains spaces.
                path = name.strip_prefix("b/").map(|name| name.trim_end_matches('\t'));
            } else if line.starts_with("Binary files ") {
                is_binary = true;
            } else if let Some(hunk) = line.strip_prefix("@@ -") {
                lines.extend(self.hunk(hunk, &mut removed)?);
            } else if line.starts_with("diff --git ") || starts_pair(line) {
                self.held = Some(line);
                break;
            }
        }
        let (Some(path), Some(blob), false) = (path, blob, is_link) else { return Ok(None) };
        Ok(Some(AddedFile { path: path.to_owned(), blob, is_new, is_binary, lines, removed }))
    }

    /// Reads a hunk after its `@@ -`; returns the lines that it adds.
    fn hunk(
        &mut self,
        head: &str,
        removed: &mut Vec<String>,
    ) -> anyhow::Result<Option<Range<u32>>> {
        let count = |text: &str| -> Option<(u32, u32)> {
            let (start, count) = text.split_once(',').unwrap_or((text, "1"));
            Some((start.parse().ok()?, count.parse().ok()?))
        };
        let mut parts = head.split(' ');
        let old = parts.next().and_then(count);
        let new = parts.next().and_then(|text| count(text.trim_start_matches('+')));
        let (old, new) = old.zip(new).with_context(|| format!("git diff-tree printed '{head}'"))?;
        for _ in 0..old.1 {
            let line = self.next().unwrap_or_default();
            removed.push(line.trim_start_matches('-').trim().to_owned());
            self.skip_remark();
        }
        for _ in 0..new.1 {
            self.next();
            self.skip_remark();
        }
        Ok((new.1 > 0).then(|| new.0..new.0 + new.1))
    }

    /// Skips `\ No newline at end of file`, which no count includes.
    fn skip_remark(&mut self) {
        if let Some(line) = self.next().filter(|line| !line.starts_with('\\')) {
            self.held = Some(line);
        }
    }
}

/// Returns true for the line that names the two trees of the patch after it.
fn starts_pair(line: &str) -> bool {
    line.split_once(' ')
        .is_some_and(|(a, b)| Oid::from_hex(a).is_some() && Oid::from_hex(b).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_read_by_its_counts() {
        let id = "1".repeat(40);
        let text = format!(
            "diff --git a/a b.go b/a b.go\nindex {id}..{id} 100644\n--- a/a b.go\t\n+++ b/a b.go\t\n\
             @@ -1,2 +1 @@ func x\n-diff --git a/x b/x\n--- a/x\n+@@ -1 +1 @@\n\\ No newline at end of file\n\
             @@ -9,0 +9,3 @@\n+a\n+b\n+c\n\
             diff --git a/l b/l\nnew file mode 120000\nindex {id}..{id}\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n\
             diff --git a/p.png b/p.png\nindex {id}..{id} 100644\nBinary files a/p.png and b/p.png differ\n\
             {id} {id}\n"
        );
        let mut reader = DiffReader { lines: text.lines(), held: None };
        let files = reader.files().expect("a patch");
        assert_eq!(files.len(), 2, "{files:?}");
        assert_eq!((files[0].path.as_str(), &files[0].lines), ("a b.go", &vec![1..2, 9..12]));
        assert_eq!(files[0].removed, ["diff --git a/x b/x", "a/x"]);
        assert!(files[1].is_binary && files[1].path == "p.png");
        assert_eq!(reader.next(), Some(format!("{id} {id}").as_str()));
    }
}
