//! Markdown as a flat list of the parts that matter to a plan: headings, lines, code, tables.
//!
//! Invariant: the structure comes from a CommonMark parser alone, so text in a code block, a quote
//! or a comment is never mistaken for a heading or a key. Knows the places of things, not their
//! meaning.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The parts of a document, in order.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) nodes: Vec<OutlineNode>,
}

#[derive(Debug)]
pub(super) struct OutlineNode {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) range: Range<usize>,
    pub(super) kind: NodeKind,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    /// `underlined` means by `---` or `===`, which the author may have meant as a rule below a
    /// paragraph.
    Heading {
        level: u8,
        text: String,
        underlined: bool,
        lines: Vec<TextLine>,
    },
    Line(TextLine),
    /// Code, fenced or indented. `closed` is false if the fence runs to the end of the file.
    /// `inner` is the line of a fence in it that opens like its own: the author meant a block in a
    /// block, but CommonMark ends the outer block at the end of the inner one.
    Code {
        closed: bool,
        inner: Option<usize>,
    },
    Table(Table),
    /// A quote, raw HTML or a heading inside a list; nothing in it is read as the plan's own text.
    Aside {
        closed: bool,
    },
    Rule,
}

/// One line of a paragraph or a list item, without the marks of emphasis.
#[derive(Debug, Clone, Default)]
pub(super) struct TextLine {
    pub(super) number: usize,
    /// The text, with code between backquotes.
    pub(super) text: String,
    /// The number of emphasised bytes at the start.
    pub(super) bold: usize,
    /// The number of lists around it.
    pub(super) depth: usize,
    pub(super) starts_item: bool,
    /// Begins with `[ ]` or `[x]`.
    pub(super) checkbox: bool,
    /// Begins with `[x]`.
    pub(super) ticked: bool,
}

/// The texts of a table's cells.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<TableRow>,
}

#[derive(Debug)]
pub(super) struct TableRow {
    pub(super) line: usize,
    pub(super) cells: Vec<String>,
}

/// The starts of all lines, to turn byte offsets into line numbers.
#[derive(Debug)]
pub(super) struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub(super) fn new(text: &str) -> LineIndex {
        let bytes = text.as_bytes();
        // A lone CR ends a line in CommonMark too.
        let ends = |at: &usize| match bytes[*at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let after = (0..bytes.len()).filter(ends).map(|at| at + 1);
        LineIndex { starts: std::iter::once(0).chain(after).collect() }
    }

    /// Returns the line that holds an offset, counted from 1.
    pub(super) fn at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }
}

/// Reads a document from `start` on, which is after any front matter.
pub(super) fn read(source: &str, start: usize, lines: &LineIndex) -> Outline {
    let mut builder = OutlineBuilder::new(source, lines);
    // No other extension: the signs of footnotes, math and the like are text of the plan.
    let parser =
        Parser::new_ext(&source[start..], Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS);
    for (event, range) in parser.into_offset_iter() {
        builder.event(event, range.start + start..range.end + start);
    }
    Outline { nodes: builder.nodes }
}

struct OutlineBuilder<'a> {
    source: &'a str,
    lines: &'a LineIndex,
    nodes: Vec<OutlineNode>,
    line: Option<(TextLine, Range<usize>)>,
    /// The finished lines of the open heading.
    heading: Option<Vec<TextLine>>,
    table: Option<Table>,
    row: Vec<String>,
    depth: usize,
    starts_item: bool,
    checkbox: bool,
    ticked: bool,
    /// The number of open blocks whose text is not read.
    asides: usize,
    in_list_heading: bool,
    emphasis: Vec<Emphasis>,
}

