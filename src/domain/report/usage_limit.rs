//! A usage limit that stopped an agent program, and when it says that it ends.
//!
//! Invariant: pure. Only what a program says of itself is read, never what a model wrote; a time
//! that is not understood is no time, so nothing is ever waited for that was not said.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// What is said of a limit in the program's own words.
const SAYINGS: &[&str] = &[
    "usage limit",
    "rate limit",
    "rate-limit",
    "rate_limit",
    "ratelimit",
    "session limit",
    "weekly limit",
    "hour limit",
    "spend limit",
    "hit your limit",
    "opus limit",
    "sonnet limit",
    "too many requests",
    "request rejected (429)",
    "temporarily limiting requests",
    "quota exceeded",
    "exceeded your current quota",
    "insufficient_quota",
    "quota will reset",
    "exhausted your capacity",
    "exhausted your daily quota",
    "resource_exhausted",
    "resource has been exhausted",
    "credit balance is too low",
    "out of credits",
    "out of usage credits",
    "exceeded your copilot token usage",
];
/// How the last line of plain text begins where it is the program that speaks.
const BEGINNINGS: &[&str] = &[
    "you've hit your ",
    "claude ai usage limit reached",
    "claude usage limit reached",
    "api error: request rejected (429)",
    "api error: rate limit reached",
    "api error: server is temporarily limiting requests",
    "credit balance is too low",
    "error: you've hit your ",
    "quota exceeded. ",
    "[api error: you have exhausted ",
    "sorry, you've hit a rate limit",
];
/// Words before the time at which, or after which, it goes on.
const MARKERS: &[&str] = &[
    "resets at ",
    "resets in ",
    "resets ",
    "try again at ",
    "try again in ",
    "retry in ",
    "retry after ",
    "reset after ",
    "reset at ",
    "reset in ",
];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// The shortest pause, in milliseconds: a time that has come already is no reason to try without
/// end.
const LEAST: i64 = 60_000;
/// A time of day that lies back no further than this (milliseconds) is today's, not tomorrow's.
const JUST_NOW: i64 = 15 * 60_000;
/// No limit lasts longer (milliseconds): what says so is not understood.
const MOST: i64 = 400 * 24 * 60 * 60_000;

/// A limit that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The program's own words, one line.
    pub text: String,
    /// Seconds since 1970, where the program says the time as a number.
    pub reset: Option<i64>,
}

impl Limit {
    /// Reads a program's word that it failed; `None` where that is for another reason.
    pub(crate) fn of_error(text: &str) -> Option<Limit> {
        let plain = plain(text);
        let says = SAYINGS.iter().any(|saying| plain.contains(saying));
        let reset = number_after_bar(text);
        // The number is for programs.
        let words = text.rsplit_once('|').filter(|_| reset.is_some()).map(|(words, _)| words);
        says.then(|| Limit { text: words.unwrap_or(text).to_owned(), reset })
    }

    /// Reads the end of plain text, where only a line that a program writes itself counts.
    pub(crate) fn of_last_line(text: &str) -> Option<Limit> {
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        let plain = plain(line);
        BEGINNINGS.iter().any(|begin| plain.starts_with(begin)).then(|| Limit::of_error(line))?
    }

    /// Returns when it ends, in milliseconds since 1970; `None` where that was not said.
    ///
    /// `now` also says in whose time zone a time of day is meant that names none.
    pub(crate) fn until(&self, now: &Zoned) -> Option<i64> {
        let told = self.reset.and_then(|seconds| seconds.checked_mul(1000));
        let at = told.or_else(|| stated(&self.text, now))?;
        let now = now.timestamp().as_millisecond();
        (at <= now.saturating_add(MOST)).then(|| at.max(now.saturating_add(LEAST)))
    }
}

/// Lower case, with the apostrophe of a keyboard.
fn plain(text: &str) -> String {
    text.replace('’', "'").to_ascii_lowercase()
}

/// `Claude AI usage limit reached|1767229200`
fn number_after_bar(text: &str) -> Option<i64> {
    let (_, number) = text.trim().rsplit_once('|')?;
    // Seconds since 1970 have ten digits, and other numbers are no time.
    number.parse().ok().filter(|_| number.len() == 10)
}

