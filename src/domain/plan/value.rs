//! Single values of a task: yes or no, a duration, a path.
//!
//! Invariant: a value that cannot be read is `None`; the caller, which knows the line, reports it.

/// Longest time limit that is accepted, in seconds: thirty days. Anything longer is a mistake.
const MAX_SECONDS: u64 = 30 * 24 * 60 * 60;

/// Reads a word for yes or no; anything after it is a remark.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let text = text.trim().trim_start_matches('`');
    let word = text.split(ends_word).next().unwrap_or(text);
    match word.trim_end_matches('`').to_lowercase().as_str() {
        "true" | "yes" | "y" | "✓" | "✅" | "是" => Some(true),
        "false" | "no" | "n" | "✗" | "❌" | "否" => Some(false),
        _ => None,
    }
}

/// Returns what follows the first word: `shares a.rs` of `no (shares a.rs)`.
pub(crate) fn remark(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('`');
    let rest = &text[text.find(ends_word)?..];
    let rest = rest.trim_matches(|c: char| ends_word(c) || "`)）".contains(c));
    rest.contains(char::is_alphabetic).then(|| rest.to_owned())
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || "(（,.;—–-".contains(c)
}

/// Reads a duration (`30m`, `1h30m`, `90 seconds`, or plain seconds) in seconds, at least one.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let text = text.trim().trim_matches('`');
    // jiff takes no number without a unit.
    let seconds = match text.parse() {
        Ok(seconds) => seconds,
        Err(_) => {
            let span: jiff::SignedDuration = text.parse().ok()?;
            u64::try_from(span.as_secs()).ok()?
        }
    };
    (1..=MAX_SECONDS).contains(&seconds).then_some(seconds)
}

/// Returns a path in the form used for comparisons: without `./`, a trailing `:12-40` and
/// surrounding spaces.
pub(crate) fn path(text: &str) -> Option<String> {
    let text = text.trim();
    let is_lines = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_digit() || "-–:, ".contains(c))
    };
    let cut = text.match_indices(':').find(|(at, _)| is_lines(&text[at + 1..]));
    let text = cut.map_or(text, |(at, _)| &text[..at]);
    // GitHub names a line of a file as `a.rs#L12`.
    let mut text = text.split_once("#L").map_or(text, |(path, _)| path);
    while let Some(rest) = text.strip_prefix("./") {
        text = rest;
    }
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns a title on one line, without control characters that a terminal would interpret.
pub(crate) fn title(text: &str) -> String {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    text.split(is_gap).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Returns true if a value means "nothing": `none`, `-`, `n/a`, `[]` and the like.
pub(crate) fn is_nothing(text: &str) -> bool {
    let text = text.trim().trim_matches(['`', '"', '\'', '*']);
    // The first word decides: `None (independent)`, `none, runs first`.
    let first = text.split([' ', ',', ';', ':', '\t']).next().unwrap_or_default();
    let word = first.trim_end_matches(['.', '!']).to_lowercase();
    let words = [
        "", "none", "nothing", "no", "n/a", "na", "nil", "null", "-", "—", "–", "∅", "无", "無",
        "なし", "[]",
    ];
    words.contains(&word.as_str())
}

/// Drops text in parentheses, nested ones too.
pub(crate) fn without_remarks(text: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_have_many_spellings_and_remarks() {
        assert_eq!(boolean("true"), Some(true));
        assert_eq!(boolean("Yes — disjoint files"), Some(true));
        assert_eq!(boolean("`false` (shares `a.rs`)"), Some(false));
        assert_eq!(boolean("no, it edits the schema"), Some(false));
        assert_eq!(boolean("maybe"), None);
        assert_eq!(boolean(""), None);
    }

    #[test]
    fn a_remark_follows_the_first_word() {
        assert_eq!(remark("`false` (shares `a.rs`)").as_deref(), Some("shares `a.rs"));
        assert_eq!(remark("no, it edits the schema").as_deref(), Some("it edits the schema"));
        assert_eq!(remark("false — one terminal").as_deref(), Some("one terminal"));
        assert_eq!((remark("false"), remark("no."), remark("`false` ()")), (None, None, None));
    }

    #[test]
    fn durations_become_seconds() {
        assert_eq!(seconds("30m"), Some(1800));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("90"), Some(90));
        assert_eq!(seconds("2 hours"), Some(7200));
        for bad in ["", "0", "-5m", "soon", "1 year", "999999999999999999999"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn line_numbers_are_not_part_of_a_path() {
        assert_eq!(path("src/a.rs:12-40").as_deref(), Some("src/a.rs"));
        assert_eq!(path("src/a.rs:54-60, 70").as_deref(), Some("src/a.rs"));
        assert_eq!(path("./src/a.rs:7").as_deref(), Some("src/a.rs"));
        assert_eq!(path("a:b.txt").as_deref(), Some("a:b.txt"));
        assert_eq!(path("src/a.rs#L12-L40").as_deref(), Some("src/a.rs"));
        assert_eq!(path(" "), None);
    }
}
