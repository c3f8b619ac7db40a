//! Backlog.md folders: tickets in, the batch of those that can start out.
//!
//! Invariant: a folder is read as Backlog.md itself reads it, from the working copy alone. Only
//! [`mod@write`] changes anything: one ticket's text, and nothing in it but what it is asked to. A
//! doubtful ticket is skipped with the reason: a ticket is taken only if everything it depends on
//! is known to be done.

mod batch;
mod config;
mod key;
mod mentions;
mod sections;
mod ticket;
pub(crate) mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::ParsedPlan;
use super::diagnostic::{Diagnostic, Diagnostics};
use crate::domain::plan::TaskId;
use config::BacklogConfig;
use key::TicketKey;

pub(crate) use config::{TicketStatuses, ticket_statuses};
pub(crate) use key::means;
pub(crate) use ticket::Ticket;

/// The subfolders of a backlog that hold tickets.
pub(crate) const SHELVES: [&str; 4] = ["tasks", "completed", "archive", "drafts"];

/// A file in a backlog folder.
#[derive(Debug, Clone)]
pub(crate) struct BacklogFile {
    /// The name in messages.
    pub name: String,
    /// The path relative to the top level of the repository, if the file is in one.
    pub path: Option<String>,
    pub bytes: Vec<u8>,
}

/// The files of a backlog folder, not interpreted yet. Each list is in the order of the names.
#[derive(Debug, Clone, Default)]
pub(crate) struct BacklogFolder {
    /// The name that the user typed.
    pub name: String,
    /// The folder's own name, without the folders above it; runs are named after it.
    pub base: String,
    pub config: Option<BacklogFile>,
    pub tasks: Vec<BacklogFile>,
    pub completed: Vec<BacklogFile>,
    pub archived: Vec<BacklogFile>,
    pub drafts: Vec<BacklogFile>,
}

/// The tickets that the user asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct TicketFilter {
    /// Ids as typed; empty for all tickets that can start.
    pub tasks: Vec<String>,
    /// Labels that a ticket must all have.
    pub labels: Vec<String>,
    /// Tickets that other runs have already, each with the text that says so; skipped unless named.
    pub taken: BTreeMap<TaskId, String>,
    /// Tickets that the run has already; taken whatever their state is.
    pub kept: Vec<TaskId>,
}

/// An open ticket that is not taken, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedTicket {
    pub id: String,
    pub title: String,
    pub why: String,
}

/// The subfolder that holds a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shelf {
    Tasks,
    Completed,
    Archived,
    Drafts,
}

/// A ticket and its file.
#[derive(Debug)]
struct TicketRecord {
    ticket: Ticket,
    key: TicketKey,
    shelf: Shelf,
    /// The file's number in the diagnostics.
    file: usize,
    path: Option<String>,
}

/// A backlog folder with its tickets read.
#[derive(Debug)]
pub(crate) struct Backlog {
    name: String,
    base: String,
    config: BacklogConfig,
    records: Vec<TicketRecord>,
    diagnostics: Diagnostics,
}

/// Reads a folder; fails if its settings cannot be read. A ticket that cannot be read is a warning.
pub(crate) fn read(folder: &BacklogFolder) -> Result<Backlog, Vec<Diagnostic>> {
    let shelves = [
        (Shelf::Tasks, &folder.tasks),
        (Shelf::Completed, &folder.completed),
        (Shelf::Archived, &folder.archived),
        (Shelf::Drafts, &folder.drafts),
    ];
    let files: Vec<(Shelf, &BacklogFile)> =
        shelves.iter().flat_map(|(shelf, files)| files.iter().map(|file| (*shelf, file))).collect();
    // The settings are file 0, even if there are none, so the tickets count from 1.
    let mut names = vec![folder.config.as_ref().map_or(&folder.name, |file| &file.name).clone()];
    names.extend(files.iter().map(|(_, file)| file.name.clone()));
    let mut diagnostics = Diagnostics::of_files(names);
    let Some(config) = config::read(folder.config.as_ref(), &mut diagnostics) else {
        return Err(diagnostics.into_sorted());
    };
    let mut records = Vec::new();
    for ((shelf, file), number) in files.into_iter().zip(1..) {
        // Backlog.md names drafts `draft-<id>`, whatever prefix the tickets have.
        let prefix = if shelf == Shelf::Drafts { "draft" } else { &config.prefix };
        if !is_ticket(&file.name, prefix) {
            continue;
        }
        if let Some(ticket) = ticket::read(file, number, &mut diagnostics) {
            let key = TicketKey::new(&ticket.id, prefix);
            let path = file.path.clone();
            records.push(TicketRecord { ticket, key, shelf, file: number, path });
        }
    }
    let (name, base) = (folder.name.clone(), folder.base.clone());
    Ok(Backlog { name, base, config, records, diagnostics })
}

/// Returns true for `<prefix>-*.md`: Backlog.md reads no other file.
fn is_ticket(file: &str, prefix: &str) -> bool {
    let base = file.rsplit('/').next().unwrap_or(file);
    let rest = base.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| rest.ends_with(".md"))
}

impl Backlog {
    /// Returns the name of a run of these tickets.
    ///
    /// It is the folder's name, then what was asked for: `backlog`, `backlog-web`, `backlog-7-12`,
    /// so the same request always means the same run.
    pub(crate) fn name(&self, choice: &TicketFilter) -> String {
        batch::name(&self.base, choice, &self.config)
    }

    /// Takes the tickets that were asked for and can start.
    ///
    /// Fails, with all reasons at once, if a named ticket cannot start or none is left.
    pub(crate) fn batch(self, choice: &TicketFilter) -> Result<ParsedPlan, Vec<Diagnostic>> {
        batch::batch(self, choice)
    }
}