fn stated(text: &str, now: &Zoned) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let after = |marker: &&str| lower.rfind(*marker).map(|at| at + marker.len());
    MARKERS.iter().filter_map(after).find_map(|at| {
        let rest = &text[at..];
        let length =
            length(&lower[at..]).map(|ms| now.timestamp().as_millisecond().saturating_add(ms));
        length.or_else(|| time(rest, now))
    })
}

/// Reads `2 hours 5 minutes`, `3h12m5s`, `27.5s`, in milliseconds.
fn length(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum = None;
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..digits].parse::<f64>() else { return sum };
        let unit = rest[digits..].trim_start();
        let end = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        let seconds = match &unit[..end] {
            "d" | "day" | "days" => 86_400.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "ms" => 0.001,
            _ => return sum,
        };
        // Rounded up: a moment too early the program would be refused again.
        let length = (number * seconds * 1000.0).ceil() as i64;
        sum = Some(sum.unwrap_or(0_i64).saturating_add(length));
        rest = &unit[end..];
    }
}

/// Reads `3pm`, `4:18 PM`, `Nov 24, 2:32pm (Europe/Berlin)`, `Nov 22nd, 2026 9:45 AM` or
/// `2026-11-22T09:45:00Z`. It names whole minutes, so the one after it counts.
fn time(text: &str, now: &Zoned) -> Option<i64> {
    let first = text.split_whitespace().next()?.trim_end_matches(['.', ',', ')']);
    if let Ok(at) = first.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let named = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let zone = named.and_then(|(name, _)| TimeZone::get(name).ok());
    let zone = zone.unwrap_or_else(|| now.time_zone().clone());
    let here = now.with_time_zone(zone.clone());
    let before_zone = text.split('(').next().unwrap_or_default().to_ascii_lowercase();
    let mut words = before_zone.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    let mut date = None;
    if let Some(month) = words.peek().and_then(|word| month(word)) {
        words.next();
        let day = words.next()?.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
        let year = words.next_if(|word| word.len() == 4 && word.parse::<i16>().is_ok());
        let year = year.and_then(|word| word.parse().ok());
        date = Some(in_year(year, month, day, &here)?);
    }
    words.next_if_eq(&"at");
    let time = of_day(words.next()?, words.next())?;
    let at = |date: Date| {
        let at = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
        Some(at.timestamp().as_millisecond() + LEAST)
    };
    match date {
        Some(date) => at(date),
        None => {
            let today = at(here.date())?;
            let is_over = today < here.timestamp().as_millisecond() - JUST_NOW;
            if is_over { at(here.date().tomorrow().ok()?) } else { Some(today) }
        }
    }
}

fn month(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|name| word.starts_with(name))?;
    i8::try_from(at + 1).ok()
}

/// Without a year, the next such day is meant.
fn in_year(year: Option<i16>, month: i8, day: i8, now: &Zoned) -> Option<Date> {
    let date = Date::new(year.unwrap_or(now.year()), month, day).ok()?;
    if year.is_none() && date < now.date().yesterday().ok()? {
        Date::new(now.year() + 1, month, day).ok()
    } else {
        Some(date)
    }
}

