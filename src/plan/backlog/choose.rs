//! Which tickets of a folder make a batch.
//!
//! Invariant: a ticket is taken only where everything it depends on is known to be done; what
//! is missing, ambiguous or archived is not done. Every ticket that is open and not taken is
//! told, with the reason.

use std::collections::HashMap;

use super::key::Key;
use super::{Backlog, Choice, LeftOut, Record, Shelf};
use crate::domain::plan::name as names;
use crate::domain::shell::quoted;
use crate::plan::Parsed;
use crate::plan::draft::{self, Draft, Written};
use crate::plan::finding::{Finding, Findings, Spot};
use crate::plan::syntax::near::nearest;

/// How many ids a run's name holds.
const MAX_IN_NAME: usize = 4;

pub(super) fn name(folder: &str, choice: &Choice, config: &super::Config) -> String {
    let mut parts = vec![folder.to_owned()];
    parts.extend(choice.labels.iter().cloned());
    let mut keys: Vec<Key> = choice.tasks.iter().map(|id| Key::new(id, &config.prefix)).collect();
    keys.sort_by_key(Key::order);
    keys.dedup();
    let shown = if keys.len() > MAX_IN_NAME { MAX_IN_NAME - 1 } else { keys.len() };
    parts.extend(keys[..shown].iter().map(|key| key.body().to_owned()));
    if keys.len() > shown {
        parts.push(format!("and {} more", keys.len() - shown));
    }
    names::slug(&parts.join(" "))
}

pub(super) fn batch(backlog: Backlog, choice: &Choice) -> Result<Parsed, Vec<Finding>> {
    let name = backlog.name(choice);
    let Backlog { config, mut records, mut findings, name: folder, .. } = backlog;
    records.sort_by_cached_key(|record| record.key.order());
    let shelf = Shelves::new(&records, &config);
    let named: Vec<Key> = choice.tasks.iter().map(|id| Key::new(id, &config.prefix)).collect();
    for (key, typed) in named.iter().zip(&choice.tasks) {
        shelf.check_named(key, typed, &folder, &mut findings);
    }
    let mut taken: Vec<&Record> = Vec::new();
    let mut passed = Vec::new();
    for record in records.iter().filter(|r| matches!(r.shelf, Shelf::Tasks | Shelf::Completed)) {
        let is_kept = record.key.task_id().is_some_and(|id| choice.kept.contains(&id));
        let is_named = named.contains(&record.key);
        let is_open = record.shelf == Shelf::Tasks && !config.is_done(&record.ticket.status);
        let is_asked = named.is_empty() || is_named;
        let bears = |label: &String| record.ticket.labels.iter().any(|own| same_label(own, label));
        match () {
            () if is_kept => taken.push(record),
            () if !is_open || !is_asked => {}
            () if !choice.labels.iter().all(bears) && !is_named => {}
            () => match shelf.why_not(record, choice, is_named) {
                None => taken.push(record),
                Some(why) if is_named => {
                    let remedy = "finish that first, or leave the ticket out";
                    let message = format!("{} cannot begin: {}", record.ticket.id, why.text);
                    findings.error(Spot { file: record.file, line: 1 }, message, remedy);
                }
                Some(why) => passed.push((record, why)),
            },
        }
    }
    if taken.is_empty() && !findings.has_errors() {
        none_left(&folder, &passed, &mut findings);
    }
    let drafts: Vec<Draft> = taken.iter().map(|record| shelf.draft(record)).collect();
    let sources = taken.iter().map(|record| record.file).collect();
    match draft::plan(name, drafts, &mut findings).filter(|_| !findings.has_errors()) {
        Some(plan) => {
            let warnings = findings.into_sorted();
            let left_out = passed.into_iter().map(|(record, why)| LeftOut {
                id: record.ticket.id.clone(),
                title: record.ticket.title.clone(),
                why: why.text,
            });
            let left_out = left_out.collect();
            Ok(Parsed { plan, warnings, justification: None, left_out, sources })
        }
        None => Err(findings.into_sorted()),
    }
}

