//! Text for people: lengths of time, counts, and what a terminal must not obey.
//!
//! Invariant: whatever a plan or an agent wrote comes out as text that a terminal only shows.

/// Returns a length of time for people: `0.4s`, `12s`, `3m 05s`, `2h 10m`.
pub(crate) fn span(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match seconds {
        0..=9 => format!("{:.1}s", milliseconds.max(0) as f64 / 1000.0),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Returns text from a plan or an agent so that a terminal only shows it: what would be a command
/// to the terminal becomes visible, a line break a space.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => " ".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.trim_end().chars().map(shown).collect()
}

/// Returns `1 task`, `2 tasks`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Returns a text in one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let texts = [400, 12_000, 185_000, 7_800_000].map(span);
        assert_eq!(texts, ["0.4s", "12s", "3m 05s", "2h 10m"]);
    }
}