/// Reads `3pm`, `4:18pm`, `4:18` with `pm` as the next word, or `16:18`.
fn of_day(word: &str, next: Option<&str>) -> Option<Time> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(word.len());
    let (digits, half) = word.split_at(end);
    let half = if half.is_empty() { next.unwrap_or_default() } else { half };
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) => (hour.parse::<i8>().ok()?, minute.get(..2)?.parse().ok()?),
        None => (digits.parse().ok()?, 0),
    };
    let hour = match half.get(..2) {
        Some("am") if (1..=12).contains(&hour) => hour % 12,
        Some("pm") if (1..=12).contains(&hour) => hour % 12 + 12,
        _ if digits.contains(':') => hour,
        // Without `am`, `pm` or a colon the number may be anything.
        _ => return None,
    };
    Time::new(hour, minute, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T14:18:30 in this zone.
    fn now(zone: &str) -> Zoned {
        let zone = TimeZone::get(zone).expect("a zone");
        jiff::civil::date(2026, 11, 21).at(14, 18, 30, 0).to_zoned(zone).expect("a time")
    }

    fn until(text: &str) -> Option<String> {
        let now = now("UTC");
        let at = Limit::of_error(text).unwrap_or_else(|| panic!("no limit: {text}")).until(&now)?;
        let at = Timestamp::from_millisecond(at).expect("a time").to_zoned(TimeZone::UTC);
        Some(at.strftime("%m-%d %H:%M:%S").to_string())
    }

    #[test]
    fn times_as_the_programs_say_them() {
        for (text, expected) in [
            ("You've hit your session limit · resets 4:18pm (UTC)", "11-21 16:19:00"),
            ("You've hit your limit · resets 4pm (Europe/Berlin)", "11-21 15:01:00"),
            (
                "You've hit your weekly limit · resets Nov 24, 3:32pm (Europe/Berlin)",
                "11-24 14:33:00",
            ),
            ("5-hour limit reached ∙ resets 9:45am", "11-22 09:46:00"),
            ("Weekly limit reached ∙ resets Jan 2, 12am (UTC)", "01-02 00:01:00"),
            ("Claude AI usage limit reached|1795284000", "11-21 18:00:00"),
            (
                "You’ve hit your usage limit. Upgrade to Pro (https://x/pro), visit https://x to \
              purchase more credits or try again at 4:18 PM.",
                "11-21 16:19:00",
            ),
            (
                "You’ve hit your usage limit. … or try again at Nov 22nd, 2026 9:45 AM.",
                "11-22 09:46:00",
            ),
            (
                "You have exhausted your capacity on this model. Your quota will reset after 3h12m5s.",
                "11-21 17:30:35",
            ),
            (
                "Sorry, you've hit a rate limit that restricts the number of Copilot model requests \
              you can make within a specific time period. Please try again in 15 hours 23 minutes. \
              Please review our Terms",
                "11-22 05:41:30",
            ),
            (
                "Rate limit reached for gpt-x on requests per min. Please try again in 90.5s.",
                "11-21 14:20:00",
            ),
            ("usage limit; try again at 2026-11-22T09:45:00Z.", "11-22 09:45:00"),
        ] {
            assert_eq!(until(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_time_that_nobody_means_is_none() {
        for text in [
            "usage limit; try again in 99999999999999999999999 days 5 hours",
            "usage limit; try again in 9000 days",
            "usage limit; try again at 9999-12-31T00:00:00Z",
            "usage limit reached|9999999999",
        ] {
            assert_eq!(until(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_that_has_just_come_is_not_tomorrow_and_is_not_tried_at_once() {
        assert_eq!(until("session limit · resets 2:10pm (UTC)").as_deref(), Some("11-21 14:19:30"));
        assert_eq!(until("session limit · resets 2pm (UTC)").as_deref(), Some("11-22 14:01:00"));
        assert_eq!(until("quota will reset after 0s").as_deref(), Some("11-21 14:19:30"));
    }

    #[test]
    fn the_number_of_a_time_is_not_shown() {
        let limit = Limit::of_error("Claude AI usage limit reached|1795284000").expect("a limit");
        assert_eq!(limit.text, "Claude AI usage limit reached");
        assert_eq!(limit.reset, Some(1_795_284_000));
    }

    #[test]
    fn a_limit_without_a_time_has_none() {
        for text in [
            "You’ve hit your usage limit. Visit https://x to purchase more credits or try again later.",
            "API Error: Request rejected (429) · This request would exceed your account's rate limit. Please try again later.",
            "API Error: Server is temporarily limiting requests (not your usage limit) · x",
            "Quota exceeded. Check your plan and billing details.",
            "Credit balance is too low",
            "exceeded retry limit, last status: 429 Too Many Requests",
            "litellm.RateLimitError: RateLimitError: OpenAIException - x",
            "rate limit; resets at noon",
        ] {
            assert_eq!(until(text), None, "{text}");
        }
    }

    #[test]
    fn other_failures_are_no_limit() {
        for text in [
            "API Error: 400 model not found",
            "Not logged in · Please run /login",
            "Reached maximum number of turns (1)",
            "Context limit reached · /compact or /clear to continue",
            "stream disconnected before completion",
        ] {
            assert_eq!(Limit::of_error(text), None, "{text}");
        }
    }

    #[test]
    fn of_plain_text_only_the_programs_own_last_line_counts() {
        let said = "work\nYou've hit your session limit · resets 4:18pm (UTC)\n\n";
        assert!(Limit::of_last_line(said).is_some());
        assert_eq!(Limit::of_last_line("You've hit your limit · resets 3pm\nSTATUS: DONE"), None);
        assert_eq!(Limit::of_last_line("I test that the rate limit is 3 per second."), None);
        assert_eq!(Limit::of_last_line(""), None);
    }
}