/// Why a ticket is not taken.
struct Why {
    text: String,
    /// What helps.
    remedy: Remedy,
}

enum Remedy {
    /// To name it.
    Name,
    /// To finish what it waits for.
    Wait,
    /// To give it another id.
    Id,
}

fn none_left(folder: &str, passed: &[(&Record, Why)], findings: &mut Findings) {
    let whole = Spot::default();
    for (record, why) in passed {
        let id = &record.ticket.id;
        let remedy = match why.remedy {
            Remedy::Wait => "finish what it waits for first".to_owned(),
            Remedy::Id => "give it another id".to_owned(),
            Remedy::Name => {
                let (folder, id) = (quoted(folder), quoted(id));
                format!("git orchestrate plan {folder} --task {id}   # takes it all the same")
            }
        };
        let spot = Spot { file: record.file, line: 1 };
        findings.warning(spot, format!("{id} is left out: {}", why.text), remedy);
    }
    let message = format!("no ticket of {folder} can begin");
    let remedy = "a ticket can begin when it is not begun, and all that it depends on is done";
    findings.error(whole, message, remedy);
}

fn same_label(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// All tickets by their ids.
struct Shelves<'a> {
    config: &'a super::Config,
    records: &'a [Record],
    by_key: HashMap<&'a Key, Vec<&'a Record>>,
}

