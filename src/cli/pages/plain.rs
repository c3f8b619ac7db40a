//! Man pages as plain text, for a terminal on which they are not installed.
//!
//! Invariant: understands what [`man`](super::man) writes, and no more of roff.

/// Indentation of text below a heading, as `man` has it.
const INDENT: usize = 7;

/// Renders a page for a terminal of this width.
pub(super) fn text(roff: &str, width: usize) -> String {
    let mut page = Page::new(width);
    for line in roff.lines() {
        page.line(line);
    }
    page.end();
    page.text.trim_start().to_owned()
}

/// Returns the part of a rendered page below the heading with this name, whatever its case, with the
/// heading; `None` if there is no such heading.
pub(super) fn section(text: &str, name: &str) -> Option<String> {
    let is_heading = |line: &&str| line.starts_with(|c: char| c.is_ascii_uppercase());
    let mut lines = text.lines().skip_while(|line| !names(line, name));
    let heading = lines.next()?;
    let body: Vec<&str> = lines.take_while(|line| !is_heading(line)).collect();
    Some(format!("{heading}\n{}\n", body.join("\n").trim_end()))
}

/// Returns the headings of a rendered page.
pub(super) fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// Returns true if a heading is the one that is meant: `files` means `FILES AND REFS`.
fn names(heading: &str, name: &str) -> bool {
    let bare = |text: &str| text.to_lowercase().replace(['-', '_'], " ");
    let (heading, name) = (bare(heading), bare(name));
    let rest = heading.strip_prefix(&name);
    !name.trim().is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

struct Page {
    text: String,
    width: usize,
    /// How deep the text is below its heading: items of lists, and lists in items.
    depth: usize,
    /// The depths outside of each `.RS`.
    outer: Vec<usize>,
    /// The next line is the term of an item.
    is_term: bool,
    is_verbatim: bool,
    /// Nothing has come below the newest heading.
    is_after_heading: bool,
    /// The words of the open paragraph.
    words: Vec<String>,
}

impl Page {
    fn new(width: usize) -> Page {
        Page {
            text: String::new(),
            width: width.clamp(40, 100),
            depth: 0,
            outer: Vec::new(),
            is_term: false,
            is_verbatim: false,
            is_after_heading: false,
            words: Vec::new(),
        }
    }

    fn line(&mut self, line: &str) {
        let Some(request) = line.strip_prefix('.') else { return self.body(line) };
        let (name, rest) = request.split_once(' ').unwrap_or((request, ""));
        match name {
            "SH" | "SS" => {
                self.end();
                (self.depth, self.is_term) = (0, false);
                self.outer.clear();
                let indent = if name == "SH" { "" } else { "   " };
                self.text += &format!("\n{indent}{}\n", readable(rest));
                self.is_after_heading = true;
            }
            "PP" => {
                self.paragraph();
                self.depth = self.outer.last().copied().unwrap_or(0);
            }
            "IP" => self.paragraph(),
            "TP" => {
                self.paragraph();
                self.depth = self.outer.last().copied().unwrap_or(0);
                self.is_term = true;
            }
            "RS" => {
                self.end();
                self.depth += usize::from(self.outer.last() == Some(&self.depth));
                self.outer.push(self.depth.max(1));
            }
            "RE" => {
                self.end();
                self.outer.pop();
                self.depth = self.outer.last().copied().unwrap_or(0);
            }
            "nf" => {
                self.end();
                self.is_verbatim = true;
            }
            "fi" => self.is_verbatim = false,
            "br" => self.end(),
            "BR" => self.body(&rest.replacen(' ', "", 1)),
            _ => {}
        }
    }

    fn body(&mut self, line: &str) {
        let line = readable(line);
        self.is_after_heading = false;
        if self.is_verbatim {
            let indent = " ".repeat(INDENT + 4);
            self.text += &format!("{indent}{line}\n");
        } else if std::mem::take(&mut self.is_term) {
            let indent = self.indent();
            self.text += &format!("{indent}{line}\n");
            self.depth += 1;
        } else if line.is_empty() {
            self.paragraph();
        } else {
            self.words.extend(line.split_whitespace().map(str::to_owned));
        }
    }

    /// Ends the open paragraph, with an empty line below it.
    fn paragraph(&mut self) {
        self.end();
        if !self.is_after_heading && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Writes the open paragraph, wrapped.
    fn end(&mut self) {
        let indent = self.indent();
        let mut line = indent.clone();
        for word in std::mem::take(&mut self.words) {
            let has_words = line.len() > indent.len();
            if has_words && line.chars().count() + 1 + word.chars().count() > self.width {
                self.text += &format!("{line}\n");
                line = indent.clone() + &word;
            } else {
                line += if has_words { " " } else { "" };
                line += &word;
            }
        }
        if line.len() > indent.len() {
            self.text += &format!("{line}\n");
        }
    }

    fn indent(&self) -> String {
        " ".repeat(INDENT + 4 * self.depth)
    }
}

/// Returns a line without fonts and with the characters that its escapes stand for.
fn readable(line: &str) -> String {
    let escapes = [
        ("\\fB", ""),
        ("\\fI", ""),
        ("\\fR", ""),
        ("\\&", ""),
        ("\\-", "-"),
        ("\\*(Aq", "'"),
        ("\\(aq", "'"),
        ("\\(dq", "\""),
        ("\\(bu", "•"),
        ("\\(ti", "~"),
        ("\\(ha", "^"),
        ("\\e", "\\"),
    ];
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        text += &rest[..at];
        rest = &rest[at..];
        let known = escapes.iter().find(|(escape, _)| rest.starts_with(escape));
        let (escape, meaning) = known.copied().unwrap_or(("\\", "\\"));
        text += meaning;
        rest = &rest[escape.len()..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_readable_without_man() {
        let roff = ".TH x 1\n.SH NAME\nx \\- does it\n.SH OPTIONS\n.TP\n\\fB\\-a\\fR\nOne two three \
                    four five six seven eight.\n.PP\nAn agent\\(aqs word.\n.nf\n$ x \\e\n.fi\n";
        let wanted = "NAME\n       x - does it\n\nOPTIONS\n       -a\n           One two three four \
                      five six\n           seven eight.\n\n       An agent's word.\n           $ x \\\n";
        assert_eq!(text(roff, 40), wanted);
        let below = "OPTIONS\n       -a\n";
        assert!(section(&text(roff, 40), "options").is_some_and(|it| it.starts_with(below)));
        assert_eq!(section(&text(roff, 40), "option"), None);
        assert_eq!(headings(&text(roff, 40)).collect::<Vec<_>>(), ["NAME", "OPTIONS"]);
    }

    #[test]
    fn every_page_has_no_roff_left() {
        for (name, page) in super::super::all().expect("the pages") {
            if name.starts_with("man/") {
                let page = text(&String::from_utf8(page).expect("UTF-8"), 80);
                assert!(!page.contains("\\f") && !page.contains("\\("), "{name}:\n{page}");
                assert!(page.starts_with("NAME\n"), "{name}:\n{page}");
            }
        }
    }
}
