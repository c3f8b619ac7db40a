//! Folders of Backlog.md: tickets in, the batch of those that can begin out.
//!
//! Invariant: read as the program itself does, from the working copy alone, and nothing is ever
//! written here but by [`mod@write`], which changes one ticket's text and only what it is asked to.
//! What is doubtful is left out, and said: a ticket is taken only where all that it depends on is
//! known to be done.

mod choose;
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

use super::Parsed;
use super::finding::{Finding, Findings};
use crate::domain::plan::TaskId;
use config::Config;
use key::Key;

pub(crate) use config::{Words, words};
pub(crate) use ticket::Ticket;

/// A file of the folder.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// As it is called in messages.
    pub name: String,
    /// Relative to the top level of the repository, where it lies in one.
    pub place: Option<String>,
    pub bytes: Vec<u8>,
}

/// What a folder holds, read but not understood. Each list is in the order of the names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folder {
    /// As the user named it.
    pub name: String,
    /// What it is called itself, without the folders above: runs are named after it.
    pub base: String,
    pub config: Option<File>,
    pub tasks: Vec<File>,
    pub completed: Vec<File>,
    pub archived: Vec<File>,
    pub drafts: Vec<File>,
}

/// Which tickets are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    /// Ids as typed; none for all that can begin.
    pub tasks: Vec<String>,
    /// All of these labels are on a ticket that is taken.
    pub labels: Vec<String>,
    /// Tickets that runs have already, and in which words: they are left out unless named.
    pub taken: BTreeMap<TaskId, String>,
    /// Tickets that are taken whatever their state is: those that a run has.
    pub kept: Vec<TaskId>,
}

/// A ticket that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub id: String,
    pub title: String,
    pub why: String,
}

/// Where a ticket lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shelf {
    Tasks,
    Completed,
    Archived,
    Drafts,
}

/// A ticket with its place in the folder.
#[derive(Debug)]
struct Record {
    ticket: Ticket,
    key: Key,
    shelf: Shelf,
    /// The number of its file in the findings.
    file: usize,
    place: Option<String>,
}

/// A folder that was understood.
#[derive(Debug)]
pub(crate) struct Backlog {
    name: String,
    base: String,
    config: Config,
    records: Vec<Record>,
    findings: Findings,
}

/// Reads a folder; fails where its settings cannot be read. Tickets that cannot are warnings.
pub(crate) fn read(folder: &Folder) -> Result<Backlog, Vec<Finding>> {
    let shelves = [
        (Shelf::Tasks, &folder.tasks),
        (Shelf::Completed, &folder.completed),
        (Shelf::Archived, &folder.archived),
        (Shelf::Drafts, &folder.drafts),
    ];
    let files: Vec<(Shelf, &File)> =
        shelves.iter().flat_map(|(shelf, files)| files.iter().map(|file| (*shelf, file))).collect();
    let mut names = vec![folder.config.as_ref().map_or(&folder.name, |file| &file.name).clone()];
    names.extend(files.iter().map(|(_, file)| file.name.clone()));
    let mut findings = Findings::of_files(names);
    let Some(config) = config::read(folder.config.as_ref(), &mut findings) else {
        return Err(findings.into_sorted());
    };
    let mut records = Vec::new();
    for ((shelf, file), number) in files.into_iter().zip(1..) {
        let prefix = if shelf == Shelf::Drafts { "draft" } else { &config.prefix };
        if !is_ticket(&file.name, prefix) {
            continue;
        }
        if let Some(ticket) = ticket::read(file, number, &mut findings) {
            let key = Key::new(&ticket.id, prefix);
            let place = file.place.clone();
            records.push(Record { ticket, key, shelf, file: number, place });
        }
    }
    let (name, base) = (folder.name.clone(), folder.base.clone());
    Ok(Backlog { name, base, config, records, findings })
}

/// The program itself reads `<prefix>-*.md`, and nothing else.
fn is_ticket(file: &str, prefix: &str) -> bool {
    let base = file.rsplit('/').next().unwrap_or(file);
    let rest = base.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| rest.ends_with(".md"))
}

impl Backlog {
    /// Returns what a run of this choice is called.
    ///
    /// The folder's name, then what was asked for: `backlog`, `backlog-web`, `backlog-7-12`. So
    /// the same words always name the same run.
    pub(crate) fn name(&self, choice: &Choice) -> String {
        choose::name(&self.base, choice, &self.config)
    }

    /// Takes the tickets that were asked for and can begin.
    ///
    /// Fails where one that was named cannot, or none is left; all reasons at once.
    pub(crate) fn batch(self, choice: &Choice) -> Result<Parsed, Vec<Finding>> {
        choose::batch(self, choice)
    }
}