impl<'a> Shelves<'a> {
    fn new(records: &'a [Record], config: &'a super::Config) -> Shelves<'a> {
        let mut by_key: HashMap<&Key, Vec<&Record>> = HashMap::new();
        for record in records {
            by_key.entry(&record.key).or_default().push(record);
        }
        Shelves { config, records, by_key }
    }

    /// Returns the records with this id; a number under an old prefix is the same number.
    fn find(&self, key: &Key) -> &[&'a Record] {
        let found =
            self.by_key.get(key).or_else(|| self.by_key.get(&key.under(&self.config.prefix)));
        found.map_or(&[], Vec::as_slice)
    }

    fn is_done(&self, record: &Record) -> bool {
        match record.shelf {
            Shelf::Completed => true,
            Shelf::Tasks => self.config.is_done(&record.ticket.status),
            Shelf::Archived | Shelf::Drafts => false,
        }
    }

    /// Returns why a ticket cannot begin, or should not without being named.
    fn why_not(&self, record: &Record, choice: &Choice, is_named: bool) -> Option<Why> {
        let why = |remedy, text| Some(Why { text, remedy });
        let ticket = &record.ticket;
        let Some(id) = record.key.task_id() else {
            let text = format!("its id {:?} cannot be a branch name", ticket.id);
            return why(Remedy::Id, text);
        };
        if let Some(other) = self.twin(record) {
            return why(Remedy::Id, format!("{} has the same id", file_of(other)));
        }
        if let Some(text) = self.waits_for(record) {
            return why(Remedy::Wait, text);
        }
        if is_named {
            return None;
        }
        if let Some(told) = choice.taken.get(&id) {
            return why(Remedy::Name, format!("{told}; --task {} takes it again", ticket.id));
        }
        if !self.config.is_new(&ticket.status) {
            let text = format!("its status is {:?}; --task {} takes it", ticket.status, ticket.id);
            return why(Remedy::Name, text);
        }
        let parts = self.open_parts(record);
        if parts.is_empty() {
            return None;
        }
        let (parts, id) = (parts.join(", "), &ticket.id);
        let text = format!("its open subtasks are the work: {parts}; --task {id} takes it");
        why(Remedy::Name, text)
    }

    fn twin(&self, record: &Record) -> Option<&'a Record> {
        let all = self.find(&record.key).iter();
        let lives = |r: &&&Record| matches!(r.shelf, Shelf::Tasks | Shelf::Completed);
        all.filter(lives).find(|other| other.file != record.file).copied()
    }

    fn waits_for(&self, record: &Record) -> Option<String> {
        let reasons: Vec<String> =
            record.ticket.dependencies.iter().filter_map(|name| self.missing(name)).collect();
        (!reasons.is_empty()).then(|| format!("it waits for {}", reasons.join(", and for ")))
    }

    /// Returns what is wrong with a dependency; `None` where it is done.
    fn missing(&self, name: &str) -> Option<String> {
        let found = self.find(&Key::new(name, &self.config.prefix));
        let live: Vec<&&Record> = found
            .iter()
            .filter(|record| matches!(record.shelf, Shelf::Tasks | Shelf::Completed))
            .collect();
        match (live.as_slice(), found) {
            ([one], _) if self.is_done(one) => None,
            ([one], _) => Some(format!("{} ({})", one.ticket.id, one.ticket.status)),
            ([], []) => Some(format!("{name}, which is no ticket")),
            ([], [gone, ..]) => {
                Some(format!("{}, which is archived, and so is never done", gone.ticket.id))
            }
            ([one, other, ..], _) => Some(format!(
                "{name}, which both {} and {} claim to be",
                file_of(one),
                file_of(other)
            )),
        }
    }

    fn open_parts(&self, record: &Record) -> Vec<&'a str> {
        let is_part = |other: &&Record| {
            let parent = other.ticket.parent.as_ref().map(|id| Key::new(id, &self.config.prefix));
            let is_own = parent.is_some_and(|parent| {
                parent == record.key || parent.under(&self.config.prefix) == record.key
            });
            is_own && other.shelf == Shelf::Tasks && !self.is_done(other)
        };
        self.records.iter().filter(is_part).map(|part| part.ticket.id.as_str()).collect()
    }

    /// Tells where a ticket that was named is not one that could be taken.
    fn check_named(&self, key: &Key, typed: &str, folder: &str, findings: &mut Findings) {
        let found = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        let is_open = |r: &&Record| r.shelf == Shelf::Tasks && !self.is_done(r);
        let Some(record) = found.iter().copied().find(is_open).or(found.first().copied()) else {
            let ids = self.records.iter().map(|record| record.ticket.id.as_str());
            let remedy = match nearest(typed, ids) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("see which there are: git orchestrate plan {}", quoted(folder)),
            };
            let message = format!("{typed} is no ticket of {folder}");
            return findings.error(Spot::default(), message, remedy);
        };
        let (why, remedy) = match record.shelf {
            Shelf::Tasks if !self.is_done(record) => return,
            Shelf::Tasks => ("is done", "leave it out, or set its status back"),
            Shelf::Completed => ("is completed", "leave it out"),
            Shelf::Archived => ("is archived", "leave it out"),
            Shelf::Drafts => ("is a draft", "make a ticket of it first"),
        };
        let message = format!("{} {why}", record.ticket.id);
        findings.error(Spot { file: record.file, line: 1 }, message, remedy);
    }

    fn draft(&self, record: &Record) -> Draft {
        let ticket = &record.ticket;
        let id = record.key.task_id().map_or_else(|| ticket.id.clone(), String::from);
        let title = if ticket.title.is_empty() { &ticket.id } else { &ticket.title };
        Draft {
            id: Some(Written { text: id, line: 1 }),
            number: Some(ticket.id.clone()),
            title: title.clone(),
            depends_on: Some(Vec::new()),
            files: ticket.files.clone(),
            reads: ticket.mentions.clone(),
            prompt: format!("{}{}", self.part_of(ticket), ticket.text),
            criteria: ticket.criteria.clone(),
            ticket: record.place.clone(),
            file: record.file,
            line: 1,
            ..Draft::default()
        }
    }

    fn part_of(&self, ticket: &super::Ticket) -> String {
        let parent = ticket.parent.as_ref().map(|id| Key::new(id, &self.config.prefix));
        let parent = parent.and_then(|key| self.find(&key).first().copied());
        parent.map_or(String::new(), |parent| {
            format!("A part of {}: {}\n\n", parent.ticket.id, parent.ticket.title)
        })
    }
}

fn file_of(record: &Record) -> String {
    record.place.clone().unwrap_or_else(|| record.ticket.id.clone())
}
