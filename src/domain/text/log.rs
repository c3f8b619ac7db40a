//! The output of a program, for a terminal.
//!
//! Invariant: pure. Escape sequences are left out, whatever chunks the output comes in; other control
//! and hidden characters are shown, so nothing moves the cursor, sets the title or writes over a line.

use super::hidden::shown;

/// At most this many characters belong to one escape sequence: a longer one hides nothing.
const MAX_LENGTH: usize = 4096;

/// Where in the output the cleaner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Text,
    /// Behind an escape character.
    Escape,
    /// In a sequence that ends with a letter.
    Control,
    /// In a string that a bell, or an escape character and a backslash, ends.
    Quoted,
    /// In such a string, behind an escape character.
    End,
    /// One more character belongs to the sequence.
    One,
}

/// Takes escape sequences out of output that comes in chunks.
#[derive(Debug, Default)]
pub(crate) struct LogCleaner {
    place: Place,
    length: usize,
    /// Bytes of a character that is not whole yet.
    rest: Vec<u8>,
    before: Option<char>,
    /// A carriage return, which is the end of a line with or without a newline behind it.
    returned: bool,
}

impl LogCleaner {
    /// Returns the text in the next bytes.
    pub(crate) fn clean(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.rest);
        let mut out = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|c| self.put(c, &mut out));
            let invalid = chunk.invalid();
            let is_last = chunks.peek().is_none();
            if is_last && !invalid.is_empty() && may_continue(invalid) {
                self.rest = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.put('\u{fffd}', &mut out);
            }
        }
        out
    }

    fn put(&mut self, c: char, out: &mut String) {
        self.length += 1;
        let is_over = self.length > MAX_LENGTH || c == '\n';
        if self.place != Place::Text && is_over {
            self.place = Place::Text;
        }
        self.place = match (self.place, c) {
            (Place::Text, '\u{1b}') => self.begin(Place::Escape),
            (Place::Text, '\u{9b}') => self.begin(Place::Control),
            (Place::Text, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => {
                self.begin(Place::Quoted)
            }
            (Place::Text, c) => {
                self.show(c, out);
                Place::Text
            }
            (Place::Escape, '[') => Place::Control,
            (Place::Escape, ']' | 'P' | 'X' | '^' | '_') => Place::Quoted,
            (Place::Escape, ' '..='/') => Place::One,
            (Place::Control, c) if !('\u{40}'..='\u{7e}').contains(&c) => Place::Control,
            (Place::Quoted, '\u{1b}') => Place::End,
            (Place::Quoted, c) if c != '\u{7}' && c != '\u{9c}' => Place::Quoted,
            (Place::End, c) if c != '\\' => Place::Quoted,
            (Place::Escape | Place::Control | Place::Quoted | Place::End | Place::One, _) => {
                Place::Text
            }
        };
    }

    fn begin(&mut self, place: Place) -> Place {
        self.length = 0;
        place
    }

    fn show(&mut self, c: char, out: &mut String) {
        // A line that is written over stays visible.
        if std::mem::take(&mut self.returned) && c != '\n' && c != '\r' {
            out.push('\n');
        }
        match c {
            '\r' => self.returned = true,
            '\n' | '\t' => out.push(c),
            c => match shown(c, self.before) {
                Some(shown) => out.push_str(&shown),
                None => out.push(c),
            },
        }
        self.before = Some(c);
    }
}

/// Returns true if more bytes could make these a character.
fn may_continue(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::LogCleaner;

    fn clean(text: &str) -> String {
        LogCleaner::default().clean(text.as_bytes())
    }

    #[test]
    fn escape_sequences_are_left_out() {
        assert_eq!(clean("a\u{1b}[31mb\u{1b}[0m\u{1b}[2J\u{1b}[1;1Hc"), "abc");
        assert_eq!(clean("a\u{1b}]0;title\u{7}b\u{1b}]8;;x\u{1b}\\c"), "abc");
        assert_eq!(clean("a\u{1b}(Bb\u{1b}7c\u{9b}31md\u{1b}Pq\u{1b}\\e"), "abcde");
        assert_eq!(clean("a\u{1b}]52;c;never ended\nb"), "a\nb");
    }

    #[test]
    fn nothing_writes_over_a_line() {
        assert_eq!(clean("10%\r20%\r\nx\u{8}y\u{202e}z"), "10%\n20%\nx\\u{8}y<U+202E>z");
    }

    #[test]
    fn chunks_end_anywhere() {
        let text = "ö\u{1b}[31m日\u{1b}]0;t\u{7}\r\nx".as_bytes();
        for at in 0..text.len() {
            let mut cleaner = LogCleaner::default();
            let both = cleaner.clean(&text[..at]) + &cleaner.clean(&text[at..]);
            assert_eq!(both, "ö日\nx", "{at}");
        }
        assert_eq!(LogCleaner::default().clean(b"a\xffb"), "a\u{fffd}b");
    }
}
