//! Characters that a reader does not see, or that change how a terminal shows the text after them.
//!
//! Invariant: pure. Such a character is shown as what it is, never left out: a reader must know that it
//! is there. What a language or an emoji is written with stays.

/// Returns true for a character that is not seen, or that turns around the text after it.
///
/// Without a look at its neighbours; [`shown`] has one.
pub(crate) fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns how a character is shown after another one; `None` if it is shown as it is.
pub(super) fn shown(c: char, before: Option<char>) -> Option<String> {
    // Joiners are part of how some languages, and of how many emojis, are written.
    let joins = |before: char| matches!(before, '\u{600}'..='\u{1cff}' | '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
    match c {
        c if c.is_control() => Some(c.escape_default().to_string()),
        '\u{200c}' | '\u{200d}' if before.is_some_and(joins) => None,
        c if is_hidden(c) => Some(format!("<U+{:04X}>", u32::from(c))),
        _ => None,
    }
}

/// Returns a text with control and hidden characters shown, except for these.
pub(super) fn reveal(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        match shown(c, before).filter(|_| !keeps(c)) {
            Some(shown) => out.push_str(&shown),
            None => out.push(c),
        }
        before = Some(c);
    }
    out
}

/// Returns a text of several lines with control and hidden characters shown.
pub(crate) fn visible(text: &str) -> String {
    reveal(text, |c| c == '\n' || c == '\t')
}

/// Returns a text of ours for a terminal: as [`visible`], but styles stay, which are the only escape
/// sequences that we write ourselves.
pub(crate) fn styled(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        let (plain, escape) = rest.split_at(at);
        out.push_str(&visible(plain));
        let length = style_length(escape).unwrap_or(0);
        let (style, after) = escape.split_at(length);
        out.push_str(style);
        rest = after;
        if length == 0 {
            out.push_str(&visible("\u{1b}"));
            rest = &rest[1..];
        }
    }
    out + &visible(rest)
}

/// Returns the length of the style that a text begins with: `ESC [ 1 ; 31 m`.
fn style_length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("\u{1b}[")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    rest[end..].starts_with('m').then_some(2 + end + 1)
}

/// Returns JSON in which hidden characters are escaped, so that it is the same value.
pub(crate) fn escaped_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) || c.is_control() && !c.is_ascii_whitespace() {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown() {
        assert_eq!(
            visible("a\u{202e}b\u{200b}\u{feff}c\n\td\u{7f}"),
            "a<U+202E>b<U+200B><U+FEFF>c\n\td\\u{7f}"
        );
        assert_eq!(visible("\u{1b}]0;x\u{7}"), "\\u{1b}]0;x\\u{7}");
        assert_eq!(
            visible("größe 日本 ❤\u{fe0f} 👨\u{200d}👩"),
            "größe 日本 ❤\u{fe0f} 👨\u{200d}👩"
        );
        assert_eq!(visible("a\u{200d}b \u{e0041}"), "a<U+200D>b <U+E0041>");
    }

    #[test]
    fn our_own_styles_stay() {
        assert_eq!(styled("\u{1b}[1;31mx\u{1b}[0m ö"), "\u{1b}[1;31mx\u{1b}[0m ö");
        assert_eq!(styled("\u{1b}[2Jx\u{1b}"), "\\u{1b}[2Jx\\u{1b}");
        assert_eq!(styled("a\rb"), "a\\rb");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = "a\u{202e}\u{e0041}\u{7f}ö\n";
        let json = escaped_json(&serde_json::to_string(value).expect("JSON"));
        assert_eq!(json, "\"a\\u202e\\udb40\\udc41\\u007fö\\n\"");
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), value);
    }
}
