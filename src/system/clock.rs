//! The clock: the only place that asks for the time.
//!
//! Invariant: `GIT_ORCHESTRATE_NOW` (seconds since 1970, or a file that contains them, so that a
//! test can advance them) replaces the clock, so the ids of commits do not depend on when a test
//! runs.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the system's time, to compare with the times of files.
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Returns the seconds since 1970 by the system's clock, to compare with the times of files.
pub(crate) fn system_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Returns the time for people, in the local time zone: `2026-01-31 23:59:59`.
pub(crate) fn time_of_day() -> String {
    now().strftime("%F %T").to_string()
}

/// Returns the time in the local time zone.
pub(crate) fn now() -> jiff::Zoned {
    at(now_ms())
}

/// Returns a time (milliseconds since 1970) in the local time zone.
pub(crate) fn at(milliseconds: i64) -> jiff::Zoned {
    let at = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::system())
}

/// Returns the milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let variable = std::env::var("GIT_ORCHESTRATE_NOW").ok();
    let in_file = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
    let fixed: Option<i64> = variable.and_then(|text| text.parse().ok().or_else(|| in_file(&text)));
    fixed.map_or_else(
        || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        },
        |seconds| seconds * 1000,
    )
}
