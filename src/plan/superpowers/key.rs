//! Keys of metadata: `**Depends on:** Task 1`, `- **id**: x`, `Parallel-safe: true`.
//!
//! Invariant: knows how a key is spelled, not what its value means.

use super::outline::Line;

/// What a line of metadata is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Id,
    DependsOn,
    ParallelSafe,
    Files,
    Model,
    Agent,
    Test,
    Timeout,
    Reviews,
    Run,
    /// Not an edge; noticed to warn those who think so.
    Wave,
    /// A file key of its own: `**Create:** path`.
    Write,
    Read,
    /// Something else that reads like a key.
    Unknown,
}

/// A key with its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) key: Key,
    /// As written, for messages.
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) bold: bool,
}

/// Longest text before a colon that can be a key.
const MAX_LEN: usize = 40;

/// Reads the line as key and value.
pub(super) fn read(line: &Line) -> Option<Entry<'_>> {
    if line.bold == line.text.len() && line.bold > 0 && !line.text.contains([':', '：']) {
        // `**Files**` on a line of its own.
        let key = known(&line.text)?;
        return Some(Entry { key, name: &line.text, value: "", bold: true });
    }
    entry(&line.text, line.bold)
}

/// Reads all keys of a line: more may follow after `·`, `•`, `;` or `|`.
pub(super) fn read_all(line: &Line) -> Vec<Entry<'_>> {
    let Some(first) = read(line) else { return Vec::new() };
    let mut entries = vec![first];
    if first.key == Key::Unknown && !first.bold {
        return entries;
    }
    let mut rest = first.value;
    let mut searched = 0;
    while let Some(at) = rest[searched..].find(['·', '•', '|', ';']) {
        let at = searched + at;
        let mark = rest[at..].chars().next().map_or(1, char::len_utf8);
        let after = rest[at + mark..].trim_start();
        match entry(after, 0).filter(|entry| entry.key != Key::Unknown) {
            Some(next) => {
                if let Some(last) = entries.last_mut() {
                    last.value = rest[..at].trim_end();
                }
                entries.push(Entry { bold: first.bold, ..next });
                (rest, searched) = (next.value, 0);
            }
            None => searched = at + mark,
        }
    }
    entries
}

fn entry(text: &str, bold: usize) -> Option<Entry<'_>> {
    let end = text.char_indices().take(MAX_LEN).find(|(_, c)| matches!(c, ':' | '：'))?.0;
    let name = text[..end].trim();
    let mark = text[end..].chars().next().map_or(1, char::len_utf8);
    let value = text[end + mark..].trim();
    let is_bold = bold >= name.len() && bold > 0;
    let key = match known(name) {
        Some(key) => key,
        None if is_bold || is_plain_key(name) => Key::Unknown,
        None => return None,
    };
    Some(Entry { key, name, value, bold: is_bold })
}

/// `Complexity`, `Test strategy`: a capital and at most three words.
fn is_plain_key(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.split_whitespace().count() <= 3
}

/// Returns the key that a name spells.
pub(super) fn known(name: &str) -> Option<Key> {
    let is_noise = |c: char| c.is_whitespace() || matches!(c, '-' | '_' | '`' | '*');
    let bare: String =
        name.chars().filter(|c| !is_noise(*c)).flat_map(char::to_lowercase).collect();
    let key = match bare.as_str() {
        "id" | "taskid" => Key::Id,
        "dependson" | "depends" | "dependencies" | "dependency" | "blockedby" => Key::DependsOn,
        "parallelsafe" => Key::ParallelSafe,
        "files" | "file" => Key::Files,
        "model" => Key::Model,
        "agent" => Key::Agent,
        "test" => Key::Test,
        "timeout" => Key::Timeout,
        "reviews" => Key::Reviews,
        "run" => Key::Run,
        "wave" => Key::Wave,
        "newfile" | "newfiles" | "create" | "modify" | "edit" | "delete" => Key::Write,
        "read" | "reference" => Key::Read,
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let bold = text.strip_prefix("**").and_then(|t| t.find("**")).unwrap_or(0);
        Line { text: text.replace("**", ""), bold, ..Line::default() }
    }

    fn keys(text: &str) -> Vec<(Key, String)> {
        read_all(&line(text)).iter().map(|e| (e.key, e.value.to_owned())).collect()
    }

    #[test]
    fn spellings_of_one_key() {
        for text in [
            "**depends_on**: a",
            "**Depends on:** a",
            "Depends-On: a",
            "Blocked by: a",
            "**DependsOn** : a",
            "**`depends_on`**: a",
            "dependencies： a",
        ] {
            assert_eq!(keys(text), [(Key::DependsOn, "a".to_owned())], "{text}");
        }
        assert_eq!(keys("**Files**"), [(Key::Files, String::new())]);
        assert_eq!(keys("**Goal:** x"), [(Key::Unknown, "x".to_owned())]);
    }

    #[test]
    fn prose_has_no_key() {
        for text in ["the id: x", "see https://x.y", "no colon", "a long, long way: x", ""] {
            assert!(keys(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn one_line_may_hold_several() {
        let expected = [
            (Key::Id, "api".to_owned()),
            (Key::DependsOn, "[model]".to_owned()),
            (Key::ParallelSafe, "false".to_owned()),
        ];
        assert_eq!(
            keys("**id**: api · **depends_on**: [model] · **parallel_safe**: false"),
            expected
        );
        assert_eq!(keys("id: api | depends_on: [model] | parallel_safe: false"), expected);
        assert_eq!(keys("**Depends on:** a | b"), [(Key::DependsOn, "a | b".to_owned())]);
    }
}
