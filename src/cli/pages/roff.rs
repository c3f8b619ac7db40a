//! Text as roff, the format of man pages.
//!
//! Invariant: special characters are escaped, so no line of text becomes a roff request.

/// Returns a list entry: a term in this font (`B` or `I`), and what it means.
pub(super) fn entry(font: &str, term: &str, text: &str) -> String {
    format!(".TP\n\\f{font}{}\\fR\n{}\n", roff(term), roff(text))
}

/// Returns text as roff, with `commands` in bold and _names_ in italics.
pub(super) fn roff(text: &str) -> String {
    let mut out = String::new();
    let mut open = None;
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let doubled = chars.peek() == Some(&'_');
        let begins = c == '`' || (c == '_' && !doubled && (before == ' ' || before == '('));
        // The underscores in $GIT_COMMON_DIR neither begin nor end a name.
        let ends = c == '`' || !chars.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '`' | '_' if open == Some(c) && ends => {
                out.push_str("\\fR");
                open = None;
            }
            '`' | '_' if open.is_none() && begins => {
                out.push_str(if c == '`' { "\\fB" } else { "\\fI" });
                open = Some(c);
            }
            c => escape(c, &mut out),
        }
        before = c;
    }
    out
}

/// Returns text as roff, without any markup.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| escape(c, &mut out));
    out
}

fn escape(c: char, out: &mut String) {
    match c {
        // man shows the plain signs as typographic ones, which no shell takes when they are pasted.
        '\\' => out.push_str("\\e"),
        '-' => out.push_str("\\-"),
        '\'' => out.push_str("\\(aq"),
        '"' => out.push_str("\\(dq"),
        '`' => out.push_str("\\(ga"),
        '~' => out.push_str("\\(ti"),
        '^' => out.push_str("\\(ha"),
        '.' if out.is_empty() => out.push_str("\\&."),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, roff};

    #[test]
    fn text_becomes_roff() {
        assert_eq!(roff("a `b -c` d's"), "a \\fBb \\-c\\fR d\\(aqs");
        assert_eq!(roff("in _x y_ and a_b"), "in \\fIx y\\fR and a_b");
        assert_eq!(roff("(a, __b__)"), "(a, __b__)");
        assert_eq!(roff("_$A_B/c_ d"), "\\fI$A_B/c\\fR d");
        assert_eq!(plain(".x \\n _y"), "\\&.x \\en _y");
    }
}
