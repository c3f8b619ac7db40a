//! From a snapshot to text: rows for people, JSON for programs, the same facts in both.
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
pub(crate) mod json;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod task;
pub(crate) mod tickets;
mod undo;
pub(crate) mod waited;

use crate::domain::task::Pause;
use crate::domain::text::{printable, span};
use crate::run::facts::Facts;

/// Returns a time (milliseconds since 1970) for people, and how long it is until then.
pub(crate) fn moment(milliseconds: i64, facts: &Facts) -> String {
    let zone = facts.zone.clone().unwrap_or(jiff::tz::TimeZone::UTC);
    let at = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    let at = at.to_zoned(zone).strftime("%F %H:%M").to_string();
    match milliseconds - facts.now {
        left if left > 0 => format!("{at} (in {})", span(left)),
        _ => at,
    }
}

/// What is said of a running task whose supervisor is gone.
const LOST: &str = "nobody is at work: its supervisor is gone; 'start' goes on with it";

/// Says what a task waits for whose agent reached a usage limit, and until when.
pub(crate) fn pause_text(pause: &Pause, facts: &Facts) -> String {
    let until = match pause.until {
        Some(until) => format!("goes on at {}", moment(until, facts)),
        None => "it does not say until when".to_owned(),
    };
    format!("{until}: {}", printable(&pause.text))
}
