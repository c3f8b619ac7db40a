//! Chooses the tickets of a folder that make a batch.
//!
//! Invariant: a ticket is taken only if everything it depends on is known to be done; a missing,
//! ambiguous or archived ticket is not. Every open ticket that is not taken is listed with the
//! reason.

use std::collections::HashMap;

use super::key::{self, TicketKey};
use super::{Backlog, Shelf, SkippedTicket, TicketFilter, TicketRecord};
use crate::domain::plan::{TaskId, name as names};
use crate::domain::steps::{Remedy, Step};
use crate::domain::text::nearest;
use crate::plan::ParsedPlan;
use crate::plan::diagnostic::{Diagnostic, Diagnostics, Spot};
use crate::plan::draft::{self, Draft, SourceText};

/// At most this many ids are in a run's name.
const MAX_IN_NAME: usize = 4;

pub(super) fn name(folder: &str, choice: &TicketFilter, config: &super::BacklogConfig) -> String {
    let mut parts = vec![folder.to_owned()];
    parts.extend(choice.labels.iter().cloned());
    let mut keys: Vec<TicketKey> =
        choice.tasks.iter().map(|id| TicketKey::new(id, &config.prefix)).collect();
    keys.sort_by_key(TicketKey::order);
    keys.dedup();
    // The name becomes part of branches and folders, so a long list of ids is cut.
    let shown = if keys.len() > MAX_IN_NAME { MAX_IN_NAME - 1 } else { keys.len() };
    parts.extend(keys[..shown].iter().map(|key| key.body().to_owned()));
    if keys.len() > shown {
        parts.push(format!("and {} more", keys.len() - shown));
    }
    names::slug(&parts.join(" "))
}

pub(super) fn batch(
    backlog: Backlog,
    choice: &TicketFilter,
) -> Result<ParsedPlan, Vec<Diagnostic>> {
    let name = backlog.name(choice);
    let Backlog { config, mut records, mut diagnostics, name: folder, .. } = backlog;
    // Files are listed by name, where `task-10` comes before `task-2`.
    records.sort_by_cached_key(|record| record.key.order());
    let index = TicketIndex::new(&records, &config, &choice.kept);
    let named: Vec<TicketKey> =
        choice.tasks.iter().map(|id| TicketKey::new(id, &config.prefix)).collect();
    for (key, typed) in named.iter().zip(&choice.tasks) {
        index.check_named(key, typed, &folder, &mut diagnostics);
    }
    let mut taken: Vec<&TicketRecord> = Vec::new();
    let mut skipped = Vec::new();
    for record in records.iter().filter(|r| matches!(r.shelf, Shelf::Tasks | Shelf::Completed)) {
        let is_kept = index.id(record).is_some_and(|id| choice.kept.contains(&id));
        let is_named = named.contains(&record.key);
        let is_open = record.shelf == Shelf::Tasks && !config.is_done(&record.ticket.status);
        let is_asked = named.is_empty() || is_named;
        let bears = |label: &String| record.ticket.labels.iter().any(|own| same_label(own, label));
        match () {
            // First, because the run itself has set the ticket to In Progress by now.
            () if is_kept => taken.push(record),
            () if !is_open || !is_asked => {}
            () if !choice.labels.iter().all(bears) && !is_named => {}
            () => match index.why_not(record, choice, is_named) {
                None => taken.push(record),
                // A ticket that the user named must not be left out without notice, so here it is
                // an error.
                Some(why) if is_named => {
                    let remedy = "finish that first, or leave the ticket out";
                    let message = format!("{} cannot start: {}", record.ticket.id, why.text);
                    diagnostics.error(Spot { file: record.file, line: 1 }, message, remedy);
                }
                Some(why) => skipped.push((record, why)),
            },
        }
    }
    // If something else is wrong, the lack of tickets is only its consequence.
    if taken.is_empty() && !diagnostics.has_errors() {
        report_empty_batch(&folder, &skipped, &mut diagnostics);
    }
    let drafts: Vec<Draft> = taken.iter().map(|record| index.draft(record)).collect();
    let sources = taken.iter().map(|record| record.file).collect();
    match draft::plan(name, drafts, &mut diagnostics).filter(|_| !diagnostics.has_errors()) {
        Some(plan) => {
            let warnings = diagnostics.into_sorted();
            let left_out = skipped.into_iter().map(|(record, why)| SkippedTicket {
                id: record.ticket.id.clone(),
                title: record.ticket.title.clone(),
                why: why.text,
            });
            let left_out = left_out.collect();
            let written_ids = plan.tasks.iter().map(|task| task.id.clone()).collect();
            let justification = None;
            Ok(ParsedPlan { plan, warnings, justification, left_out, sources, written_ids })
        }
        None => Err(diagnostics.into_sorted()),
    }
}

/// Why a ticket is not taken.
struct SkipReason {
    text: String,
    remedy: SkipRemedy,
}