/// How the marks of an open emphasis are treated.
#[derive(Debug, Clone, Copy)]
enum Emphasis {
    /// The emphasis begins the line; its end is stored in [`TextLine::bold`].
    Leading,
    /// The marks stay in the text.
    Kept(&'static str),
}

impl<'a> OutlineBuilder<'a> {
    fn new(source: &'a str, lines: &'a LineIndex) -> OutlineBuilder<'a> {
        OutlineBuilder {
            source,
            lines,
            nodes: Vec::new(),
            line: None,
            heading: None,
            table: None,
            row: Vec::new(),
            depth: 0,
            starts_item: false,
            checkbox: false,
            ticked: false,
            asides: 0,
            in_list_heading: false,
            emphasis: Vec::new(),
        }
    }

    fn event(&mut self, event: Event, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(&tag, range),
            _ if self.asides > 0 => {}
            Event::Code(code) => self.push(&["`", &code, "`"], range),
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => {
                self.push(&[&text], range);
            }
            Event::SoftBreak | Event::HardBreak => self.flush(),
            Event::TaskListMarker(ticked) => (self.checkbox, self.ticked) = (true, ticked),
            Event::Rule => self.node(NodeKind::Rule, range),
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag, range: Range<usize>) {
        match tag {
            Tag::CodeBlock(_) | Tag::BlockQuote(_) | Tag::HtmlBlock => {
                self.aside(tag, range);
                // Counted, because blocks nest: a quote may hold code.
                self.asides += 1;
            }
            _ if self.asides > 0 => {}
            // A heading in a list is part of its item, and neither begins nor ends a task.
            Tag::Heading { .. } if self.depth > 0 => {
                self.aside(tag, range);
                self.asides += 1;
                self.in_list_heading = true;
            }
            Tag::Heading { .. } => {
                self.flush();
                self.heading = Some(Vec::new());
            }
            Tag::List(_) => {
                self.flush();
                self.depth += 1;
            }
            Tag::Item => {
                self.flush();
                (self.starts_item, self.checkbox, self.ticked) = (true, false, false);
            }
            Tag::Table(_) => {
                self.flush();
                self.table = Some(Table::default());
            }
            Tag::Strong | Tag::Emphasis => self.open_emphasis(range),
            Tag::Link { .. } | Tag::Image { .. } | Tag::TableCell => {}
            _ => self.flush(),
        }
    }

