//! Objects: blobs, trees and commits, written without a checkout.
//!
//! Invariant: writing an object changes nothing visible; only `refs` publishes.

use anyhow::Context;
use gix::ObjectId;
use gix::objs::tree::EntryKind;

use crate::domain::oid::Oid;
use crate::git::Git;
use crate::system::clock;

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    pub name: String,
    pub id: Oid,
}

pub(crate) fn object_id(oid: &Oid) -> anyhow::Result<ObjectId> {
    ObjectId::from_hex(oid.as_str().as_bytes()).context("not an object id")
}

pub(crate) fn oid(id: impl AsRef<gix::oid>) -> Oid {
    Oid::from_hex(&id.as_ref().to_hex().to_string()).expect("a hash prints as hexadecimal")
}

impl Git {
    pub fn write_blob(&self, bytes: &[u8]) -> anyhow::Result<Oid> {
        Ok(oid(self.repo.write_blob(bytes)?))
    }

    /// Returns the content of a blob.
    pub fn read_blob(&self, id: &Oid) -> anyhow::Result<Vec<u8>> {
        Ok(self.repo.find_blob(object_id(id)?)?.take_data())
    }

    /// Returns the tree `base` (empty for `None`) with these blobs at these paths.
    pub fn edit_tree(&self, base: Option<&Oid>, blobs: &[(String, Oid)]) -> anyhow::Result<Oid> {
        let base = match base {
            Some(tree) => object_id(tree)?,
            None => ObjectId::empty_tree(self.repo.object_hash()),
        };
        let mut editor = self.repo.edit_tree(base)?;
        for (path, blob) in blobs {
            editor.upsert(path.as_str(), EntryKind::Blob, object_id(blob)?)?;
        }
        Ok(oid(editor.write()?))
    }

    /// Returns the entries of a tree.
    pub fn entries(&self, tree: &Oid) -> anyhow::Result<Vec<TreeEntry>> {
        let tree = self.repo.find_tree(object_id(tree)?)?;
        let entry = |entry: Result<gix::objs::tree::EntryRef<'_>, _>| {
            let entry = entry.map_err(|e| anyhow::anyhow!("broken tree: {e}"))?;
            Ok(TreeEntry { name: entry.filename.to_string(), id: oid(entry.oid) })
        };
        gix::objs::TreeRefIter::from_bytes(&tree.data, self.repo.object_hash()).map(entry).collect()
    }

    /// Returns the file at a path below a tree; `None` if there is none, or if a link or a
    /// submodule is on the way.
    pub fn read_path(&self, tree: &Oid, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(folder) = self.folder_in(tree, folder)? else { return Ok(None) };
        match folder.lookup_entry_by_path(name)?.filter(|entry| entry.mode().is_blob()) {
            Some(entry) => Ok(Some(entry.object()?.into_blob().take_data())),
            None => Ok(None),
        }
    }

    /// Returns a folder below a tree; the tree itself for `""`.
    fn folder_in(&self, tree: &Oid, path: &str) -> anyhow::Result<Option<gix::Tree<'_>>> {
        let mut folder = self.repo.find_tree(object_id(tree)?)?;
        // The commit of a submodule is not an object of this repository, so it cannot be opened.
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let below = folder.lookup_entry_by_path(part)?.filter(|entry| entry.mode().is_tree());
            let Some(below) = below else { return Ok(None) };
            folder = below.object()?.into_tree();
        }
        Ok(Some(folder))
    }

    /// Returns the tree of a commit.
    pub fn tree_of(&self, commit: &Oid) -> anyhow::Result<Oid> {
        Ok(oid(self.repo.find_commit(object_id(commit)?)?.tree_id()?))
    }

    /// Returns the time of a commit, in milliseconds since 1970.
    pub fn time_of(&self, commit: &Oid) -> anyhow::Result<i64> {
        Ok(self.repo.find_commit(object_id(commit)?)?.time()?.seconds * 1000)
    }

    /// Returns the first parent of a commit.
    pub fn parent(&self, commit: &Oid) -> anyhow::Result<Option<Oid>> {
        let commit = self.repo.find_commit(object_id(commit)?)?;
        Ok(commit.parent_ids().next().map(oid))
    }

    /// Returns all parents of a commit, the first one first.
    pub fn parents(&self, commit: &Oid) -> anyhow::Result<Vec<Oid>> {
        let commit = self.repo.find_commit(object_id(commit)?)?;
        Ok(commit.parent_ids().map(oid).collect())
    }

    /// Returns the files, without folders and links, of a folder below a tree; `""` is its top.
    pub fn files_in(&self, tree: &Oid, folder: &str) -> anyhow::Result<Vec<TreeEntry>> {
        let Some(tree) = self.folder_in(tree, folder)? else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        for entry in tree.iter() {
            let entry = entry?;
            if entry.mode().is_blob() {
                files.push(TreeEntry { name: entry.filename().to_string(), id: oid(entry.oid()) });
            }
        }
        Ok(files)
    }

    /// Writes a commit with the user as author and committer, at the clock's time.
    pub fn write_commit(&self, tree: &Oid, parents: &[Oid], message: &str) -> anyhow::Result<Oid> {
        let who = self.repo.committer().context("git does not know who you are")??;
        let author = self.repo.author().transpose()?.unwrap_or(who);
        // The program's own clock, so that a test gets the same ids in each run.
        let time = gix::date::Time::new(clock::now_ms() / 1000, local_offset(who.time));
        let signed = |who: gix::actor::SignatureRef<'_>| gix::actor::Signature {
            name: who.name.into(),
            email: who.email.into(),
            time,
        };
        let commit = gix::objs::Commit {
            tree: object_id(tree)?,
            parents: parents.iter().map(object_id).collect::<Result<_, _>>()?,
            author: signed(author),
            committer: signed(who),
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        Ok(oid(self.repo.write_object(commit)?))
    }
}

/// Returns the time zone that git would write, from the end of `seconds +hhmm`.
fn local_offset(time: &str) -> i32 {
    time.parse::<gix::date::Time>().map(|time| time.offset).unwrap_or_default()
}
