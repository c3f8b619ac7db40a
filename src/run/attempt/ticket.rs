//! The ticket that a task was made of, on the task's branch: its plan, its status, its ticks.
//!
//! Invariant: the user's checkout is left alone. What is written is a commit on the task's branch
//! that changes this one file, made from the commit before it and not from the worktree, so that
//! between what a review has read and what is merged lies nothing but the ticks: the commit names
//! what was read in its trailer `Reviewed`, as its only parent.

use anyhow::Context;

use super::Attempt;
use crate::domain::oid::Oid;
use crate::git::merge::TreeMerge;
use crate::plan::backlog::write::{self, Refused};
use crate::plan::backlog::{self, Words};
use crate::system::crash;

/// Where the settings of a backlog are, beside or above the folder of its tickets.
const SETTINGS: [&str; 2] = ["config.yml", "config.yaml"];
const ROOT_SETTINGS: &str = "backlog.config.yml";

/// What became of a ticket.
pub(super) struct Written {
    /// What the branch holds now.
    pub(super) tip: Oid,
    /// Why the ticket is as it was, in a sentence.
    pub(super) remark: Option<String>,
}

impl Attempt {
    /// Writes a plan into the ticket, which is in progress from now on.
    pub(super) fn write_plan(&self, tip: &Oid, plan: &str) -> anyhow::Result<Written> {
        let subject = format!("{}: plan it", self.spec.title);
        self.change_ticket(tip, &subject, "", |text, words| {
            let text = write::set_plan(text, plan)?;
            match &words.in_progress {
                Some(status) => write::set_status(&text, status),
                None => Ok(text),
            }
        })
    }

    /// Ticks the acceptance criteria in the ticket that a review has confirmed on `read`.
    ///
    /// Of those that the ticket words otherwise than the reviewer was told, none is ticked.
    pub(super) fn tick(&self, read: &Oid, met: &[usize]) -> anyhow::Result<Written> {
        let subject = format!("{}: tick what holds", self.spec.title);
        let trailer = format!("Reviewed: {read}\n");
        self.change_ticket(read, &subject, &trailer, |text, words| {
            let known = write::criteria(text).ok_or(Refused::Unreadable)?;
            let told = |index: usize| self.spec.criteria.iter().find(|(at, _)| *at == index);
            let is_same = |index: &&usize| {
                let now = known.iter().find(|criterion| criterion.index == **index);
                now.zip(told(**index)).is_some_and(|(now, (_, told))| now.text == *told)
            };
            let met: Vec<usize> = met.iter().filter(is_same).copied().collect();
            let text = match met.as_slice() {
                [] => text.to_owned(),
                met => write::tick(text, met)?,
            };
            if self.spec.sets_done { write::set_status(&text, &words.done) } else { Ok(text) }
        })
    }

    /// Sets the ticket to done with work that no review has to read, where its user wants that.
    pub(super) fn set_done(&self, tip: &Oid) -> anyhow::Result<Written> {
        if !self.spec.sets_done {
            return Ok(Written { tip: tip.clone(), remark: None });
        }
        let subject = format!("{}: it is done", self.spec.title);
        self.change_ticket(tip, &subject, "", |text, words| write::set_status(text, &words.done))
    }

    fn change_ticket(
        &self,
        tip: &Oid,
        subject: &str,
        trailer: &str,
        change: impl Fn(&str, &Words) -> Result<String, Refused>,
    ) -> anyhow::Result<Written> {
        let same = |remark| Ok(Written { tip: tip.clone(), remark });
        let Some(path) = &self.spec.ticket else { return same(None) };
        let tree = self.git.tree_of(tip)?;
        let Some(before) = self.text(&tree, path)? else {
            return same(Some(format!("its ticket is as it was: '{path}' is not in its branch")));
        };
        let Some(words) = backlog::words(self.settings_of(&tree, path)?.as_deref()) else {
            return same(Some(
                "its ticket is as it was: the backlog's settings cannot be read".into(),
            ));
        };
        let after = match change(&before, &words) {
            Ok(after) if after == before => return same(None),
            Ok(after) => after,
            Err(why) => return same(Some(format!("its ticket is as it was: {why}"))),
        };
        let message = format!("{subject}\n\nTask: {}\n{trailer}", self.spec.task);
        let write = || {
            let blob = self.git.write_blob(after.as_bytes())?;
            let tree = self.git.edit_tree(Some(&tree), &[(path.clone(), blob)])?;
            self.git.write_commit(&tree, std::slice::from_ref(tip), &message)
        };
        let commit = self.git.patiently(write)?;
        crash::point();
        self.git.fast_forward(&self.spec.worktree, &self.spec.branch, &commit)?;
        Ok(Written { tip: commit, remark: None })
    }

    /// Returns true where the branch holds nothing of its own but changes of the ticket.
    pub(super) fn has_only_ticket(&self, tip: &Oid) -> anyhow::Result<bool> {
        let Some(path) = &self.spec.ticket else { return Ok(false) };
        let integration = self.git.find_branch(&self.spec.integration)?;
        let integration = integration.context("the integration branch is gone")?;
        let Some(base) = self.git.merge_base(&integration, tip)? else { return Ok(false) };
        let files = self.git.files_between(base.as_str(), tip)?;
        Ok(files.iter().all(|file| file == path))
    }

    /// Brings a branch that holds nothing but the ticket up to the base, by a merge.
    pub(super) fn catch_up_ticket(&self, tip: &Oid, base: &Oid) -> anyhow::Result<()> {
        if self.git.is_ancestor(base, tip)? || !self.has_only_ticket(tip)? {
            return Ok(());
        }
        // Somebody else has changed the ticket: it is settled when the work is merged.
        let TreeMerge::Clean(tree) = self.git.try_merge(tip, base)? else { return Ok(()) };
        let message = format!("Merge what is there into '{}'\n", self.spec.branch);
        let parents = [tip.clone(), base.clone()];
        let commit = self.git.patiently(|| self.git.write_commit(&tree, &parents, &message))?;
        crash::point();
        self.git.fast_forward(&self.spec.worktree, &self.spec.branch, &commit)
    }

    fn settings_of(&self, tree: &Oid, ticket: &str) -> anyhow::Result<Option<String>> {
        let folder = ticket.rsplitn(3, '/').nth(2).unwrap_or_default();
        let beside = SETTINGS.map(|name| format!("{folder}/{name}"));
        for path in beside.iter().map(String::as_str).chain([ROOT_SETTINGS]) {
            if let Some(text) = self.text(tree, path)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Returns a file as text; `None` where there is none, or it is no text.
    fn text(&self, tree: &Oid, path: &str) -> anyhow::Result<Option<String>> {
        Ok(self.git.read_path(tree, path)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}
