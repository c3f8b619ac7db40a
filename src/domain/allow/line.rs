//! A command line, taken apart as a shell would.
//!
//! Invariant: what is in quotes is one word, and only what is outside of them joins commands. A line
//! whose quotes are not closed still comes apart.

/// The commands of a line, each as its words; the targets of redirections are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub commands: Vec<Vec<String>>,
    /// A command reads its input from a file, or from the command before it.
    pub is_fed: bool,
}

/// Takes a line apart.
pub(super) fn split(text: &str) -> Line {
    let (mut line, mut words) = (Line::default(), Vec::<String>::new());
    let mut word: Option<String> = None;
    let (mut quote, mut is_target) = (None, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('<' | '>', None) => {
                line.is_fed |= c == '<';
                // The number before it is that of the stream.
                let is_number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
                words.extend(word.take().filter(|word| !is_number(word) && !is_target));
                is_target = true;
                while chars.next_if(|next| "<>&|".contains(*next)).is_some() {}
            }
            (c, None) if c.is_whitespace() || ";&|\n".contains(c) => {
                if let Some(word) = word.take() {
                    words.extend((!is_target).then_some(word));
                    is_target = false;
                }
                if ";&|\n".contains(c) {
                    line.commands.push(std::mem::take(&mut words));
                    line.is_fed |= c == '|' && chars.next_if_eq(&'|').is_none();
                }
            }
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.filter(|_| !is_target));
    line.commands.push(words);
    line.commands.retain(|words| !words.is_empty());
    line
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn quotes_and_operators() {
        let commands = |text: &str| split(text).commands;
        assert_eq!(commands("a 'b c' d\"e\"f"), [["a", "b c", "def"]]);
        assert_eq!(commands("a && b; c | d"), [["a"], ["b"], ["c"], ["d"]]);
        assert_eq!(commands(r"\sh py''thon"), [["sh", "python"]]);
        assert_eq!(commands("a '; b"), [["a", "; b"]]);
        assert_eq!(commands("a >out 2>&1 b"), [["a", "b"]]);
        assert!(split("sh <x").is_fed && split("a | b").is_fed && !split("a || b").is_fed);
    }
}
