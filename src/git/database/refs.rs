//! Refs: read, list, and change by compare-and-swap alone.
//!
//! Invariant: no ref is ever written or deleted without the value that it must have before.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use gix::refs::Target;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};

use super::objects::{object_id, oid};
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::steps::program;
use crate::git::Git;
use crate::system::crash;

/// At most this many tries while a ref is locked, with a pause after each.
const MAX_LOCKED: u32 = 100;
const LOCKED_PAUSE: Duration = Duration::from_millis(20);

/// The result of trying to change a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    Done,
    /// Another process changed it first.
    Moved,
    /// Another process holds its lock file.
    Locked,
}

impl Git {
    /// Returns the commit that a full ref name points at.
    pub fn find_ref(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        self.patiently(|| self.find_ref_once(name))
    }

    /// Returns the commit that a branch (short name) points at.
    pub fn find_branch(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        self.find_ref(&format!("refs/heads/{name}"))
    }

    fn find_ref_once(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        let Some(mut found) = self.repo.try_find_reference(name)? else { return Ok(None) };
        // gix also resolves partial names, such as one below `refs/`; only the full name counts.
        if found.name().as_bstr() != name {
            return Ok(None);
        }
        Ok(Some(oid(found.peel_to_id().with_context(|| format!("'{name}' is broken"))?)))
    }

    /// Returns all refs below a prefix that ends in `/`, with the commits that they point at.
    pub fn list_refs(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let platform = self.repo.references()?;
        // A broken ref is not one of this program's, and no reason to stop.
        let sound = platform.prefixed(prefix)?.filter_map(|found| {
            let mut found = found.ok()?;
            let name = found.name().as_bstr().to_string();
            Some((name, oid(found.peel_to_id().ok()?)))
        });
        Ok(sound.collect())
    }

    /// Points a ref at `new` if it still is `old` (`None`: if it does not exist).
    pub fn swap_ref(
        &self,
        name: &str,
        old: Option<&Oid>,
        new: &Oid,
        why: &str,
    ) -> anyhow::Result<Swap> {
        let expected = match old {
            Some(old) => PreviousValue::MustExistAndMatch(Target::Object(object_id(old)?)),
            None => PreviousValue::MustNotExist,
        };
        let log = LogChange {
            mode: RefLog::AndReference,
            force_create_reflog: false,
            message: format!("orchestrate: {why}").into(),
        };
        let new = Target::Object(object_id(new)?);
        self.edit_ref(name, Change::Update { log, expected, new })
    }

    /// Creates a ref that must not exist; `Moved` if it does.
    ///
    /// Waits for a short lock, such as that of `git gc` packing refs.
    pub fn create_ref(&self, name: &str, new: &Oid, why: &str) -> anyhow::Result<Swap> {
        for _ in 0..MAX_LOCKED {
            let swap = self.swap_ref(name, None, new, why)?;
            if swap == Swap::Done || self.find_ref(name)?.is_some() {
                return Ok(swap);
            }
            std::thread::sleep(LOCKED_PAUSE);
        }
        Ok(Swap::Locked)
    }

    /// Deletes a ref if it still is `old`; waits for a short lock.
    pub fn delete_ref(&self, name: &str, old: &Oid) -> anyhow::Result<Swap> {
        for _ in 0..MAX_LOCKED {
            let expected = PreviousValue::MustExistAndMatch(Target::Object(object_id(old)?));
            let delete = Change::Delete { expected, log: RefLog::AndReference };
            match self.edit_ref(name, delete)? {
                Swap::Locked => std::thread::sleep(LOCKED_PAUSE),
                swap => return Ok(swap),
            }
        }
        Ok(Swap::Locked)
    }

    fn edit_ref(&self, name: &str, change: Change) -> anyhow::Result<Swap> {
        crash::point();
        let full = name.try_into().with_context(|| format!("'{name}' is not a valid ref name"))?;
        // Not through a symbolic ref: the ref that was compared is the one that changes.
        let edited = self.repo.edit_reference(RefEdit { change, name: full, deref: false });
        let Err(error) = edited else { return Ok(Swap::Done) };
        if error.is_conflict() {
            return Ok(Swap::Moved);
        }
        // gix 0.90 distinguishes these cases by text alone: a ref that exists although it must not,
        // a lock that another process holds, and `git gc` packing refs at this moment.
        let text = format!("{error:?}");
        let has = |part: &str| text.contains(part);
        if has("MustNotExist") {
            return Ok(Swap::Moved);
        }
        if has("could not be obtained") || has("packed refs") || has("packed-refs") {
            Ok(Swap::Locked)
        } else {
            Err(anyhow::Error::new(error).context(format!("cannot write '{name}'")))
        }
    }

    /// Returns the error for a ref whose lock file stays.
    pub fn stale_lock(&self, name: &str) -> anyhow::Error {
        let lock = self.lock_file(name);
        failure(
            format!(
                "'{}' exists: another process is writing '{name}', or was killed while writing it",
                lock.display()
            ),
            program("rm").word(lock.display()).to("Remove it if no git process runs any more"),
        )
    }

    fn lock_file(&self, name: &str) -> PathBuf {
        self.common_dir.join(format!("{name}.lock"))
    }
}
