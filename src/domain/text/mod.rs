//! Text for people: durations, counts, and text that is safe to print on a terminal.
//!
//! Invariant: text that a plan or an agent wrote comes out without control characters and without
//! characters that nobody sees, so a terminal only shows it.

pub(crate) mod fault;
mod fence;
mod hidden;
mod log;
mod own_words;
pub(crate) mod secret;
mod suggestion;

pub(crate) use fence::Fence;
pub(crate) use hidden::{escaped_json, is_hidden, styled, visible};
pub(crate) use log::LogCleaner;
pub(crate) use own_words::{Given, is_statement, own_lines};
pub(crate) use suggestion::nearest;

/// Returns a duration for people: `0.4s`, `12s`, `3m05s`, `2h10m`.
pub(crate) fn span(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match seconds {
        0..=9 => format!("{:.1}s", milliseconds.max(0) as f64 / 1000.0),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Returns text from a plan or an agent with its control and hidden characters made visible, and line
/// breaks as spaces.
///
/// Without this, an escape sequence in a title or a report could move the cursor, change the
/// window's title, or hide text from the user.
pub(crate) fn printable(text: &str) -> String {
    hidden::reveal(&text.trim_end().replace(['\n', '\t'], " "), |_| false)
}

/// Returns `1 task`, `2 tasks`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Returns a text on one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let texts = [400, 12_000, 185_000, 7_800_000].map(span);
        assert_eq!(texts, ["0.4s", "12s", "3m05s", "2h10m"]);
    }
}
