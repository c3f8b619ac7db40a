//! YAML as trees of texts, each with its line.
//!
//! Invariant: a text stays as it was written: `1.10` is no number here, and `yes` no truth. What
//! a file of settings or a ticket has no use for (aliases, keys that are no text) is a fault.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Deeper than this is no file that a person wrote.
const MAX_DEPTH: usize = 32;
/// A map with more keys is none either.
const MAX_KEYS: usize = 1000;

/// A value and the line it begins at, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; no key twice.
    Map(Vec<(String, Node)>),
}

/// Why a text is not read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) why: String,
}

impl Node {
    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// Returns what the first of these keys holds that is there.
    pub(crate) fn first(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// Returns keys and values; none where it is no map.
    pub(crate) fn entries(&self) -> &[(String, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the text, if it is one and not empty.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }

    /// Returns the texts of a list, or the single one, each with its line.
    pub(crate) fn texts(&self) -> Vec<(&str, usize)> {
        let items = match &self.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(self),
        };
        items.iter().filter_map(|item| Some((item.text()?, item.line))).collect()
    }
}

/// Reads the first document of a text whose first line has this number.
pub(crate) fn read(text: &str, first_line: usize) -> Result<Node, Fault> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let line_of = |span: Span| span.start.line() + first_line - 1;
        match event {
            Ok((Event::DocumentEnd, _)) => break,
            Ok((event, span)) => tree.take(event, line_of(span))?,
            Err(error) => {
                let line = error.marker().line() + first_line - 1;
                return Err(Fault { line, why: error.info().to_owned() });
            }
        }
    }
    let nothing = Node { value: Value::Nothing, line: first_line };
    Ok(tree.root.unwrap_or(nothing))
}

/// What is built of the events, with the lists and maps that are open.
#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
}

enum Open {
    List(Vec<Node>, usize),
    Map(Vec<(String, Node)>, Option<String>, usize),
}

impl Tree {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Fault> {
        let fault = |why: &str| Err(Fault { line, why: why.to_owned() });
        if self.open.len() > MAX_DEPTH {
            return fault("it is nested too deeply");
        }
        match event {
            Event::Alias(_) => fault("an alias (`*name`) is not read here"),
            Event::Scalar(text, style, ..) => {
                let value = scalar(&text, style);
                self.put(Node { value, line })
            }
            Event::SequenceStart(..) => {
                self.open.push(Open::List(Vec::new(), line));
                Ok(())
            }
            Event::MappingStart(..) => {
                self.open.push(Open::Map(Vec::new(), None, line));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop() {
                    Some(Open::List(items, line)) => Node { value: Value::List(items), line },
                    Some(Open::Map(entries, _, line)) => Node { value: Value::Map(entries), line },
                    None => return Ok(()),
                };
                self.put(node)
            }
            _ => Ok(()),
        }
    }

    fn put(&mut self, node: Node) -> Result<(), Fault> {
        let line = node.line;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(items, _)) => items.push(node),
            Some(Open::Map(entries, key, _)) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let name = match node.value {
                        Value::Text(text) => text,
                        Value::Nothing => String::new(),
                        _ => return Err(Fault { line, why: "a key is no text".to_owned() }),
                    };
                    if entries.len() == MAX_KEYS {
                        return Err(Fault { line, why: "it has too many keys".to_owned() });
                    }
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(Fault { line, why: format!("the key `{name}` stands twice") });
                    }
                    *key = Some(name);
                }
            },
        }
        Ok(())
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Nothing,
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_stay_as_written_and_know_their_lines() {
        let node = read("a: 1.10\nb:\n  - 'x: y'\n  - no\nc: >-\n  one\n  two\nd: ~\n", 2).unwrap();
        let text = |key| node.get(key).and_then(Node::text);
        assert_eq!((text("a"), text("c"), text("d")), (Some("1.10"), Some("one two"), None));
        assert_eq!(node.get("b").unwrap().texts(), [("x: y", 4), ("no", 5)]);
        assert_eq!(node.first(&["z", "a"]).unwrap().texts(), [("1.10", 2)]);
    }

    #[test]
    fn faults_know_their_lines() {
        let fault = |text: &str| read(text, 1).unwrap_err();
        assert_eq!(fault("a: 1\nb: x: y\n").line, 2);
        assert_eq!(fault("a: 1\na: 2\n").why, "the key `a` stands twice");
        assert!(fault("a: &x 1\nb: *x\n").why.contains("alias"));
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(fault(&nested(100)).why.contains("deep"));
        assert!(read(&nested(20), 1).is_ok());
        assert!(read(&"[".repeat(100_000), 1).is_err());
        let keys: String = (0..100_000).map(|number| format!("k{number}: 1\n")).collect();
        assert_eq!(fault(&keys).line, MAX_KEYS + 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-a-c:#'\"\\[\\]{},&*!|> \n\t]{0,60}") {
            let _ = read(&text, 1);
        }
    }
}
