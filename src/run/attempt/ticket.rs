//! The ticket that a task was made from, on the task's branch: its plan, its status, its ticks.
//!
//! Invariant: the user's checkout is left alone. Each change is a commit on the task's branch that
//! changes this one file. It is made from the tree of its parent and not from the worktree, so that
//! nothing but the ticks lies between the reviewed commit and the merged one: the commit names the
//! reviewed one, its only parent, in its trailer `Reviewed`.

use anyhow::Context;

use super::Attempt;
use crate::domain::oid::Oid;
use crate::git::merge::TreeMerge;
use crate::plan::backlog::write::{self, TicketEditError};
use crate::plan::backlog::{self, TicketStatuses};
use crate::system::crash;

/// The files of a backlog's settings, in the folder above the tickets' or at the top level.
const SETTINGS: [&str; 2] = ["config.yml", "config.yaml"];
const ROOT_SETTINGS: &str = "backlog.config.yml";

/// The task's branch after a change of the ticket.
pub(super) struct TicketTip {
    pub(super) tip: Oid,
    /// Why the ticket was not changed, in a sentence.
    pub(super) remark: Option<String>,
}

impl Attempt {
    /// Writes a blueprint into the ticket, and sets the ticket to in progress.
    pub(super) fn write_blueprint(&self, tip: &Oid, blueprint: &str) -> anyhow::Result<TicketTip> {
        let subject = format!("{}: plan it", self.spec.task.title);
        self.change_ticket(tip, &subject, "", |text, words| {
            let text = write::set_plan(text, blueprint)?;
            match &words.in_progress {
                Some(status) => write::set_status(&text, status),
                None => Ok(text),
            }
        })
    }

    /// Ticks the acceptance criteria in the ticket that a review confirmed on `read`.
    ///
    /// A criterion whose text in the ticket differs from the prompt's is not ticked: the reviewer
    /// confirmed something else.
    pub(super) fn tick(&self, read: &Oid, met: &[usize]) -> anyhow::Result<TicketTip> {
        let subject = format!("{}: tick confirmed criteria", self.spec.task.title);
        let trailer = format!("Reviewed: {read}\n");
        self.change_ticket(read, &subject, &trailer, |text, words| {
            let known = write::criteria(text).ok_or(TicketEditError::Unreadable)?;
            let prompted =
                |index: usize| self.spec.task.criteria.iter().find(|(at, _)| *at == index);
            let is_same = |index: &&usize| {
                let now = known.iter().find(|criterion| criterion.index == **index);
                now.zip(prompted(**index)).is_some_and(|(now, (_, text))| now.text == *text)
            };
            let met: Vec<usize> = met.iter().filter(is_same).copied().collect();
            let text = match met.as_slice() {
                [] => text.to_owned(),
                met => write::tick(text, met)?,
            };
            if self.spec.task.sets_done { write::set_status(&text, &words.done) } else { Ok(text) }
        })
    }

    /// Sets the ticket to done after work that needs no review, if the user's settings ask for
    /// that.
    pub(super) fn set_done(&self, tip: &Oid) -> anyhow::Result<TicketTip> {
        if !self.spec.task.sets_done {
            return Ok(TicketTip { tip: tip.clone(), remark: None });
        }
        let subject = format!("{}: mark as done", self.spec.task.title);
        self.change_ticket(tip, &subject, "", |text, words| write::set_status(text, &words.done))
    }

    pub(super) fn change_ticket(
        &self,
        tip: &Oid,
        subject: &str,
        trailer: &str,
        change: impl Fn(&str, &TicketStatuses) -> Result<String, TicketEditError>,
    ) -> anyhow::Result<TicketTip> {
        let same = |remark| Ok(TicketTip { tip: tip.clone(), remark });
        let Some(path) = &self.spec.task.ticket else { return same(None) };
        let tree = self.git.tree_of(tip)?;
        let Some(before) = self.text(&tree, path)? else {
            return same(Some(format!("ticket not updated: '{path}' is not on the task's branch")));
        };
        let Some(words) = self.ticket_words(&tree, path)? else {
            return same(Some("ticket not updated: the backlog's settings cannot be read".into()));
        };
        let after = match change(&before, &words) {
            Ok(after) if after == before => return same(None),
            Ok(after) => after,
            Err(why) => return same(Some(format!("ticket not updated: {why}"))),
        };
        let message = format!("{subject}\n\nTask: {}\n{trailer}", self.spec.task.id);
        let write = || {
            let blob = self.git.write_blob(after.as_bytes())?;
            let tree = self.git.edit_tree(Some(&tree), &[(path.clone(), blob)])?;
            self.git.write_commit(&tree, std::slice::from_ref(tip), &message)
        };
        let commit = self.git.patiently(write)?;
        crash::point();
        // Branch and files move together: after a mere ref update the worktree would look as if
        // somebody had reverted the ticket.
        self.git.advance(&self.spec.place.worktree, &self.spec.place.branch, &commit)?;
        Ok(TicketTip { tip: commit, remark: None })
    }

    /// Returns true if the branch changes nothing but the ticket.
    pub(super) fn has_only_ticket(&self, tip: &Oid) -> anyhow::Result<bool> {
        let Some(path) = &self.spec.task.ticket else { return Ok(false) };
        let integration = self.git.find_branch(&self.spec.place.integration)?;
        let integration = integration.context("the integration branch is gone")?;
        let Some(base) = self.git.merge_base(&integration, tip)? else { return Ok(false) };
        let files = self.git.files_between(base.as_str(), tip)?;
        Ok(files.iter().all(|file| file == path))
    }

    /// Merges the base into a branch that changes nothing but the ticket; a fast-forward would drop
    /// the ticket's commit.
    pub(super) fn catch_up_ticket(&self, tip: &Oid, base: &Oid) -> anyhow::Result<()> {
        if self.git.is_ancestor(base, tip)? || !self.has_only_ticket(tip)? {
            return Ok(());
        }
        // A conflict in the ticket can wait until the task's work is merged.
        let TreeMerge::Clean(tree) = self.git.try_merge(tip, base)? else { return Ok(()) };
        let message =
            format!("Merge '{}' into '{}'\n", self.spec.place.integration, self.spec.place.branch);
        let parents = [tip.clone(), base.clone()];
        let commit = self.git.patiently(|| self.git.write_commit(&tree, &parents, &message))?;
        crash::point();
        self.git.advance(&self.spec.place.worktree, &self.spec.place.branch, &commit)
    }

    /// Returns the statuses of the ticket's backlog; `None` if its settings cannot be read.
    pub(super) fn ticket_words(
        &self,
        tree: &Oid,
        ticket: &str,
    ) -> anyhow::Result<Option<TicketStatuses>> {
        Ok(backlog::ticket_statuses(self.settings_of(tree, ticket)?.as_deref()))
    }

    /// Returns the backlog's settings from the ticket's tree: the user's checkout may differ.
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

    /// Returns a file as text; `None` if it does not exist or is not UTF-8.
    pub(super) fn text(&self, tree: &Oid, path: &str) -> anyhow::Result<Option<String>> {
        Ok(self.git.read_path(tree, path)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}
