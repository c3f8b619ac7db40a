//! A picture of a repository at one moment: its refs and the user's checkouts.
//!
//! Invariant: taking it changes nothing, not even an index. Commits are not read and refs not
//! resolved: pictures are only compared for equality.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Git;
use super::database::objects::oid;
use super::status;
use super::worktree::ListedWorktree;
use super::worktree::ownership::owner_of;
use crate::domain::oid::Oid;

/// The ref that holds the newest stash.
pub(crate) const STASH: &str = "refs/stash";

/// Refs and checkouts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Picture {
    /// Branches, tags and the newest stash, by full name.
    pub refs: BTreeMap<String, Oid>,
    /// The journals of all runs, by full name.
    pub journals: BTreeMap<String, Oid>,
    pub checkouts: Vec<Checkout>,
}

/// A checkout of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    pub place: PathBuf,
    /// Short name; `None` when detached.
    pub branch: Option<String>,
    /// `None` before its first commit.
    pub commit: Option<Oid>,
    /// The uncommitted paths, each with a stamp of the file.
    pub dirt: BTreeMap<String, String>,
}

impl Git {
    /// Takes a picture of the refs and of these checkouts.
    pub fn picture(&self, places: &[PathBuf]) -> anyhow::Result<Picture> {
        Ok(Picture {
            refs: self.patiently(|| self.plain_refs(&["refs/heads/", "refs/tags/", STASH]))?,
            journals: self.patiently(|| self.plain_refs(&["refs/orchestrate/runs/"]))?,
            checkouts: places.iter().filter_map(|place| checkout(place)).collect(),
        })
    }

    /// Returns the targets of refs, with tags not peeled. Symbolic refs are left out, because they
    /// move with the ref that they name.
    fn plain_refs(&self, prefixes: &[&str]) -> anyhow::Result<BTreeMap<String, Oid>> {
        let mut refs = BTreeMap::new();
        for prefix in prefixes {
            for found in self.repo.references()?.prefixed(*prefix)?.flatten() {
                if let Some(id) = found.try_id() {
                    refs.insert(found.name().as_bstr().to_string(), oid(id.detach()));
                }
            }
        }
        Ok(refs)
    }

    /// Returns the user's checkouts that an agent may change by mistake: the main one, and the one
    /// that shows this branch.
    pub fn checkouts_of_user(&self, branch: &str) -> anyhow::Result<Vec<PathBuf>> {
        let is_main = |index: usize| index == 0;
        let shows = |listed: &ListedWorktree| listed.branch.as_deref() == Some(branch);
        let listed = self.worktrees()?.into_iter().enumerate();
        let wanted = listed.filter(|(index, listed)| is_main(*index) || shows(listed));
        let places = wanted.map(|(_, listed)| listed.path);
        let is_users = |place: &PathBuf| place.join(".git").exists() && owner_of(place).is_none();
        Ok(places.filter(is_users).collect())
    }
}

/// Returns the state of one checkout; `None` if it is gone.
pub(crate) fn checkout(place: &Path) -> Option<Checkout> {
    let (branch, commit) = match status::head(place) {
        Ok((branch, commit)) => (branch, Some(commit)),
        Err(_) => (None, None),
    };
    let paths = status::uncommitted(place).ok()?;
    let dirt = paths.into_iter().map(|path| {
        let stamp = stamp(&place.join(&path));
        (path, stamp)
    });
    Some(Checkout { place: place.to_owned(), branch, commit, dirt: dirt.collect() })
}

/// Returns a stamp that changes if the file changes.
fn stamp(path: &Path) -> String {
    match path.symlink_metadata() {
        // A folder's time changes with its entries, but not with their contents.
        Ok(it) if it.is_dir() => "folder".into(),
        Ok(it) => format!("{}.{:09} {}", it.mtime(), it.mtime_nsec(), it.len()),
        Err(_) => "gone".into(),
    }
}
