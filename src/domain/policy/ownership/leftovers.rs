//! What becomes of files that an agent left or committed beside its work.
//!
//! Invariant: pure. A secret or a repository inside the worktree always needs a person's word; for
//! other doubtful files the setting `leftovers` decides. What a person accepted is not asked again.

use super::covers;
use crate::domain::config::LeftoverPolicy;
use crate::domain::oid::Oid;

/// A new file from this size on is named, in bytes.
const LARGE: u64 = 1 << 20;
/// At most this many files are named in one sentence.
const MAX_NAMED: usize = 8;

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
    /// It became a link to a repository inside the worktree.
    Repository,
}

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathChange {
    pub path: String,
    pub kind: ChangeKind,
    /// Bytes.
    pub size: u64,
    /// The contents before and after.
    pub before: Option<Oid>,
    pub after: Option<Oid>,
}

/// A changed path, and what is known of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenChange {
    pub change: PathChange,
    /// It looks like a secret, and its earlier content did not.
    pub is_secret: bool,
    /// git ignores a path of this name, here or in the main worktree.
    pub is_ignored: bool,
}

/// Why a file is doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    Secret,
    Repository,
    Undeclared,
    Deleted,
    Large,
    Ignored,
}

/// A doubtful file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DoubtfulFile {
    pub path: String,
    pub size: u64,
    pub kind: ChangeKind,
    pub doubt: Doubt,
}

/// What a task may change without a question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnFiles<'a> {
    /// Empty if the task declares nothing, so that every file may be its own.
    pub declared: &'a [String],
    /// The paths that a person accepted.
    pub accepted: &'a [String],
}

/// Doubtful files by what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SortedFiles {
    pub ask: Vec<DoubtfulFile>,
    pub refused: Vec<DoubtfulFile>,
    /// They are taken, and named.
    pub named: Vec<DoubtfulFile>,
}

/// Sorts what an agent left uncommitted.
pub(crate) fn sort_uncommitted(
    changes: &[SeenChange],
    own: OwnFiles<'_>,
    policy: LeftoverPolicy,
) -> SortedFiles {
    let mut sorted = SortedFiles::default();
    for seen in changes {
        let Some(file) = doubtful(seen, own, true) else { continue };
        match (file.doubt, policy) {
            (Doubt::Secret | Doubt::Repository, _) | (_, LeftoverPolicy::Ask) => {
                sorted.ask.push(file);
            }
            (_, LeftoverPolicy::Refuse) => sorted.refused.push(file),
            (_, LeftoverPolicy::Commit) => sorted.named.push(file),
        }
    }
    sorted
}

/// Sorts what a task's branch changes: an agent may commit undeclared files, but not secrets.
pub(crate) fn sort_committed(changes: &[SeenChange], own: OwnFiles<'_>) -> SortedFiles {
    let mut sorted = SortedFiles::default();
    for seen in changes {
        let Some(file) = doubtful(seen, own, false) else { continue };
        match file.doubt {
            Doubt::Secret | Doubt::Repository => sorted.ask.push(file),
            Doubt::Large | Doubt::Ignored => sorted.named.push(file),
            Doubt::Undeclared | Doubt::Deleted => {}
        }
    }
    sorted
}

fn doubtful(seen: &SeenChange, own: OwnFiles<'_>, is_leftover: bool) -> Option<DoubtfulFile> {
    let PathChange { path, kind, size, .. } = &seen.change;
    if own.accepted.contains(path) {
        return None;
    }
    let is_declared = covers(own.declared, path);
    let is_new = *kind == ChangeKind::Added;
    let doubt = match kind {
        ChangeKind::Repository => Doubt::Repository,
        _ if seen.is_secret => Doubt::Secret,
        _ if is_declared => return None,
        _ if is_leftover && !own.declared.is_empty() => Doubt::Undeclared,
        ChangeKind::Deleted if is_leftover => Doubt::Deleted,
        _ if is_new && *size >= LARGE => Doubt::Large,
        _ if is_new && seen.is_ignored => Doubt::Ignored,
        _ => return None,
    };
    Some(DoubtfulFile { path: path.clone(), size: *size, kind: *kind, doubt })
}

