//! Code blocks of Markdown, line by line.
//!
//! Invariant: a fence is closed by one of the same character that is at least as long, and a line of
//! backticks that holds further ones opens none (CommonMark 4.5).

/// The open code block, by the mark of its fence.
#[derive(Default)]
pub(crate) struct Fence(Option<(char, usize)>);

impl Fence {
    /// Returns true for a line of a code block, including its fences.
    pub(crate) fn holds(&mut self, line: &str) -> bool {
        // In a list a fence is indented.
        let line = line.trim();
        let mark = line.chars().next().filter(|c| "`~".contains(*c)).unwrap_or(' ');
        let length = line.chars().take_while(|c| *c == mark && mark != ' ').count();
        let rest = line.get(length..).unwrap_or_default();
        match self.0 {
            Some((open, least)) => {
                if mark == open && length >= least && rest.trim().is_empty() {
                    self.0 = None;
                }
                true
            }
            None if length >= 3 && !(mark == '`' && rest.contains('`')) => {
                self.0 = Some((mark, length));
                true
            }
            None => false,
        }
    }

    /// Returns true if a code block is open after the last line.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_some()
    }
}
