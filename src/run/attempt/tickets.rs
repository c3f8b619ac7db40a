//! The tickets of a backlog on a task's branch: the task's own is in progress while it is worked
//! on, and what an agent may not write in any of them is undone.
//!
//! Invariant: status, ticks and criteria of a ticket are the run's and the user's, and so are all
//! other tickets. What an agent changed there is put back in a commit of its own, and said.

use super::Attempt;
use crate::domain::oid::Oid;
use crate::domain::policy::verdicts::named;
use crate::domain::task::{Record, Stage};
use crate::plan::backlog::write::{self, TicketEditError};
use crate::plan::backlog::{SHELVES, TicketStatuses};
use crate::system::crash;

/// Tickets that an agent changed and may not change.
struct TicketChanges {
    /// The text that the task's own ticket must have.
    own: Option<String>,
    /// Other tickets; each is put back as it was at the fork of the branch.
    others: Vec<String>,
    /// What was changed, a clause each.
    said: Vec<String>,
}

impl Attempt {
    /// Sets the task's ticket to in progress before the work on it begins.
    pub(super) fn begin_ticket(&self) -> anyhow::Result<()> {
        if self.spec.task.stage != Stage::Implement || self.spec.task.ticket.is_none() {
            return Ok(());
        }
        let subject = format!("{}: begin it", self.spec.task.title);
        // Uncommitted work of an earlier attempt may be in the way; the ticket can wait then.
        let _ = self.change_ticket(&self.tip()?, &subject, "", in_progress);
        Ok(())
    }

    /// Undoes what an agent changed in tickets and may not change; returns the new tip, and a
    /// sentence for the reviewers.
    pub(super) fn restore_tickets(
        &self,
        record: &Record,
        tip: Oid,
    ) -> anyhow::Result<(Oid, Option<String>)> {
        let (Some(path), Some(fork)) = (&self.spec.task.ticket, self.fork_point(&tip)?) else {
            return Ok((tip, None));
        };
        let found = self.ticket_changes(record, path, &fork, &tip)?;
        if found.own.is_none() && found.others.is_empty() {
            return Ok((tip, None));
        }
        let message = format!("Keep the tickets as they were\n\nTask: {}\n", self.spec.task.id);
        let write = || {
            let (from, to) = (self.git.tree_of(&tip)?, self.git.tree_of(&fork)?);
            let mut tree = self.git.tree_with(&from, &to, &found.others)?;
            if let Some(text) = &found.own {
                let blob = self.git.write_blob(text.as_bytes())?;
                tree = self.git.edit_tree(Some(&tree), &[(path.clone(), blob)])?;
            }
            self.git.write_commit(&tree, std::slice::from_ref(&tip), &message)
        };
        let commit = self.git.patiently(write)?;
        crash::point();
        self.git.advance(&self.spec.place.worktree, &self.spec.place.branch, &commit)?;
        Ok((commit, Some(format!("undone in the backlog: the agent {}", found.said.join("; ")))))
    }

    fn ticket_changes(
        &self,
        record: &Record,
        path: &str,
        fork: &Oid,
        tip: &Oid,
    ) -> anyhow::Result<TicketChanges> {
        let (before, after) = (self.git.tree_of(fork)?, self.git.tree_of(tip)?);
        let changed = self.git.files_between(fork.as_str(), tip)?;
        let is_other = |file: &String| file != path && is_beside(path, file);
        let mut others: Vec<String> = changed.into_iter().filter(is_other).collect();
        let mut said = Vec::new();
        let expected = self.expected_ticket(record, path, fork)?;
        let now = self.text(&after, path)?;
        let own = match (expected, now) {
            (None, _) => None,
            (Some(expected), None) => {
                said.push("deleted or moved its own ticket".to_owned());
                Some(expected)
            }
            (Some(expected), Some(now)) => match write::with_marks_of(&now, &expected) {
                Ok(text) if text == now => None,
                Ok(text) => {
                    said.push("set the status of its ticket, or ticked criteria".to_owned());
                    Some(text)
                }
                Err(_) => {
                    said.push("rewrote its ticket".to_owned());
                    Some(expected)
                }
            },
        };
        // A new ticket is a proposal, unless it is the task's own in another folder.
        let name = |file: &str| file.rsplit('/').next().unwrap_or_default().to_owned();
        let mut kept = Vec::new();
        for file in others.drain(..) {
            if self.git.read_path(&before, &file)?.is_some() || name(&file) == name(path) {
                kept.push(file);
            }
        }
        if !kept.is_empty() {
            said.push(format!("changed tickets of others: {}", named(&kept)));
        }
        Ok(TicketChanges { own, others: kept, said })
    }

    /// Returns the task's ticket as the run left it when the attempt began; `None` if it is not on
    /// the branch.
    fn expected_ticket(
        &self,
        record: &Record,
        path: &str,
        fork: &Oid,
    ) -> anyhow::Result<Option<String>> {
        let start = record.last_attempt().and_then(|attempt| attempt.tip.as_ref()).unwrap_or(fork);
        let tree = self.git.tree_of(start)?;
        let Some(text) = self.text(&tree, path)? else { return Ok(None) };
        let words = self.ticket_words(&tree, path)?;
        let begins = self.spec.task.stage == Stage::Implement;
        let begun = words.filter(|_| begins).map(|words| in_progress(&text, &words));
        Ok(Some(begun.and_then(Result::ok).unwrap_or(text)))
    }
}

/// Returns the text of a ticket that is worked on.
fn in_progress(text: &str, words: &TicketStatuses) -> Result<String, TicketEditError> {
    match &words.in_progress {
        Some(status) if !write::has_status(text, &words.done)? => write::set_status(text, status),
        _ => Ok(text.to_owned()),
    }
}

/// Returns true if a file is a ticket of the same backlog.
fn is_beside(ticket: &str, file: &str) -> bool {
    let root = ticket.rsplitn(3, '/').nth(2).map(|root| format!("{root}/")).unwrap_or_default();
    let inside = file.strip_prefix(&root).filter(|inside| inside.ends_with(".md"));
    inside.is_some_and(|inside| {
        SHELVES
            .iter()
            .any(|shelf| inside.strip_prefix(shelf).is_some_and(|rest| rest.starts_with('/')))
    })
}

#[cfg(test)]
mod tests {
    use super::is_beside;

    #[test]
    fn tickets_lie_on_the_shelves_of_one_backlog() {
        let own = "work/backlog/tasks/task-1 - A.md";
        for file in ["work/backlog/tasks/task-2 - B.md", "work/backlog/archive/tasks/task-3.md"] {
            assert!(is_beside(own, file), "{file}");
        }
        for file in
            ["backlog/tasks/task-2.md", "work/backlog/docs/a.md", "work/backlog/tasks/x.png"]
        {
            assert!(!is_beside(own, file), "{file}");
        }
        assert!(is_beside("tasks/task-1.md", "completed/task-2.md"));
    }
}