/// What the user can do to have a skipped ticket taken.
enum SkipRemedy {
    /// Name the ticket.
    Name,
    /// Finish the tickets it waits for.
    Wait,
    /// Give the ticket another id.
    Id,
}

/// Reports that no ticket can start, with the reason for each one.
fn report_empty_batch(
    folder: &str,
    skipped: &[(&TicketRecord, SkipReason)],
    diagnostics: &mut Diagnostics,
) {
    let whole = Spot::default();
    for (record, why) in skipped {
        let id = &record.ticket.id;
        let remedy = match why.remedy {
            SkipRemedy::Wait => Remedy::from("finish the tickets it waits for first"),
            SkipRemedy::Id => "give it another id".into(),
            SkipRemedy::Name => {
                let (folder, tasks) = (folder.to_owned(), vec![id.clone()]);
                Step::Plan { folder, tasks }.to("Take it anyway").into()
            }
        };
        let spot = Spot { file: record.file, line: 1 };
        diagnostics.warning(spot, format!("skipped {id}: {}", why.text), remedy);
    }
    let message = format!("no ticket in {folder} can start");
    let remedy = "a ticket can start if it is new and everything it depends on is done";
    diagnostics.error(whole, message, remedy);
}

fn same_label(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// All tickets of a folder by their ids.
struct TicketIndex<'a> {
    config: &'a super::BacklogConfig,
    records: &'a [TicketRecord],
    by_key: HashMap<&'a TicketKey, Vec<&'a TicketRecord>>,
    /// Tasks that the run has already.
    kept: &'a [TaskId],
}