impl Doubt {
    fn words(self) -> &'static str {
        match self {
            Doubt::Secret => "looks like a secret",
            Doubt::Repository => "a repository of its own",
            Doubt::Undeclared => "not among the files of the task",
            Doubt::Deleted => "deleted",
            Doubt::Large => "large",
            Doubt::Ignored => "ignored by git",
        }
    }
}

impl DoubtfulFile {
    fn text(&self) -> String {
        let size = (self.kind != ChangeKind::Deleted && self.kind != ChangeKind::Repository)
            .then(|| size(self.size));
        let deleted = (self.kind == ChangeKind::Deleted && self.doubt != Doubt::Deleted)
            .then(|| "deleted".to_owned());
        let facts: Vec<String> =
            size.into_iter().chain(deleted).chain([self.doubt.words().to_owned()]).collect();
        format!("{} ({})", self.path, facts.join(", "))
    }
}

/// Returns files with their sizes and what is doubtful about them, in one line.
pub(crate) fn list(files: &[DoubtfulFile]) -> String {
    let more = files.len().saturating_sub(MAX_NAMED);
    let named: Vec<String> = files.iter().take(MAX_NAMED).map(DoubtfulFile::text).collect();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    named.join(", ") + &more
}

/// Returns a size for people, such as `12 B` or `1.2 MB`.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..0x400 => return format!("{bytes} B"),
        0x400..0x10_0000 => (1 << 10, "KB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MB"),
        _ => (1_u64 << 30, "GB"),
    };
    let number = format!("{:.1}", bytes as f64 / unit as f64);
    format!("{} {name}", number.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &str, kind: ChangeKind, size: u64) -> SeenChange {
        let change = PathChange { path: path.into(), kind, size, before: None, after: None };
        SeenChange { change, is_secret: path.ends_with(".env"), is_ignored: path.ends_with(".log") }
    }

    fn paths(files: &[DoubtfulFile]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn the_setting_decides_but_a_secret_always_asks() {
        let declared = ["src/".to_owned()];
        let own = OwnFiles { declared: &declared, accepted: &[] };
        let changes = [
            seen("src/a.rs", ChangeKind::Modified, 1),
            seen("b.txt", ChangeKind::Added, 12),
            seen("src/.env", ChangeKind::Added, 3),
            seen("sub", ChangeKind::Repository, 0),
        ];
        let sorted = |policy| sort_uncommitted(&changes, own, policy);
        let commit = sorted(LeftoverPolicy::Commit);
        assert_eq!(
            (paths(&commit.ask), paths(&commit.named)),
            (vec!["src/.env", "sub"], vec!["b.txt"])
        );
        assert_eq!(paths(&sorted(LeftoverPolicy::Ask).ask), ["b.txt", "src/.env", "sub"]);
        let refuse = sorted(LeftoverPolicy::Refuse);
        assert_eq!((paths(&refuse.refused), refuse.ask.len()), (vec!["b.txt"], 2));
        let accepted = ["src/.env".to_owned(), "sub".to_owned()];
        let own = OwnFiles { accepted: &accepted, ..own };
        assert_eq!(sort_uncommitted(&changes, own, LeftoverPolicy::Commit).ask, []);
    }

    #[test]
    fn what_is_large_deleted_or_ignored_is_named_with_its_size() {
        let own = OwnFiles { declared: &[], accepted: &[] };
        let changes = [
            seen("a.bin", ChangeKind::Added, 3 << 20),
            seen("b.txt", ChangeKind::Deleted, 0),
            seen("c.log", ChangeKind::Added, 2048),
            seen("d.txt", ChangeKind::Added, 5),
        ];
        let left = sort_uncommitted(&changes, own, LeftoverPolicy::Commit);
        let text = list(&left.named);
        assert_eq!(text, "a.bin (3 MB, large), b.txt (deleted), c.log (2 KB, ignored by git)");
        let committed = sort_committed(&changes, own);
        assert_eq!(paths(&committed.named), ["a.bin", "c.log"]);
    }
}
