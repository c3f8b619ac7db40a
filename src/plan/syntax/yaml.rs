//! YAML as a tree of texts, each with its line.
//!
//! Invariant: a text stays as written: `1.10` is not a number here and `yes` is not a boolean,
//! since both are common in titles and versions. What settings and tickets have no use for
//! (aliases, keys that are not text) is a fault.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Deepest nesting that is accepted; no person writes a deeper file.
const MAX_DEPTH: usize = 32;
/// At most this many keys in one map. Each new key is compared with all others, so a map with a
/// hundred thousand keys would take minutes.
const MAX_KEYS: usize = 1000;

/// A value and its first line, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlNode {
    pub(crate) value: YamlValue,
    pub(crate) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum YamlValue {
    Nothing,
    Text(String),
    List(Vec<YamlNode>),
    /// Keys in the order of the text, each once.
    Map(Vec<(String, YamlNode)>),
}

/// Why a text cannot be read, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlFault {
    pub(crate) line: usize,
    pub(crate) why: String,
}

impl YamlNode {
    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&YamlNode> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// Returns the value of the first of these keys that exists.
    pub(crate) fn first(&self, keys: &[&str]) -> Option<&YamlNode> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// Returns keys and values; empty if the node is not a map.
    pub(crate) fn entries(&self) -> &[(String, YamlNode)] {
        match &self.value {
            YamlValue::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the text, if the node is one and not empty.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            YamlValue::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }

    /// Returns the texts of a list, or the single text, each with its line.
    pub(crate) fn texts(&self) -> Vec<(&str, usize)> {
        let items = match &self.value {
            YamlValue::List(items) => items.as_slice(),
            _ => std::slice::from_ref(self),
        };
        items.iter().filter_map(|item| Some((item.text()?, item.line))).collect()
    }
}

/// Reads the first document of a text; `first_line` is the number of its first line.
pub(crate) fn read(text: &str, first_line: usize) -> Result<YamlNode, YamlFault> {
    let mut tree = YamlTree::default();
    for event in Parser::new_from_str(text) {
        let line_of = |span: Span| span.start.line() + first_line - 1;
        match event {
            // What follows is another document, and may be anything.
            Ok((Event::DocumentEnd, _)) => break,
            Ok((event, span)) => tree.take(event, line_of(span))?,
            Err(error) => {
                let line = error.marker().line() + first_line - 1;
                return Err(YamlFault { line, why: words(error.info()) });
            }
        }
    }
    let nothing = YamlNode { value: YamlValue::Nothing, line: first_line };
    Ok(tree.root.unwrap_or(nothing))
}

/// Returns a message of the parser in words of somebody who has never read the grammar of YAML.
fn words(info: &str) -> String {
    let known = [
        ("mapping values are not allowed", "a value that contains `: ` is not in quotes"),
        ("simple key", "a line is not of the form `key: value`"),
        ("flow sequence", "a quote or a bracket is never closed"),
        ("flow mapping", "a quote or a bracket is never closed"),
        ("end of stream", "a quote or a bracket is never closed"),
        ("unexpected eof", "a quote or a bracket is never closed"),
        ("tab", "it is indented by a tab instead of spaces"),
        ("indentation", "a line is indented more or less than its neighbours"),
    ];
    let said = known.iter().find(|(part, _)| info.contains(part)).map(|(_, said)| *said);
    said.unwrap_or(info).to_owned()
}

/// The tree under construction, with its open lists and maps.
#[derive(Default)]
struct YamlTree {
    root: Option<YamlNode>,
    open: Vec<OpenNode>,
}

enum OpenNode {
    List(Vec<YamlNode>, usize),
    Map(Vec<(String, YamlNode)>, Option<String>, usize),
}

impl YamlTree {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlFault> {
        let fault = |why: &str| Err(YamlFault { line, why: why.to_owned() });
        if self.open.len() > MAX_DEPTH {
            return fault("it is nested too deep");
        }
        match event {
            Event::Alias(_) => fault("aliases (`*name`) are not supported"),
            Event::Scalar(text, style, ..) => {
                let value = scalar(&text, style);
                self.put(YamlNode { value, line })
            }
            Event::SequenceStart(..) => {
                self.open.push(OpenNode::List(Vec::new(), line));
                Ok(())
            }
            Event::MappingStart(..) => {
                self.open.push(OpenNode::Map(Vec::new(), None, line));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop() {
                    Some(OpenNode::List(items, line)) => {
                        YamlNode { value: YamlValue::List(items), line }
                    }
                    Some(OpenNode::Map(entries, _, line)) => {
                        YamlNode { value: YamlValue::Map(entries), line }
                    }
                    None => return Ok(()),
                };
                self.put(node)
            }
            _ => Ok(()),
        }
    }

    fn put(&mut self, node: YamlNode) -> Result<(), YamlFault> {
        let line = node.line;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(OpenNode::List(items, _)) => items.push(node),
            Some(OpenNode::Map(entries, key, _)) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let name = match node.value {
                        YamlValue::Text(text) => text,
                        YamlValue::Nothing => String::new(),
                        _ => return Err(YamlFault { line, why: "a key must be text".to_owned() }),
                    };
                    if entries.len() == MAX_KEYS {
                        return Err(YamlFault { line, why: "it has too many keys".to_owned() });
                    }
                    // The parser reports events and does not compare keys; a second `status` would
                    // be ignored.
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(YamlFault {
                            line,
                            why: format!("the key `{name}` appears twice"),
                        });
                    }
                    *key = Some(name);
                }
            },
        }
        Ok(())
    }
}

fn scalar(text: &str, style: ScalarStyle) -> YamlValue {
    match (style, text) {
        // Only plain ones: `"null"` in quotes is a text.
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => YamlValue::Nothing,
        _ => YamlValue::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_stay_as_written_and_have_their_lines() {
        let node = read("a: 1.10\nb:\n  - 'x: y'\n  - no\nc: >-\n  one\n  two\nd: ~\n", 2).unwrap();
        let text = |key| node.get(key).and_then(YamlNode::text);
        assert_eq!((text("a"), text("c"), text("d")), (Some("1.10"), Some("one two"), None));
        assert_eq!(node.get("b").unwrap().texts(), [("x: y", 4), ("no", 5)]);
        assert_eq!(node.first(&["z", "a"]).unwrap().texts(), [("1.10", 2)]);
    }

    #[test]
    fn faults_have_their_lines() {
        let fault = |text: &str| read(text, 1).unwrap_err();
        assert_eq!(fault("a: 1\nb: x: y\n").line, 2);
        assert_eq!(fault("a: 1\na: 2\n").why, "the key `a` appears twice");
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
        fn any_text_is_accepted_or_refused(text in "[-a-c:#'\"\\[\\]{},&*!|> \n\t]{0,60}") {
            let _ = read(&text, 1);
        }
    }
}