impl<'a> TicketIndex<'a> {
    fn new(
        records: &'a [TicketRecord],
        config: &'a super::BacklogConfig,
        kept: &'a [TaskId],
    ) -> TicketIndex<'a> {
        let mut by_key: HashMap<&TicketKey, Vec<&TicketRecord>> = HashMap::new();
        for record in records {
            by_key.entry(&record.key).or_default().push(record);
        }
        TicketIndex { config, records, by_key, kept }
    }

    /// Returns the id of a ticket's task; `None` if it cannot be part of a branch name.
    ///
    /// A run that an older version began keeps its ids, which had no zeros.
    fn id(&self, record: &TicketRecord) -> Option<TaskId> {
        let plain = record.key.plain_task_id().filter(|id| self.kept.contains(id));
        plain.or_else(|| key::task_id(&record.ticket.id, &self.config.prefix))
    }

    /// Returns the tickets with this id; a number with an old prefix means the same ticket.
    fn find(&self, key: &TicketKey) -> &[&'a TicketRecord] {
        // After a change of the prefix, tickets still name each other by the old one, like
        // `task-208`.
        let found =
            self.by_key.get(key).or_else(|| self.by_key.get(&key.under(&self.config.prefix)));
        found.map_or(&[], Vec::as_slice)
    }

    fn is_done(&self, record: &TicketRecord) -> bool {
        match record.shelf {
            Shelf::Completed => true,
            Shelf::Tasks => self.config.is_done(&record.ticket.status),
            // A draft or an archived ticket was never worked on; what waits for it would begin too
            // early.
            Shelf::Archived | Shelf::Drafts => false,
        }
    }

    /// Returns why a ticket cannot start, or why it should not unless the user names it.
    fn why_not(
        &self,
        record: &TicketRecord,
        choice: &TicketFilter,
        is_named: bool,
    ) -> Option<SkipReason> {
        let why = |remedy, text| Some(SkipReason { text, remedy });
        let ticket = &record.ticket;
        let Some(id) = self.id(record) else {
            let text = format!("its id {:?} cannot be part of a branch name", ticket.id);
            return why(SkipRemedy::Id, text);
        };
        if let Some(other) = self.twin(record) {
            return why(SkipRemedy::Id, format!("{} has the same id", file_of(other)));
        }
        if let Some(text) = self.waits_for(record) {
            return why(SkipRemedy::Wait, text);
        }
        // What is above holds for named tickets too; what is below only guesses what the user
        // wants.
        if is_named {
            return None;
        }
        // An older version gave the run's task an id without zeros.
        let plain = || choice.taken.get(&record.key.plain_task_id()?);
        if let Some(taken) = choice.taken.get(&id).or_else(plain) {
            let text = format!("{taken}; use --task {} to take it again", ticket.id);
            return why(SkipRemedy::Name, text);
        }
        if !self.config.is_new(&ticket.status) {
            let text =
                format!("its status is {:?}; use --task {} to take it", ticket.status, ticket.id);
            return why(SkipRemedy::Name, text);
        }
        let parts = self.open_parts(record);
        if parts.is_empty() {
            return None;
        }
        let (parts, id) = (parts.join(", "), &ticket.id);
        let text =
            format!("its open subtasks are taken instead: {parts}; use --task {id} to take it");
        why(SkipRemedy::Name, text)
    }

    /// Returns another live ticket with the same id.
    fn twin(&self, record: &TicketRecord) -> Option<&'a TicketRecord> {
        let all = self.find(&record.key).iter();
        let lives = |r: &&&TicketRecord| matches!(r.shelf, Shelf::Tasks | Shelf::Completed);
        all.filter(lives).find(|other| other.file != record.file).copied()
    }

    fn waits_for(&self, record: &TicketRecord) -> Option<String> {
        let reasons: Vec<String> =
            record.ticket.dependencies.iter().filter_map(|name| self.missing(name)).collect();
        (!reasons.is_empty()).then(|| format!("it waits for {}", reasons.join(", and for ")))
    }

    /// Returns a dependency with the reason why it is not done; `None` if it is done.
    fn missing(&self, name: &str) -> Option<String> {
        let found = self.find(&TicketKey::new(name, &self.config.prefix));
        let live: Vec<&&TicketRecord> = found
            .iter()
            .filter(|record| matches!(record.shelf, Shelf::Tasks | Shelf::Completed))
            .collect();
        match (live.as_slice(), found) {
            ([one], _) if self.is_done(one) => None,
            ([one], _) => Some(format!("{} ({})", one.ticket.id, one.ticket.status)),
            ([], []) => Some(format!("{name} (no such ticket)")),
            ([], [gone, ..]) => Some(format!("{} (archived, so it is never done)", gone.ticket.id)),
            ([one, other, ..], _) => {
                Some(format!("{name} (both {} and {} have this id)", file_of(one), file_of(other)))
            }
        }
    }

    fn open_parts(&self, record: &TicketRecord) -> Vec<&'a str> {
        let is_part = |other: &&TicketRecord| {
            let parent =
                other.ticket.parent.as_ref().map(|id| TicketKey::new(id, &self.config.prefix));
            let is_own = parent.is_some_and(|parent| {
                // Parents keep the old prefix too after it has changed.
                parent == record.key || parent.under(&self.config.prefix) == record.key
            });
            is_own && other.shelf == Shelf::Tasks && !self.is_done(other)
        };
        self.records.iter().filter(is_part).map(|part| part.ticket.id.as_str()).collect()
    }

    /// Reports a named ticket that does not exist or is not open.
    fn check_named(
        &self,
        key: &TicketKey,
        typed: &str,
        folder: &str,
        diagnostics: &mut Diagnostics,
    ) {
        let found = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        // An archived ticket may have the same id; the user means the open one.
        let is_open = |r: &&TicketRecord| r.shelf == Shelf::Tasks && !self.is_done(r);
        let Some(record) = found.iter().copied().find(is_open).or(found.first().copied()) else {
            let ids = self.records.iter().map(|record| record.ticket.id.as_str());
            let remedy = match nearest(typed, ids) {
                Some(near) => Remedy::from(format!("did you mean {near}?")),
                None => {
                    let plan = Step::Plan { folder: folder.to_owned(), tasks: Vec::new() };
                    plan.to("List the tickets").into()
                }
            };
            let message = format!("there is no ticket {typed} in {folder}");
            return diagnostics.error(Spot::default(), message, remedy);
        };
        let (why, remedy) = match record.shelf {
            Shelf::Tasks if !self.is_done(record) => return,
            Shelf::Tasks => ("is done", "leave it out, or reset its status"),
            Shelf::Completed => ("is completed", "leave it out"),
            Shelf::Archived => ("is archived", "leave it out"),
            Shelf::Drafts => ("is a draft", "promote it to a ticket first"),
        };
        let message = format!("{} {why}", record.ticket.id);
        diagnostics.error(Spot { file: record.file, line: 1 }, message, remedy);
    }

    fn draft(&self, record: &TicketRecord) -> Draft {
        let ticket = &record.ticket;
        let id = self.id(record).map_or_else(|| ticket.id.clone(), String::from);
        let title = if ticket.title.is_empty() { &ticket.id } else { &ticket.title };
        Draft {
            id: Some(SourceText { text: id, line: 1 }),
            number: Some(ticket.id.clone()),
            title: title.clone(),
            depends_on: Some(Vec::new()),
            files: ticket.files.clone(),
            reads: ticket.mentions.clone(),
            prompt: format!("{}{}", self.part_of(ticket), ticket.text),
            criteria: ticket.criteria.clone(),
            ticket: record.path.clone(),
            file: record.file,
            line: 1,
            ..Draft::default()
        }
    }

    fn part_of(&self, ticket: &super::Ticket) -> String {
        let parent = ticket.parent.as_ref().map(|id| TicketKey::new(id, &self.config.prefix));
        let parent = parent.and_then(|key| self.find(&key).first().copied());
        parent.map_or(String::new(), |parent| {
            format!("A part of {}: {}\n\n", parent.ticket.id, parent.ticket.title)
        })
    }
}

fn file_of(record: &TicketRecord) -> String {
    record.path.clone().unwrap_or_else(|| record.ticket.id.clone())
}
