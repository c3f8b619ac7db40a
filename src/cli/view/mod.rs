//! From a snapshot to text: a table for people, JSON for programs, both printed from the same rows.
//!
//! Invariant: pure. Nothing here prints, reads git or asks the clock; what a snapshot does
//! not hold comes in as plain data: [`Facts`].

pub(crate) mod advice;
pub(crate) mod change;
pub(crate) mod cleaned;
pub(crate) mod compare;
pub(crate) mod doctor;
pub(crate) mod finish;
pub(crate) mod hand_out;
pub(crate) mod plan;
pub(crate) mod rows;
pub(crate) mod settings;
pub(crate) mod tickets;
mod undo;

use crate::domain::text::span;
use crate::run::facts::{Controller, Facts};

/// Returns a time (milliseconds since 1970) for people, and how long it is until then: the day is
/// left out today.
fn moment(milliseconds: i64, facts: &Facts) -> String {
    let zone = facts.zone.clone().unwrap_or(jiff::tz::TimeZone::UTC);
    let of = |at| jiff::Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(zone.clone());
    let (at, now) = (of(milliseconds), of(facts.now));
    let form = if at.date() == now.date() { "%H:%M" } else { "%F %H:%M" };
    let at = at.strftime(form).to_string();
    match milliseconds - facts.now {
        left if left > 0 => format!("{at} (in {})", span(left)),
        _ => at,
    }
}

/// Returns who drives the run and since when: `running since 14:13 (pid 71)`.
fn driven(controller: &Controller, facts: &Facts) -> String {
    match controller {
        Controller { worker: Some(worker), since: Some(since), .. } => {
            format!("running since {} (pid {})", moment(*since, facts), worker.pid)
        }
        Controller { text, .. } => format!("driven by {text}"),
    }
}