    fn end(&mut self, tag: &TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::CodeBlock | TagEnd::BlockQuote(_) | TagEnd::HtmlBlock => self.asides -= 1,
            TagEnd::Heading(_) if self.in_list_heading => {
                self.asides -= 1;
                self.in_list_heading = false;
            }
            _ if self.asides > 0 => {}
            TagEnd::Heading(level) => self.end_heading(*level, range),
            TagEnd::List(_) => {
                self.flush();
                self.depth -= 1;
            }
            TagEnd::TableCell => {
                let text = self.line.take().map(|(line, _)| line.text);
                self.row.push(text.unwrap_or_default());
            }
            TagEnd::TableHead => {
                let header = std::mem::take(&mut self.row);
                self.table.iter_mut().for_each(|table| table.header = header.clone());
            }
            TagEnd::TableRow => {
                let cells = std::mem::take(&mut self.row);
                let row = TableRow { line: self.lines.at(range.start), cells };
                if let Some(table) = &mut self.table {
                    table.rows.push(row);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.node(NodeKind::Table(table), range);
                }
            }
            TagEnd::Strong | TagEnd::Emphasis => self.close_emphasis(),
            TagEnd::Link | TagEnd::Image => {}
            _ => self.flush(),
        }
    }

    fn push(&mut self, parts: &[&str], range: Range<usize>) {
        let (line, whole) = self.line.get_or_insert_with(|| {
            let line = TextLine {
                number: self.lines.at(range.start),
                depth: self.depth,
                // Taken, because only the first line of an item has them.
                starts_item: std::mem::take(&mut self.starts_item),
                checkbox: std::mem::take(&mut self.checkbox),
                ticked: std::mem::take(&mut self.ticked),
                ..TextLine::default()
            };
            (line, range.clone())
        });
        parts.iter().for_each(|part| line.text.push_str(part));
        whole.end = range.end;
    }

    /// Begins an emphasis. The marks inside a line are kept, since `__tests__` in a path is not
    /// meant as emphasis.
    fn open_emphasis(&mut self, range: Range<usize>) {
        let marks = &self.source[range.clone()];
        let emphasis = match () {
            () if self.line.is_none() => Emphasis::Leading,
            () if marks.starts_with("__") => Emphasis::Kept("__"),
            () if marks.starts_with('_') => Emphasis::Kept("_"),
            () => Emphasis::Kept(""),
        };
        if let Emphasis::Kept(marks) = emphasis {
            self.push(&[marks], range.start..range.start + marks.len());
        }
        self.emphasis.push(emphasis);
    }

    fn close_emphasis(&mut self) {
        let Some((line, _)) = &mut self.line else { return };
        match self.emphasis.pop() {
            Some(Emphasis::Leading) => line.bold = line.text.len(),
            Some(Emphasis::Kept(marks)) => line.text.push_str(marks),
            None => {}
        }
    }

    fn end_heading(&mut self, level: HeadingLevel, range: Range<usize>) {
        self.flush();
        let lines = self.heading.take().unwrap_or_default();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let underlined = !self.source[range.clone()].trim_start().starts_with('#');
        let kind =
            NodeKind::Heading { level: level as u8, text: texts.join(" "), underlined, lines };
        self.node(kind, range);
    }

    fn aside(&mut self, tag: &Tag, range: Range<usize>) {
        self.flush();
        if self.asides > 0 {
            return;
        }
        let text = &self.source[range.clone()];
        let kind = match tag {
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => {
                let first = self.lines.at(range.start);
                let inner = inner_fence(text).map(|below| first + below);
                NodeKind::Code { closed: is_closed(text), inner }
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => NodeKind::Code { closed: true, inner: None },
            _ => NodeKind::Aside { closed: !text.starts_with("<!--") || text.contains("-->") },
        };
        self.node(kind, range);
    }

    /// Ends the open line.
    fn flush(&mut self) {
        let Some((line, range)) = self.line.take() else { return };
        // An emphasis that spans lines would end in a line that it does not begin.
        self.emphasis.clear();
        match &mut self.heading {
            Some(lines) => lines.push(line),
            None => self.node(NodeKind::Line(line), range),
        }
    }

    fn node(&mut self, kind: NodeKind, range: Range<usize>) {
        let line = self.lines.at(range.start);
        self.nodes.push(OutlineNode { line, range, kind });
    }
}

/// Returns the first line of a fenced block, counted from its start, that would itself open a
/// block, such as ```` ```bash ````.
fn inner_fence(block: &str) -> Option<usize> {
    let opening = block.trim_start();
    let mark = opening.chars().next()?;
    let length = opening.chars().take_while(|c| *c == mark).count();
    let opens = |line: &str| {
        let line = line.trim_start();
        let info = line.trim_start_matches(mark);
        // A bare fence closes the block; only one with a language is sure to open another.
        (line.len() - info.len()) / mark.len_utf8() >= length
            && info.starts_with(char::is_alphabetic)
            && !info.contains(mark)
    };
    block.lines().enumerate().skip(1).find(|(_, line)| opens(line)).map(|(below, _)| below)
}

/// Returns true if a fenced block ends with a fence, not with the file or the list item.
fn is_closed(block: &str) -> bool {
    let opening = block.trim_start();
    let Some(mark) = opening.chars().next() else { return false };
    let length = opening.chars().take_while(|c| *c == mark).count();
    let mut lines = block.trim_end().lines();
    // The first line is left out, or the opening fence would count as the closing one.
    let (_, last) = (lines.next(), lines.next_back());
    let last = last.unwrap_or_default().trim_start_matches([' ', '\t', '>']).trim_end();
    last.chars().count() >= length && last.chars().all(|c| c == mark)
}
