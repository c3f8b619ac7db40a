//! The time of day: the only place that asks for it.
//!
//! `GIT_ORCHESTRATE_NOW` (seconds since 1970) takes the clock's place, so that the ids of
//! commits do not depend on when a test ran.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the system's time, for comparison with the times of files.
pub fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Returns seconds since 1970 by the system's clock, for comparison with the times of files.
pub fn system_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Returns the time of day for people, in the caller's zone: `2026-01-31 23:59:59`.
pub fn time_of_day() -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms()).unwrap_or_default();
    now.to_zoned(jiff::tz::TimeZone::system()).strftime("%F %T").to_string()
}

/// Returns milliseconds since 1970.
pub fn now_ms() -> i64 {
    let fixed = std::env::var("GIT_ORCHESTRATE_NOW").ok().and_then(|text| text.parse::<i64>().ok());
    fixed.map(|seconds| seconds * 1000).unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
